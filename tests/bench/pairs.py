"""What is measured: our exports, the same by others, and what of ours has to be faster than which by how much."""

OURS = {
    "json": ["json"],
    "json compact": ["json", "--compact"],
    "json as string": ["json", "--as-string"],
    "json fallback": ["json", "--fallback"],
    "json zone": ["json", "--zone", "Europe/Berlin"],
    "json two threads": ["json", "--threads", "2"],
    "csv": ["csv"],
    "csv compact": ["csv", "--compact"],
    "xml": ["xml"],
    "xml compact": ["xml", "--compact"],
    "parquet": ["parquet", "--plain"],
    "parquet gzip": ["parquet"],
    "parquet strings": ["parquet", "--plain", "--as-string"],
    "scan": ["json", "--scan"],
}

PEERS = {
    "duckdb json": ("duckdb", "json"),
    "clickhouse json": ("clickhouse", "json"),
    "polars json": ("polars", "json"),
    "python json": ("python", "json"),
    "duckdb csv": ("duckdb", "csv"),
    "clickhouse csv": ("clickhouse", "csv"),
    "polars csv": ("polars", "csv"),
    "clickhouse xml": ("clickhouse", "xml"),
    "duckdb parquet": ("duckdb", "parquet"),
    "clickhouse parquet": ("clickhouse", "parquet"),
    "duckdb parquet strings": ("duckdb", "parquet_strings"),
    "duckdb parquet strings apart": ("duckdb", "parquet_strings_apart"),
    "clickhouse parquet strings": ("clickhouse", "parquet_strings"),
}

FLOORS = {
    f"{format} gzip alone{level}": (format, flags)
    for format in ("json", "csv", "xml") for level, flags in (("", []), (" compact", ["--compact"]))
}

# Ours, the other, how many times faster it should be, and how many times its bytes are allowed.
TARGETS = [
    ("json", "duckdb json", 8, None), ("json", "clickhouse json", 2.5, 1.15), ("json", "polars json", None, None),
    ("json", "python json", None, None),
    ("json compact", "duckdb json", 3.3, 1), ("json compact", "clickhouse json", 1.3, 1),
    ("csv", "duckdb csv", 6, None), ("csv", "clickhouse csv", 3, None), ("csv", "polars csv", 3, None),
    ("csv compact", "duckdb csv", 2.7, 1),
    ("xml", "clickhouse xml", 2.5, None), ("xml compact", "clickhouse xml", 1.35, 1),
    ("parquet", "duckdb parquet", 2, None), ("parquet", "clickhouse parquet", 2, None),
    ("parquet gzip", "clickhouse parquet", 2, None),
    ("parquet strings", "duckdb parquet strings", 1.3, None),
    ("parquet strings", "duckdb parquet strings apart", 1.3, 1.05),
    ("parquet strings", "clickhouse parquet strings", None, None),
]

# Ours, and how many times reading alone and compressing alone it may take together.
DISTANCES = [("json", 1.35), ("json compact", 1.15), ("csv", 1.7), ("csv compact", 1.3), ("xml", 1.5), ("xml compact", 1.15)]

# Ours, its plain sister, and how many times its CPU time is allowed.
EXTRAS = [("json as string", "json", 1.1), ("json fallback", "json", 1.1), ("json zone", "json", 1.1)]

# How many times faster two threads have to be, on the clock.
TWO_THREADS = 1.8
