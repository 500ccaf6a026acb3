//! A run compared with our own records: what is left where the key may not read objects.

use std::collections::BTreeMap;

use spillway::{
    domain::{ManifestFile, Run, RunKey, RunStatus},
    ports::{BucketHandle, Store},
};

use super::{Difference, VerifyError, VerifyReport, list_run, read_back};

/// How many chunks are looked at in one page.
const PAGE: usize = 1_000;

/// The lines that a run's manifest should have, by name: those of its plan's chunks that became objects.
///
/// # Errors
/// [`VerifyError::Store`].
pub async fn recorded_lines(store: &dyn Store, run: &Run) -> Result<Vec<ManifestFile>, VerifyError> {
    let (mut lines, mut from) = (Vec::new(), None);
    // A run that was never planned has delivered nothing.
    let Some(plan) = &run.plan else { return Ok(lines) };
    loop {
        let page = store.chunks(run.key, &plan.token, from.as_ref(), PAGE).await?;
        lines.extend(page.chunks.iter().filter_map(|chunk| chunk.manifest_file()));
        from = page.next;
        if from.is_none() {
            lines.sort_by(|a, b| a.name.cmp(&b.name));
            return Ok(lines);
        }
    }
}

/// How a manifest's lines differ from our records, by name.
#[must_use]
pub fn compare_lines(listed: &[ManifestFile], recorded: &[ManifestFile]) -> Vec<Difference> {
    let mut pairs: BTreeMap<&str, (Option<&ManifestFile>, Option<&ManifestFile>)> = BTreeMap::new();
    listed.iter().for_each(|line| pairs.entry(&line.name).or_default().0 = Some(line));
    recorded.iter().for_each(|line| pairs.entry(&line.name).or_default().1 = Some(line));
    let mut differences = Vec::new();
    for (name, pair) in pairs {
        let name = name.to_owned();
        match pair {
            (Some(listed), Some(recorded)) => differences.extend(compare_line(listed, recorded)),
            (Some(_), None) => differences.push(Difference::NotRecorded { name }),
            _ => differences.push(Difference::RecordedOnly { name }),
        }
    }
    differences
}

fn compare_line(listed: &ManifestFile, recorded: &ManifestFile) -> Vec<Difference> {
    let fields = |line: &ManifestFile| {
        [
            ("bytes", line.bytes.to_string()),
            ("rows", line.rows.to_string()),
            ("crc32c", line.crc32c.to_string()),
            ("eventName", format!("{:?}", line.event_name)),
            ("date", format!("{:?}", line.date)),
            ("databaseId", line.database_id.to_string()),
        ]
    };
    let pairs = fields(listed).into_iter().zip(fields(recorded));
    let different = pairs.filter(|(listed, recorded)| listed != recorded);
    let difference = |((field, said), (_, known))| Difference::RecordedOtherwise {
        name: listed.name.clone(),
        field,
        listed: said,
        recorded: known,
    };
    different.map(difference).collect()
}

/// Reads a run back that has ended and has no manifest, by our own records: INCOMPLETE, or its manifest switched off.
///
/// # Errors
/// [`VerifyError`] where the bucket fails for a reason that says nothing about the run's objects, or the store.
pub async fn verify_without_manifest(
    bucket: &dyn BucketHandle,
    store: &dyn Store,
    run: &Run,
) -> Result<VerifyReport, VerifyError> {
    let own = match run.status {
        RunStatus::Incomplete => {
            vec![Difference::Incomplete { name: run.key.to_string(), account: run.key.account }]
        }
        _ => Vec::new(),
    };
    read_back(bucket, run.key, run.spec.format, &recorded_lines(store, run).await?, own).await
}

/// Compares the bucket with our own records without reading an object: by its list (names, sizes and Google's
/// checksums), where the key may list. The report says `unreadable`, and its rows are those of our records.
///
/// # Errors
/// [`VerifyError`] where the bucket fails otherwise, or the store.
pub async fn verify_records(
    bucket: &dyn BucketHandle,
    store: &dyn Store,
    run: &Run,
) -> Result<VerifyReport, VerifyError> {
    verify_recorded(bucket, run.key, &recorded_lines(store, run).await?).await
}

pub(super) async fn verify_recorded(
    bucket: &dyn BucketHandle,
    run: RunKey,
    recorded: &[ManifestFile],
) -> Result<VerifyReport, VerifyError> {
    let listed = list_run(bucket, run).await?;
    let mut report = VerifyReport { unreadable: true, ..VerifyReport::default() };
    if let Some(objects) = &listed {
        report.compare_listed(recorded, objects);
    }
    report.look_for_others(recorded, listed.as_deref());
    Ok(report)
}
