"""The same exports by other programs, one a process, on one thread.

    peers.py PROGRAM TASK LAKE OUT    PROGRAM: duckdb, clickhouse, polars, python; TASK: see the functions' names

Each is made to write what it can write best of our shape, in the way that its documentation suggests; where a shape
is not its own, it is given the nearest. They read the same Parquet files, get their event's name from the folder,
and write one file an event (JSON and XML: one file), without our size limit, checksums or manifests.
"""

import glob
import gzip
import json
import pathlib
import sys
import urllib.parse

import pyarrow.parquet as pq

PROFILE = {"identity": "identity", "objectId": "object_id", "all_identities": "all_identities", "platform": "platform",
           "phone": "phone", "email": "email"}
DEVICE = {"make": "make", "model": "model", "appVersion": "app_version", "osVersion": "os_version"}
TEXTS = {f"profile.{name}": column for name, column in PROFILE.items()} | {
    f"deviceInfo.{name}": column for name, column in DEVICE.items()}


class Lake:
    """The folders of events, each with its files and property keys."""

    def __init__(self, root):
        self.all = f"{root}/account=*/events/*/*/*/*/*.parquet"
        self.events = {}
        for path in sorted(glob.glob(self.all)):
            folder = next(part for part in pathlib.Path(path).parts if part.startswith("event="))
            self.events.setdefault(urllib.parse.unquote(folder[6:]), []).append(path)

    def keys(self, event):
        metadata = pq.read_schema(self.events[event][0]).metadata
        return json.loads(metadata[b"spillway.property_keys"])["event"]

    def rows(self, event, count):
        table = pq.ParquetFile(self.events[event][0]).read_row_group(0, columns=["event_props"])
        return table.column("event_props").slice(0, count).to_pylist()


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


# DuckDB

def duck(threads=1):
    import duckdb
    connection = duckdb.connect()
    connection.execute(f"SET threads = {threads}")
    return connection


DUCK_TS = "strftime(ts, '%Y%m%d%H%M%S')::BIGINT AS ts"


def duck_struct(fields):
    return "{" + ", ".join(f"{name}: {column}" for name, column in fields.items()) + "}"


def duck_record(properties):
    return (f"{duck_struct(PROFILE)} AS profile, {DUCK_TS}, event AS eventName, {duck_struct(DEVICE)} AS deviceInfo, "
            f"{properties} AS eventProps")


def duckdb_json(lake, out):
    duck().execute(f"COPY (SELECT {duck_record('event_props::JSON')} FROM read_parquet('{lake.all}', hive_partitioning"
                   f" = true)) TO '{out}/all.json.gz' (FORMAT json, COMPRESSION gzip)")


def duckdb_csv(lake, out):
    """One parse of the text a row (`json_transform`), not one a column."""
    connection = duck()
    for at, (event, files) in enumerate(lake.events.items()):
        keys = lake.keys(event)
        shape = json.dumps({key: "VARCHAR" for key in keys}, ensure_ascii=False).replace("'", "''")
        texts = ", ".join(f"{column} AS {quoted(name)}" for name, column in TEXTS.items())
        texts = texts.replace("all_identities AS", "'[' || array_to_string(all_identities, ', ') || ']' AS")
        properties = ", ".join(f"p.{quoted(key)} AS {quoted('eventProps.' + key)}" for key in keys)
        connection.execute(
            f"COPY (SELECT {DUCK_TS}, event AS eventName, {texts}, {properties} FROM (SELECT *, json_transform("
            f"event_props, '{shape}') AS p FROM read_parquet({files}, hive_partitioning = true))) "
            f"TO '{out}/{at}.csv.gz' (FORMAT csv, COMPRESSION gzip)")


DUCK_UNION = """map_from_entries(list_transform(json_keys(event_props::JSON), lambda k: {k: k, v: {
    member0: TRY_CAST(CASE json_type(event_props, '$."' || k || '"') WHEN 'BOOLEAN' THEN event_props->>('$."' || k || '"') END AS BOOLEAN),
    member1: TRY_CAST(CASE WHEN json_type(event_props, '$."' || k || '"') LIKE '%BIGINT' THEN event_props->>('$."' || k || '"') END AS INTEGER),
    member2: CASE WHEN json_type(event_props, '$."' || k || '"') LIKE '%BIGINT' AND TRY_CAST(event_props->>('$."' || k || '"') AS INTEGER) IS NULL
             THEN TRY_CAST(event_props->>('$."' || k || '"') AS BIGINT) END,
    member3: NULL::FLOAT,
    member4: TRY_CAST(CASE json_type(event_props, '$."' || k || '"') WHEN 'DOUBLE' THEN event_props->>('$."' || k || '"') END AS DOUBLE),
    member5: CASE WHEN json_type(event_props, '$."' || k || '"') IN ('VARCHAR', 'OBJECT', 'ARRAY') THEN event_props->>('$."' || k || '"') END
}}))"""


DUCK_STRINGS = "event_props::JSON::MAP(VARCHAR, VARCHAR)"


def duckdb_parquet(lake, out, properties=DUCK_UNION):
    duck_parquet_file(duck(), lake.all, properties, f"{out}/all.parquet")


def duckdb_parquet_strings(lake, out):
    duckdb_parquet(lake, out, DUCK_STRINGS)


def duckdb_parquet_strings_apart(lake, out):
    """In the files that we write, one for each event, day and shard: what repeats itself in one file does not in many."""
    connection = duck()
    for at, file in enumerate(file for files in lake.events.values() for file in files):
        duck_parquet_file(connection, file, DUCK_STRINGS, f"{out}/{at}.parquet")


def duck_parquet_file(connection, files, properties, to):
    record = duck_record(properties).replace(" AS eventName", " AS eventName, ts AS eventTime")
    connection.execute(f"COPY (SELECT {record} FROM read_parquet('{files}', hive_partitioning = true)) "
                       f"TO '{to}' (FORMAT parquet, COMPRESSION zstd)")


# ClickHouse

CLICK_TS = "toInt64(formatDateTime(ts, '%Y%m%d%H%i%S', 'UTC')) AS ts_local"
CLICK_EVENT = "decodeURLComponent(extract(_path, 'event=([^/]+)'))"


def click(query, name, level="COMPRESSION 'gzip' LEVEL 3"):
    import chdb
    chdb.query(f"{query.replace('FORMAT', f'INTO OUTFILE {chr(39)}{name}{chr(39)} {level} FORMAT')} "
               "SETTINGS max_threads = 1, output_format_parallel_formatting = 0, schema_inference_make_columns_nullable = 'auto', "
               "output_format_parquet_compression_method = 'zstd', input_format_parquet_use_native_reader_v3 = 1, "
               "output_format_csv_crlf_end_of_line = 0")


def click_tuple(fields):
    names = ", ".join(f"{column} AS `{name}`" for name, column in fields.items())
    return f"tuple({names})"


def clickhouse_json(lake, out):
    """The properties pass through as they are, by a hand-made line: far faster than ClickHouse's own JSON type."""
    def text(column):
        return f"if(isNull({column}), 'null', toJSONString({column}))"
    parts = ["'{\"profile\":{'"]
    for at, (name, column) in enumerate(PROFILE.items()):
        value = f"toJSONString({column})" if column == "all_identities" else text(column)
        parts.append(f"'{',' if at else ''}\"{name}\":', {value}")
    parts.append(f"'}},\"ts\":', formatDateTime(ts, '%Y%m%d%H%i%S', 'UTC'), ',\"eventName\":', toJSONString({CLICK_EVENT})")
    parts.append("',\"deviceInfo\":{'")
    for at, (name, column) in enumerate(DEVICE.items()):
        parts.append(f"'{',' if at else ''}\"{name}\":', {text(column)}")
    parts.append("'},\"eventProps\":', event_props, '}'")
    click(f"SELECT concat({', '.join(parts)}) FROM file('{lake.all}', Parquet) FORMAT LineAsString", f"{out}/all.json.gz")


def clickhouse_csv(lake, out):
    """One parse of the text a row (`JSONExtract` into a tuple), not one a column."""
    for at, (event, files) in enumerate(lake.events.items()):
        keys = lake.keys(event)
        shape = ", ".join(f"`{key}` Nullable(String)" for key in keys)
        properties = ", ".join(f"p.{n + 1} AS `eventProps.{key}`" for n, key in enumerate(keys))
        texts = ", ".join(f"{column} AS `{name}`" for name, column in TEXTS.items())
        texts = texts.replace("all_identities AS", "concat('[', arrayStringConcat(arrayMap(x -> assumeNotNull(x), all_identities), ', '), ']') AS")
        folder = next(part for part in pathlib.Path(files[0]).parts if part.startswith("event="))
        pattern = lake.all.replace("events/*/*/*/", f"events/*/*/{folder}/")
        click(f"WITH JSONExtract(assumeNotNull(event_props), 'Tuple({shape})') AS p SELECT {CLICK_TS}, {CLICK_EVENT} AS eventName, {texts}, "
              f"{properties} FROM file('{pattern}', Parquet) FORMAT CSVWithNames", f"{out}/{at}.csv.gz")


def clickhouse_xml(lake, out):
    """ClickHouse's own XML: a row with its columns, the properties as key and raw value in arrays."""
    texts = ", ".join(f"{column} AS `{name.split('.')[1]}`" for name, column in TEXTS.items())
    click(f"SELECT {CLICK_TS}, {CLICK_EVENT} AS eventName, {texts}, JSONExtractKeysAndValuesRaw(assumeNotNull(event_props)) AS eventProps "
          f"FROM file('{lake.all}', Parquet) FORMAT XML", f"{out}/all.xml.gz")


CLICK_UNION = """CAST(arrayMap(p -> tuple(p.1, tuple(
    if(p.2 IN ('true', 'false'), p.2 = 'true', NULL)::Nullable(Bool),
    toInt32OrNull(p.2),
    if(isNull(toInt32OrNull(p.2)), toInt64OrNull(p.2), NULL),
    NULL::Nullable(Float32),
    if(isNull(toInt64OrNull(p.2)), toFloat64OrNull(p.2), NULL),
    if(startsWith(p.2, '"'), JSONExtractString(p.2), if(startsWith(p.2, '{') OR startsWith(p.2, '['), p.2, NULL))::Nullable(String)
    )), JSONExtractKeysAndValuesRaw(assumeNotNull(event_props))), 'Map(String, Tuple(member0 Nullable(Bool), member1 Nullable(Int32),
    member2 Nullable(Int64), member3 Nullable(Float32), member4 Nullable(Float64), member5 Nullable(String)))')"""


def clickhouse_parquet(lake, out, properties=CLICK_UNION):
    def struct(fields):
        types = ", ".join(f"{name} " + ("Array(Nullable(String))" if name == "all_identities" else "Nullable(String)")
                          for name in fields)
        return f"CAST(tuple({', '.join(fields.values())}), 'Tuple({types})')"
    click(f"SELECT {CLICK_TS}, ts AS eventTime, {CLICK_EVENT} AS eventName, {struct(PROFILE)} AS profile, {struct(DEVICE)} AS "
          f"deviceInfo, {properties} AS eventProps FROM file('{lake.all}', Parquet) FORMAT Parquet", f"{out}/all.parquet", "")


def clickhouse_parquet_strings(lake, out):
    clickhouse_parquet(lake, out, "JSONExtract(assumeNotNull(event_props), 'Map(String, String)')")


# Polars

def polars_frame(files, event):
    import polars as pl
    return pl.scan_parquet(files).with_columns(
        pl.col("ts").dt.strftime("%Y%m%d%H%M%S").cast(pl.Int64).alias("ts"), pl.lit(event).alias("eventName"))


def polars_json(lake, out):
    """The properties stay one string, escaped: Polars has no way to write a text as JSON. Not our shape."""
    import polars as pl
    for at, (event, files) in enumerate(lake.events.items()):
        def struct(fields):
            return pl.struct(pl.col(column).alias(name) for name, column in fields.items())
        frame = polars_frame(files, event).select(
            struct(PROFILE).alias("profile"), "ts", "eventName", struct(DEVICE).alias("deviceInfo"),
            pl.col("event_props").alias("eventProps"))
        frame.sink_ndjson(f"{out}/{at}.json.gz", compression="gzip")


def polars_csv(lake, out):
    """One parse of the text a row, into the types that its begin shows."""
    import polars as pl
    for at, (event, files) in enumerate(lake.events.items()):
        keys = lake.keys(event)
        types = {}
        for row in lake.rows(event, 2000):
            for key, value in json.loads(row).items():
                known = {bool: pl.Boolean, int: pl.Int64, float: pl.Float64}.get(type(value), pl.String)
                types[key] = pl.Float64 if {types.get(key, known), known} == {pl.Int64, pl.Float64} else known
        shape = pl.Struct({key: types.get(key, pl.String) for key in keys})
        texts = [pl.format("[{}]", pl.col(column).list.join(", ")).alias(name) if column == "all_identities" else
                 pl.col(column).alias(name) for name, column in TEXTS.items()]
        frame = polars_frame(files, event).with_columns(pl.col("event_props").str.json_decode(shape).alias("p"))
        properties = [pl.col("p").struct.field(key).alias(f"eventProps.{key}") for key in keys]
        frame.select("ts", "eventName", *texts, *properties).sink_csv(f"{out}/{at}.csv.gz", compression="gzip")


# Python, as in-house exporters do it

def python_json(lake, out):
    with gzip.open(f"{out}/all.json.gz", "wb", compresslevel=6) as file:
        for event, files in lake.events.items():
            for path in files:
                for batch in pq.ParquetFile(path).iter_batches(batch_size=4096):
                    for row in batch.to_pylist():
                        record = {"profile": {name: row[column] for name, column in PROFILE.items()},
                                  "ts": int(row["ts"].strftime("%Y%m%d%H%M%S")), "eventName": event,
                                  "deviceInfo": {name: row[column] for name, column in DEVICE.items()},
                                  "eventProps": json.loads(row["event_props"])}
                        file.write(json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")


if __name__ == "__main__":
    program, task, root, folder = sys.argv[1:]
    globals()[f"{program}_{task}"](Lake(root), folder)
