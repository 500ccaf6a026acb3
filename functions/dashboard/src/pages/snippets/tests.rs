//! The lines themselves; that they read real files, the tests of the whole show.

#![allow(clippy::unwrap_used, reason = "tests")]

use spillway::domain::{AccountId, PropertyScope, RequestId, RunTimestamp};

use super::*;

fn column(key: &str) -> PropertyColumn {
    PropertyColumn { scope: PropertyScope::Event, key: key.to_owned() }
}

fn files<'a>(format: Format, packaging: Packaging, names: &[&'a str]) -> Files<'a> {
    Files {
        run: RunKey { account: AccountId(1), request: RequestId(17), run: RunTimestamp(18) },
        bucket_name: "acme-exports",
        names: names.to_vec(),
        whole_run: false,
        event_name: Some("Product Viewed"),
        format,
        packaging,
        header_line: true,
        columns: csv_header(Some("Product Viewed"), vec![column("A"), column("b \"c\",\nd")]).unwrap(),
    }
}

fn code(files: &Files<'_>, title: &str) -> String {
    let snippets = files.snippets();
    let snippet = snippets.iter().find(|snippet| snippet.title.starts_with(title)).unwrap();
    snippet.parts.iter().map(|part| part.code.as_str()).collect()
}

#[test]
fn the_download() {
    let files = files(
        Format::Csv,
        Packaging::Gzip,
        &["17-18-a'b-20250611-0-6.csv.gz", "17-18-$x-20250611-0-7.csv.gz"],
    );
    assert_eq!(
        code(&files, "gcloud"),
        "mkdir -p export-17-18\n\
         gcloud storage cp --read-paths-from-stdin export-17-18/ <<'FILES'\n\
         gs://acme-exports/17-18-a'b-20250611-0-6.csv.gz\n\
         gs://acme-exports/17-18-$x-20250611-0-7.csv.gz\n\
         FILES\n\
         mkdir -p export-17-18\n\
         gcloud storage cp 'gs://acme-exports/17-18-*' export-17-18/\n"
    );
    let mut profiles = files;
    profiles.event_name = None;
    assert!(code(&profiles, "gcloud").ends_with("cp 'gs://acme-exports/1-17-18-*' export-17-18/\n"));
}

#[test]
fn bigquery_takes_csv_with_quoted_line_ends_by_a_schema() {
    let code = code(&files(Format::Csv, Packaging::Gzip, &["a.csv.gz", "b.csv.gz"]), "BigQuery");
    assert!(
        code.starts_with("cat > schema.json <<'SCHEMA'\n[\n  {\"name\":\"ts\",\"type\":\"INT64\"},\n"),
        "{code}"
    );
    assert!(code.contains("  {\"name\":\"profile_identity\",\"type\":\"STRING\"},\n"), "{code}");
    assert!(
        code.ends_with(
            "bq load --source_format=CSV --skip_leading_rows=1 --allow_quoted_newlines --allow_jagged_rows my_dataset.product_viewed_17 \\\n  \
             'gs://acme-exports/a.csv.gz,gs://acme-exports/b.csv.gz' \\\n  schema.json\n"
        ),
        "{code}"
    );
}

#[test]
fn bigquery_skips_the_first_line_of_json() {
    let mut files = files(Format::Json, Packaging::Gzip, &["a.json.gz"]);
    let named = code(&files, "BigQuery");
    assert!(named.contains("--skip_leading_rows=1 --field_delimiter=$'\\001' --quote=''"), "{named}");
    files.header_line = false;
    let bare = code(&files, "BigQuery");
    assert!(bare.starts_with("bq load --source_format=NEWLINE_DELIMITED_JSON "), "{bare}");
    assert!(bare.contains("eventProps:JSON"), "{bare}");
}

#[test]
fn bigquery_gets_parquet_unpacked() {
    let packed = code(&files(Format::Parquet, Packaging::Gzip, &["a.parquet.gzip"]), "BigQuery");
    assert!(
        packed.starts_with("gzip --decompress --keep --force --suffix .gzip export-17-18/*.gzip\n"),
        "{packed}"
    );
    assert!(packed.contains("'export-17-18/a.parquet'"), "{packed}");
    let plain = code(&files(Format::Parquet, Packaging::Plain, &["a.parquet"]), "BigQuery");
    assert!(!plain.contains("gzip"), "{plain}");
}

/// Of a run of many events, or of more files than are named.
#[test]
fn a_whole_run_is_read_by_how_its_names_begin_and_end() {
    let whole = |format, packaging, name| Files { whole_run: true, ..files(format, packaging, &[name]) };
    let json = whole(Format::Json, Packaging::Gzip, "17-18-a-b.c-20250611-0-6.json.gz");
    assert_eq!(
        code(&json, "gcloud"),
        "mkdir -p export-17-18\ngcloud storage cp 'gs://acme-exports/17-18-*' export-17-18/\n"
    );
    assert!(code(&json, "DuckDB").contains("read_csv('export-17-18/17-18-*.json.gz',"));
    assert!(code(&json, "DuckDB").contains("TABLE events_17 AS"));
    let pandas = code(&json, "pandas");
    assert!(pandas.starts_with("import glob\nimport gzip\nimport json\n\nimport pandas as pd\n"), "{pandas}");
    assert!(pandas.contains("files = sorted(glob.glob(\"export-17-18/17-18-*.json.gz\"))\n"), "{pandas}");
    assert!(code(&json, "BigQuery").contains("'gs://acme-exports/17-18-*.json.gz'"));
    let packed = whole(Format::Parquet, Packaging::Gzip, "17-18-a-20250611-0-6.parquet.gzip");
    assert!(code(&packed, "DuckDB").contains("read_parquet('export-17-18/17-18-*.parquet')"));
    assert!(code(&packed, "BigQuery").contains("for file in \\\n  export-17-18/17-18-*.parquet\ndo"));
    // Columns are an event's own in BigQuery, which takes no file that lacks some.
    let csv = code(&whole(Format::Csv, Packaging::Plain, "17-18-a-20250611-0-6.csv"), "BigQuery");
    assert!(
        csv.contains("my_dataset.product_viewed_17 \\\n  'gs://acme-exports/17-18-a-20250611-0-6.csv'"),
        "{csv}"
    );
    let mut profiles = whole(Format::Csv, Packaging::Gzip, "1-17-18-0-csv.gz");
    profiles.event_name = None;
    assert!(
        code(&profiles, "BigQuery")
            .contains("my_dataset.profiles_17 \\\n  'gs://acme-exports/1-17-18-*-csv.gz'")
    );
}

#[test]
fn commas_do_not_part_an_address() {
    let code =
        code(&files(Format::Parquet, Packaging::Plain, &["17-18-a,b,c-20250611-0-6.parquet"]), "BigQuery");
    assert!(code.contains("'gs://acme-exports/17-18-a*c-20250611-0-6.parquet'"), "{code}");
}

#[test]
fn quotes_end_nothing() {
    let name = "17-18-'; rm -rf ~; \"-20250611-0-6.json.gz";
    let files = files(Format::Json, Packaging::Gzip, &[name]);
    assert!(code(&files, "DuckDB").contains("'export-17-18/17-18-''; rm -rf ~; \"-20250611-0-6.json.gz'"));
    assert!(code(&files, "pandas").contains(r#""export-17-18/17-18-'; rm -rf ~; \"-20250611-0-6.json.gz""#));
    assert!(code(&files, "BigQuery").contains(r"17-18-'\''; rm -rf ~;"));
}

#[test]
fn tables_have_plain_names() {
    let table = |name| Files { event_name: name, ..files(Format::Csv, Packaging::Gzip, &["a"]) }.table();
    assert_eq!(table(Some("Product Viewed")), "product_viewed_17");
    assert_eq!(table(Some("7 день")), "events_7_17");
    assert_eq!(table(Some("день")), "events__17");
    assert_eq!(table(None), "profiles_17");
}

#[test]
fn columns_stay_apart_without_case() {
    let names = ["a", "A", "a", "b"].map(ToOwned::to_owned);
    assert_eq!(duckdb::once_each(&names), ["a", "A_2", "a_3", "b"]);
}

#[test]
fn the_header_is_the_encoders() {
    let header = csv_header(Some("E"), vec![column("b \"c\",\nd")]).unwrap();
    assert_eq!((header.len(), header[0].as_str(), header[21].as_str()), (22, "ts", "eventProps.b \"c\",\nd"));
    assert_eq!(csv_header(None, vec![]).unwrap().len(), 13);
}
