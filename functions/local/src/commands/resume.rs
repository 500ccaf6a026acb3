//! `spillway resume`: what an earlier process left unfinished.

use std::{path::Path, process::ExitCode};

use anyhow::bail;

use super::{report::RunReport, wait};
use crate::{cli::ResumeArgs, origins::Places, output::Output, system::System};

pub(crate) async fn run(home: &Path, output: &Output, args: ResumeArgs) -> anyhow::Result<ExitCode> {
    let places = Places { lake: args.lake, gcs_endpoint: args.gcs_endpoint };
    let system = System::open(home, places, output.is_json()).await?;
    let (mut open, unfinished) = (Vec::new(), system.store().open_runs().await?);
    system.origins.settle(system.store(), system.parts.clock.now()).await?;
    for run in unfinished {
        let places = system.origins.of(run.key)?;
        if places == system.places {
            open.push(run);
        } else {
            output.line(format!("Run {} waits for: spillway resume{}", run.key, places.flags()))?;
        }
    }
    if open.is_empty() {
        output.line("Nothing is unfinished.")?;
        output.result(&serde_json::json!([]))?;
        return Ok(ExitCode::SUCCESS);
    }
    for run in &open {
        system.open_again(run).await?;
        system.progress.begin(run.key, &run.key.to_string());
    }
    let ended = async {
        if !system.is_alone() {
            bail!(
                "another process of this home is at work, and what is unfinished may be its own; run `spillway \
                 resume{}` again once that has ended",
                system.places.flags()
            );
        }
        let mut ended = Vec::new();
        for run in &open {
            ended.push(wait::until_ended(&system, run.key).await?);
        }
        Ok(ended)
    };
    let mut reports = Vec::new();
    for run in system.drive(ended).await? {
        let report = RunReport::of(&system, &run).await?;
        report.print(output, &system.places)?;
        reports.push(report);
    }
    output.result(&reports)?;
    let complete = reports.iter().all(RunReport::is_complete);
    Ok(if complete { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
