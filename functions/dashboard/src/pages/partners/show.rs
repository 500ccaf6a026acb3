//! The page of a bucket: whether it takes files, what to do where it does not, and what goes into it.

use std::sync::Arc;

use askama::Template;
use axum::{
    body::Bytes,
    extract::{Path, State},
    response::Response,
};
use spillway::{
    domain::{BucketId, BucketState, ExportFilter, Incident, IncidentPhase, PartnerBucket, RequestId},
    steps,
};

use super::bucket_of;
use crate::{
    App, incidents,
    pages::{
        exports::bucket_href,
        form::Fields,
        frame::{Done, Frame, Section},
        pill::Pill,
        times::{Moment, Times},
        trouble::{self, Act, Trouble},
        visit::{Visit, done, html},
        words,
    },
    problem::Problem,
};

/// How many exports are listed.
const EXPORTS: usize = 20;
/// How many past incidents are.
const INCIDENTS: usize = 100;

#[derive(Template)]
#[template(path = "partners/show.html")]
struct BucketPage {
    frame: Frame,
    nickname: String,
    name: String,
    state: Pill,
    email: String,
    key: String,
    added: Moment,
    href: String,
    troubles: Vec<Trouble>,
    /// A look, where the bucket is not known to fail.
    check: Option<Act>,
    exports: Vec<ExportRow>,
    all_href: Option<String>,
    past: Vec<PastIncident>,
}

/// An export into the bucket.
struct ExportRow {
    request: RequestId,
    what: String,
    frequency: String,
    status: Pill,
}

/// An incident that is over, or nearly.
struct PastIncident {
    began: Moment,
    title: String,
    end: String,
}

pub(super) async fn page(
    State(app): State<Arc<App>>,
    visit: Visit,
    Path(nickname): Path<String>,
) -> Result<Response, Problem> {
    let bucket = bucket_of(&app, &visit, &nickname).await?;
    let store = &app.parts.store;
    let filter = ExportFilter { bucket: Some(bucket.id.clone()), ..ExportFilter::default() };
    let exports = store.list_exports(bucket.account, &filter, None, EXPORTS).await?;
    let known = store.incidents(bucket.account, INCIDENTS).await?;
    let of_bucket: Vec<_> = known.into_iter().filter(|incident| incident.bucket == bucket.id).collect();
    let open = of_bucket.iter().find(|incident| incident.is_open());
    let act = visit.may_edit().then(|| check_act(&visit, &bucket, None));
    let is_blocked = bucket.state != BucketState::Ready;
    let in_use = is_blocked && steps::has_exports(&app.parts, &bucket).await?;
    let mut trouble = trouble::of_bucket(&bucket, open, in_use, &visit.times);
    if let Some(trouble) = trouble.as_mut().filter(|_| is_blocked) {
        trouble.act.clone_from(&act);
    }
    let all_href = exports.next.map(|_| format!("/exports?{}", bucket_query(&bucket.id)));
    let facts = &bucket.key_facts;
    Ok(html(&BucketPage {
        frame: visit.frame(Section::Partners),
        nickname: bucket.id.to_string(),
        name: bucket.bucket_name.clone(),
        state: Pill::of_bucket(&bucket.state),
        email: facts.client_email.clone(),
        key: facts.key_id.clone(),
        added: visit.times.moment(facts.added_at),
        href: bucket_href(&bucket.id.0, "").trim_end_matches('/').to_owned(),
        troubles: trouble.into_iter().collect(),
        check: act.filter(|_| !is_blocked),
        exports: exports
            .exports
            .iter()
            .map(|export| ExportRow {
                request: export.request,
                what: words::data(&export.spec.data),
                frequency: words::frequency(&export.spec.frequency),
                status: Pill::of_active_export(&export.status, is_blocked),
            })
            .collect(),
        all_href,
        past: of_bucket
            .iter()
            .filter(|incident| !is_shown_above(incident))
            .map(|one| past(one, &visit.times))
            .collect(),
    }))
}

/// Looks at the bucket now, and goes back to where the button was.
pub(super) async fn check(
    State(app): State<Arc<App>>,
    visit: Visit,
    Path(nickname): Path<String>,
    body: Bytes,
) -> Result<Response, Problem> {
    visit.check_editor()?;
    let bucket = bucket_of(&app, &visit, &nickname).await?;
    let answer = incidents::recheck(&app, visit.viewer.account, &bucket.id).await?;
    let what = if answer.works { Done::BucketWorks } else { Done::BucketFails };
    // Only a number leads back, never an address that somebody sent.
    let back = match Fields::parse(&body).text("export").parse::<RequestId>() {
        Ok(request) => format!("/exports/{request}"),
        Err(_) => bucket_href(&bucket.id.0, "").trim_end_matches('/').to_owned(),
    };
    Ok(done(&back, what, &[]))
}

/// The button that looks at a bucket now.
pub(crate) fn check_act(visit: &Visit, bucket: &PartnerBucket, export: Option<RequestId>) -> Act {
    let text = if bucket.state == BucketState::Ready { "Check now" } else { "Check again now" };
    Act { action: bucket_href(&bucket.id.0, "check"), text, export, csrf: visit.csrf().to_owned() }
}

fn bucket_query(id: &BucketId) -> String {
    let mut query = Fields::default();
    query.push("bucket", id.0.clone());
    query.to_query()
}

fn is_shown_above(incident: &Incident) -> bool {
    matches!(incident.phase, IncidentPhase::Failing | IncidentPhase::Resumed | IncidentPhase::Stopping { .. })
}

fn past(incident: &Incident, times: &Times) -> PastIncident {
    let end = match incident.phase {
        IncidentPhase::Recovered { at, .. } => format!("worked again on {}", times.moment(at).text),
        IncidentPhase::Stopped { at } => format!("exports stopped on {}", times.moment(at).text),
        IncidentPhase::Ended { at } => format!("over on {}", times.moment(at).text),
        IncidentPhase::Failing | IncidentPhase::Resumed | IncidentPhase::Stopping { .. } => {
            "goes on".to_owned()
        }
    };
    let words = incident.failure.words(spillway::domain::Known::default());
    PastIncident { began: times.moment(incident.began_at), title: words.title, end }
}
