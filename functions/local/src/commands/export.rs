//! `spillway export`: one run from a lake into a bucket.

use std::{path::Path, process::ExitCode};

use anyhow::bail;
use serde_json::json;
use spillway::{
    domain::{
        Account, DataSelection, DateRange, ExportSpec, Frequency, IdentityPriority, PartnerBucket, Run,
        StopReason,
    },
    steps::{self, Preview},
};

use super::{connect, report::RunReport, wait};
use crate::{
    cli::{Data, ExportArgs, FormatArg, IdentityArg},
    origins::Places,
    output::{Output, counted, grouped},
    system::System,
};

pub(crate) async fn run(home: &Path, output: &Output, args: ExportArgs) -> anyhow::Result<ExitCode> {
    let (data, days) = (selection(&args)?, days(&args)?);
    refuse_idle_flags(&args)?;
    let places = Places { lake: args.lake.clone(), gcs_endpoint: args.gcs_endpoint.clone() };
    let system = System::open(home, places, output.is_json() || args.dry_run).await?;
    let has_files = system.home.lake().join(format!("account={}", args.account)).is_dir();
    if args.lake.is_none() && !has_files {
        bail!(
            "account {0} has no data in this home's lake; take some in with `spillway ingest --account {0} FILE`, or \
             name another lake with --lake",
            args.account
        );
    }
    let account = if args.dry_run {
        connect::account_to_be(&system, args.account, args.time_zone.clone(), None).await?
    } else {
        connect::account(&system, args.account, args.time_zone.clone(), None).await?
    };
    let spec = |bucket: &str| ExportSpec {
        bucket: spillway::domain::BucketId(bucket.to_owned()),
        data,
        identities: IdentityPriority::default(),
        frequency: Frequency::OneTime { days },
        format: args.format.into(),
        packaging: args.packaging.into(),
        as_string: args.as_string,
        header_line: !args.no_header_line,
        manifest: !args.no_manifest,
    };
    let identities = match args.identity_priority.as_slice() {
        [] => IdentityPriority::default(),
        given => IdentityPriority::new(given.iter().map(|identity| (*identity).into()).collect())?,
    };
    if args.dry_run {
        let spec = ExportSpec { identities, ..spec(&args.bucket) };
        return dry_run(&system, output, &account, &spec).await;
    }
    let key_file = args.key.as_deref();
    let connection = connect::Connection { bucket_name: &args.bucket, key_file, create: args.create_bucket };
    let bucket = connect::bucket(&system, account.id, &connection).await?;
    let spec = ExportSpec { identities, ..spec(&bucket.id.0) };
    let run = system.drive(export(&system, &account, &bucket, spec)).await?;
    finish(&system, output, &run).await
}

fn selection(args: &ExportArgs) -> anyhow::Result<DataSelection> {
    match (args.data, args.events.is_empty()) {
        (Data::AllEvents, true) => Ok(DataSelection::AllEvents),
        (Data::AllProfiles, true) => Ok(DataSelection::AllProfiles),
        (Data::SelectEvents, false) => Ok(DataSelection::SelectEvents { names: args.events.clone() }),
        (Data::SelectEvents, true) => {
            bail!("--data select-events needs the events: --event NAME, once for each")
        }
        (Data::AllEvents | Data::AllProfiles, false) => bail!("--event goes with --data select-events only"),
    }
}

/// A flag that would change nothing was meant to: better to say so than to deliver something else.
fn refuse_idle_flags(args: &ExportArgs) -> anyhow::Result<()> {
    if args.no_header_line && (args.format != FormatArg::Json || args.data == Data::AllProfiles) {
        bail!(
            "--no-header-line goes with --format json of events only: no other file begins with such a line"
        );
    }
    if args.data == Data::SelectEvents
        && !matches!(args.identity_priority.as_slice(), [] | [IdentityArg::Identity])
    {
        bail!("--identity-priority goes with all-events and all-profiles; select-events uses the identity");
    }
    Ok(())
}

/// The days of an events export. Profiles are the state now: days say nothing about them.
fn days(args: &ExportArgs) -> anyhow::Result<Option<DateRange>> {
    match (args.data, args.from, args.to) {
        (Data::AllProfiles, None, None) => Ok(None),
        (Data::AllProfiles, _, _) => {
            bail!("--from and --to go with events; profiles are exported as they are now")
        }
        (_, Some(from), Some(to)) => Ok(Some(DateRange::new(from, to)?)),
        (_, _, _) => bail!("an export of events needs its days: --from YYYY-MM-DD --to YYYY-MM-DD"),
    }
}

async fn export(
    system: &System,
    account: &Account,
    bucket: &PartnerBucket,
    spec: ExportSpec,
) -> anyhow::Result<Run> {
    // Whatever blocked the bucket earlier may be mended; the first failure says when it is not.
    system.store().unblock_bucket(bucket).await?;
    let title = spec.format.to_string();
    let now = || system.parts.clock.now();
    let origin = system.origins.announce(account.id, &system.places, now())?;
    let (export, run) = steps::create_one_time_by(&system.parts, account.id, spec, origin).await?;
    system.origins.settle(system.store(), now()).await?;
    system.progress.begin(run.key, &title);
    let run = wait::until_ended(system, run.key).await?;
    let report = RunReport::of(system, &run).await?;
    if let Some(failure) = report.blocked().filter(|_| !run.status.is_closed() && report.is_untouched()) {
        // Nothing was delivered: better to have it given again, rightly, than to leave it lying about.
        let reason = StopReason::Failure { message: failure.to_owned() };
        steps::stop_export(&system.parts, account.id, export.request, &reason).await?;
        // Whoever still works on it sees that soon.
        return wait::until_stopped(system, run.key).await;
    }
    let now = system.store().run(run.key).await?;
    Ok(now.unwrap_or(run))
}

async fn finish(system: &System, output: &Output, run: &Run) -> anyhow::Result<ExitCode> {
    let report = RunReport::of(system, run).await?;
    report.print(output, &system.places)?;
    output.result(&report)?;
    if report.is_complete() {
        if system.is_local() && !report.is_untouched() {
            let folder = system.home.buckets().join(run.spec.bucket.0.as_str());
            output.line(format!("The files lie in {}", folder.display()))?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    Ok(ExitCode::FAILURE)
}

async fn dry_run(
    system: &System,
    output: &Output,
    account: &Account,
    spec: &ExportSpec,
) -> anyhow::Result<ExitCode> {
    let window = steps::one_time_window(&system.parts, spec).await?;
    let preview = steps::preview(&system.parts, account.id, spec, window, &account.time_zone).await?;
    print_preview(output, &preview)?;
    Ok(ExitCode::SUCCESS)
}

fn print_preview(output: &Output, preview: &Preview) -> anyhow::Result<()> {
    let rows_of = |rows: Option<u64>| rows.map_or_else(|| "?".to_owned(), grouped);
    let table = preview.chunks.iter().map(|chunk| {
        let bytes = format!("~{}", grouped(chunk.plan.estimated_bytes));
        vec![chunk.title(), rows_of(chunk.rows), bytes]
    });
    output.table(&["would write", "rows", "bytes"], 2, table.collect())?;
    let rows: u64 = preview.chunks.iter().filter_map(|chunk| chunk.rows).sum();
    let bytes: u64 = preview.chunks.iter().map(|chunk| chunk.plan.estimated_bytes).sum();
    let count = preview.chunks.len() as u64;
    let (chunks, rows_told) = (counted(count, "chunk"), counted(rows, "row"));
    let sum = format!("\n{chunks}, {rows_told}, about {}", counted(bytes, "byte"));
    output.line(sum)?;
    let chunks = preview.chunks.iter().map(|chunk| {
        json!({ "object": chunk.title(), "rows": chunk.rows, "estimatedBytes": chunk.plan.estimated_bytes })
    });
    let chunks: Vec<_> = chunks.collect();
    output.result(&json!({ "chunks": chunks, "rows": rows, "estimatedBytes": bytes }))
}
