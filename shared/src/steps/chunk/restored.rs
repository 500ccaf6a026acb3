//! Lake files that were restored after their run's window: no rows go out twice (the rule is [`retry`](super::super::retry)'s).

use jiff::Timestamp;

use super::trouble::Trouble;
use crate::{
    domain::{Dataset, Frequency, ProfileFiles, ProfileRole, Run, Slice, Window},
    steps::{Parts, StepError},
};

/// How many runs are looked at in one page.
const PAGE: usize = 100;

/// Fails a chunk of a retried run where a file of it was restored so that a later run takes it, too.
pub(super) async fn refuse_restored(parts: &Parts, run: &Run, slice: &Slice) -> Result<(), Trouble> {
    // Nothing comes after a one-time export's only run.
    if run.reopened == 0 || matches!(run.spec.frequency, Frequency::OneTime { .. }) {
        return Ok(());
    }
    let (dataset, paths) = delivered_files(slice);
    let cut = run.window.cut();
    for path in paths {
        let committed = parts.lake.committed(path).await?;
        if committed <= cut {
            continue;
        }
        let later = later_window(parts, run, committed).await?;
        if later.is_some_and(|window| window.lists(path, dataset, &run.zone.time_zone())) {
            return Err(Trouble::Broken(format!(
                "lake file `{path}` was restored at {committed}, after this run's window, which ends at {cut}; a later \
                 run of the export delivers it, so this one must not. What else this object was to hold needs a new \
                 one-time export"
            )));
        }
    }
    Ok(())
}

/// The files whose rows a slice delivers.
fn delivered_files(slice: &Slice) -> (Dataset, Vec<&str>) {
    match slice {
        Slice::Events { files, .. } => {
            (Dataset::Events, files.iter().map(|file| file.path.as_str()).collect())
        }
        Slice::Profiles { files: ProfileFiles::Named(files), .. } => {
            let delivered = files.iter().filter(|file| file.role == ProfileRole::Deliver);
            (Dataset::Profiles, delivered.map(|file| file.path.as_str()).collect())
        }
        // Lists have been resolved.
        Slice::Profiles { files: ProfileFiles::Listed { .. }, .. } => (Dataset::Profiles, Vec::new()),
    }
}

/// The window of the export in which an instant after the run's lies: of a run, or of the one to come.
async fn later_window(parts: &Parts, run: &Run, committed: Timestamp) -> Result<Option<Window>, StepError> {
    let (account, request) = (run.key.account, run.key.request);
    let export = parts.store.export(account, request).await?;
    let Some(planned) = export.and_then(|export| export.planned_cut) else { return Ok(None) };
    if planned < committed {
        return Ok(Some(Window::Committed { after: planned, upto: committed }));
    }
    let mut cursor = None;
    loop {
        let page = parts.store.runs_page(account, request, cursor, PAGE).await?;
        if let Some(later) = page.runs.iter().find(|later| later.window.takes(committed, None)) {
            return Ok(Some(later.window));
        }
        cursor = page.next;
        if cursor.is_none() {
            return Ok(None);
        }
    }
}
