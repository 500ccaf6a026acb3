//! `spillway ingest` without its command line: JSON lines of the upload API into the lake's layout (FORMATS,
//! Ingest).
//!
//! One thread reads blocks of lines, some parse them, one collects their rows by (event, date, shard), in the order of
//! the input, and some sort, compress and write what has been collected. Which thread does what, and when, does not show
//! in the files. Memory is bounded by [`IngestOptions::memory_bytes`], however many groups there are.
//! An ingest is taken in whole or not at all: its lake files are shown together, once all are written.

mod call_off;
mod collect;
mod contact;
mod dates;
mod input;
mod journal;
mod keys;
mod parse;
mod publish;
mod reading;
mod record;
mod rows;
mod schema;
mod user;
mod write;

use std::panic::resume_unwind;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc;
use std::sync::{Arc, Mutex};

use spillway::domain::Account;
use spillway::ports::Clock;

pub use call_off::CallOff;
use collect::Flush;
pub use input::Source;
pub use publish::complete_killed;
use publish::{PublishError, Publisher};
use reading::Reading;
use write::{BadRow, LakeWriter, Shared, Written};

/// A longer line is a bad one.
pub const MAX_LINE_BYTES: usize = 64 * 1024 * 1024;

/// How many threads write: what keeps two cores busy, though some wait for the disk.
const WRITERS: usize = 3;

/// Where to and how.
pub struct IngestOptions<'a> {
    /// Whose data it is: decides the folder, the days and the shards.
    pub account: &'a Account,
    /// The lake's folder; it is made if it is not there.
    pub lake_root: PathBuf,
    /// Stamps the files, and the profiles that have no `ts`.
    pub clock: &'a dyn Clock,
    /// How much memory collected rows may take; about twice as much is used in all, and some lines.
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
    let names: Vec<String> = sources.iter().map(Source::name).collect();
    let shared = Shared { options, publisher: Publisher::new(options), has_failed: AtomicBool::new(false) };
    // One flush waits while others are written: together with what is collected, that bounds memory.
    let (flushes, incoming) = mpsc::sync_channel::<Flush>(1);
    let (mut reading, written) = std::thread::scope(|scope| {
        let incoming = Arc::new(Mutex::new(incoming));
        let writers = [(); WRITERS].map(|()| {
            let (writer, incoming) = (LakeWriter::new(&shared), Arc::clone(&incoming));
            scope.spawn(move || writer.write_all(&incoming))
        });
        // Whoever hands on is to notice when all writers have ended.
        drop(incoming);
        let blocks = reading::read(scope, sources, options);
        let mut reading = Reading::new(options, flushes, observer);
        reading.take_all(&names, blocks);
        reading.collector.finish();
        let written = writers.map(|writer| writer.join().unwrap_or_else(|panic| resume_unwind(panic)));
        (reading.into_outcome(), written)
    });
    let mut all = Written::default();
    for written in written {
        all.add(written?);
    }
    let (wrote, report) = (all.report, &mut reading.report);
    report.events = wrote.events;
    report.profiles = wrote.profiles;
    report.older_profiles = wrote.older_profiles;
    report.files = wrote.files;
    report.bytes_written = wrote.bytes_written;
    for BadRow { origin: (source, line), reason, .. } in all.told_bad_rows {
        if report.told_bad_lines < options.told_bad_lines {
            report.told_bad_lines += 1;
            let source = names[source as usize].clone();
            observer.bad_line(&BadLine { source, line, reason });
        }
    }
    report.bad_lines += all.bad_rows;
    if let Some((name, line, reason)) = reading.stopped.filter(|_| !options.call_off.is_called_off()) {
        return Err(IngestError::Read { name, line, reason });
    }
    publish(shared.publisher, options)?;
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

#[cfg(test)]
mod tests;
