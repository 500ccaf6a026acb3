"""What FORMATS says of a row of the lake, written a second time, in Python, from the page and not from the Rust.

A row is a dict of the lake's columns. Texts of properties are JSON.
"""

import datetime
import zoneinfo
from decimal import Decimal

from source_json import Value, last, parse, plain

PROFILE = {
    "identity": None, "objectId": "object_id", "all_identities": "all_identities", "platform": "platform",
    "phone": "phone", "name": "name", "email": "email", "push_token": "push_token",
}
DEVICE = {
    "make": "make", "model": "model", "appVersion": "app_version", "sdkVersion": "sdk_version",
    "osVersion": "os_version", "browser": "browser", "dpi": "dpi",
}
DIMENSIONS = {"width": "width", "height": "height", "unit": "unit"}
USER = {
    "identity": None, "objectId": "object_id", "all_identities": "all_identities", "Email": "email",
    "Phone": "phone",
}
EVENT_COLUMNS = [
    "ts", "eventName",
    *(f"profile.{name}" for name in PROFILE),
    *(f"deviceInfo.{name}" for name in DEVICE),
    *(f"deviceInfo.dimensions.{name}" for name in DIMENSIONS),
    "controlGroupName",
]  # fmt: skip
PROFILE_PROPERTIES = ["Name", "Gender", "DOB", "Photo", "MSG-push", "MSG-email", "MSG-sms", "MSG-whatsapp"]
CONTROL = [*range(0x20), *range(0x7F, 0xA0)]
REPLACED = {code: "?" for code in CONTROL if chr(code) not in "\t\n\r"}


class Pairs(list):
    """A JSON object: its keys and values, duplicates included."""


class Dataset:
    """The rows of a file, each in the dress of every format."""

    def __init__(self, facts, rows):
        self.is_events = facts["content"] == "events"
        self.event_name = facts.get("eventName")
        self.identities = facts["identities"]
        self.zone = zoneinfo.ZoneInfo(facts["timeZone"])
        self.rows = rows
        for row in rows:
            row["props"] = parse(row["event_props"] if self.is_events else row["profile_props"])
            row["session"] = parse(row["session_props"]) if row.get("session_props") else None

    def ts(self, row):
        at = datetime.datetime.fromtimestamp(row["ts"] // 1_000_000, datetime.timezone.utc)
        return int(at.astimezone(self.zone).strftime("%Y%m%d%H%M%S"))

    def field(self, row, name, column):
        """None where absent."""
        if name == "identity":
            return next((row[kind] for kind in self.identities if row.get(kind)), None)
        value = row.get(column)
        if column == "all_identities":
            return [identity for identity in value or [] if identity is not None] or None
        return value

    def fields(self, row, names):
        """The fields that are there."""
        values = ((name, self.field(row, name, column)) for name, column in names.items())
        return [(name, value) for name, value in values if value is not None]

    # JSON

    def json_record(self, row, as_string):
        """`Pairs` of keys and values; what stands in the source is a `Value`."""
        if not self.is_events:
            properties = [(key, value) for key, value in row["props"].members if key not in USER]
            return Pairs(json_fields(self.fields(row, USER)) + json_properties(properties, as_string))
        record = [
            ("profile", json_fields(self.fields(row, PROFILE))),
            ("ts", Value("number", str(self.ts(row)))),
            ("eventName", self.event_name),
        ]
        device = json_fields(self.fields(row, DEVICE))
        dimensions = json_fields(self.fields(row, DIMENSIONS))
        if dimensions:
            device.append(("dimensions", dimensions))
        record.append(("deviceInfo", device))
        record = Pairs((key, value) for key, value in record if value != [])
        if row.get("control_group_name") is not None:
            record.append(("controlGroupName", row["control_group_name"]))
        record.append(("eventProps", json_properties(row["props"].members, as_string)))
        if row["session"] and row["session"].members:
            record.append(("sessionProps", json_properties(row["session"].members, as_string)))
        return record

    # CSV

    def csv_columns(self):
        """(scope, key as written) of every property column, in order of first appearance. Keys that become the same
        once their control characters are replaced share a column."""
        event, session = {}, {}
        for row in self.rows:
            event.update(dict.fromkeys(visible(key) for key, _ in flatten(row["props"])))
            if row["session"]:
                session.update(dict.fromkeys(visible(key) for key, _ in flatten(row["session"])))
        if self.is_events:
            return [("props", key) for key in event] + [("session", key) for key in session]
        own = [key for key in event if key not in USER and key not in PROFILE_PROPERTIES]
        return [("props", key) for key in PROFILE_PROPERTIES + own]

    def csv_header(self, columns):
        if not self.is_events:
            return list(USER) + [key for _, key in columns]
        prefix = {"props": "eventProps.", "session": "sessionProps."}
        return EVENT_COLUMNS + [prefix[scope] + key for scope, key in columns]

    def csv_record(self, row, columns):
        if self.is_events:
            cells = [str(self.ts(row)), self.event_name]
            for names in (PROFILE, DEVICE, DIMENSIONS):
                cells += [text(self.field(row, name, column)) for name, column in names.items()]
            cells.append(text(row.get("control_group_name")))
        else:
            cells = [text(self.field(row, name, column)) for name, column in USER.items()]
        found = {}
        for scope in ("props", "session"):
            for key, cell in flatten(row[scope]) if row[scope] else []:
                if cell is not None:
                    found[scope, visible(key)] = cell
        return [visible(cell) for cell in cells + [found.get(column, "") for column in columns]]

    # XML

    def xml_record(self, row):
        """(tag, text or children)."""
        if not self.is_events:
            return ("Profile", elements(self.fields(row, USER)) + [("profileProps", entries(row["props"]))])
        children = [("ts", str(self.ts(row))), ("eventName", printable(self.event_name))]
        device = elements(self.fields(row, DEVICE))
        dimensions = elements(self.fields(row, DIMENSIONS))
        device += [("dimensions", dimensions)] if dimensions else []
        for tag, inner in (("profile", elements(self.fields(row, PROFILE))), ("deviceInfo", device)):
            children += [(tag, inner)] if inner else []
        if row.get("control_group_name") is not None:
            children.append(("controlGroupName", printable(row["control_group_name"])))
        children.append(("eventProps", entries(row["props"])))
        if row["session"] and (session := entries(row["session"])):
            children.append(("sessionProps", session))
        return ("Event", children)

    # Parquet

    def parquet_record(self, row, as_string):
        """As `to_pylist` gives it: dicts for structs, lists of pairs for maps."""
        if not self.is_events:
            record = {name: self.field(row, name, column) for name, column in USER.items()}
            return record | {"profileProps": properties(row["props"], as_string)}
        device = {name: self.field(row, name, column) for name, column in DEVICE.items()}
        dimensions = {name: self.field(row, name, column) for name, column in DIMENSIONS.items()}
        device["dimensions"] = struct(dimensions)
        profile = {name: self.field(row, name, column) for name, column in PROFILE.items()}
        return {
            "ts": self.ts(row),
            "eventTime": row["ts"] // 1000,
            "eventName": self.event_name,
            "profile": struct(profile),
            "deviceInfo": struct(device),
            "controlGroupName": row.get("control_group_name"),
            "eventProps": properties(row["props"], as_string),
            "sessionProps": (row["session"] and properties(row["session"], as_string)) or None,
        }


def number(value):
    """Without a fraction where whole, never with an exponent."""
    return str(int(value)) if value == int(value) else format(Decimal(repr(value)), "f")


def text(value):
    if value is None:
        return ""
    if isinstance(value, float):
        return number(value)
    return "[" + ", ".join(value) + "]" if isinstance(value, list) else value


def visible(cell):
    """Control characters other than TAB, LF, CR are `?`."""
    return cell.translate(REPLACED)


def printable(cell):
    """As `visible`, and what else XML 1.0 forbids."""
    return visible(cell).replace("\ufffe", "?").replace("\uffff", "?")


def json_value(value):
    return Value("number", number(value)) if isinstance(value, float) else value


def json_fields(fields):
    return Pairs((name, json_value(value)) for name, value in fields)


def json_properties(members, as_string):
    stay = ("null", "string")
    if not as_string:
        return Pairs(members)
    return Pairs((key, value if value.kind in stay else value.text) for key, value in members)


def flatten(value):
    """(column, text) of an object's properties in source order; None for a null."""
    for key, member in last(value.members):
        if member.kind == "object" and member.members:
            for inner, below in last(member.members):
                yield f"{key}|{inner}", plain(below)
        elif member.kind == "array" and (lists := columns_of_items(member.elements)):
            for inner, texts in lists.items():
                yield f"{key}|{inner}", "[" + ",".join(texts) + "]"
        else:
            yield key, plain(member)


def columns_of_items(items):
    """Of a list of objects: the JSON texts by key, one an item; nothing for any other list."""
    if not all(item.kind == "object" for item in items):
        return {}
    lists = {}
    for at, item in enumerate(items):
        for key, value in last(item.members):
            lists.setdefault(key, ["null"] * len(items))[at] = value.text
    return lists


def elements(fields):
    return [
        (name, printable(text(one)))
        for name, value in fields
        for one in (value if isinstance(value, list) else [value])
    ]


def entries(value):
    pairs = ((key, plain(member)) for key, member in last(value.members))
    return [
        ("entry", [("key", printable(key)), ("value", printable(content))])
        for key, content in pairs
        if content is not None
    ]


def struct(fields):
    return fields if any(value is not None for value in fields.values()) else None


def properties(value, as_string):
    members = [(key, member) for key, member in last(value.members) if member.kind != "null"]
    return [(key, plain(member) if as_string else union(member)) for key, member in members]


def union(value):
    """The member that a value stands in; the others are null."""
    members = dict.fromkeys((f"member{at}" for at in range(6)), None)
    if value.kind == "bool":
        members["member0"] = value.text == "true"
    elif value.kind == "number":
        place, found = number_place(value.text)
        members[place] = found
    else:
        members["member5"] = plain(value)
    return members


def number_place(literal):
    if not any(c in ".eE" for c in literal):
        whole = int(literal)
        for place, bits in (("member1", 31), ("member2", 63)):
            if -(1 << bits) <= whole < 1 << bits:
                return place, whole
        return "member5", literal
    double, exact = float(literal), Decimal(literal)
    lost = double in (float("inf"), float("-inf")) or (double == 0 and exact != 0)
    return ("member5", literal) if lost else ("member4", double)
