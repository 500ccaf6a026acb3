//! The account's settings: time zone, identities, notifications.

pub(super) mod webhook;

use std::sync::Arc;

use askama::Template;
use axum::{
    body::Bytes,
    extract::State,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use jiff::tz;
use spillway::{
    domain::{
        Account, EmailAddress, IdentityKind, WebhookUrl, ZoneName,
        rules::{AccountChange, AccountRefusal},
    },
    steps::{self, AccountError},
};

use self::webhook::WebhookView;
use super::{
    form::{Choice, Fields, Form},
    frame::{Done, Frame, Section},
    visit::{Visit, done, html},
    words,
};
use crate::{App, problem::Problem};

/// The page.
#[derive(Template)]
#[template(path = "settings.html")]
struct SettingsPage {
    frame: Frame,
    form: Form,
    /// The revision that is changed.
    seen: String,
    time_zone: String,
    is_zone_fixed: bool,
    zones: Vec<String>,
    identities: Vec<Choice>,
    notify: String,
    webhook: String,
    hook: WebhookView,
}

pub(super) async fn page(State(app): State<Arc<App>>, visit: Visit) -> Result<Response, Problem> {
    let fields = of_account(&visit.account);
    Ok(html(&settings_page(&app, &visit, &fields, Form::default()).await?))
}

pub(super) async fn save(
    State(app): State<Arc<App>>,
    visit: Visit,
    body: Bytes,
) -> Result<Response, Problem> {
    visit.check_editor()?;
    let fields = Fields::parse(&body);
    if fields.text("seen") != visit.account.revision() {
        return changed(&app, &visit).await;
    }
    let change = match change(&fields) {
        Ok(change) => change,
        Err(form) => return refused(&app, &visit, &fields, form).await,
    };
    match steps::update_account(&app.parts, visit.viewer.account, Some(&visit.account), change).await {
        Ok(_) => Ok(done("/settings", Done::SettingsSaved, &[])),
        Err(AccountError::Refused(wrong)) => {
            let mut form = Form::default();
            for refusal in &wrong.0 {
                let field = match refusal {
                    AccountRefusal::ZoneOfData(_) => "time_zone",
                    AccountRefusal::NoIdentities => "identities",
                    AccountRefusal::TooManyNotified(_) => "notify",
                };
                form.refuse(field, refusal.to_string());
            }
            refused(&app, &visit, &fields, form).await
        }
        Err(AccountError::Changed(_)) => changed(&app, &visit).await,
        Err(error) => Err(error.into()),
    }
}

/// The settings as fields.
fn of_account(account: &Account) -> Fields {
    let mut fields = Fields::default();
    fields.push("seen", account.revision());
    fields.push("time_zone", account.time_zone.as_str());
    account.identities.iter().for_each(|kind| fields.push("identity", kind.as_str()));
    let lines: Vec<_> = account.notify.iter().map(EmailAddress::as_str).collect();
    fields.push("notify", lines.join("\n"));
    fields.push("webhook", account.webhook.as_ref().map_or("", WebhookUrl::as_str));
    fields
}

/// What the fields mean.
fn change(fields: &Fields) -> Result<AccountChange, Form> {
    let mut form = Form::default();
    let time_zone = ZoneName::new(fields.text("time_zone")).map_err(|_| {
        let text = fields.text("time_zone");
        form.refuse(
            "time_zone",
            format!("“{text}” is no time zone. Choose one like Europe/Berlin out of the list."),
        );
    });
    let is_ticked = |kind: &IdentityKind| fields.all("identity").any(|value| value == kind.as_str());
    let identities: Vec<_> = IdentityKind::ALL.into_iter().filter(is_ticked).collect();
    if identities.is_empty() {
        form.refuse("identities", AccountRefusal::NoIdentities.to_string());
    }
    let mut notify = Vec::new();
    for line in
        fields.text("notify").split(['\n', '\r', ',', ';']).map(str::trim).filter(|line| !line.is_empty())
    {
        match EmailAddress::new(line) {
            Ok(address) => notify.push(address),
            Err(wrong) => form.refuse("notify", wrong.to_string()),
        }
    }
    let webhook = match fields.text("webhook") {
        "" => Ok(None),
        text => WebhookUrl::new(text).map(Some).map_err(|wrong| form.refuse("webhook", wrong.to_string())),
    };
    match (time_zone, webhook) {
        (Ok(time_zone), Ok(webhook)) if !form.is_refused() => Ok(AccountChange {
            time_zone: Some(time_zone),
            identities: Some(identities),
            notify: Some(notify),
            webhook: Some(webhook),
        }),
        _ => Err(form),
    }
}

async fn refused(app: &App, visit: &Visit, fields: &Fields, form: Form) -> Result<Response, Problem> {
    let page = settings_page(app, visit, fields, form).await?;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, html(&page)).into_response())
}

/// Somebody else was faster: theirs are shown, for another decision.
async fn changed(app: &App, visit: &Visit) -> Result<Response, Problem> {
    let account = app.parts.store.account(visit.viewer.account).await?;
    let account = account.ok_or_else(|| Problem::no_account(visit.viewer.account))?;
    let mut form = Form::default();
    form.refuse("", "Somebody changed the settings while you were at it. The form shows them as they are now; change them anew.");
    refused(app, visit, &of_account(&account), form).await
}

async fn settings_page(
    app: &App,
    visit: &Visit,
    fields: &Fields,
    form: Form,
) -> Result<SettingsPage, Problem> {
    let totals = app.parts.store.catalogue_totals(visit.viewer.account).await?;
    let chosen: Vec<&str> = fields.all("identity").collect();
    let identities = IdentityKind::ALL.map(|kind| {
        let value = kind.as_str();
        let is_chosen = chosen.contains(&value);
        Choice { is_chosen, ..Choice::new(value, words::identity(kind), "") }
    });
    Ok(SettingsPage {
        frame: visit.frame(Section::Settings),
        form,
        seen: fields.text("seen").to_owned(),
        time_zone: fields.text("time_zone").to_owned(),
        is_zone_fixed: !totals.is_empty(),
        zones: tz::db().available().map(|name| name.to_string()).collect(),
        identities: identities.to_vec(),
        notify: fields.text("notify").to_owned(),
        webhook: fields.text("webhook").to_owned(),
        hook: WebhookView::new(&visit.account, &visit.times),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use spillway::domain::AccountId;

    use super::*;

    #[test]
    fn settings_survive_their_form() {
        let mut account = Account::new(AccountId(1), ZoneName::new("Europe/Berlin").unwrap());
        account.notify =
            ["a@example.com", "b@example.com"].map(|text| EmailAddress::new(text).unwrap()).to_vec();
        account.webhook = Some(WebhookUrl::new("https://example.com/hook").unwrap());
        account.identities = vec![IdentityKind::Email];
        let change = change(&of_account(&account)).unwrap();
        assert_eq!(change.time_zone, Some(account.time_zone));
        assert_eq!(change.identities, Some(account.identities));
        assert_eq!(change.notify, Some(account.notify));
        assert_eq!(change.webhook, Some(account.webhook));
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        let fields =
            Fields::parse(b"time_zone=Berlin&notify=a%0D%0Ab%40example.com&webhook=http%3A%2F%2Fexample.com");
        let form = change(&fields).unwrap_err();
        let names: Vec<_> = form.all_wrong().iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["time_zone", "identities", "notify", "webhook"]);
        assert_eq!(form.wrong("notify"), ["`a` is no e-mail address. Enter one like ops@example.com."]);
    }
}
