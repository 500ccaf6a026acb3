//! SQL lines for DuckDB that make a table of the files.

use std::collections::BTreeSet;

use spillway::domain::Format;

use super::{Files, Part, quote};

const SQL: &str = "SQL lines that read the files with DuckDB";
const UNPACK: &str = "Shell lines that unpack the files";
/// A file of ours is smaller, so no line of it can be longer.
const LONGEST: u32 = 100_000_000;

impl Files<'_> {
    pub(super) fn duckdb(&self) -> Vec<Part> {
        let about = "In duckdb; reads the downloaded files into a table.";
        match self.format {
            Format::Json => vec![Part::new(SQL, about, self.table_of(&self.json_source()))],
            Format::Csv => vec![Part::new(SQL, about, self.table_of(&self.csv_source()))],
            Format::Parquet => {
                let unpack = Part::new(
                    UNPACK,
                    "In a shell: the gzip around each file comes off first.",
                    self.unpack(),
                );
                let sql = Part::new(SQL, about, self.table_of(&self.parquet_source()));
                if self.is_gzip() { vec![unpack, sql] } else { vec![sql] }
            }
            Format::Xml => {
                let query = format!(
                    "\nimport duckdb\n\nduckdb.sql('CREATE TABLE {table} AS SELECT * FROM frame')\nprint(duckdb.sql('FROM {table} LIMIT 10'))\n",
                    table = self.table()
                );
                let about =
                    "DuckDB reads no XML by itself; in Python, pandas reads it and DuckDB queries it.";
                let label = "Python lines that read the files with DuckDB";
                vec![Part::new(label, about, format!("{}{query}", self.frame()))]
            }
        }
    }

    /// Takes the gzip off, beside the packed files.
    pub(super) fn unpack(&self) -> String {
        let folder = self.folder();
        format!("gzip --decompress --keep --force --suffix .gzip {folder}/*.gzip\n")
    }

    /// The files as DuckDB is told them: one after the other, or a pattern.
    fn sources(&self, paths: &[String]) -> String {
        if self.whole_run {
            let pattern = self.pattern_path();
            let is_unpacked = self.format == Format::Parquet;
            let pattern = pattern.strip_suffix(".gzip").filter(|_| is_unpacked).unwrap_or(&pattern);
            quote::sql(pattern)
        } else {
            quote::list(paths, quote::sql)
        }
    }

    /// The files' paths once they are unpacked.
    pub(super) fn unpacked(&self) -> Vec<String> {
        let paths = self.paths().into_iter();
        paths.map(|path| path.strip_suffix(".gzip").map(ToOwned::to_owned).unwrap_or(path)).collect()
    }

    fn table_of(&self, select: &str) -> String {
        let table = self.table();
        format!("CREATE OR REPLACE TABLE {table} AS\n{select};\n\nFROM {table} LIMIT 10;\n")
    }

    fn compression(&self) -> &'static str {
        if self.is_gzip() { "gzip" } else { "none" }
    }

    fn json_source(&self) -> String {
        let files = self.sources(&self.paths());
        // As text, line by line: so the first line can be skipped, and nothing is guessed of the others.
        let skip = u8::from(self.has_header_line());
        let what = if self.event_name.is_some() {
            "(record->>'ts')::BIGINT AS ts, record->>'eventName' AS \"eventName\", record->'profile' AS profile,\n    \
             record->'deviceInfo' AS \"deviceInfo\", record->>'controlGroupName' AS \"controlGroupName\",\n    \
             record->'eventProps' AS \"eventProps\", record->'sessionProps' AS \"sessionProps\""
        } else {
            "record->>'identity' AS identity, record->>'objectId' AS \"objectId\", record->'all_identities' AS all_identities,\n    \
             record->>'Email' AS \"Email\", record->>'Phone' AS \"Phone\", record AS profile"
        };
        format!(
            "SELECT {what}\nFROM (SELECT line::JSON AS record FROM read_csv({files},\n    \
             columns = {{'line': 'VARCHAR'}}, auto_detect = false, header = false, skip = {skip},\n    \
             delim = chr(1), quote = '', escape = '', new_line = '\\n', max_line_size = {LONGEST},\n    \
             compression = '{}'))",
            self.compression()
        )
    }

    fn csv_source(&self) -> String {
        let files = self.sources(&self.paths());
        if self.whole_run && self.event_name.is_some() {
            // Each event has columns of its own; a row is null in those of the others.
            return format!(
                "SELECT * REPLACE (ts::BIGINT AS ts)\nFROM read_csv({files},\n    \
                 union_by_name = true, all_varchar = true, header = true, delim = ',', quote = '\"', escape = '\"',\n    \
                 new_line = '\\n', parallel = false, max_line_size = {LONGEST}, compression = '{}')",
                self.compression()
            );
        }
        let columns = once_each(&self.columns);
        let types: Vec<_> = columns
            .iter()
            .map(|name| {
                let kind = if name == "ts" && self.event_name.is_some() { "BIGINT" } else { "VARCHAR" };
                format!("        {}: '{kind}'", quote::sql(name))
            })
            .collect();
        format!(
            "SELECT * FROM read_csv({files},\n    columns = {{\n{}\n    }},\n    \
             auto_detect = false, header = true, delim = ',', quote = '\"', escape = '\"', new_line = '\\n',\n    \
             null_padding = true, parallel = false, max_line_size = {LONGEST}, compression = '{}')",
            types.join(",\n"),
            self.compression()
        )
    }

    fn parquet_source(&self) -> String {
        let files = if self.is_gzip() { self.unpacked() } else { self.paths() };
        format!("SELECT * FROM read_parquet({})", self.sources(&files))
    }
}

/// Names that stay apart in a data base that takes large and small letters for the same.
pub(super) fn once_each(names: &[String]) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let apart = names.iter().map(|name| {
        let mut candidate = name.clone();
        for number in 2.. {
            if seen.insert(candidate.to_lowercase()) {
                break;
            }
            candidate = format!("{name}_{number}");
        }
        candidate
    });
    apart.collect()
}
