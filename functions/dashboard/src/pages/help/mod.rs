//! The page behind each error: what happened, what to do step by step, and what people ask. The words are those of the
//! mails and of the API; here they are filled in with the names of one of the account's buckets.

mod view;
mod webhooks;

use std::sync::Arc;

use askama::Template;
use axum::{
    Router,
    extract::{Path, State},
    response::Response,
    routing::get,
};
use spillway::domain::{BucketId, BucketState, FailureClass, PartnerBucket};

use self::view::{BlockedView, ClassGroup, HelpView, groups};
use super::{
    form::Choice,
    frame::{Frame, Section},
    visit::{Visit, html},
};
use crate::{App, problem::Problem};

/// The routes.
pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/help/failures", get(index))
        .route("/help/failures/{class}", get(page))
        .route("/help/webhooks", get(webhooks))
}

/// The list of all classes.
#[derive(Template)]
#[template(path = "help/index.html")]
struct IndexPage {
    frame: Frame,
    groups: Vec<ClassGroup>,
}

/// One class.
#[derive(Template)]
#[template(path = "help/failure.html")]
struct HelpPage {
    frame: Frame,
    slug: &'static str,
    help: HelpView,
    /// The account's buckets, one of which fills in the names.
    buckets: Vec<Choice>,
    blocked: Option<BlockedView>,
}

/// What webhooks are told.
#[derive(Template)]
#[template(path = "help/webhooks.html")]
struct WebhooksPage {
    frame: Frame,
    headers: [(&'static str, &'static str); 3],
    events: [(&'static str, &'static str, &'static str); 9],
    example: String,
    python: &'static str,
    node: &'static str,
}

async fn webhooks(visit: Visit) -> Result<Response, Problem> {
    Ok(html(&WebhooksPage {
        frame: visit.frame(Section::Settings),
        headers: webhooks::HEADERS,
        events: webhooks::EVENTS,
        example: webhooks::example(),
        python: webhooks::PYTHON,
        node: webhooks::NODE,
    }))
}

async fn index(visit: Visit) -> Result<Response, Problem> {
    Ok(html(&IndexPage { frame: visit.frame(Section::Guide), groups: groups() }))
}

async fn page(
    State(app): State<Arc<App>>,
    visit: Visit,
    Path(slug): Path<String>,
) -> Result<Response, Problem> {
    let class = FailureClass::of_slug(&slug);
    let class = class.ok_or_else(|| Problem::not_found("failure", &format!("“{slug}”")))?;
    let buckets = app.parts.store.buckets(visit.viewer.account).await?;
    let bucket = chosen(&buckets, &BucketId(visit.query.text("bucket").to_owned()), &class);
    let choices = buckets.iter().map(|known| {
        let is_chosen = bucket.is_some_and(|bucket| bucket.id == known.id);
        Choice { is_chosen, ..Choice::new(known.id.0.clone(), known.id.0.clone(), "") }
    });
    Ok(html(&HelpPage {
        frame: visit.frame(Section::Guide),
        slug: class.slug(),
        help: HelpView::new(&class, bucket),
        buckets: choices.collect(),
        blocked: bucket.and_then(|bucket| BlockedView::new(&class, bucket, &visit.times)),
    }))
}

/// The bucket that was asked for, else one that fails so, else the only one.
fn chosen<'a>(
    buckets: &'a [PartnerBucket],
    asked: &BucketId,
    class: &FailureClass,
) -> Option<&'a PartnerBucket> {
    let fails_so = |bucket: &&PartnerBucket| matches!(&bucket.state, BucketState::Blocked { failure, .. } if failure.class.slug() == class.slug());
    let only = if let [only] = buckets { Some(only) } else { None };
    buckets.iter().find(|bucket| bucket.id == *asked).or_else(|| buckets.iter().find(fails_so)).or(only)
}
