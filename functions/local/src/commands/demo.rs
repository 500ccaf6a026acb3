//! `spillway demo`: the shipped data, in every format, through the same code path as the services.

use std::{path::Path, process::ExitCode};

use jiff::civil::date;
use spillway::{
    domain::{
        Account, DataSelection, DateRange, ExportSpec, Format, Frequency, IdentityKind, IdentityPriority,
        Packaging, PartnerBucket, Run, names,
    },
    steps,
};

use super::{
    connect,
    report::{HEADER, RunReport},
    wait,
};
use crate::{
    cli::DEFAULT_HOME,
    origins::Places,
    output::{Output, grouped},
    sample,
    system::System,
    verify::{self, VerifyReport},
};

const BUCKET: &str = "spillway-demo";

pub(crate) async fn run(home: &Path, output: &Output) -> anyhow::Result<ExitCode> {
    let system = System::open(home, Places::default(), output.is_json()).await?;
    let account = sample::account(&system, output).await?;
    let connection = connect::Connection { bucket_name: BUCKET, key_file: None, create: true };
    let bucket = connect::bucket(&system, account.id, &connection).await?;
    output.line(format!("Exporting them in all four formats into the local bucket {BUCKET} ..."))?;
    let runs = system.drive(export_all(&system, &account, &bucket)).await?;
    let mut reports = Vec::new();
    for run in &runs {
        reports.push(RunReport::of(&system, run).await?);
    }
    let rows = reports.iter().flat_map(RunReport::table_rows).collect();
    output.table(&HEADER, 2, rows)?;
    output.line("")?;
    for (run, report) in runs.iter().zip(&reports) {
        output.line(format!("{:19} {}", title(&run.spec), report.summary()))?;
    }
    output.result(&reports)?;
    let verified = check(&system, output, &bucket, &runs).await?;
    if !verified || !reports.iter().all(RunReport::is_complete) {
        return Ok(ExitCode::FAILURE);
    }
    what_next(&system, home, output)?;
    Ok(ExitCode::SUCCESS)
}

/// One export a format for events and for profiles, all under way at once.
async fn export_all(system: &System, account: &Account, bucket: &PartnerBucket) -> anyhow::Result<Vec<Run>> {
    let days = DateRange::new(date(2018, 1, 1), date(2025, 12, 31))?;
    let selections = [(DataSelection::AllEvents, Some(days)), (DataSelection::AllProfiles, None)];
    let mut created = Vec::new();
    for (data, days) in selections {
        for format in Format::ALL {
            let spec = ExportSpec {
                bucket: bucket.id.clone(),
                data: data.clone(),
                identities: IdentityPriority::new(IdentityKind::ALL.to_vec())?,
                frequency: Frequency::OneTime { days },
                format,
                packaging: Packaging::Gzip,
                as_string: false,
                header_line: true,
                manifest: true,
            };
            let title = title(&spec);
            let (_, run) = steps::create_one_time(&system.parts, account.id, spec).await?;
            system.progress.begin(run.key, &title);
            created.push(run.key);
        }
    }
    let mut ended = Vec::new();
    for key in created {
        ended.push(wait::until_ended(system, key).await?);
    }
    Ok(ended)
}

/// What an export of the demo is called.
fn title(spec: &ExportSpec) -> String {
    let data = if spec.data == DataSelection::AllProfiles { "profiles" } else { "events" };
    format!("{data} as {}", spec.format)
}

async fn check(
    system: &System,
    output: &Output,
    bucket: &PartnerBucket,
    runs: &[Run],
) -> anyhow::Result<bool> {
    let key = system.parts.vault.open(bucket.account, &bucket.id, &bucket.key).await?;
    let handle = system.parts.buckets.open(&bucket.bucket_name, &key).await;
    let handle = handle.map_err(|failure| anyhow::anyhow!("{failure}"))?;
    let mut total = VerifyReport::default();
    for run in runs {
        let report = verify::verify(&*handle, &names::manifest_object(run.key)).await?;
        total.objects += report.objects;
        total.rows += report.rows;
        total.differences.extend(report.differences);
    }
    for difference in &total.differences {
        output.line(format!("difference: {difference}"))?;
    }
    let (objects, rows) = (grouped(total.objects), grouped(total.rows));
    if total.differences.is_empty() {
        output.line(format!("\nRead back {objects} files with {rows} rows: all as their manifests say."))?;
    }
    Ok(total.differences.is_empty())
}

/// Commands that work as they stand: `cargo run` puts no `spillway` on the path.
fn what_next(system: &System, home: &Path, output: &Output) -> anyhow::Result<()> {
    let folder = system.home.buckets().join(BUCKET);
    let mut spillway = std::env::args().next().unwrap_or_else(|| "spillway".to_owned());
    if home != Path::new(DEFAULT_HOME) {
        spillway = format!("{spillway} --home {}", home.display());
    }
    output.line(format!(
        "\nThe files lie in {folder}. Try next:
  ls {folder}
  {spillway} verify --bucket {BUCKET}
  {spillway} export --account {ACCOUNT} --bucket {BUCKET} --data select-events --event Charged \\
      --format csv --from 2025-01-01 --to 2025-12-31
  {spillway} --help",
        folder = folder.display(),
        ACCOUNT = sample::ACCOUNT
    ))
}
