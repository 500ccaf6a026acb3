//! `spillway ingest`: JSON lines into the lake.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, bail};
use indicatif::{HumanBytes, ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;
use spillway::{
    adapters::system_clock::SystemClock,
    domain::{Account, AccountId},
    steps,
};

use super::connect;
use crate::{
    cli::IngestArgs,
    ingest::{self, BadLine, IngestError, IngestOptions, IngestReport, Observer, Progress, Source},
    interrupt::Interrupts,
    origins::Places,
    output::{Output, counted, grouped},
    system::System,
};

pub(crate) async fn run(home: &Path, output: &Output, args: IngestArgs) -> anyhow::Result<ExitCode> {
    let system = System::open(home, Places::default(), true).await?;
    let sources = args.files.iter().map(|file| source(file)).collect::<anyhow::Result<Vec<_>>>()?;
    let total_bytes =
        args.files.iter().map(|file| std::fs::metadata(file).map(|facts| facts.len()).ok()).sum();
    let account = connect::account(&system, args.account, args.time_zone, args.shards).await?;
    let id = account.id;
    let report = take_in(account, system.home.lake(), sources, total_bytes, output.is_json()).await?;
    print(output, &report)?;
    // All is taken in; from here on an interrupt ends the process again.
    Interrupts::listen()?.end_process();
    keep_catalogue(&system, id).await?;
    Ok(if report.bad_lines == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The list of events is up to date once a command has taken data in.
pub(crate) async fn keep_catalogue(system: &System, account: AccountId) -> anyhow::Result<()> {
    while steps::keep_catalogue(&system.parts, account).await?.is_behind {}
    Ok(())
}

/// A file that cannot be opened is told before anything is taken in.
fn source(file: &Path) -> anyhow::Result<Source> {
    let name = file.to_str().ok_or_else(|| anyhow::anyhow!("{} is no UTF-8 path", file.display()))?;
    if name != "-" {
        let facts = std::fs::File::open(file).and_then(|file| file.metadata());
        if facts.map_err(|error| anyhow::anyhow!("{name} cannot be read: {error}"))?.is_dir() {
            bail!("{name} is a folder; give the files in it");
        }
    }
    Ok(Source::named(name))
}

/// How long an ingest that was called off may take to delete what it has written. One that waits for standard input
/// does not notice; the next one deletes it then.
const GRACE: Duration = Duration::from_secs(2);

/// Ingests on a thread of its own, with a bar on standard error. Ctrl-C and SIGTERM call it off, unless it is
/// committed already.
pub(crate) async fn take_in(
    account: Account,
    lake_root: PathBuf,
    sources: Vec<Source>,
    total_bytes: Option<u64>,
    quiet: bool,
) -> anyhow::Result<IngestReport> {
    let mut interrupts = Interrupts::listen()?;
    let call_off = Arc::<ingest::CallOff>::default();
    let (told, mut outcome) = tokio::sync::oneshot::channel();
    let of_thread = Arc::clone(&call_off);
    // Not of the runtime, which would wait for its end: it may wait for standard input for ever.
    std::thread::Builder::new().name("ingest".to_owned()).spawn(move || {
        let mut bar = Bar::new(total_bytes, quiet);
        let mut options = IngestOptions::new(&account, lake_root, &SystemClock);
        options.call_off = of_thread;
        let report = ingest::run(sources, &options, &mut bar);
        bar.0.finish_and_clear();
        drop(told.send(report));
    })?;
    let ended = tokio::select! {
        ended = &mut outcome => ended,
        () = interrupts.next() => {
            if call_off.call_off() {
                drop(tokio::time::timeout(GRACE, outcome).await);
                return Err(IngestError::CalledOff.into());
            }
            outcome.await
        }
    };
    Ok(ended.context("the ingesting thread ended without a word")??)
}

fn print(output: &Output, report: &IngestReport) -> anyhow::Result<()> {
    let lines = counted(report.lines, "line");
    let (events, profiles) = (counted(report.events, "event"), counted(report.profiles, "profile"));
    let (files, bytes) = (counted(report.files, "lake file"), HumanBytes(report.bytes_written));
    output.line(format!("{lines}: {events}, {profiles} in {files}, {bytes}"))?;
    if report.bad_lines > 0 {
        let (bad, told) = (counted(report.bad_lines, "bad line"), grouped(report.told_bad_lines));
        let which = if report.told_bad_lines < report.bad_lines {
            format!("; the first {told} are named above")
        } else {
            String::new()
        };
        let were = if report.bad_lines == 1 { "was" } else { "were" };
        output.line(format!("{bad} {were} left out{which}"))?;
    }
    output.result(&json!({
        "lines": report.lines,
        "events": report.events,
        "profiles": report.profiles,
        "olderProfiles": report.older_profiles,
        "badLines": report.bad_lines,
        "namedBadLines": report.told_bad_lines,
        "lakeFiles": report.files,
        "bytesRead": report.bytes_read,
        "bytesWritten": report.bytes_written,
    }))
}

/// Progress and bad lines on standard error.
struct Bar(ProgressBar);

impl Bar {
    fn new(total_bytes: Option<u64>, quiet: bool) -> Self {
        let target = if quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let template = "{bar:24.cyan/dim} {bytes} of {total_bytes}, {bytes_per_sec}  {msg}  {eta} left";
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = ProgressBar::with_draw_target(total_bytes, target).with_style(style);
        bar.enable_steady_tick(Duration::from_millis(200));
        Self(bar)
    }
}

impl Observer for Bar {
    fn progress(&mut self, progress: Progress) {
        self.0.set_position(progress.bytes_read);
        self.0.set_message(format!("{}, {}", counted(progress.lines, "line"), counted(progress.rows, "row")));
    }

    fn bad_line(&mut self, bad: &BadLine) {
        let BadLine { source, line, reason } = bad;
        let text = format!("{source}, line {line}: {reason}\n");
        // Where standard error is gone, the count still says that lines were left out.
        self.0.suspend(|| drop(std::io::stderr().write_all(text.as_bytes())));
    }
}
