//! `spillway verify`: a bucket read back against the manifests of its runs, or our records where there is none.

use std::{path::Path, process::ExitCode};

use anyhow::bail;
use serde::Serialize;
use spillway::{
    domain::{ExportFilter, FailureClass, PartnerBucket, Run, RunKey, names},
    ports::BucketHandle,
};

use crate::{
    cli::VerifyArgs,
    origins::Places,
    output::{Output, counted},
    system::System,
    verify::{self, Difference, VerifyError, VerifyReport},
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
    let manifests = manifests(&system, &*handle, &bucket, &args).await?;
    for (title, manifest) in &manifests {
        let report = check(&system, &*handle, &bucket, manifest).await?;
        print(output, title, &report)?;
        verified.push(Verified { run: title.clone(), report });
    }
    for run in without_manifest(&system, &bucket, &args, &manifests).await? {
        let (title, name) = (run.key.to_string(), names::manifest_object(run.key));
        let mut report = verify::verify_without_manifest(&*handle, system.store(), &run).await?;
        if run.has_manifest {
            report.differences.push(Difference::Missing { name });
        }
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
        if system.store().run(key).await?.is_some_and(|known| has_no_manifest(&known)) {
            return Ok(Vec::new());
        }
        return Ok(vec![titled(names::manifest_object(key))]);
    }
    let found = verify::manifest_names(handle).await.map_err(|failure| anyhow::anyhow!("{failure}"))?;
    Ok(found.into_iter().map(titled).collect())
}

/// How many exports are looked at in one page.
const PAGE: usize = 100;

/// Whether a run has ended and will not have a manifest as it stands.
fn has_no_manifest(run: &Run) -> bool {
    run.status.is_closed() && !run.has_manifest
}

/// The runs to verify by our records: those without a manifest, and those whose manifest is not among those `found`.
async fn without_manifest(
    system: &System,
    bucket: &PartnerBucket,
    args: &VerifyArgs,
    found: &[(String, String)],
) -> anyhow::Result<Vec<Run>> {
    let (store, account) = (system.store(), bucket.account);
    let is_lost = |run: &Run| {
        let name = names::manifest_object(run.key);
        run.has_manifest && !found.iter().any(|(_, known)| *known == name)
    };
    let is_one = |run: &Run| run.spec.bucket == bucket.id && (has_no_manifest(run) || is_lost(run));
    if let Some((request, run)) = args.run {
        let known = store.run(RunKey { account, request, run }).await?;
        return Ok(known.into_iter().filter(has_no_manifest).collect());
    }
    let (mut runs, mut cursor) = (Vec::new(), None);
    loop {
        let page = store.list_exports(account, &ExportFilter::default(), cursor, PAGE).await?;
        for export in page.exports {
            runs.extend(store.runs(account, export.request).await?.into_iter().filter(is_one));
        }
        cursor = page.next;
        if cursor.is_none() {
            runs.sort_by_key(|run| (run.key.request, run.key.run));
            return Ok(runs);
        }
    }
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
        // One manifest that cannot be read holds up no other run.
        Err(error @ (VerifyError::NotAManifest { .. } | VerifyError::BrokeOff(_))) => {
            let (name, reason) = (manifest.to_owned(), error.to_string());
            let differences = vec![Difference::Manifest { name, reason }];
            Ok(VerifyReport { differences, ..VerifyReport::default() })
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
