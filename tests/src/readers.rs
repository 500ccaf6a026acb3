//! Files for readers that are not ours: rows of the lake encoded in every dress, and the Python that reads them.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use anyhow::{Context, bail, ensure};
use arrow_array::{
    ArrayRef, Float64Array, RecordBatch, StringViewArray, TimestampMicrosecondArray,
    builder::{ListBuilder, StringViewBuilder},
};
use arrow_schema::{DataType, Field, Schema};
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use spillway::{
    domain::{
        AccountId, DatabaseId, FileEventName, Format, IdentityPriority, Packaging, PropertyScope, RequestId,
        RunKey, RunTimestamp, names,
    },
    encode::{self, FILE_LIMIT_BYTES, FileContent, FileOptions, GzipLevel, PropertyKeys, columns},
};

/// Rows come in batches of this many, so that files are made of several.
const BATCH_ROWS: usize = 7;

/// Some rows of the lake and how an export writes them.
#[derive(Debug, Clone)]
pub struct Dataset {
    /// Names it among the others.
    pub name: &'static str,
    /// Of events, their name; none for profiles.
    pub event_name: Option<String>,
    /// An IANA name.
    pub time_zone: &'static str,
    /// Whose identity is written.
    pub identities: IdentityPriority,
    /// A JSON object each, with the lake's columns as keys; `ts` in microseconds since 1970.
    pub rows: Vec<Value>,
}

/// Writes `datasets` into `folder` in all formats, packagings and kinds of values, with what Python needs to
/// expect the same: `expected.json` and the rows.
///
/// # Errors
/// When a file cannot be encoded or written.
pub fn write_files(folder: &Path, datasets: &[Dataset]) -> anyhow::Result<()> {
    let (mut facts, mut files) = (serde_json::Map::new(), Vec::new());
    for dataset in datasets {
        let rows_name = format!("{}.rows.jsonl", dataset.name);
        let lines: Vec<String> = dataset.rows.iter().map(|row| format!("{row}\n")).collect();
        fs::write(folder.join(&rows_name), lines.concat())?;
        let content = if dataset.event_name.is_some() { "events" } else { "profiles" };
        let fact = json!({
            "rows": rows_name, "content": content, "eventName": dataset.event_name,
            "timeZone": dataset.time_zone, "identities": dataset.identities,
        });
        facts.insert(dataset.name.to_owned(), fact);
        for variant in variants(dataset) {
            files.push(write_file(folder, dataset, &variant).with_context(|| format!("{variant:?}"))?);
        }
    }
    let expected = json!({ "datasets": facts, "files": files });
    fs::write(folder.join("expected.json"), expected.to_string()).context("expected.json")
}

/// Every way in which an export may write a dataset.
fn variants(dataset: &Dataset) -> Vec<FileOptions> {
    let mut variants = Vec::new();
    for format in Format::ALL {
        let may_have_header = format == Format::Json && dataset.event_name.is_some();
        for packaging in [Packaging::Gzip, Packaging::Plain] {
            for as_string in [false, true] {
                for header_line in if may_have_header { &[true, false][..] } else { &[false] } {
                    variants.push(FileOptions {
                        format,
                        packaging,
                        // Both levels are read, each with half of the variants.
                        gzip_level: if as_string { GzipLevel::Compact } else { GzipLevel::Fast },
                        as_string,
                        header_line: *header_line,
                        identities: dataset.identities.clone(),
                        time_zone: TimeZone::get(dataset.time_zone).unwrap_or(TimeZone::UTC),
                        limit_bytes: FILE_LIMIT_BYTES,
                    });
                }
            }
        }
    }
    variants
}

/// Writes one file under the name that a customer's object has; what Python has to know of it.
fn write_file(folder: &Path, dataset: &Dataset, options: &FileOptions) -> anyhow::Result<Value> {
    let run = RunKey { account: AccountId(7), request: RequestId(100), run: RunTimestamp(200) };
    let files = (options.format, options.packaging);
    let name = match &dataset.event_name {
        Some(event) => {
            let (event, date) = (FileEventName::new(event), jiff::civil::date(2025, 6, 11));
            names::event_object(run, &event, date, 0, DatabaseId(3), files)
        }
        None => names::profile_object(run, 0, DatabaseId(3), files),
    };
    let kind = if options.as_string { "strings" } else { "typed" };
    let below = format!("{}-{kind}-{}", dataset.name, if options.header_line { "named" } else { "bare" });
    fs::create_dir_all(folder.join(&below))?;
    let path = format!("{below}/{name}");
    fs::write(folder.join(&path), encode_file(dataset, options)?)?;
    Ok(json!({
        "path": path, "dataset": dataset.name, "format": options.format, "asString": options.as_string,
        "gzip": options.packaging == Packaging::Gzip, "headerLine": options.header_line,
    }))
}

fn encode_file(dataset: &Dataset, options: &FileOptions) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut encoder = encode::open(options, &content(dataset)?)?;
    for rows in dataset.rows.chunks(BATCH_ROWS) {
        let batch = batch(rows, dataset.event_name.is_some())?;
        let taken = encoder.push(&batch, 0, &mut bytes)?;
        ensure!(taken == rows.len(), "the file is full after {taken} rows of a batch");
    }
    encoder.finish(&mut bytes)?;
    Ok(bytes)
}

/// What the file holds, with the columns that the planner would find.
fn content(dataset: &Dataset) -> anyhow::Result<FileContent> {
    let mut keys = PropertyKeys::new();
    let scopes = [
        (columns::EVENT_PROPS, PropertyScope::Event),
        (columns::SESSION_PROPS, PropertyScope::Session),
        (columns::PROFILE_PROPS, PropertyScope::Profile),
    ];
    for row in &dataset.rows {
        for (column, scope) in scopes {
            let text = row.get(column).and_then(Value::as_str);
            text.map(|text| keys.add_text(scope, text)).transpose().context(column)?;
        }
    }
    let columns = keys.columns();
    Ok(match dataset.event_name.clone() {
        Some(event_name) => FileContent::Events { event_name, columns },
        None => FileContent::Profiles { columns },
    })
}

/// Rows as the lake's reader delivers them.
fn batch(rows: &[Value], are_events: bool) -> anyhow::Result<RecordBatch> {
    let fields = if are_events { columns::event_fields() } else { columns::profile_fields() };
    // Whether a profile counts is decided before encoding.
    let unused = [columns::UPDATED_AT, columns::DELETED];
    let fields: Vec<Field> =
        fields.into_iter().filter(|field| !unused.contains(&field.name().as_str())).collect();
    let arrays = fields.iter().map(|field| array(field, rows)).collect::<anyhow::Result<_>>()?;
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)?)
}

fn array(field: &Field, rows: &[Value]) -> anyhow::Result<ArrayRef> {
    let cells = rows.iter().map(|row| row.get(field.name()));
    Ok(match field.data_type() {
        DataType::Utf8View => {
            Arc::new(cells.map(|cell| cell.and_then(Value::as_str)).collect::<StringViewArray>())
        }
        DataType::Float64 => {
            Arc::new(cells.map(|cell| cell.and_then(Value::as_f64)).collect::<Float64Array>())
        }
        DataType::Timestamp(..) => {
            let micros = cells.map(|cell| cell.and_then(Value::as_i64));
            Arc::new(micros.collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
        }
        DataType::List(element) => {
            let mut lists = ListBuilder::new(StringViewBuilder::new()).with_field(Arc::clone(element));
            for cell in cells {
                let list = cell.and_then(Value::as_array);
                lists.append_option(list.map(|list| list.iter().map(Value::as_str)));
            }
            Arc::new(lists.finish())
        }
        other => bail!("the column {} has the type {other}", field.name()),
    })
}

/// Lets the readers compare what [`write_files`] wrote; what they say.
///
/// # Errors
/// When something differs, or the readers are not installed.
pub fn check_files(folder: &Path) -> anyhow::Result<String> {
    run("check_files.py", folder)
}

/// Runs the dashboard's lines for DuckDB and pandas in a folder; what they read (see `run_snippets.py`).
///
/// # Errors
/// When they fail, or the readers are not installed.
pub fn run_snippets(folder: &Path) -> anyhow::Result<String> {
    run("run_snippets.py", folder)
}

/// Runs a script of `readers/` in and over a folder; what it says.
fn run(script: &str, folder: &Path) -> anyhow::Result<String> {
    let python = venv_python()?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("readers").join(script);
    let output = Command::new(&python)
        .args(["-B".as_ref(), script.as_os_str(), folder.as_os_str()])
        .current_dir(folder)
        .env("PYTHONUTF8", "1")
        .output()
        .with_context(|| format!("cannot start {}; run `tests/run venv`", python.display()))?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    Ok(said)
}

/// The Python with the readers and other programs that are not ours, beside this test's build.
///
/// # Errors
/// Where `tests/run venv` has not made it, or of other versions.
pub fn venv_python() -> anyhow::Result<PathBuf> {
    // <target>/<profile>/deps/<test>
    let test = std::env::current_exe()?;
    let target = test.ancestors().nth(3).context("the test does not lie in a target folder")?;
    let venv = target.join("readers-venv");
    let wanted = Path::new(env!("CARGO_MANIFEST_DIR")).join("readers/requirements.txt");
    // The copy is made last, so that half an installation does not count.
    let installed = fs::read(venv.join("requirements.txt")).unwrap_or_default();
    ensure!(
        installed == fs::read(wanted)?,
        "the readers are not installed in {}, or not these versions; run `tests/run venv`",
        venv.display()
    );
    Ok(venv.join("bin/python"))
}
