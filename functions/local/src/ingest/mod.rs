//! `spillway ingest` without its command line: JSON lines of the upload API into the lake's layout (FORMATS,
//! Ingest).
//!
//! One thread reads, parses and collects rows by (event, date, shard); another sorts, compresses and writes what
//! has been collected. Memory is bounded by [`IngestOptions::memory_bytes`], however many groups there are.
//! An ingest is taken in whole or not at all: its lake files are shown together, once all are written.

mod call_off;
mod collect;
mod dates;
mod input;
mod journal;
mod publish;
mod record;
mod rows;
mod schema;
mod user;
mod write;

use std::path::PathBuf;
use std::sync::{Arc, mpsc};

use spillway::domain::Account;
use spillway::ports::Clock;

pub use call_off::CallOff;
use collect::{Collector, Flush};
pub use input::Source;
use input::{Lines, NextLine};
pub use publish::complete_killed;
use publish::{PublishError, Publisher};
use record::Record;
use write::{LakeWriter, Written};

/// A longer line is a bad one.
pub const MAX_LINE_BYTES: usize = 64 * 1024 * 1024;

/// How often progress is told.
const PROGRESS_BYTES: u64 = 4 * 1024 * 1024;

/// Where to and how.
pub struct IngestOptions<'a> {
    /// Whose data it is: decides the folder, the days and the shards.
    pub account: &'a Account,
    /// The lake's folder; it is made if it is not there.
    pub lake_root: PathBuf,
    /// Stamps the files, and the profiles that have no `ts`.
    pub clock: &'a dyn Clock,
    /// How much memory collected rows may take; about twice as much is used in all.
    pub memory_bytes: usize,
    /// How many bad lines are told to the observer; all are counted.
    pub told_bad_lines: u64,
    /// Whoever else holds it may call the ingest off.
    pub call_off: Arc<CallOff>,
}

impl<'a> IngestOptions<'a> {
    /// The usual limits.
    #[must_use]
    pub fn new(account: &'a Account, lake_root: PathBuf, clock: &'a dyn Clock) -> Self {
        let call_off = Arc::default();
        Self { account, lake_root, clock, memory_bytes: 128 * 1024 * 1024, told_bad_lines: 100, call_off }
    }
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Bytes of the inputs read, as stored.
    pub bytes_read: u64,
    /// Lines seen.
    pub lines: u64,
    /// Rows taken.
    pub rows: u64,
}

/// A line that was left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadLine {
    /// The input's name.
    pub source: String,
    /// Counted from 1.
    pub line: u64,
    /// What is wrong with it.
    pub reason: String,
}

/// Is told what happens meanwhile.
pub trait Observer {
    /// Some more has been read.
    fn progress(&mut self, _progress: Progress) {}

    /// A line was left out.
    fn bad_line(&mut self, _bad: &BadLine) {}
}

/// Nobody listens.
impl Observer for () {}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct IngestReport {
    /// Lines that are not empty.
    pub lines: u64,
    /// Events written.
    pub events: u64,
    /// Profile versions written.
    pub profiles: u64,
    /// Profile versions left out because a newer one of the same profile stands in the same lake file.
    pub older_profiles: u64,
    /// Lines left out.
    pub bad_lines: u64,
    /// How many of them were told to the observer: the first ones.
    pub told_bad_lines: u64,
    /// Lake files written.
    pub files: u64,
    /// Their bytes.
    pub bytes_written: u64,
    /// Bytes of the inputs, as stored.
    pub bytes_read: u64,
}

/// Why it ended early. But for [`IngestError::Publish`], nothing was taken in.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// An input cannot be read on.
    #[error("`{name}` cannot be read{}: {reason}; nothing was taken in", after(*line))]
    Read {
        /// The input.
        name: String,
        /// The last line that was read.
        line: u64,
        /// Why.
        reason: String,
    },
    /// A lake file cannot be written.
    #[error("cannot write `{}`: {reason}; nothing was taken in", path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// It was called off.
    #[error("interrupted; nothing was taken in; run it again")]
    CalledOff,
    /// All is written, but not all of it is in its place.
    #[error(
        "everything was taken in, but a part cannot be moved to its place in `{}` yet: {reason}; mend that, and the \
         next command moves it; do not run this ingest again",
        path.display()
    )]
    Publish {
        /// The lake.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

fn after(line: u64) -> String {
    if line == 0 { String::new() } else { format!(" after line {line}") }
}

/// Ingests some inputs, in order.
///
/// # Errors
/// [`IngestError`]. Bad lines are none: they are counted and told.
pub fn run(
    sources: Vec<Source>,
    options: &IngestOptions<'_>,
    observer: &mut dyn Observer,
) -> Result<IngestReport, IngestError> {
    let writer = LakeWriter::new(options);
    let names: Vec<String> = sources.iter().map(Source::name).collect();
    // One flush waits while another is written: together with what is collected, that bounds memory.
    let (flushes, incoming) = mpsc::sync_channel::<Flush>(1);
    let (mut reading, written) = std::thread::scope(|scope| {
        let writing = scope.spawn(move || writer.write_all(&incoming));
        let mut reading = Reading::new(options, flushes, observer);
        for (index, source) in (0u32..).zip(sources) {
            if !reading.read(index, source) {
                break;
            }
        }
        reading.collector.finish();
        let written = writing.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        (reading.into_outcome(), written)
    });
    let (Written { report: wrote, told_bad_rows, bad_rows }, publisher) = written?;
    let report = &mut reading.report;
    report.events = wrote.events;
    report.profiles = wrote.profiles;
    report.older_profiles = wrote.older_profiles;
    report.files = wrote.files;
    report.bytes_written = wrote.bytes_written;
    for (source, line, reason) in told_bad_rows {
        if report.told_bad_lines < options.told_bad_lines {
            report.told_bad_lines += 1;
            let source = names[source as usize].clone();
            observer.bad_line(&BadLine { source, line, reason });
        }
    }
    report.bad_lines += bad_rows;
    if let Some((name, line, reason)) = reading.stopped.filter(|_| !options.call_off.is_called_off()) {
        return Err(IngestError::Read { name, line, reason });
    }
    publish(publisher, options)?;
    Ok(reading.report)
}

/// The commit of an ingest.
fn publish(publisher: Publisher<'_>, options: &IngestOptions<'_>) -> Result<(), IngestError> {
    if !options.call_off.commit() {
        return Err(IngestError::CalledOff);
    }
    let path = || options.lake_root.clone();
    publisher.publish().map_err(|error| match error {
        PublishError::Nothing(error) => IngestError::Write { path: path(), reason: error.to_string() },
        PublishError::Part(error) => IngestError::Publish { path: path(), reason: error.to_string() },
    })
}

/// The most of a reason that is told, in characters.
const TOLD_CHARS: usize = 200;

/// A reason as it may be told: it can hold parts of the line, which is anybody's, of any length, and might command a
/// terminal.
fn shown(reason: &str) -> String {
    let mut shown = String::new();
    for (at, character) in reason.chars().enumerate() {
        match character {
            _ if at == TOLD_CHARS => {
                shown.push('…');
                break;
            }
            character if character.is_control() => shown.extend(character.escape_default()),
            character => shown.push(character),
        }
    }
    shown
}

/// The reading side.
struct Reading<'a> {
    options: &'a IngestOptions<'a>,
    collector: Collector<'a>,
    observer: &'a mut dyn Observer,
    report: IngestReport,
    rows: u64,
    told_bytes: u64,
    stopped: Option<(String, u64, String)>,
}

struct Outcome {
    report: IngestReport,
    stopped: Option<(String, u64, String)>,
}

impl<'a> Reading<'a> {
    fn new(
        options: &'a IngestOptions<'a>,
        flushes: mpsc::SyncSender<Flush>,
        observer: &'a mut dyn Observer,
    ) -> Self {
        let collector = Collector::new(options, flushes);
        let report = IngestReport::default();
        Self { options, collector, observer, report, rows: 0, told_bytes: 0, stopped: None }
    }

    fn into_outcome(self) -> Outcome {
        Outcome { report: self.report, stopped: self.stopped }
    }

    /// Whether to go on.
    fn read(&mut self, index: u32, source: Source) -> bool {
        let name = source.name();
        let before = self.report.bytes_read;
        let mut line = 0;
        let mut lines = match Lines::open(source) {
            Ok(lines) => lines,
            Err(error) => {
                self.stopped = Some((name, line, error.to_string()));
                return false;
            }
        };
        loop {
            let bad = match lines.next_line() {
                Ok(None) => break,
                Ok(Some(NextLine::Text(text))) => {
                    line += 1;
                    let text = text.trim_ascii();
                    if text.is_empty() {
                        continue;
                    }
                    let taken =
                        Record::parse(text).and_then(|record| self.collector.take(&record, (index, line)));
                    self.rows += u64::from(taken.is_ok());
                    taken.err()
                }
                Ok(Some(NextLine::TooLong)) => {
                    line += 1;
                    Some(format!("it has more than {MAX_LINE_BYTES} bytes"))
                }
                Err(error) => {
                    self.stopped = Some((name, line, error.to_string()));
                    return false;
                }
            };
            self.report.lines += 1;
            self.report.bytes_read = before + lines.bytes_read();
            if let Some(reason) = bad {
                self.tell_bad(&name, line, reason);
            }
            self.tell_progress(false);
            if self.collector.is_stopped() || self.options.call_off.is_called_off() {
                return false;
            }
        }
        self.report.bytes_read = before + lines.bytes_read();
        self.tell_progress(true);
        true
    }

    fn tell_bad(&mut self, name: &str, line: u64, reason: String) {
        self.report.bad_lines += 1;
        if self.report.told_bad_lines < self.options.told_bad_lines {
            self.report.told_bad_lines += 1;
            let reason = shown(&reason);
            self.observer.bad_line(&BadLine { source: name.to_owned(), line, reason });
        }
    }

    fn tell_progress(&mut self, at_end: bool) {
        let IngestReport { bytes_read, lines, .. } = self.report;
        if at_end || bytes_read - self.told_bytes >= PROGRESS_BYTES {
            self.told_bytes = bytes_read;
            self.observer.progress(Progress { bytes_read, lines, rows: self.rows });
        }
    }
}

#[cfg(test)]
mod tests;
