//! What an export would do, without doing it.

use std::collections::HashMap;

use futures::{StreamExt, TryStreamExt, stream};

use super::{Parts, StepError, open};
use crate::domain::{
    AccountId, ChunkPlan, ExportSpec, Footer, ProfileFiles, RequestId, RunKey, RunTimestamp, Slice, Window,
    ZoneName, plan::ProfileList,
};

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
    let mut footers: HashMap<String, Option<Footer>> = HashMap::new();
    for path in plans.iter().flat_map(|plan| paths(&plan.slice)) {
        footers.entry(path.to_owned()).or_default();
    }
    let read = stream::iter(footers.into_keys().map(async |path| match parts.lake.footer(&path).await {
        Ok(footer) => Ok((path, Some(footer))),
        Err(error) if error.is_passing() => Err(error),
        Err(_) => Ok((path, None)),
    }));
    let footers: HashMap<_, _> = read.buffer_unordered(16).try_collect::<HashMap<_, _>>().await?;
    let rows = |plan: &ChunkPlan| rows(plan, &footers, &lists);
    Ok(Preview { chunks: plans.into_iter().map(|plan| PreviewChunk { rows: rows(&plan), plan }).collect() })
}

/// The files whose footers are still to be read: planning has read those of profiles.
fn paths(slice: &Slice) -> Vec<&str> {
    match slice {
        Slice::Events { files, .. } => files.iter().map(|file| file.path.as_str()).collect(),
        Slice::Profiles { .. } => Vec::new(),
    }
}

fn rows(plan: &ChunkPlan, footers: &HashMap<String, Option<Footer>>, lists: &[ProfileList]) -> Option<u64> {
    let count = |path: &str, groups: Option<(u32, u32)>| {
        let all = &footers.get(path)?.as_ref()?.row_groups;
        let (begin, end) = groups.map_or((0, all.len()), |(begin, end)| (begin as usize, end as usize));
        Some(all.get(begin..end)?.iter().map(|group| group.rows).sum::<u64>())
    };
    match &plan.slice {
        Slice::Events { files, .. } => files.iter().map(|file| count(&file.path, file.row_groups)).sum(),
        Slice::Profiles { files: ProfileFiles::Named(files), .. } => files.iter().map(|file| file.rows).sum(),
        Slice::Profiles { files: ProfileFiles::Listed { .. }, after, upto } => {
            let list = lists.iter().find(|list| list.database == plan.database)?;
            let files = list.parts.iter().flatten();
            let touching = files.filter(|file| file.touches(after.as_deref(), upto.as_deref()));
            touching.map(|file| file.rows).sum()
        }
    }
}
