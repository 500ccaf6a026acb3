//! The list of exports.

use std::{collections::BTreeMap, sync::Arc};

use askama::Template;
use axum::{extract::State, response::Response};
use futures::future::try_join_all;
use spillway::{
    domain::{BucketId, Export, ExportStatus, PartnerBucket, RequestId, Run, RunStatus},
    steps,
};

use super::{
    filter::Filter,
    pager::{self, Back, Pager},
    row::{LastRun, Row},
};
use crate::{
    App,
    pages::{
        form::Fields,
        frame::{Frame, Section},
        visit::{Visit, html},
    },
    problem::Problem,
};

/// The page.
#[derive(Template)]
#[template(path = "exports/list.html")]
struct ListPage {
    frame: Frame,
    has_buckets: bool,
    filter: Filter,
    rows: Vec<Row>,
    pager: Pager,
    live: String,
}

/// The list alone, as the stream of events sends it.
#[derive(Template)]
#[template(path = "exports/results.html")]
pub(super) struct Results {
    frame: Frame,
    has_buckets: bool,
    filter: Filter,
    rows: Vec<Row>,
    pager: Pager,
    live: String,
}

pub(super) async fn page(State(app): State<Arc<App>>, visit: Visit) -> Result<Response, Problem> {
    let Results { frame, has_buckets, filter, rows, pager, live } = results(&app, &visit).await?;
    Ok(html(&ListPage { frame, has_buckets, filter, rows, pager, live }))
}

/// What the address asks for.
pub(super) async fn results(app: &App, visit: &Visit) -> Result<Results, Problem> {
    let (account, query, store) = (visit.viewer.account, &visit.query, &app.parts.store);
    let buckets = store.buckets(account).await?;
    let names: Vec<BucketId> = buckets.iter().map(|bucket| bucket.id.clone()).collect();
    let size = pager::size(query);
    let (filter, wanted) = Filter::new(query, &names, &visit.times, &visit.account.time_zone, size);
    let cursor: Option<RequestId> = query.text("cursor").parse().ok();
    let page = store.list_exports(account, &wanted, cursor, size).await?;
    let by_name: BTreeMap<&BucketId, &PartnerBucket> =
        buckets.iter().map(|bucket| (&bucket.id, bucket)).collect();
    let lasts: Vec<LastRun> = try_join_all(page.exports.iter().map(|export| last_run(app, export))).await?;
    let rows: Vec<Row> = page
        .exports
        .iter()
        .zip(&lasts)
        .map(|(export, last)| {
            let bucket = by_name.get(&export.spec.bucket).copied();
            Row::new(export, last, bucket, &visit.times, visit.may_edit())
        })
        .collect();
    let text = |id: RequestId| id.to_string();
    let back = Back::of(query);
    let pager = Pager::new(filter.fields(), size, rows.len(), (cursor.map(text), page.next.map(text)), &back);
    let live = if page.exports.iter().any(Export::is_active) {
        let mut fields: Fields = filter.fields().clone();
        fields.push("size", size.to_string());
        fields.push("cursor", cursor.map(text).unwrap_or_default());
        fields.push(pager::BACK, back.to_text());
        format!("/exports/live?{}", fields.to_query())
    } else {
        String::new()
    };
    let frame = visit.frame(Section::Exports);
    Ok(Results { frame, has_buckets: !buckets.is_empty(), filter, rows, pager, live })
}

/// The newest run of an export, and how far the one is that is worked: behind a backlog that is an older one.
async fn last_run(app: &App, export: &Export) -> Result<LastRun, Problem> {
    let page = app.parts.store.runs_page(export.account, export.request, None, 1).await;
    let run = page?.runs.into_iter().next();
    let is_worked = |run: &&Run| run.status == RunStatus::Running;
    let worked = match &run {
        // An export's runs are opened in order.
        Some(newest) if is_worked(&newest) => Some(newest.clone()),
        Some(_) if export.status == ExportStatus::Running => {
            steps::worked_run(&app.parts, export.account, export.request).await?
        }
        _ => None,
    };
    let progress = match worked.as_ref().filter(is_worked) {
        Some(run) => Some(steps::run_progress(&app.parts, run).await?),
        None => None,
    };
    Ok(LastRun { run, progress })
}
