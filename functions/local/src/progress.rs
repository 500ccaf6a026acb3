//! A bar for each run under way: rows, bytes, files, time left.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use indicatif::{HumanBytes, MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use spillway::{domain::RunKey, steps::Observer};

use crate::output::counted;

/// The bars, and what went wrong meanwhile. Clones share them.
#[derive(Clone)]
pub(crate) struct Progress {
    bars: MultiProgress,
    runs: Arc<Mutex<HashMap<RunKey, RunProgress>>>,
}

#[derive(Default)]
struct RunProgress {
    bar: Option<ProgressBar>,
    rows: u64,
    bytes: u64,
    files: u64,
    failures: Vec<String>,
}

impl Progress {
    /// Bars on standard error, hidden where that is no terminal or `hidden` says so.
    pub(crate) fn new(hidden: bool) -> Self {
        let target = if hidden { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        Self { bars: MultiProgress::with_draw_target(target), runs: Arc::default() }
    }

    fn runs(&self) -> MutexGuard<'_, HashMap<RunKey, RunProgress>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a run's bar. Its length comes with the plan.
    pub(crate) fn begin(&self, run: RunKey, title: &str) {
        let template = "{prefix:24} {bar:24.cyan/dim} {percent:>3}%  {msg}  {eta} left";
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = self.bars.add(ProgressBar::no_length().with_style(style).with_prefix(title.to_owned()));
        bar.enable_steady_tick(Duration::from_millis(200));
        self.runs().entry(run).or_default().bar = Some(bar);
    }

    /// Tells a run's estimated size, once its plan is known.
    pub(crate) fn expect(&self, run: RunKey, estimated_bytes: u64) {
        if let Some(RunProgress { bar: Some(bar), .. }) = self.runs().get(&run) {
            bar.set_length(estimated_bytes.max(1));
        }
    }

    /// Ends a run's bar.
    pub(crate) fn end(&self, run: RunKey) {
        if let Some(RunProgress { bar: Some(bar), .. }) = self.runs().get(&run) {
            bar.set_length(bar.position().max(1));
            bar.finish();
        }
    }

    /// What failed in a run, in the order in which it did.
    pub(crate) fn failures(&self, run: RunKey) -> Vec<String> {
        self.runs().get(&run).map(|run| run.failures.clone()).unwrap_or_default()
    }

    fn change(&self, run: RunKey, change: impl FnOnce(&mut RunProgress)) {
        let mut runs = self.runs();
        let progress = runs.entry(run).or_default();
        change(progress);
        if let Some(bar) = &progress.bar {
            bar.set_position(progress.bytes);
            let (rows, files) = (counted(progress.rows, "row"), counted(progress.files, "file"));
            bar.set_message(format!("{rows}, {}, {files}", HumanBytes(progress.bytes)));
        }
    }
}

impl Observer for Progress {
    fn encoded(&self, run: RunKey, rows: u64, bytes: u64) {
        self.change(run, |progress| {
            progress.rows += rows;
            progress.bytes += bytes;
        });
    }

    fn withdrawn(&self, run: RunKey, rows: u64, bytes: u64) {
        self.change(run, |progress| {
            progress.rows = progress.rows.saturating_sub(rows);
            progress.bytes = progress.bytes.saturating_sub(bytes);
        });
    }

    fn completed(&self, run: RunKey, _object: &str) {
        self.change(run, |progress| progress.files += 1);
    }

    fn failed(&self, run: RunKey, object: &str, reason: &str) {
        self.change(run, |progress| progress.failures.push(format!("{object}: {reason}")));
    }
}
