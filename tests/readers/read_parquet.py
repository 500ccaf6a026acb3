"""Parquet, read with pyarrow and with DuckDB."""

import io
import tempfile

import duckdb
import pyarrow
import pyarrow.parquet

UNION = "struct<member0: bool, member1: int32, member2: int64, member3: float, member4: double, member5: string>"
STRINGS = "list<element: string>"
DIMENSIONS = "struct<width: double, height: double, unit: string>"
PROFILE = (
    f"struct<identity: string, objectId: string, all_identities: {STRINGS}, platform: string, phone: string, "
    "name: string, email: string, push_token: string>"
)
DEVICE = (
    "struct<make: string, model: string, appVersion: string, sdkVersion: string, osVersion: string, "
    f"browser: string, dpi: double, dimensions: {DIMENSIONS}>"
)
EVENTS = {
    "ts": "int64", "eventTime": "timestamp[ms, tz=UTC]", "eventName": "string", "profile": PROFILE,
    "deviceInfo": DEVICE, "controlGroupName": "string", "eventProps": "map", "sessionProps": "map",
}  # fmt: skip
PROFILES = {
    "identity": "string", "objectId": "string", "all_identities": STRINGS, "Email": "string", "Phone": "string",
    "profileProps": "map",
}  # fmt: skip


def check_parquet(report, path, raw, dataset, file):
    as_string = file["asString"]
    expected = [dataset.parquet_record(row, as_string) for row in dataset.rows]
    columns = EVENTS if dataset.is_events else PROFILES
    with pyarrow.parquet.ParquetFile(io.BytesIO(raw)) as reader:
        check_schema(report, reader, columns, as_string)
        check_metadata(report, reader, file["gzip"])
        table = reader.read()
    if dataset.is_events:
        at = table.column_names.index("eventTime")
        table = table.set_column(at, "eventTime", table["eventTime"].cast(pyarrow.int64()))
    compare(report, "pyarrow", table.to_pylist(), expected, columns)

    if not file["gzip"]:
        check_duckdb(report, path, expected, columns, as_string)
        return
    # DuckDB has no way to unpack a whole Parquet file, a customer neither.
    with tempfile.NamedTemporaryFile(suffix=".parquet") as unpacked:
        unpacked.write(raw)
        unpacked.flush()
        check_duckdb(report, unpacked.name, expected, columns, as_string)


def check_schema(report, reader, columns, as_string):
    value = "string" if as_string else UNION
    types = {name: f"map<string, {value}>" if kind == "map" else kind for name, kind in columns.items()}
    found = reader.schema_arrow
    report.equal("the columns", found.names, list(types))
    for field in found:
        # pyarrow also tells what a map's entries are called; the paths below do too.
        name = str(field.type).replace(" not null", "").replace(f" ('{field.name}')", "")
        report.equal(f"the type of {field.name}", name, types[field.name])
    paths = {reader.schema.column(at).path for at in range(len(reader.schema.names))}
    inner = ["key_value.key", "key_value.value" if as_string else "key_value.value.member5"]
    maps = [name for name, kind in columns.items() if kind == "map"]
    lists = ["profile.all_identities" if "profile" in columns else "all_identities"]
    for path in [f"{name}.{end}" for name in maps for end in inner] + [f"{name}.list.element" for name in lists]:
        report.equal(f"the column {path}", path in paths, True)


def check_metadata(report, reader, is_gzip):
    metadata = reader.metadata
    report.equal("created_by", metadata.created_by.startswith("spillway"), True)
    for group in range(metadata.num_row_groups):
        for at in range(metadata.num_columns):
            column = metadata.row_group(group).column(at)
            what = f"row group {group}, {column.path_in_schema}"
            report.equal(f"{what}: its compression", column.compression, "UNCOMPRESSED" if is_gzip else "ZSTD")
            report.equal(f"{what}: statistics", column.is_stats_set, True)
            # A repeated column without a single value gets no index of its values from the writer.
            has_values = column.statistics.null_count < column.num_values
            report.equal(f"{what}: page index", column.has_offset_index, True)
            report.equal(f"{what}: index of values", column.has_column_index or not has_values, True)


def compare(report, reader, found, expected, columns):
    report.equal(f"rows by {reader}", len(found), len(expected))
    for at, (one, other) in enumerate(zip(found, expected)):
        for name in columns:
            report.equal(f"row {at}, {name} by {reader}", one[name], other[name])


def check_duckdb(report, path, expected, columns, as_string):
    con = duckdb.connect()
    con.execute("CREATE VIEW files AS SELECT * FROM read_parquet('{}')".format(str(path).replace("'", "''")))
    special = {"eventTime": "epoch_ms(eventTime)"}
    maps = [name for name, kind in columns.items() if kind == "map"]
    special |= {name: f"map_entries({name})" for name in maps}
    query = ", ".join(f"{special.get(name, name)} AS {name}" for name in columns)
    cursor = con.execute(f"SELECT {query} FROM files")
    found = [dict(zip(columns, row)) for row in cursor.fetchall()]
    for row in found:
        for name in maps:
            row[name] = row[name] and [(entry["key"], entry["value"]) for entry in row[name]]
            row[name] = [] if row[name] is None and name != "sessionProps" else row[name]
    compare(report, "DuckDB", found, expected, columns)

    # As a customer asks: one property, one member.
    members = [""] if as_string else [f".member{at}" for at in range(6)]
    for name in maps:
        keys = dict.fromkeys(key for row in expected for key, _ in row[name] or [])
        for key in list(keys)[:40] + list(keys)[-40:]:
            parts = ", ".join(f"{name}[$key]{member}, map_extract({name}, $key)[1]{member}" for member in members)
            rows = con.execute(f"SELECT {parts} FROM files", {"key": key}).fetchall()
            for at, (row, other) in enumerate(zip(rows, expected)):
                value = dict(other[name] or []).get(key)
                values = [value] if as_string else list(value.values()) if value else [None] * 6
                both = [one for one in values for _ in range(2)]
                report.equal(f"row {at}, {name}[{key!r}] by DuckDB", list(row), both)
