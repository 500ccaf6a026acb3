//! What the chunks of a plan have written: added up, and by page.

use super::{
    chunks,
    client::Client,
    documents::{flag_value, text_value},
    faults::Fault,
    paths,
    queries::Queries,
    query::Query,
};
use crate::{
    domain::{PlanToken, RunKey},
    ports::{FilePage, RunFile, WrittenSums},
};

pub(super) async fn written(client: &Client, run: RunKey, plan: &PlanToken) -> Result<WrittenSums, Fault> {
    let query = Query::new(Queries::Written, Some(&paths::plan(run, &plan.0)));
    let sums = client.sums(query.equal("written", flag_value(true)), None).await?;
    Ok(WrittenSums { files: sums.get("count"), rows: sums.get("rows"), bytes: sums.get("bytes") })
}

pub(super) async fn page(
    client: &Client,
    run: RunKey,
    plan: &PlanToken,
    cursor: Option<&str>,
    limit: usize,
) -> Result<FilePage, Fault> {
    // A page has at least one file, so that whoever follows `next` gets on.
    let limit = limit.clamp(1, 1 << 20);
    let query = Query::new(Queries::Files, Some(&paths::plan(run, &plan.0)))
        .above(text_value(cursor.unwrap_or_default()))
        .limit(limit + 1);
    let mut found = client.query(query, None).await?.documents;
    let is_last = found.len() <= limit;
    found.truncate(limit);
    let next =
        found.last().and_then(|stored| stored.text("object")).filter(|_| !is_last).map(ToOwned::to_owned);
    let mut files = Vec::with_capacity(found.len());
    for stored in &found {
        let chunk = chunks::read(stored, run)?;
        files.extend(chunk.manifest_file().map(|file| RunFile { file, completed_at: chunk.completed_at() }));
    }
    Ok(FilePage { files, next })
}
