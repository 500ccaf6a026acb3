//! What a simulation of scale found, for people and for scripts.

use std::{collections::BTreeMap, process::ExitCode};

use serde::Serialize;
use spillway::domain::Run;

use super::{buckets::RowFaults, counts::Counts, wiring::Billed};
use crate::output::{Output, grouped};

#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) chunks: u64,
    pub(super) store: &'static str,
    pub(super) workers: usize,
    /// Listing, planning and storing the plan.
    pub(super) plan_secs: f64,
    /// Of these, storing the chunks.
    pub(super) plan_store_secs: f64,
    /// The peak of the whole process until then; none where the system does not tell.
    pub(super) plan_peak_mib: Option<u64>,
    #[serde(flatten)]
    pub(super) work: Option<Work>,
    pub(super) status: &'static str,
    /// Why the run could not go on, where it could not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<String>,
}

/// What came of working the chunks.
#[derive(Debug, Serialize)]
pub(super) struct Work {
    work_secs: f64,
    work_peak_mib: Option<u64>,
    store_calls_per_chunk: f64,
    store_calls: BTreeMap<&'static str, u64>,
    /// Calls that only read.
    store_reads: u64,
    /// Documents written.
    store_writes: u64,
    hottest_document: &'static str,
    hottest_writes: u64,
    hottest_writes_per_sec: f64,
    /// What remains of it at any speed.
    hottest_writes_per_chunk: f64,
    most_writes_of_a_chunk: u64,
    /// What Firestore counted, with all that it takes to answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    billed: Option<Billed>,
    files: u64,
    lost: u64,
    doubled: u64,
    foreign: u64,
}

impl Work {
    #[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
    pub(super) fn new(
        (chunks, run): (u64, &Run),
        (work_secs, work_peak_mib): (f64, Option<u64>),
        counts: &Counts,
        billed: Option<Billed>,
        faults: RowFaults,
    ) -> Self {
        let per_chunk = |count: u64| count as f64 / chunks as f64;
        let hottest = counts.hottest();
        let (hottest_document, hottest_writes, hottest_writes_per_sec) =
            hottest.map_or(("none", 0, 0.0), |hot| (hot.document, hot.writes, hot.writes_per_sec));
        Self {
            work_secs,
            work_peak_mib,
            store_calls_per_chunk: per_chunk(counts.calls.values().sum()),
            store_calls: counts.calls.clone(),
            store_reads: counts.reads,
            store_writes: counts.writes,
            hottest_document,
            hottest_writes,
            hottest_writes_per_sec,
            hottest_writes_per_chunk: per_chunk(hottest_writes),
            most_writes_of_a_chunk: counts.most_of_a_chunk(),
            billed,
            files: run.totals.files,
            lost: faults.lost,
            doubled: faults.doubled,
            foreign: faults.foreign,
        }
    }
}

impl Report {
    /// Prints it. The exit status is 1 where a row was lost or doubled, or something else came out than was planned.
    pub(super) fn print(&self, output: &Output) -> anyhow::Result<ExitCode> {
        output.result(self)?;
        let mebibytes =
            |mib: Option<u64>| mib.map_or_else(|| "?".to_owned(), |mib| format!("{} MiB", grouped(mib)));
        let mut rows = vec![
            ["chunks".to_owned(), grouped(self.chunks)],
            ["store".to_owned(), self.store.to_owned()],
            ["planning".to_owned(), format!("{:.2} s", self.plan_secs)],
            ["  of which storing the chunks".to_owned(), format!("{:.2} s", self.plan_store_secs)],
            ["  peak memory".to_owned(), mebibytes(self.plan_peak_mib)],
        ];
        if let Some(work) = &self.work {
            rows.extend(work.rows(self.workers));
            rows.push(["  peak memory".to_owned(), mebibytes(work.work_peak_mib)]);
        }
        rows.push(["status".to_owned(), self.status.to_owned()]);
        output.table(&["", ""], 1, rows.into_iter().map(Vec::from).collect())?;
        if let Some(reason) = &self.reason {
            output.line(format!("\n{reason}"))?;
        }
        let is_whole = self.work.as_ref().is_none_or(|work| {
            (work.lost, work.doubled, work.foreign, work.files) == (0, 0, 0, self.chunks)
                && self.status == "DONE"
        });
        Ok(if is_whole { crate::SUCCESS } else { ExitCode::FAILURE })
    }
}

impl Work {
    fn rows(&self, workers: usize) -> Vec<[String; 2]> {
        let row = |name: &str, value: String| [name.to_owned(), value];
        let mut rows = vec![
            row(&format!("working, {workers} at once"), format!("{:.2} s", self.work_secs)),
            row("calls of the store a chunk", format!("{:.2}", self.store_calls_per_chunk)),
            row("  calls that only read", grouped(self.store_reads)),
            row("  documents written", grouped(self.store_writes)),
            row("  most writes of one chunk", grouped(self.most_writes_of_a_chunk)),
            row("hottest document", self.hottest_document.to_owned()),
            row("  its writes a second", format!("{:.1}", self.hottest_writes_per_sec)),
            row("  its writes a chunk", format!("{:.3}", self.hottest_writes_per_chunk)),
        ];
        if let Some(billed) = &self.billed {
            rows.push(row("Firestore: reads as billed", grouped(billed.reads)));
            rows.push(row("Firestore: writes as billed", grouped(billed.writes)));
            rows.push(row(
                "Firestore: commits, again",
                format!("{}, {}", grouped(billed.commits), billed.retries),
            ));
        }
        rows.push(row("rows lost", grouped(self.lost)));
        rows.push(row("rows doubled", grouped(self.doubled)));
        rows
    }
}
