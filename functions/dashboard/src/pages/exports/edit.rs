//! Editing an export: recurring and live ones, from the next run on; one that runs once is moved to another bucket while
//! its own is blocked.

use std::sync::Arc;

use axum::{
    body::Bytes,
    extract::{Path, State},
    response::Response,
};
use jiff::civil::Date;
use spillway::{
    domain::{
        BucketId, Export, ExportSpec,
        rules::{self, Refusal},
    },
    steps::{self, EditError},
};

use super::{export_of, fields, new};
use crate::{
    App,
    pages::{
        form::{Fields, Form},
        frame::Done,
        visit::{Enabled, Visit, done, html},
    },
    problem::{Problem, ProblemKind},
    revision::revision_of,
};

/// The form with the export in it; of one that cannot be edited, why not.
pub(super) async fn page(
    State(app): State<Arc<App>>,
    Enabled(visit): Enabled,
    Path(request): Path<String>,
) -> Result<Response, Problem> {
    visit.check_editor()?;
    let export = export_of(&app, &visit, &request).await?;
    check_editable(&app, &visit, &export).await?;
    let mut fields = fields::of_export(&export);
    fields.push("seen", revision_of(&export));
    let estimate = new::estimated(&app, &visit, Some(export.request), &fields).await?;
    Ok(html(&new::form_page(&app, &visit, Some(&export), &fields, Form::default(), estimate).await?))
}

/// Whether it may be edited at all: an edit that changes nothing would be allowed.
async fn check_editable(app: &App, visit: &Visit, export: &Export) -> Result<(), Problem> {
    let buckets = app.parts.store.buckets(export.account).await?;
    let checked = rules::check_edit(export, &export.spec, &visit.account, &buckets, visit.times.now());
    match checked {
        // A bucket that was removed, or an identity that is not used any more, is mended in the form.
        Err(wrong) if wrong.0.iter().any(is_of_state) => {
            Err(Problem::new(ProblemKind::WrongState, wrong.to_string()))
        }
        _ => Ok(()),
    }
}

/// Whether no other field of the form would help.
fn is_of_state(refusal: &Refusal) -> bool {
    matches!(refusal, Refusal::EditDone(_) | Refusal::EditStopped { .. } | Refusal::EditOneTime(_))
}

/// Edits, and leads to the export; or shows the form again with all that is wrong.
pub(super) async fn save(
    State(app): State<Arc<App>>,
    Enabled(visit): Enabled,
    Path(request): Path<String>,
    body: Bytes,
) -> Result<Response, Problem> {
    visit.check_editor()?;
    let export = export_of(&app, &visit, &request).await?;
    check_editable(&app, &visit, &export).await?;
    let fields = Fields::parse(&body);
    if fields.text("seen") != revision_of(&export) {
        return changed(&app, &visit, &export).await;
    }
    let spec = match wanted(&export, &fields, visit.times.today()) {
        Ok(spec) => spec,
        Err(form) => return new::refused(&app, &visit, Some(&export), &fields, form).await,
    };
    let account = visit.viewer.account;
    match steps::edit_export(&app.parts, account, export.request, Some(&export.spec), &spec).await {
        Ok(edited) => {
            let id = edited.request.to_string();
            Ok(done(&format!("/exports/{id}"), Done::Edited, &[("export", id.clone())]))
        }
        Err(EditError::Refused(wrong)) => {
            new::refused(&app, &visit, Some(&export), &fields, fields::refused(&wrong)).await
        }
        Err(EditError::Changed(_)) => changed(&app, &visit, &export).await,
        Err(error @ EditError::NumberTaken { .. }) => {
            let mut form = Form::default();
            form.refuse("bucket", format!("This {error}."));
            new::refused(&app, &visit, Some(&export), &fields, form).await
        }
        Err(error) => Err(error.into()),
    }
}

/// What the form asks for; of an export that runs once it has the bucket alone.
fn wanted(export: &Export, fields: &Fields, today: Date) -> Result<ExportSpec, Form> {
    if export.is_one_time() {
        let bucket = BucketId(fields.text("bucket").to_owned());
        return Ok(ExportSpec { bucket, ..export.spec.clone() });
    }
    fields::spec(fields, today)
}

/// Somebody else was faster: their export is shown, for another decision.
async fn changed(app: &App, visit: &Visit, known: &Export) -> Result<Response, Problem> {
    let export = export_of(app, visit, &known.request.to_string()).await?;
    let mut form = Form::default();
    form.refuse(
        "",
        "Somebody changed this export while you were editing it. The form shows it as it is now; edit it anew.",
    );
    let mut fields = fields::of_export(&export);
    fields.push("seen", revision_of(&export));
    new::refused(app, visit, Some(&export), &fields, form).await
}
