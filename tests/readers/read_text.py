"""JSON, CSV and XML, read with Python's own modules and with DuckDB, which also unpacks the gzip."""

import csv
import io
import json
import sys
import xml.etree.ElementTree as ElementTree

import duckdb
from formats import Pairs
from source_json import Value, plain

# A file of ours is smaller, so no line or object of it can be larger.
LARGEST = 100_000_000


def loads(text):
    """JSON by Python's module, with nothing lost: duplicate keys and the literals of numbers."""

    def literal(number):
        return Value("number", number)

    return json.loads(text, object_pairs_hook=Pairs, parse_int=literal, parse_float=literal)


def comparable(value, number=str):
    """Objects, arrays and numbers as tuples that say which they are; numbers as `number` takes their literals."""
    if isinstance(value, Value):
        if value.kind == "object":
            return comparable(Pairs(value.members), number)
        if value.kind == "array":
            return comparable(value.elements, number)
        if value.kind == "number":
            return ("number", number(value.text))
        return value.text == "true" if value.kind == "bool" else plain(value)
    if isinstance(value, Pairs):
        return ("object", [(key, comparable(member, number)) for key, member in value])
    if isinstance(value, list):
        return ("array", [comparable(element, number) for element in value])
    return value


def compression(path, file):
    """DuckDB knows gzip by the end of a name, but takes what follows a `?` in it for the query of a URL."""
    return "gzip" if file["gzip"] and "?" in path.name else "auto_detect"


def check_json(report, path, raw, dataset, file):
    as_string, has_name = file["asString"], file.get("headerLine", False)
    text = raw.decode("utf-8")
    report.equal("the end", text[-1], "\n")
    lines = text[:-1].split("\n")
    if has_name:
        name = "".join("?" if ord(c) < 0x20 or 0x7F <= ord(c) < 0xA0 else c for c in dataset.event_name)
        report.equal("the first line", lines.pop(0), name)
    report.equal("rows", len(lines), len(dataset.rows))
    records = [dataset.json_record(row, as_string) for row in dataset.rows]
    for at, (line, record, row) in enumerate(zip(lines, records, dataset.rows)):
        report.equal(f"row {at}", comparable(loads(line)), comparable(record))
        if dataset.is_events and not as_string:
            report.equal(f"row {at}, its source text", f'"eventProps":{row["props"].text}' in line, True)

    # DuckDB: as lines of text below the name, or as JSON lines.
    if has_name:
        source = (
            "SELECT line::JSON AS json FROM read_csv($path, columns = {'line': 'VARCHAR'}, auto_detect = false, "
            "delim = '\x01', quote = '', escape = '', header = false, skip = 1, new_line = '\\n', "
            f"max_line_size = {LARGEST}, compression = '{compression(path, file)}')"
        )
    else:
        source = (
            "SELECT json FROM read_json_objects($path, format = 'newline_delimited', "
            f"maximum_object_size = {LARGEST}, compression = '{compression(path, file)}')"
        )
    keys = ["ts", "eventName", "eventProps", "profile"] if dataset.is_events else ["objectId", "Email"]
    parts = ", ".join(f"json->'{key}'" for key in keys)
    found = duckdb.execute(f"SELECT json, {parts} FROM ({source})", {"path": str(path)}).fetchall()
    report.equal("rows by DuckDB", len(found), len(lines))
    for at, (row, line, record) in enumerate(zip(found, lines, records)):
        report.equal(f"row {at} by DuckDB", row[0], line)
        for key, part in zip(keys, row[1:]):
            # The line has every digit; what DuckDB takes out of it has doubles.
            part = part if part is None else comparable(loads(part), float)
            report.equal(f"row {at}, {key} by DuckDB", part, comparable(dict(record).get(key), float))


def check_csv(report, path, raw, dataset, file):
    csv.field_size_limit(sys.maxsize)
    columns = dataset.csv_columns()
    header = dataset.csv_header(columns)
    expected = [dataset.csv_record(row, columns) for row in dataset.rows]

    rows = list(csv.reader(io.StringIO(raw.decode("utf-8"), newline=""), strict=True))
    report.all_equal("the header", rows.pop(0), header)
    report.equal("rows", len(rows), len(expected))
    for at, (found, cells) in enumerate(zip(rows, expected)):
        report.all_equal(f"row {at}", found, cells, header)

    # DuckDB compares names without case, so it gets its own.
    types = ", ".join(f"'c{at}': 'VARCHAR'" for at in range(len(header)))
    query = (
        f"SELECT * FROM read_csv($path, columns = {{{types}}}, auto_detect = false, delim = ',', quote = '\"', "
        f"escape = '\"', header = true, new_line = '\\n', max_line_size = {LARGEST}, "
        f"compression = '{compression(path, file)}')"
    )
    found = duckdb.execute(query, {"path": str(path)}).fetchall()
    report.equal("rows by DuckDB", len(found), len(expected))
    for at, (row, cells) in enumerate(zip(found, expected)):
        report.all_equal(f"row {at} by DuckDB", [cell or "" for cell in row], cells, header)


def check_xml(report, path, raw, dataset, file):
    head = b'<?xml version="1.0" encoding="UTF-8"?>\n<root>\n'
    report.equal("the begin and the end", (raw[: len(head)], raw[-8:]), (head, b"</root>\n"))
    root = ElementTree.parse(io.BytesIO(raw)).getroot()
    report.equal("the root", root.tag, "root")
    report.equal("rows", len(root), len(dataset.rows))
    for at, (element, row) in enumerate(zip(root, dataset.rows)):
        report.equal(f"row {at}", tree(element), dataset.xml_record(row))


def tree(element):
    """(tag, text or children)."""
    assert not element.attrib
    if len(element) == 0:
        # The containers of properties are the only elements that may be empty and have no text.
        is_container = element.tag in ("eventProps", "sessionProps", "profileProps")
        return (element.tag, [] if is_container and element.text is None else element.text or "")
    assert not (element.text or "").strip()
    return (element.tag, [tree(child) for child in element])
