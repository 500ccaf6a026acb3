//! Connecting a bucket, and giving one another key: the candidate is sealed here, and the validator checks it. The script
//! gets the steps as they end; without it they come together, as a page.

use std::sync::Arc;

use askama::Template;
use axum::{
    body::Body,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures::StreamExt;
use http::{HeaderMap, StatusCode, header};
use serde_json::json;
use spillway::{
    domain::{
        BucketState, CandidateId,
        rules::{BucketField, BucketRefused},
    },
    steps::{self, ProposeError},
};

use super::{
    BucketRow, bucket_of, buckets,
    check::{CheckView, StepView},
    sent::Sent,
};
use crate::{
    App, check,
    pages::{
        exports::bucket_href,
        form::Form,
        frame::{Done, Frame, Section},
        visit::{Enabled, Visit, done, html},
    },
    problem::Problem,
    validator_client::CheckLine,
};

/// The type of lines of JSON.
const LINES: &str = "application/x-ndjson";

/// The panel.
#[derive(Template)]
#[template(path = "partners/bucket.html")]
struct BucketPage {
    frame: Frame,
    title: String,
    about: String,
    form: Form,
    check: Option<CheckView>,
    /// Whether the form is open, because there is something in it.
    is_open: bool,
    has_others: bool,
    /// Which bucket's key is replaced; none: a new bucket.
    replaces: Option<String>,
    action: String,
    nickname: String,
    bucket_name: String,
    steps: Vec<StepView>,
    buckets: Vec<BucketRow>,
}

/// What a form was about.
struct Wish {
    replaces: Option<String>,
    nickname: String,
    bucket_name: String,
}

pub(super) async fn new_page(
    State(app): State<Arc<App>>,
    Enabled(visit): Enabled,
) -> Result<Response, Problem> {
    let wish = Wish { replaces: None, nickname: String::new(), bucket_name: String::new() };
    page(&app, &visit, wish, Form::default(), None).await.map(|page| html(&page))
}

pub(super) async fn key_page(
    State(app): State<Arc<App>>,
    visit: Visit,
    Path(nickname): Path<String>,
) -> Result<Response, Problem> {
    visit.check_editor()?;
    let bucket = bucket_of(&app, &visit, &nickname).await?;
    let wish = Wish { replaces: Some(nickname.clone()), nickname, bucket_name: bucket.bucket_name };
    page(&app, &visit, wish, Form::default(), None).await.map(|page| html(&page))
}

pub(super) async fn save(
    State(app): State<Arc<App>>,
    Enabled(visit): Enabled,
    headers: HeaderMap,
    sent: Sent,
) -> Result<Response, Problem> {
    visit.check_editor()?;
    let wish =
        Wish { replaces: None, nickname: sent.nickname.clone(), bucket_name: sent.bucket_name.clone() };
    propose(app, visit, &headers, sent, wish).await
}

pub(super) async fn replace_key(
    State(app): State<Arc<App>>,
    visit: Visit,
    Path(nickname): Path<String>,
    headers: HeaderMap,
    sent: Sent,
) -> Result<Response, Problem> {
    visit.check_editor()?;
    let bucket = bucket_of(&app, &visit, &nickname).await?;
    let wish = Wish { replaces: Some(nickname.clone()), nickname, bucket_name: bucket.bucket_name };
    propose(app, visit, &headers, sent, wish).await
}

async fn propose(
    app: Arc<App>,
    visit: Visit,
    headers: &HeaderMap,
    sent: Sent,
    wish: Wish,
) -> Result<Response, Problem> {
    let proposal = sent.into_proposal(wish.replaces.as_deref());
    let candidate = match steps::propose_bucket(&app.parts, visit.viewer.account, proposal).await {
        Ok(candidate) => candidate,
        Err(ProposeError::Refused(wrong)) => {
            let page = page(&app, &visit, wish, refused(&wrong), None).await?;
            return Ok((StatusCode::UNPROCESSABLE_ENTITY, html(&page)).into_response());
        }
        Err(error) => return Err(error.into()),
    };
    let what = if wish.replaces.is_some() { Done::KeyReplaced } else { Done::BucketSaved };
    let wants_lines = headers.get(header::ACCEPT).is_some_and(|accept| accept == LINES);
    if wants_lines {
        return stream_steps(&app, &visit, candidate, what).await;
    }
    let (reports, verdict) = check::outcome(&app, visit.viewer.account, candidate).await?;
    if verdict.saved {
        return Ok(done("/partners", what, &[]));
    }
    let view = CheckView::failed(&reports, &verdict);
    let page = page(&app, &visit, wish, Form::default(), Some(view)).await?;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, html(&page)).into_response())
}

/// The check's lines as they come; the last one says where to go on.
async fn stream_steps(
    app: &App,
    visit: &Visit,
    candidate: CandidateId,
    what: Done,
) -> Result<Response, Problem> {
    let lines = check::lines(app, visit.viewer.account, candidate).await?;
    let next = format!("/partners?done={}", what.as_str());
    let texts = lines.map(move |line| {
        let text = match line {
            Ok(CheckLine::Step(report)) => json!(report),
            Ok(CheckLine::Verdict(verdict)) => {
                json!({ "saved": verdict.saved, "problem": verdict.problem, "next": next })
            }
            Err(error) => json!({ "saved": false, "problem": Problem::from(error).detail }),
        };
        Ok::<_, std::convert::Infallible>(Bytes::from(format!("{text}\n")))
    });
    Ok(([(header::CONTENT_TYPE, LINES)], Body::from_stream(texts)).into_response())
}

fn refused(wrong: &BucketRefused) -> Form {
    let mut form = Form::default();
    for refusal in &wrong.0 {
        let field = match refusal.field() {
            BucketField::Nickname => "nickname",
            BucketField::BucketName => "bucket_name",
            BucketField::Key => "key",
        };
        form.refuse(field, refusal.to_string());
    }
    form
}

async fn page(
    app: &App,
    visit: &Visit,
    wish: Wish,
    form: Form,
    check: Option<CheckView>,
) -> Result<BucketPage, Problem> {
    let others = buckets(app, visit).await?;
    let Wish { replaces, nickname, bucket_name } = wish;
    let (title, about, action) = match &replaces {
        None => (
            "Integrate analytics partner – Google Cloud".to_owned(),
            "Connect a bucket of yours. It is saved once all checks pass.".to_owned(),
            "/partners/google-cloud/buckets".to_owned(),
        ),
        Some(name) => {
            let is_blocked = others.iter().any(|one| one.id.0 == *name && one.state != BucketState::Ready);
            let goes_on =
                if is_blocked { " Runs that wait for the bucket then go on by themselves." } else { "" };
            (
                format!("Replace the key of {name}"),
                format!(
                    "The key that it has stays in use until the new one passes all checks for {bucket_name}.{goes_on}"
                ),
                bucket_href(name, "key"),
            )
        }
    };
    Ok(BucketPage {
        frame: visit.frame(Section::Partners),
        title,
        about,
        is_open: form.is_refused() || check.is_some() || replaces.is_some(),
        form,
        check,
        has_others: !others.is_empty(),
        replaces,
        action,
        nickname,
        bucket_name,
        steps: StepView::all(),
        buckets: others.iter().map(|bucket| BucketRow::new(bucket, &visit.times)).collect(),
    })
}
