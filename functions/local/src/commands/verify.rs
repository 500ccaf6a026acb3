//! `spillway verify`: a bucket read back against the manifests of its runs.

use std::{path::Path, process::ExitCode};

use anyhow::bail;
use serde::Serialize;
use spillway::{
    domain::{FailureClass, PartnerBucket, RunKey, names},
    ports::BucketHandle,
};

use crate::{
    cli::VerifyArgs,
    origins::Places,
    output::{Output, counted},
    system::System,
    verify::{self, VerifyError, VerifyReport},
};

/// What was found of one run.
#[derive(Serialize)]
struct Verified {
    /// `<request id>-<run timestamp>`
    run: String,
    #[serde(flatten)]
    report: VerifyReport,
}

pub(crate) async fn run(home: &Path, output: &Output, args: VerifyArgs) -> anyhow::Result<ExitCode> {
    let places = Places { gcs_endpoint: args.gcs_endpoint.clone(), ..Places::default() };
    let system = System::open(home, places, true).await?;
    let bucket = bucket(&system, &args).await?;
    let key = system.parts.vault.open(bucket.account, &bucket.id, &bucket.key).await?;
    let opened = system.parts.buckets.open(&bucket.bucket_name, &key).await;
    let handle = opened.map_err(|failure| anyhow::anyhow!("{failure}"))?;
    let mut verified = Vec::new();
    for (title, manifest) in manifests(&system, &*handle, &bucket, &args).await? {
        let report = check(&system, &*handle, &bucket, &manifest).await?;
        print(output, &title, &report)?;
        verified.push(Verified { run: title, report });
    }
    if verified.is_empty() {
        output.line(format!("No run has ended in bucket `{}`: there is no manifest.", bucket.bucket_name))?;
    }
    output.result(&verified)?;
    let clean = !verified.is_empty() && verified.iter().all(|verified| verified.report.is_clean());
    Ok(if clean { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The bucket under the key of whichever account knows it.
async fn bucket(system: &System, args: &VerifyArgs) -> anyhow::Result<PartnerBucket> {
    let known = system.store().buckets_named(&args.bucket).await?;
    let mut fitting =
        known.into_iter().filter(|bucket| args.account.is_none_or(|account| bucket.account == account));
    match fitting.next() {
        Some(bucket) => Ok(bucket),
        None => match args.account {
            Some(account) => {
                bail!("account {account} does not know the bucket `{}`; export into it first", args.bucket)
            }
            None => bail!("no account knows the bucket `{}`; export into it first", args.bucket),
        },
    }
}

/// The runs to verify and the names of their manifests.
async fn manifests(
    system: &System,
    handle: &dyn BucketHandle,
    bucket: &PartnerBucket,
    args: &VerifyArgs,
) -> anyhow::Result<Vec<(String, String)>> {
    let titled = |name: String| (name.trim_end_matches(".manifest").to_owned(), name);
    if let Some((request, run)) = args.run {
        let key = RunKey { account: bucket.account, request, run };
        if let Some(known) = system.store().run(key).await?.filter(|run| !run.status.is_closed()) {
            bail!("run {key} is {}; it has no manifest until it has ended", known.status.as_str());
        }
        return Ok(vec![titled(names::manifest_object(key))]);
    }
    let found = verify::manifest_names(handle).await.map_err(|failure| anyhow::anyhow!("{failure}"))?;
    Ok(found.into_iter().map(titled).collect())
}

/// Reads a run back; where the key may not read objects, our own records take the manifest's place.
async fn check(
    system: &System,
    handle: &dyn BucketHandle,
    bucket: &PartnerBucket,
    manifest: &str,
) -> anyhow::Result<VerifyReport> {
    let verified = verify::verify(handle, manifest).await;
    let may_not_read = match &verified {
        Ok(report) => report.unreadable,
        Err(VerifyError::Bucket(failure)) => matches!(failure.class, FailureClass::PermissionMissing { .. }),
        Err(_) => false,
    };
    match verified {
        _ if may_not_read => {
            let Some((request, run)) = manifest.trim_end_matches(".manifest").split_once('-') else {
                bail!("{manifest} is not the name of a manifest");
            };
            let key = RunKey { account: bucket.account, request: request.parse()?, run: run.parse()? };
            match system.store().run(key).await? {
                Some(run) => Ok(verify::verify_records(handle, system.store(), &run).await?),
                None => bail!("the key may not read objects, and we have no record of run {key}"),
            }
        }
        verified => Ok(verified?),
    }
}

fn print(output: &Output, title: &str, report: &VerifyReport) -> anyhow::Result<()> {
    for difference in &report.differences {
        output.line(format!("{title}: {difference}"))?;
    }
    if report.unreadable {
        output.line(format!(
            "{title}: the key may not read objects; what could be looked at was compared with our own records"
        ))?;
    }
    let (objects, rows) = (counted(report.objects, "file"), counted(report.rows, "row"));
    let bytes = counted(report.bytes, "byte");
    let word = if report.is_clean() { "ok" } else { "NOT as it should be" };
    output.line(format!("{title}: {objects}, {rows}, {bytes}, {word}"))
}
