//! Deleting what plans of a run have left behind that are not the run's.

use super::{
    faults::Fault,
    paths::{self, DocPath, text_id},
    queries::Queries,
    query::Query,
    runs,
    transaction::Transaction,
};
use crate::domain::RunKey;

/// How many documents one transaction deletes.
pub(super) const BATCH: usize = 400;

/// Deletes up to [`BATCH`] chunks that no plan of the run's needs, and its lists of profiles files; gives how many
/// chunks, and whether there may be more. The transaction rests on the run: one that is opened, or opened again,
/// meanwhile keeps its chunks. The documents of plans stay, they are few: somebody who still adds chunks to one of them
/// leaves them to the next sweep.
pub(super) async fn batch(tx: &Transaction, key: RunKey) -> Result<(u64, bool), Fault> {
    let run = runs::existing(tx, key).await?;
    let keep = match &run.plan {
        Some(plan) => Some(text_id(&plan.token.0)),
        None if run.status.is_closed() => None,
        // Somebody may be planning.
        None => return Ok((0, false)),
    };
    let plans = tx.query(Query::new(Queries::Plans, Some(&paths::run(key))).only(&["__name__"])).await?;
    for plan in plans.iter().filter(|plan| Some(plan.id()) != keep.as_deref()) {
        let chunks = delete_below(tx, Queries::Chunks, &plan.path).await?;
        let lists =
            if chunks < BATCH { delete_below(tx, Queries::ProfileLists, &plan.path).await? } else { 0 };
        if chunks + lists > 0 {
            return Ok((chunks as u64, true));
        }
    }
    Ok((0, false))
}

async fn delete_below(tx: &Transaction, query: Queries, plan: &DocPath) -> Result<usize, Fault> {
    let found = tx.query(Query::new(query, Some(plan)).only(&["__name__"]).limit(BATCH)).await?;
    let count = found.len();
    found.into_iter().for_each(|stored| tx.delete(stored.path));
    Ok(count)
}
