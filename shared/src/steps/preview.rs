//! What an export would do, without doing it.

use futures::{StreamExt, TryStreamExt, stream};

use super::{
    Parts, StepError,
    open::{self, FOOTERS_AT_ONCE},
};
use crate::domain::{
    AccountId, ChunkPlan, ExportSpec, ProfileFiles, RequestId, RunKey, RunTimestamp, Slice, SliceFile,
    Window, ZoneName, plan::ProfileList,
};

/// The most files that are counted one after the other: handing on one alone costs more than reading its footer.
const COUNTED_TOGETHER: usize = 64;

/// What an export would do.
#[derive(Debug, Clone, Default)]
pub struct Preview {
    /// In the order of their objects' names.
    pub chunks: Vec<PreviewChunk>,
}

/// One file that would be written.
#[derive(Debug, Clone)]
pub struct PreviewChunk {
    /// What was planned.
    pub plan: ChunkPlan,
    /// The rows of its lake files, where they can be read; for profiles an upper bound, over all versions.
    pub rows: Option<u64>,
}

impl PreviewChunk {
    /// The object's name, with `…` for the request id and the run that it does not have yet.
    #[must_use]
    pub fn title(&self) -> String {
        let nobody = RunKey { account: AccountId(0), request: RequestId(0), run: RunTimestamp(0) };
        let name = self.plan.object_name(nobody);
        let known = name.strip_prefix("0-0-0-").or_else(|| name.strip_prefix("0-0-")).unwrap_or(&name);
        format!("…-{known}")
    }
}

/// Plans an export and reads the footers of all files that it would read. Nothing is stored.
///
/// # Errors
/// [`StepError`].
pub async fn preview(
    parts: &Parts,
    account: AccountId,
    spec: &ExportSpec,
    window: Window,
    zone: &ZoneName,
) -> Result<Preview, StepError> {
    let zone = zone.time_zone();
    let open::Made { chunks: plans, lists, .. } =
        open::make(parts, &open::Request { account, run: None, export: None, spec, window, zone: &zone })
            .await?;
    let uncounted: Vec<&str> = plans.iter().flat_map(|plan| uncounted(&plan.slice)).collect();
    let mut counts = count(parts, &uncounted).await?.into_iter();
    let mut rows = |plan: &ChunkPlan| rows(plan, &mut counts, &lists);
    Ok(Preview { chunks: plans.into_iter().map(|plan| PreviewChunk { rows: rows(&plan), plan }).collect() })
}

/// The files whose footers are still to be read: planning has read some, and all those of profiles.
fn uncounted(slice: &Slice) -> impl Iterator<Item = &str> {
    let files: &[SliceFile] = match slice {
        Slice::Events { files, .. } => files,
        Slice::Profiles { .. } => &[],
    };
    files.iter().filter(|file| file.rows.is_none()).map(|file| file.path.as_str())
}

/// How many rows each of the files has, where it can be read.
async fn count(parts: &Parts, paths: &[&str]) -> Result<Vec<Option<u64>>, StepError> {
    let together = paths.len().div_ceil(FOOTERS_AT_ONCE).clamp(1, COUNTED_TOGETHER);
    let read: Vec<_> = paths.chunks(together).map(|paths| parts.lake.row_counts(paths)).collect();
    Ok(stream::iter(read).buffered(FOOTERS_AT_ONCE).try_concat().await?)
}

/// Takes of `counts` those of the chunk's files that were uncounted.
fn rows(
    plan: &ChunkPlan,
    counts: &mut impl Iterator<Item = Option<u64>>,
    lists: &[ProfileList],
) -> Option<u64> {
    match &plan.slice {
        Slice::Events { files, .. } => {
            let count = |file: &SliceFile| match file.rows {
                Some(planned) => Some(planned.end - planned.first),
                None => counts.next().flatten(),
            };
            // All are taken, also behind one that is not known, so that the next chunk finds its own.
            let rows: Vec<Option<u64>> = files.iter().map(count).collect();
            rows.into_iter().sum()
        }
        Slice::Profiles { files: ProfileFiles::Named(files), .. } => files.iter().map(|file| file.rows).sum(),
        Slice::Profiles { files: ProfileFiles::Listed { .. }, after, upto } => {
            let list = lists.iter().find(|list| list.database == plan.database)?;
            let files = list.parts.iter().flatten();
            let touching = files.filter(|file| file.touches(after.as_deref(), upto.as_deref()));
            touching.map(|file| file.rows).sum()
        }
    }
}
