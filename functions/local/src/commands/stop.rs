//! `spillway stop`: an export ends here.

use std::{path::Path, process::ExitCode};

use anyhow::bail;
use spillway::{
    domain::{Run, RunKey, RunTimestamp, StopReason},
    steps,
};

use super::{report::RunReport, wait};
use crate::{cli::StopArgs, origins::Places, output::Output, system::System};

pub(crate) async fn run(home: &Path, output: &Output, args: StopArgs) -> anyhow::Result<ExitCode> {
    // Only one-time exports have places of their own, and their one run has the export's number.
    let (account, request) = (args.account, args.request);
    let only = RunKey { account, request, run: RunTimestamp(request.0) };
    // Nothing is read any more: the export's lake may even be gone.
    let places = Places { lake: None, ..System::places_of(home, only).await? };
    let system = System::open(home, places, true).await?;
    let Some(export) = system.store().export(account, request).await? else {
        bail!("account {account} has no export {request}");
    };
    if !export.is_active() {
        bail!("export {request} has ended already");
    }
    let mut reports = Vec::new();
    for run in system.drive(stop(&system, &args)).await? {
        let report = RunReport::of(&system, &run).await?;
        output.line(report.summary())?;
        reports.push(report);
    }
    output.result(&reports)?;
    Ok(ExitCode::SUCCESS)
}

/// Stops the export and waits for its runs: what another process works on may still be completed, and the manifest
/// follows it.
async fn stop(system: &System, args: &StopArgs) -> anyhow::Result<Vec<Run>> {
    steps::stop_export(&system.parts, args.account, args.request, &StopReason::User).await?;
    let mut ended = Vec::new();
    for run in system.store().runs(args.account, args.request).await? {
        ended.push(wait::until_stopped(system, run.key).await?);
    }
    Ok(ended)
}
