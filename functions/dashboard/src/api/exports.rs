//! Exports: listed, created, looked at, edited, stopped.

use std::sync::Arc;

use axum::{Json, extract::State, response::IntoResponse};
use http::{HeaderMap, HeaderName, StatusCode, header};
use jiff::civil::Date;
use serde::Deserialize;
use spillway::{
    domain::{
        Account, BucketId, DateRange, Export, ExportFilter, ExportStatus, ExportedOn, IdempotencyKey,
        RequestId, StopReason, rules,
    },
    steps::{self, NewRequest},
};
use utoipa::IntoParams;

use super::{
    BASE, account,
    bodies::{
        self, DataKindBody, ExportBody, ExportList, ExportPatch, FormatBody, FrequencyKindBody,
        NewExportBody, PartnerBody, StatusBody,
    },
    extract::{IfMatch, JsonBody, Params, PathOf, etag},
};
use crate::{
    App,
    identity::Viewer,
    problem::{FieldError, Problem, ProblemKind},
    revision::{etag_of, has_seen},
};

/// The header under which a creation may be repeated.
const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// Tells that a creation had been made before.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// How many exports a page has unless another number is asked for.
const PAGE: u16 = 20;
/// How many it has at most.
pub(super) const PAGE_MAX: u16 = 100;

/// Which exports; those for which everything that is given holds.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// Whose buckets the files go into.
    #[param(nullable = false)]
    partner: Option<PartnerBody>,
    /// The nickname of the bucket.
    #[param(nullable = false)]
    bucket: Option<String>,
    /// Which data.
    #[param(nullable = false)]
    r#type: Option<DataKindBody>,
    /// The files' format.
    #[param(nullable = false)]
    format: Option<FormatBody>,
    /// Where the export stands.
    #[param(nullable = false)]
    status: Option<StatusBody>,
    /// How it repeats.
    #[param(nullable = false)]
    frequency: Option<FrequencyKindBody>,
    /// Exported on this day or later, in the account's time zone: a run was created then.
    #[param(value_type = Option<String>, format = Date, nullable = false)]
    exported_from: Option<Date>,
    /// Exported on this day or earlier.
    #[param(value_type = Option<String>, format = Date, nullable = false)]
    exported_to: Option<Date>,
    /// How many exports a page has, 20 by default.
    #[param(minimum = 1, maximum = 100, nullable = false)]
    limit: Option<u16>,
    /// `next` of the page before.
    #[param(pattern = "^[0-9]{1,18}$", nullable = false)]
    cursor: Option<String>,
}

/// The account's exports, newest first.
#[utoipa::path(
    get, path = "/exports", tag = "Exports", params(ListQuery),
    responses(
        (status = OK, body = ExportList),
        (status = NOT_FOUND, description = "Nothing is known of the account yet"),
        (status = UNPROCESSABLE_ENTITY, description = "`exported_from` is later than `exported_to`"),
    )
)]
pub(super) async fn list_exports(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    Params(query): Params<ListQuery>,
) -> Result<Json<ExportList>, Problem> {
    let limit = page_size(query.limit)?;
    let cursor = query.cursor.as_deref().map(cursor).transpose()?.map(RequestId);
    let account = account::find(&app, viewer.account).await?;
    let filter = query.filter(&account)?;
    let page = app.parts.store.list_exports(viewer.account, &filter, cursor, limit).await?;
    let exports = page.exports.iter().map(Into::into).collect();
    Ok(Json(ExportList { exports, next: page.next.map(|next| next.to_string()) }))
}

impl ListQuery {
    fn filter(self, account: &Account) -> Result<ExportFilter, Problem> {
        // There is one partner, so that it keeps nothing out.
        let (Some(PartnerBody::GoogleCloud) | None) = self.partner;
        let exported_on = match (self.exported_from, self.exported_to) {
            (None, None) => None,
            (from, to) => {
                let (first, last) = (from.unwrap_or(Date::ZERO), to.unwrap_or(Date::MAX));
                let days = DateRange::new(first, last).map_err(|error| {
                    // It is of the query, where no pointer leads.
                    let detail = format!("`exported_from` and `exported_to`: {error}.");
                    Problem::refused(vec![FieldError { detail, pointer: None }])
                })?;
                Some(ExportedOn { days, zone: account.time_zone.clone() })
            }
        };
        Ok(ExportFilter {
            bucket: self.bucket.map(BucketId),
            data: self.r#type.map(Into::into),
            format: self.format.map(Into::into),
            status: self.status.map(Into::into),
            frequency: self.frequency.map(Into::into),
            exported_on,
        })
    }
}

/// The number of a page's items.
pub(super) fn page_size(wanted: Option<u16>) -> Result<usize, Problem> {
    match wanted.unwrap_or(PAGE) {
        limit @ 1..=PAGE_MAX => Ok(limit.into()),
        limit => {
            let detail = format!("A page of {limit} is not offered. Choose a `limit` from 1 to {PAGE_MAX}.");
            Err(Problem::new(ProblemKind::MalformedRequest, detail))
        }
    }
}

/// The number that a cursor is.
pub(super) fn cursor(text: &str) -> Result<i64, Problem> {
    let is_digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_digits).ok_or_else(|| {
        let detail = "The cursor is none of ours. Send `next` of the page before as it came.";
        Problem::new(ProblemKind::MalformedRequest, detail)
    })
}

/// Create an export. One that runs once begins at once.
#[utoipa::path(
    post, path = "/exports", tag = "Exports",
    params(("Idempotency-Key" = inline(Option<String>), Header, nullable = false, min_length = 1, max_length = 255,
            pattern = "^[!-~]([ -~]*[!-~])?$",
            description = "Repeats of the request under the same key create nothing, and give the first export; for a day")),
    request_body = NewExportBody,
    responses(
        (status = CREATED, body = ExportBody, headers(
            ("Location" = String, description = "The export's address"),
            ("ETag" = String, description = "The export's version"),
            ("Idempotency-Replayed" = String, description = "`true` where an earlier request had created it"))),
        (status = NOT_FOUND, description = "Nothing is known of the account yet"),
        (status = CONFLICT, description = "Another request was faster"),
    )
)]
pub(super) async fn create_export(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    headers: HeaderMap,
    JsonBody { value: wish, bytes }: JsonBody<NewExportBody>,
) -> Result<impl IntoResponse, Problem> {
    // What the request says, not what it means today, tells repeats apart from other requests.
    let idempotency = idempotency_key(&headers)?.map(|key| key.for_request(&bytes));
    let account = account::find(&app, viewer.account).await?;
    let spec = wish.into_spec(app.today(&account)).map_err(Problem::refused)?;
    let request = NewRequest { spec, created_by: viewer.email, idempotency };
    let created = steps::create_export(&app.parts, viewer.account, request).await?;
    let mut answer = HeaderMap::new();
    let place = format!("{BASE}/exports/{}", created.export.request);
    answer.extend(place.try_into().map(|place| (header::LOCATION, place)));
    if created.is_repeat {
        answer.insert(REPLAYED, http::HeaderValue::from_static("true"));
    }
    let unseen = steps::unseen_events(&app.parts, viewer.account, &created.export.spec.data).await?;
    let notice = bodies::notice(created.clipped, unseen);
    let body = ExportBody { notice, ..(&created.export).into() };
    Ok((StatusCode::CREATED, answer, etag(&etag_of(&created.export)), Json(body)))
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<IdempotencyKey>, Problem> {
    let Some(sent) = headers.get(IDEMPOTENCY_KEY) else { return Ok(None) };
    // An unprintable one is refused as an empty one is.
    let key = IdempotencyKey::new(sent.to_str().unwrap_or_default());
    key.map(Some).map_err(|bad| Problem::new(ProblemKind::MalformedRequest, bad.to_string()))
}

/// An export.
#[utoipa::path(
    get, path = "/exports/{request_id}", tag = "Exports",
    params(("request_id" = i64, Path, description = "The export's number")),
    responses((status = OK, body = ExportBody, headers(("ETag" = String, description = "The export's version"))))
)]
pub(super) async fn get_export(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    PathOf(request): PathOf<i64>,
) -> Result<impl IntoResponse, Problem> {
    let export = find(&app, &viewer, request).await?;
    Ok((etag(&etag_of(&export)), Json(ExportBody::from(&export))))
}

/// Edit a recurring or live export, from its next run on. One that runs once can be moved to another bucket while its own
/// is blocked, and nothing else: what it owes follows.
#[utoipa::path(
    patch, path = "/exports/{request_id}", tag = "Exports",
    params(
        ("request_id" = i64, Path, description = "The export's number"),
        ("If-Match" = String, Header, pattern = r#"^(\*|"[!#-~]*")$"#, description = "The ETag of the export, or `*`. Only a change of its settings makes it stale"),
    ),
    request_body = ExportPatch,
    responses(
        (status = OK, body = ExportBody, headers(("ETag" = String, description = "The export's version"))),
        (status = CONFLICT, description = "It has ended, or runs only once and more than a blocked bucket is to change"),
    )
)]
pub(super) async fn patch_export(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    PathOf(request): PathOf<i64>,
    IfMatch(tag): IfMatch,
    JsonBody { value: patch, .. }: JsonBody<ExportPatch>,
) -> Result<impl IntoResponse, Problem> {
    let export = find(&app, &viewer, request).await?;
    if tag.is_some_and(|tag| !has_seen(&tag, &export)) {
        let detail = format!("Export {request} was changed meanwhile. Get it again, and decide anew.");
        return Err(Problem::new(ProblemKind::ChangedMeanwhile, detail));
    }
    let account = account::find(&app, viewer.account).await?;
    let spec = patch.apply(&export.spec, app.today(&account)).map_err(Problem::refused)?;
    let (id, seen) = (export.request, Some(&export.spec));
    let edited = steps::edit_export(&app.parts, viewer.account, id, seen, &spec).await?;
    let unseen = steps::unseen_events(&app.parts, viewer.account, &edited.spec.data).await?;
    let body = ExportBody { notice: bodies::notice(None, unseen), ..(&edited).into() };
    Ok((etag(&etag_of(&edited)), Json(body)))
}

/// Stop an export, at once. Files that are complete stay.
#[utoipa::path(
    post, path = "/exports/{request_id}/stop", tag = "Exports",
    params(("request_id" = i64, Path, description = "The export's number")),
    responses(
        (status = OK, body = ExportBody, headers(("ETag" = String, description = "The export's version"))),
        (status = CONFLICT, description = "It has ended already"),
    )
)]
pub(super) async fn stop_export(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    PathOf(request): PathOf<i64>,
) -> Result<impl IntoResponse, Problem> {
    let export = find(&app, &viewer, request).await?;
    let zone = account::find(&app, viewer.account).await?.time_zone;
    rules::check_stop(&export, &zone)?;
    let stopped = steps::stop_export(&app.parts, viewer.account, export.request, &StopReason::User).await?;
    // It may have come to its end just before: then there was nothing to stop.
    if stopped.status == ExportStatus::Done {
        rules::check_stop(&stopped, &zone)?;
    }
    Ok((etag(&etag_of(&stopped)), Json(ExportBody::from(&stopped))))
}

/// Start an export again that was stopped by failure.
///
/// What it had begun is finished under its own names; a successor goes on behind that, without a gap. A one-time export
/// goes on itself. Starting it again twice gives the same successor.
#[utoipa::path(
    post, path = "/exports/{request_id}/start-again", tag = "Exports",
    params(("request_id" = i64, Path, description = "The export's number")),
    responses(
        (status = OK, body = ExportBody, description = "What goes on",
         headers(("ETag" = String, description = "The export's version"))),
        (status = CONFLICT, description = "It was not stopped by failure, or its bucket is gone"),
    )
)]
pub(super) async fn start_export_again(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    PathOf(request): PathOf<i64>,
) -> Result<impl IntoResponse, Problem> {
    let request = RequestId(request);
    let started = steps::start_again(&app.parts, viewer.account, request, viewer.email.clone()).await?;
    Ok((etag(&etag_of(&started.export)), Json(ExportBody::from(&started.export))))
}

/// An export of the viewer's account.
pub(super) async fn find(app: &App, viewer: &Viewer, request: i64) -> Result<Export, Problem> {
    let request = RequestId(request);
    let export = app.parts.store.export(viewer.account, request).await?;
    export.ok_or_else(|| Problem::not_found("export", &request))
}
