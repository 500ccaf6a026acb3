//! `spillway simulate scale`: one run of many chunks, each of one row.

use std::{path::Path, process::ExitCode, sync::Arc, time::Duration};

use anyhow::{Context, bail};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::Timestamp;
use spillway::{
    domain::{
        BucketId, DataSelection, DateRange, ExportSpec, Format, Frequency, IdentityPriority, Packaging, Run,
        RunKey,
    },
    steps::{self, Handled, Observer},
};

use super::{
    StoreKind,
    buckets::SimulatedBuckets,
    lake::SimulatedLake,
    memory::peak_mib,
    report::{Report, Work},
    wiring::Simulation,
};
use crate::{
    cli::{ScaleArgs, StoreArg},
    engine::{Stuck, Workers},
    output::Output,
};

const LOOK_EVERY: Duration = Duration::from_millis(200);

pub(super) async fn run(folder: &Path, output: &Output, args: &ScaleArgs) -> anyhow::Result<ExitCode> {
    if args.project.is_some() && args.store != StoreArg::Firestore {
        bail!("--project goes with --store firestore");
    }
    let bar = Bar::new(args.chunks, output.is_json());
    let kind = StoreKind::of(args.store, args.project.as_ref());
    let buckets = SimulatedBuckets::new(usize::try_from(args.chunks)?);
    let lake = SimulatedLake::new(args.chunks);
    let days = lake.days()?;
    let simulation = Simulation::open(folder, &kind, lake, buckets.clone(), Arc::new(bar.clone())).await?;

    bar.0.set_message("planning");
    let (planned, plan_secs) = plan(&simulation, days).await?;
    let plan = planned.plan.as_ref().context("the run was not planned; report it as a bug")?;
    if plan.chunks != args.chunks {
        bail!("{} chunks were planned of {} files; report it as a bug", plan.chunks, args.chunks);
    }
    let mut report = Report {
        chunks: plan.chunks,
        store: store_name(args.store),
        workers: args.workers,
        plan_secs,
        plan_store_secs: simulation.metered.adding_secs(),
        plan_peak_mib: peak_mib(),
        work: None,
        status: planned.status.as_str(),
        reason: None,
    };
    if !args.plan_only {
        bar.0.set_message("working");
        let (ended, work_secs) = work(&simulation, planned.key, args.workers).await?;
        let billed = simulation.billing.as_ref().map(|billing| billing());
        let measured = (work_secs, peak_mib());
        let counts = simulation.metered.counts();
        report.work = Some(Work::new((plan.chunks, &ended), measured, &counts, billed, buckets.faults()));
        (report.status, report.reason) = (ended.status.as_str(), ended.reason);
    }
    bar.0.finish_and_clear();
    report.print(output)
}

fn store_name(store: StoreArg) -> &'static str {
    match store {
        StoreArg::Sqlite => "sqlite",
        StoreArg::Firestore => "firestore",
    }
}

/// Creates the export, and works the message that plans its run.
async fn plan(simulation: &Simulation, days: DateRange) -> anyhow::Result<(Run, f64)> {
    let Simulation { parts, queue, .. } = simulation;
    let begun = parts.clock.now();
    let spec = spec(&simulation.bucket, days);
    let (_, run) = steps::create_one_time(parts, simulation.account, spec).await?;
    let delivery = queue.receive().await.context("the queue is closed; report it as a bug")?;
    match steps::handle(parts, delivery.work()).await? {
        Handled::Done => delivery.ack(),
        Handled::Again(_) => bail!("planning did not come to its end; report it as a bug"),
    }
    let secs = secs_since(simulation, begun);
    Ok((run_of(simulation, run.key).await?, secs))
}

fn spec(bucket: &BucketId, days: DateRange) -> ExportSpec {
    ExportSpec {
        bucket: bucket.clone(),
        data: DataSelection::AllEvents,
        identities: IdentityPriority::default(),
        frequency: Frequency::OneTime { days: Some(days) },
        format: Format::Json,
        packaging: Packaging::Plain,
        as_string: false,
        header_line: false,
        manifest: true,
    }
}

/// Works until the run has ended.
async fn work(simulation: &Simulation, key: RunKey, workers: usize) -> anyhow::Result<(Run, f64)> {
    let Simulation { parts, queue, .. } = simulation;
    let begun = parts.clock.now();
    let stuck = Stuck::default();
    let of_all = Arc::new(|_| true);
    let workers = Workers::start(parts, queue, workers, Vec::new(), of_all, Arc::clone(&stuck)).await?;
    let mut tick = tokio::time::interval(LOOK_EVERY);
    let ended = loop {
        tick.tick().await;
        if let Some(wrong) = stuck.get() {
            bail!("{wrong}");
        }
        let run = run_of(simulation, key).await?;
        if run.status.is_closed() {
            break run;
        }
    };
    let secs = secs_since(simulation, begun);
    workers.stop(queue).await;
    Ok((ended, secs))
}

/// Read past the counts, which are of the steps alone.
async fn run_of(simulation: &Simulation, key: RunKey) -> anyhow::Result<Run> {
    simulation.store.run(key).await?.with_context(|| format!("run {key} is gone; report it as a bug"))
}

fn secs_since(simulation: &Simulation, begun: Timestamp) -> f64 {
    simulation.parts.clock.now().duration_since(begun).as_secs_f64()
}

/// The progress, on a terminal.
#[derive(Clone)]
struct Bar(ProgressBar);

impl Bar {
    fn new(chunks: u64, hidden: bool) -> Self {
        let target = if hidden { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let style = ProgressStyle::with_template("{msg:9} {bar:24.cyan/dim} {pos}/{len} chunks  {eta} left");
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = ProgressBar::with_draw_target(Some(chunks), target).with_style(style);
        bar.enable_steady_tick(LOOK_EVERY);
        Self(bar)
    }
}

impl Observer for Bar {
    fn completed(&self, _run: RunKey, _object: &str) {
        self.0.inc(1);
    }
}
