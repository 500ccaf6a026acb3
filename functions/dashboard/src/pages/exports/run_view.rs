//! The runs of an export, its troubles, and the files of one run.

use spillway::{
    domain::{
        Export, ExportStatus, FailureClass, PartnerBucket, Run, RunKey, RunStatus, StopReason, Window,
        failure_words::help_path,
    },
    ports::{RunFile, WrittenSums},
};

use crate::pages::{
    numbers,
    pill::Pill,
    times::{Moment, Times},
    trouble::{Act, Fix, Trouble},
    words,
};

/// A fact about an export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fact {
    /// What it is called.
    pub name: &'static str,
    /// What it is.
    pub value: String,
    /// What more there is to say.
    pub note: Option<String>,
}

/// A row of the table of runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RunRow {
    /// When it was created.
    pub created: Moment,
    /// What it covers.
    pub window: String,
    /// Where it stands.
    pub status: Pill,
    /// What more there is to say of that.
    pub note: Option<String>,
    /// Rows.
    pub rows: String,
    /// Files.
    pub files: String,
    /// Their size.
    pub bytes: String,
    /// How long it took.
    pub duration: String,
    /// Where its files are shown.
    pub href: String,
    /// Whether it has written any.
    pub has_files: bool,
    /// Whether they are.
    pub is_shown: bool,
}

/// An object in the bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FileRow {
    /// Its name.
    pub name: String,
    /// With the bucket: `gs://…`.
    pub address: String,
    /// Rows.
    pub rows: String,
    /// Its size.
    pub bytes: String,
    /// Of its bytes, as Google shows it.
    pub crc32c: String,
}

/// The facts of an export.
#[must_use]
pub(crate) fn facts(export: &Export, bucket: Option<&PartnerBucket>, times: &Times) -> Vec<Fact> {
    let fact = |name, value: String, note| Fact { name, value, note };
    let spec = &export.spec;
    let bucket_name = bucket.map(|bucket| format!("gs://{}", bucket.bucket_name));
    let events = match &spec.data {
        spillway::domain::DataSelection::SelectEvents { names } if names.len() > 1 => Some(names.join(", ")),
        _ => None,
    };
    let mut facts = vec![
        fact("Bucket", spec.bucket.to_string(), bucket_name),
        fact("Data", words::data(&spec.data), events),
        fact("Identifiers", words::priorities(&spec.effective_identities()), None),
        fact("Frequency", words::frequency(&spec.frequency), words::frequency_note(&spec.frequency)),
        fact("Format", words::format(spec.format).to_owned(), Some(words::format_note(spec))),
        fact("Created", times.moment(export.created_at).text, export.created_by.clone()),
    ];
    if let ExportStatus::Stopped { at, reason } = &export.status {
        let by = match reason {
            StopReason::User => "by a person",
            StopReason::Failure { .. } => "after three days of failure",
        };
        facts.push(fact("Stopped", times.moment(*at).text, Some(by.to_owned())));
    }
    if let Some(predecessor) = export.predecessor {
        let since = export.begins_at.map(|cut| format!("from {} on", times.moment(cut).text));
        facts.push(fact("Goes on from", format!("export {predecessor}"), since));
    }
    facts
}

/// What a window covers.
#[must_use]
pub(crate) fn window(window: &Window, times: &Times) -> String {
    match window {
        Window::EventDate { days, .. } => Times::days(days.first(), days.last()),
        Window::Committed { after, upto } if after.as_second() <= 0 => {
            format!("everything up to {}", times.moment(*upto).text)
        }
        Window::Committed { after, upto } => times.span(*after, *upto),
    }
}

/// The row of a run.
#[must_use]
pub(crate) fn run_row(
    run: &Run,
    written: Option<WrittenSums>,
    shown: Option<RunKey>,
    is_blocked: bool,
    times: &Times,
) -> RunRow {
    let totals = run.totals;
    // Of a run that is under way, what is there already.
    let sums = match written {
        Some(written) => Some(written),
        None if run.status.is_closed() => {
            Some(WrittenSums { files: totals.files, rows: totals.rows, bytes: totals.bytes })
        }
        None => None,
    };
    let told = |tell: fn(WrittenSums) -> String| sums.map_or_else(|| "–".to_owned(), tell);
    let took = run.opened_at.map(|opened| run.closed_at.unwrap_or(times.now()).duration_since(opened));
    let millis = took.and_then(|took| u64::try_from(took.as_millis()).ok());
    let note = (totals.failed_chunks > 0)
        .then(|| format!("{} missing", numbers::counted(totals.failed_chunks, "file", "files")));
    let deleted = (totals.deleted_profiles > 0).then(|| {
        format!(
            "{} left out",
            numbers::counted(totals.deleted_profiles, "deleted profile", "deleted profiles")
        )
    });
    RunRow {
        created: times.moment(run.created_at),
        window: window(&run.window, times),
        status: Pill::of_run(run.status, is_blocked),
        note: note.or(deleted),
        rows: told(|sums| numbers::count(sums.rows)),
        files: told(|sums| numbers::count(sums.files)),
        bytes: told(|sums| numbers::bytes(sums.bytes)),
        duration: millis.map_or_else(|| "–".to_owned(), numbers::duration),
        href: format!("/exports/{}?run={}#files", run.key.request, run.key.run),
        has_files: sums.is_some_and(|sums| sums.files > 0),
        is_shown: shown == Some(run.key),
    }
}

/// What is wrong with an export, and what to do: its bucket, its last run, why it was stopped.
#[must_use]
pub(crate) fn troubles(
    export: &Export,
    of_bucket: Option<Trouble>,
    last: Option<&Run>,
    start_again: Option<Act>,
    times: &Times,
) -> Vec<Trouble> {
    let mut troubles = Vec::new();
    if let ExportStatus::Stopped { reason: StopReason::Failure { message }, at } = &export.status {
        let (lines, fix) = match export.successor {
            Some(successor) => {
                let href = format!("/exports/{successor}");
                (vec![format!("Export {successor} goes on where this one ended.")], Some(Fix { href, text: "Look at it" }))
            }
            None => (
                vec![
                    "Mend that, then start again: it goes on where the last delivery ended, without a gap, as long as \
                     the data is kept (90 days)."
                        .to_owned(),
                ],
                None,
            ),
        };
        troubles.push(Trouble {
            class: "bad",
            icon: "square",
            title: format!(
                "The export was stopped on {} after three days of failure",
                times.moment(*at).text
            ),
            text: message.clone(),
            lines,
            help: Some("/help/failures".to_owned()),
            fix,
            said: None,
            act: start_again,
        });
    }
    troubles.extend(of_bucket);
    if let Some(run) = last.filter(|run| run.status == RunStatus::Incomplete) {
        troubles.push(incomplete(export, run));
    }
    troubles
}

/// A run of which something is missing for a fault of ours, and what happens next.
fn incomplete(export: &Export, run: &Run) -> Trouble {
    let missing = run.totals.failed_chunks;
    let title = match missing {
        0 => "The last run could not go on".to_owned(),
        missing => {
            format!("{} of the last run could not be written", numbers::counted(missing, "file", "files"))
        }
    };
    let follows = "The fault is ours, and our operators have been told. You need not do anything: what is missing follows \
                   under the same run once they have mended it, and the manifest after that.";
    // A recurring export goes on with its next windows meanwhile.
    let until_then = match (export.is_one_time(), run.totals.files) {
        (true, 0) => " Until then the export stays INCOMPLETE.",
        (true, _) => {
            " Until then the export stays INCOMPLETE; the files that are there are whole, and may be used."
        }
        (false, _) => " Later runs go on meanwhile.",
    };
    Trouble {
        class: "warn",
        icon: "alert",
        title,
        text: format!("{follows}{until_then}"),
        lines: Vec::new(),
        help: Some(help_path(&FailureClass::Ours, None)),
        fix: None,
        said: None,
        act: None,
    }
}

/// The address of a bucket's page.
#[must_use]
pub(crate) fn bucket_href(nickname: &str, page: &str) -> String {
    let name = percent_encoding::utf8_percent_encode(nickname, percent_encoding::NON_ALPHANUMERIC);
    format!("/partners/google-cloud/buckets/{name}/{page}")
}

/// The row of a file.
#[must_use]
pub(crate) fn file_row(file: &RunFile, bucket_name: &str) -> FileRow {
    let file = &file.file;
    FileRow {
        name: file.name.clone(),
        address: format!("gs://{bucket_name}/{}", file.name),
        rows: numbers::count(file.rows),
        bytes: numbers::bytes(file.bytes),
        crc32c: file.crc32c.to_string(),
    }
}

/// The manifest, where the run has one.
#[must_use]
pub(crate) fn manifest_row(run: &Run, bucket_name: &str) -> Option<FileRow> {
    run.manifest_object().map(|name| FileRow {
        address: format!("gs://{bucket_name}/{name}"),
        name,
        rows: String::new(),
        bytes: String::new(),
        crc32c: String::new(),
    })
}

/// Why a run has no files: a headline and a sentence.
#[must_use]
pub(crate) fn nothing(run: &Run, is_blocked: bool) -> (&'static str, &'static str) {
    match run.status {
        RunStatus::Owed | RunStatus::Running if is_blocked => {
            ("No file yet", "The bucket takes no files. They follow once it does.")
        }
        RunStatus::Owed => {
            ("No file yet", "The run is being planned. Its files appear here as they are complete.")
        }
        RunStatus::Running => ("No file yet", "Files appear here as they are complete."),
        RunStatus::Empty => {
            ("Nothing in the window", "There was no data for this run, so that no file was written.")
        }
        RunStatus::Stopped => ("No file", "The run was stopped before a file was complete."),
        RunStatus::Incomplete | RunStatus::Done => ("No file", "The run has written no file."),
    }
}
