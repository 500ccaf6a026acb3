//! `spillway retry-run`: an INCOMPLETE run again, once its lake files are mended.

use std::{path::Path, process::ExitCode};

use spillway::{
    domain::{RunKey, RunStatus},
    steps,
};

use super::{report::RunReport, wait};
use crate::{
    cli::RetryArgs,
    origins::Places,
    output::{Output, counted},
    system::System,
};

pub(crate) async fn run(home: &Path, output: &Output, args: RetryArgs) -> anyhow::Result<ExitCode> {
    let key = RunKey { account: args.account, request: args.run.0, run: args.run.1 };
    let places = System::places_of(home, key).await?;
    let given = Places { lake: args.lake, gcs_endpoint: args.gcs_endpoint };
    places.check_given(key, &given.canonical())?;
    let system = System::open(home, places, output.is_json()).await?;
    let retried = async {
        let chunks = retry(&system, key).await?;
        output.line(format!("Working again: {}", counted(chunks, "chunk")))?;
        system.progress.begin(key, &key.to_string());
        wait::until_ended(&system, key).await
    };
    let run = system.drive(retried).await?;
    let report = RunReport::of(&system, &run).await?;
    report.print(output, &system.places)?;
    output.result(&report)?;
    Ok(if report.is_complete() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn retry(system: &System, key: RunKey) -> anyhow::Result<u64> {
    let run = system.store().run(key).await?;
    if let Some(run) = run.filter(|run| run.status == RunStatus::Incomplete) {
        system.open_again(&run).await?;
    }
    let chunks = steps::retry_run(&system.parts, key).await?;
    if let Some(run) = system.store().run(key).await? {
        // Messages of it may have been taken without being worked while the bucket was blocked.
        steps::republish(&system.parts, &run, system.parts.clock.now()).await?;
    }
    Ok(chunks)
}
