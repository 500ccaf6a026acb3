//! `spillway retry-run`: an INCOMPLETE run again, once its lake files are mended.

use std::{path::Path, process::ExitCode};

use spillway::{domain::RunKey, steps};

use super::{report::RunReport, wait};
use crate::{
    cli::RetryArgs,
    origins::Places,
    output::{Output, counted},
    system::System,
};

pub(crate) async fn run(home: &Path, output: &Output, args: RetryArgs) -> anyhow::Result<ExitCode> {
    let places = Places { lake: args.lake, gcs_endpoint: args.gcs_endpoint };
    let system = System::open(home, places, output.is_json()).await?;
    let key = RunKey { account: args.account, request: args.run.0, run: args.run.1 };
    let retried = async {
        let chunks = steps::retry_run(&system.parts, key).await?;
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
