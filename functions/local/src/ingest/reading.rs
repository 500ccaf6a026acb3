//! The reading side: blocks are read on one thread and parsed on others; what comes of them is collected in order.

use std::io;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::sync::{Arc, Mutex};
use std::thread::Scope;

use super::collect::{Collector, Flush};
use super::input::{Blocks, Source};
use super::parse::{Job, Parsed, Parser};
use super::{BadLine, IngestOptions, IngestReport, Observer, Progress};

/// How many threads parse.
const PARSERS: usize = 2;
/// How many blocks may wait to be parsed or collected.
const BLOCKS_AHEAD: usize = 4;
/// How often progress is told.
const PROGRESS_BYTES: u64 = 4 * 1024 * 1024;

/// What was read next.
pub(super) enum Next {
    /// A block, once it is parsed.
    Block(Receiver<Parsed>),
    /// The end of an input.
    Ended { bytes_read: u64 },
    /// An input that cannot be read on behind this line.
    Failed { source: u32, line: u64, reason: String },
}

/// Reads and parses the inputs on threads of their own.
pub(super) fn read<'scope>(
    scope: &'scope Scope<'scope, '_>,
    sources: Vec<Source>,
    options: &IngestOptions<'_>,
) -> Receiver<Next> {
    let (ordered, next) = mpsc::sync_channel(BLOCKS_AHEAD);
    let (jobs, queue) = mpsc::sync_channel(BLOCKS_AHEAD);
    let queue = Arc::new(Mutex::new(queue));
    let started = options.clock.now();
    for _ in 0..PARSERS {
        let (parser, queue) = (Parser::new(options, started), Arc::clone(&queue));
        scope.spawn(move || parser.parse_all(&queue));
    }
    scope
        .spawn(move || (0..).zip(sources).all(|(index, source)| read_source(index, source, &ordered, &jobs)));
    next
}

/// Reads an input; whether to go on.
fn read_source(index: u32, source: Source, ordered: &SyncSender<Next>, jobs: &SyncSender<Job>) -> bool {
    let failed = |line, error: io::Error| {
        // Whoever has gone needs no reason.
        drop(ordered.send(Next::Failed { source: index, line, reason: error.to_string() }));
        false
    };
    let mut blocks = match Blocks::open(index, source) {
        Ok(blocks) => blocks,
        Err(error) => return failed(0, error),
    };
    loop {
        let block = match blocks.next_block() {
            Ok(Some(block)) => block,
            Ok(None) => return ordered.send(Next::Ended { bytes_read: blocks.bytes_read() }).is_ok(),
            Err(error) => return failed(blocks.lines, error),
        };
        let (answer, parsed) = mpsc::sync_channel(1);
        if ordered.send(Next::Block(parsed)).is_err() || jobs.send((block, answer)).is_err() {
            return false;
        }
    }
}

/// Collects what is read, and tells of it.
pub(super) struct Reading<'a> {
    options: &'a IngestOptions<'a>,
    pub(super) collector: Collector<'a>,
    observer: &'a mut dyn Observer,
    report: IngestReport,
    rows: u64,
    told_bytes: u64,
    stopped: Option<(String, u64, String)>,
}

/// What reading came to.
pub(super) struct Outcome {
    pub(super) report: IngestReport,
    /// The input that cannot be read on, the last line that was read, and why.
    pub(super) stopped: Option<(String, u64, String)>,
}

impl<'a> Reading<'a> {
    pub(super) fn new(
        options: &'a IngestOptions<'a>,
        flushes: mpsc::SyncSender<Flush>,
        observer: &'a mut dyn Observer,
    ) -> Self {
        let collector = Collector::new(options, flushes);
        let report = IngestReport::default();
        Self { options, collector, observer, report, rows: 0, told_bytes: 0, stopped: None }
    }

    pub(super) fn into_outcome(self) -> Outcome {
        Outcome { report: self.report, stopped: self.stopped }
    }

    /// Takes what was read until all of it is taken, or the ingest has to end.
    pub(super) fn take_all(&mut self, names: &[String], blocks: Receiver<Next>) {
        // Of the inputs before.
        let mut bytes_before = 0;
        for next in blocks {
            match next {
                Next::Block(parsed) => {
                    // None comes of a parser that panicked, which ends the ingest.
                    let Ok(parsed) = parsed.recv() else { return };
                    self.report.bytes_read = bytes_before + parsed.bytes_read;
                    self.take(&names[parsed.source as usize], parsed);
                }
                Next::Ended { bytes_read } => {
                    bytes_before += bytes_read;
                    self.report.bytes_read = bytes_before;
                    self.tell_progress(true);
                }
                Next::Failed { source, line, reason } => {
                    self.stopped = Some((names[source as usize].clone(), line, reason));
                }
            }
            if self.collector.is_stopped() || self.options.call_off.is_called_off() {
                return;
            }
        }
    }

    fn take(&mut self, name: &str, parsed: Parsed) {
        self.collector.take(&parsed);
        self.rows += parsed.rows().len() as u64;
        self.report.lines += parsed.lines;
        self.report.bad_lines += parsed.bad_lines;
        for (line, reason) in parsed.told_bad_lines {
            if self.report.told_bad_lines < self.options.told_bad_lines {
                self.report.told_bad_lines += 1;
                self.observer.bad_line(&BadLine { source: name.to_owned(), line, reason });
            }
        }
        self.tell_progress(false);
    }

    fn tell_progress(&mut self, at_end: bool) {
        let IngestReport { bytes_read, lines, .. } = self.report;
        if at_end || bytes_read - self.told_bytes >= PROGRESS_BYTES {
            self.told_bytes = bytes_read;
            self.observer.progress(Progress { bytes_read, lines, rows: self.rows });
        }
    }
}
