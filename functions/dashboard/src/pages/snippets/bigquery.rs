//! Shell lines that load the files into BigQuery.

use serde_json::json;
use spillway::domain::Format;

use super::{Files, Part, duckdb::once_each, quote};

const LABEL: &str = "Shell lines that load the files into BigQuery";
const ABOUT: &str = "In a shell; my_dataset has to exist, in the bucket's location.";
/// What a JSON file of events holds.
const EVENT_SCHEMA: &str = "ts:INT64,eventName:STRING,profile:JSON,deviceInfo:JSON,controlGroupName:STRING,eventProps:JSON,sessionProps:JSON";

impl Files<'_> {
    pub(super) fn bigquery(&self) -> Vec<Part> {
        let table = format!("my_dataset.{}", self.table());
        let part = |about, code| Part::new(LABEL, about, code);
        match self.format {
            Format::Csv if self.whole_run && self.event_name.is_some() => {
                let about = "In a shell; my_dataset has to exist, in the bucket's location. Loads the files of one event: each \
                             has columns of its own, and so a table of its own.";
                // The names are those of the first event.
                let own = Files { whole_run: false, ..self.clone() };
                let table = format!("my_dataset.{}", own.table());
                vec![part(about, own.csv_load(&table))]
            }
            Format::Csv => vec![part(ABOUT, self.csv_load(&table))],
            Format::Json if self.event_name.is_some() && !self.header_line => {
                let uris = self.uris();
                let code = format!(
                    "bq load --source_format=NEWLINE_DELIMITED_JSON {table} \\\n  {uris} \\\n  '{EVENT_SCHEMA}'\n"
                );
                vec![part(ABOUT, code)]
            }
            Format::Json => {
                let about = "In a shell; my_dataset has to exist, in the bucket's location. Loads the lines as text, so \
                             that nothing is guessed, then takes them apart.";
                vec![part(about, self.lines_load(&table))]
            }
            Format::Parquet if self.is_gzip() => {
                let about = "In a shell, after the download: BigQuery does not take the gzip around a Parquet file off, so it \
                             comes off here.";
                let loads: Vec<_> = if self.whole_run {
                    // A shell's pattern, which has only digits, dashes and dots beside the star.
                    vec![format!("  {}", self.pattern_path().trim_end_matches(".gzip"))]
                } else {
                    self.unpacked().iter().map(|path| format!("  {}", quote::shell(path))).collect()
                };
                let code = format!(
                    "{}for file in \\\n{}\ndo\n  bq load --source_format=PARQUET {table} \"$file\"\ndone\n",
                    self.unpack(),
                    loads.join(" \\\n")
                );
                vec![part(about, code)]
            }
            Format::Parquet => {
                vec![part(ABOUT, format!("bq load --source_format=PARQUET {table} \\\n  {}\n", self.uris()))]
            }
            Format::Xml => self.xml_load(&table),
        }
    }

    /// All addresses, as one word. BigQuery parts them at commas, so those of a name are left to its wildcard.
    fn uris(&self) -> String {
        if self.whole_run {
            return quote::shell(&format!("gs://{}/{}", self.bucket_name, self.pattern()));
        }
        let uris = self.names.iter().map(|name| {
            let name = match (name.find(','), name.rfind(',')) {
                (Some(first), Some(last)) => format!("{}*{}", &name[..first], &name[last + 1..]),
                _ => (*name).to_owned(),
            };
            format!("gs://{}/{name}", self.bucket_name)
        });
        quote::shell(&uris.collect::<Vec<_>>().join(","))
    }

    fn csv_load(&self, table: &str) -> String {
        let names: Vec<_> = self.columns.iter().map(|name| column(name)).collect();
        let fields = once_each(&names).into_iter().map(|name| {
            let kind = if name == "ts" && self.event_name.is_some() { "INT64" } else { "STRING" };
            format!("  {}", json!({ "name": name, "type": kind }))
        });
        let schema = fields.collect::<Vec<_>>().join(",\n");
        format!(
            "cat > schema.json <<'SCHEMA'\n[\n{schema}\n]\nSCHEMA\n\
             bq load --source_format=CSV --skip_leading_rows=1 --allow_quoted_newlines --allow_jagged_rows {table} \\\n  {} \\\n  schema.json\n",
            self.uris()
        )
    }

    fn lines_load(&self, table: &str) -> String {
        let skip = u8::from(self.has_header_line());
        let what = if self.event_name.is_some() {
            "INT64(record.ts) AS ts, STRING(record.eventName) AS eventName, record.profile, record.deviceInfo,\n  \
             STRING(record.controlGroupName) AS controlGroupName, record.eventProps, record.sessionProps"
        } else {
            "STRING(record.identity) AS identity, STRING(record.objectId) AS objectId, record.all_identities,\n  \
             STRING(record.Email) AS Email, STRING(record.Phone) AS Phone, record AS profile"
        };
        format!(
            "bq load --source_format=CSV --skip_leading_rows={skip} --field_delimiter=$'\\001' --quote='' {table}_lines \\\n  {} \\\n  \
             'line:STRING'\n\
             bq query --nouse_legacy_sql <<'SQL'\n\
             CREATE OR REPLACE TABLE {table} AS\nSELECT {what}\n\
             FROM (SELECT PARSE_JSON(line, wide_number_mode => 'round') AS record FROM {table}_lines);\n\
             DROP TABLE {table}_lines;\nSQL\n",
            self.uris()
        )
    }

    fn xml_load(&self, table: &str) -> Vec<Part> {
        let files = self.python_files();
        let xml = "xml.etree.ElementTree as ElementTree";
        let imports =
            if self.is_gzip() { self.imports(&["gzip", "json", xml]) } else { self.imports(&["json", xml]) };
        let convert = format!(
            "{imports}files = {files}\n\n{}\n\
             with open(\"rows.jsonl\", \"w\", encoding=\"utf-8\") as lines:\n    for name in files:\n        for record in records(name):\n            \
             print(json.dumps({{\"record\": record}}), file=lines)\n",
            self.xml_records()
        );
        let about = "BigQuery reads no XML: in Python, after the download, each row becomes a line of JSON.";
        vec![
            Part::new("Python lines that make JSON lines of the files", about, convert),
            Part::new(
                LABEL,
                "In a shell; my_dataset has to exist.",
                format!("bq load --source_format=NEWLINE_DELIMITED_JSON {table} rows.jsonl 'record:JSON'\n"),
            ),
        ]
    }
}

/// A column's name as BigQuery takes it.
fn column(name: &str) -> String {
    let safe: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).take(200).collect();
    if safe.starts_with(|c: char| c.is_ascii_alphabetic()) { safe } else { format!("c_{safe}") }
}
