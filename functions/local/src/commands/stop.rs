//! `spillway stop`: an export ends here.

use std::{path::Path, process::ExitCode};

use anyhow::bail;
use spillway::{domain::StopReason, steps};

use super::report::RunReport;
use crate::{cli::StopArgs, origins::Places, output::Output, system::System};

pub(crate) async fn run(home: &Path, output: &Output, args: StopArgs) -> anyhow::Result<ExitCode> {
    let system = System::open(home, Places::default(), true).await?;
    let Some(export) = system.store().export(args.account, args.request).await? else {
        bail!("account {} has no export {}", args.account, args.request);
    };
    if !export.is_active() {
        bail!("export {} has ended already", args.request);
    }
    steps::stop_export(&system.parts, args.account, args.request, &StopReason::User).await?;
    let mut reports = Vec::new();
    for run in system.store().runs(args.account, args.request).await? {
        let report = RunReport::of(&system, &run).await?;
        output.line(report.summary())?;
        reports.push(report);
    }
    output.result(&reports)?;
    Ok(ExitCode::SUCCESS)
}
