//! Creating an export, and the estimate beside the form.

use std::sync::Arc;

use axum::{
    body::Bytes,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode};
use spillway::{
    domain::{DataSelection, Export, IdempotencyKey, RequestId},
    steps::{self, CreateError, EstimateError, NewRequest},
};

use super::{
    export_of, fields,
    form_view::{EstimatePart, EstimateView, FormPage, FormParts},
};
use crate::{
    App,
    pages::{
        form::{Fields, Form},
        frame::{Done, Section},
        visit::{Enabled, Visit, done, html},
    },
    problem::Problem,
    security::csrf,
};

/// The header with which the script asks for a part of a page.
const PART: &str = "x-part";

/// The form, filled in with sensible defaults.
pub(super) async fn page(State(app): State<Arc<App>>, Enabled(visit): Enabled) -> Result<Response, Problem> {
    visit.check_editor()?;
    let buckets = app.parts.store.buckets(visit.viewer.account).await?;
    let events = steps::days_of_events(&app.parts, visit.viewer.account, &DataSelection::AllEvents).await?;
    let fields = fields::defaults(&visit.account, &buckets, &visit.times, events);
    let estimate = estimated(&app, &visit, None, &fields).await?;
    Ok(html(&form_page(&app, &visit, None, &fields, Form::default(), estimate).await?))
}

/// Creates, and leads to the list; or shows the form again with all that is wrong.
pub(super) async fn create(
    State(app): State<Arc<App>>,
    Enabled(visit): Enabled,
    body: Bytes,
) -> Result<Response, Problem> {
    visit.check_editor()?;
    let fields = Fields::parse(&body);
    let spec = match fields::spec(&fields, visit.times.today()) {
        Ok(spec) => spec,
        Err(form) => return refused(&app, &visit, None, &fields, form).await,
    };
    let idempotency = idempotency(&fields);
    let request = NewRequest { spec, created_by: visit.viewer.email.clone(), idempotency };
    match steps::create_export(&app.parts, visit.viewer.account, request).await {
        Ok(created) => {
            let mut more = vec![("export", created.export.request.to_string())];
            more.extend(created.clipped.map(|clipped| ("clipped", clipped.first.to_string())));
            // It is created: what cannot be looked up now must not look like a failure.
            let data = &created.export.spec.data;
            if let Ok(Some(unseen)) = steps::unseen_events(&app.parts, visit.viewer.account, data).await {
                more.push(("unseen", unseen.count().to_string()));
            }
            Ok(done("/exports", Done::Created, &more))
        }
        Err(CreateError::Refused(wrong)) => {
            refused(&app, &visit, None, &fields, fields::refused(&wrong)).await
        }
        Err(CreateError::KeyReused { request, .. }) => {
            let mut form = Form::default();
            form.refuse(
                "",
                format!(
                    "This form has created export {request} already. Send it again to create another one."
                ),
            );
            refused(&app, &visit, None, &fields, form).await
        }
        Err(error) => Err(error.into()),
    }
}

/// Sent twice, a form creates one export: its number is the key, and its fields are the request, whatever token they came
/// with. Without a number each sending is a wish of its own.
fn idempotency(fields: &Fields) -> Option<IdempotencyKey> {
    let once = Some(fields.text("once")).filter(|once| !once.is_empty())?;
    let key = IdempotencyKey::new(format!("form-{once}")).ok()?;
    Some(key.for_request(fields.without(csrf::FIELD).to_query().as_bytes()))
}

/// The estimate of a form: the part alone for the script, else the whole page with it.
pub(super) async fn estimate(
    State(app): State<Arc<App>>,
    visit: Visit,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let fields = Fields::parse(&body);
    let of = fields.text("editing").parse().ok();
    let estimate = estimated(&app, &visit, of, &fields).await?;
    if headers.contains_key(PART) {
        return Ok(html(&EstimatePart { estimate }));
    }
    let editing = match fields.text("editing") {
        "" => None,
        request => Some(export_of(&app, &visit, request).await?),
    };
    Ok(html(&form_page(&app, &visit, editing.as_ref(), &fields, Form::default(), estimate).await?))
}

/// What the fields would deliver.
pub(super) async fn estimated(
    app: &App,
    visit: &Visit,
    of: Option<RequestId>,
    fields: &Fields,
) -> Result<EstimateView, Problem> {
    let spec = match fields::spec(fields, visit.times.today()) {
        Ok(spec) => spec,
        Err(form) => return Ok(EstimateView::of_form(&form)),
    };
    match steps::estimate(&app.parts, visit.viewer.account, &spec, of).await {
        Ok(estimate) => Ok(EstimateView::ready(&estimate, &visit.times)),
        Err(EstimateError::Refused(wrong)) => Ok(EstimateView::refused(&wrong)),
        Err(error) => Err(error.into()),
    }
}

/// The form again, with what is wrong.
pub(super) async fn refused(
    app: &App,
    visit: &Visit,
    editing: Option<&Export>,
    fields: &Fields,
    form: Form,
) -> Result<Response, Problem> {
    let of = editing.map(|export| export.request);
    let estimate = estimated(app, visit, of, fields).await?;
    let page = form_page(app, visit, editing, fields, form, estimate).await?;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, html(&page)).into_response())
}

/// The page with these fields.
pub(super) async fn form_page(
    app: &App,
    visit: &Visit,
    editing: Option<&Export>,
    fields: &Fields,
    form: Form,
    estimate: EstimateView,
) -> Result<FormPage, Problem> {
    let account = visit.viewer.account;
    let buckets = app.parts.store.buckets(account).await?;
    let events = steps::catalogue(&app.parts, account).await?;
    let parts = FormParts {
        account: &visit.account,
        buckets: &buckets,
        events: &events,
        times: &visit.times,
        editing,
    };
    // A new number each time: what is sent again on purpose is another wish.
    let once = format!("{:032x}", rand::random::<u128>());
    Ok(FormPage::new(visit.frame(Section::Exports), &parts, fields, form, estimate, once))
}
