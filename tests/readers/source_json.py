"""JSON of the lake's rows, taken apart without losing a byte: the independent side of the comparison.

Python's own `json` checks that a text is JSON; the tokens below only find where its parts begin and end, so that
numbers of any length, duplicate keys and escapes stay as they stand in the source.
"""

import json
import re
from dataclasses import dataclass

TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\],:]|[^\s{}\[\],:"]+', re.DOTALL)
UNIT = re.compile(r"\\(?:u([0-9a-fA-F]{4})|.)", re.DOTALL)


@dataclass(slots=True)
class Value:
    """A value: `kind` as JSON calls it, `text` minified; objects and arrays have their parts."""

    kind: str
    text: str
    members: list = None  # of (key, Value), duplicates included
    elements: list = None


def mend(token):
    """A string token whose unpaired surrogate escapes are U+FFFD."""
    if "\\u" not in token:
        return token
    found = list(UNIT.finditer(token))
    units = [int(match[1], 16) if match[1] else None for match in found]
    out, copied, at = [], 0, 0
    while at < len(found):
        unit = units[at]
        if unit is not None and 0xD800 <= unit <= 0xDFFF:
            low = units[at + 1] if at + 1 < len(found) and found[at + 1].start() == found[at].end() else None
            if unit <= 0xDBFF and low is not None and 0xDC00 <= low <= 0xDFFF:
                at += 2
                continue
            out += [token[copied : found[at].start()], "\ufffd"]
            copied = found[at].end()
        at += 1
    return "".join(out) + token[copied:]


def parse(text):
    """The value of a text."""
    json.loads(text, parse_int=str, parse_float=str)
    tokens = [mend(token) if token[0] == '"' else token for token in TOKEN.findall(text)]
    value, end = parse_tokens(tokens, 0)
    assert end == len(tokens)
    return value


def parse_tokens(tokens, at):
    token, start = tokens[at], at
    if token == "{":
        members, at = [], at + 1
        while tokens[at] != "}":
            key = json.loads(tokens[at])
            value, at = parse_tokens(tokens, at + 2)
            members.append((key, value))
            at += tokens[at] == ","
        return Value("object", "".join(tokens[start : at + 1]), members=members), at + 1
    if token == "[":
        elements, at = [], at + 1
        while tokens[at] != "]":
            value, at = parse_tokens(tokens, at)
            elements.append(value)
            at += tokens[at] == ","
        return Value("array", "".join(tokens[start : at + 1]), elements=elements), at + 1
    kinds = {'"': "string", "t": "bool", "f": "bool", "n": "null"}
    return Value(kinds.get(token[0], "number"), token), at + 1


def plain(value):
    """The value as text: a string's characters, else its JSON text; None for null."""
    if value.kind == "null":
        return None
    return json.loads(value.text) if value.kind == "string" else value.text


def last(members):
    """Of duplicate keys the last, at its own place."""
    at = {key: index for index, (key, _) in enumerate(members)}
    return [(key, value) for index, (key, value) in enumerate(members) if at[key] == index]
