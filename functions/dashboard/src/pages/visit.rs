//! A person's visit to a page: who, of which account, at what time. Handlers of pages take it as an argument.

use std::sync::Arc;

use axum::{
    extract::FromRequestParts,
    response::{IntoResponse, Redirect, Response},
};
use http::request;
use spillway::domain::Account;

use super::{
    form::Fields,
    frame::{Done, Frame, Notice, Section},
    off,
    times::Times,
};
use crate::{
    App,
    identity::{Role, Viewer},
    problem::Problem,
    security::csrf::CsrfToken,
};

/// A visit.
pub(super) struct Visit {
    /// Who.
    pub(super) viewer: Viewer,
    /// Of which account.
    pub(super) account: Account,
    /// The account's clock.
    pub(super) times: Times,
    /// What the address asks for.
    pub(super) query: Fields,
    csrf: String,
    has_mail: bool,
}

impl FromRequestParts<Arc<App>> for Visit {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut request::Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let viewer = Viewer::from_request_parts(parts, app).await?;
        let CsrfToken(csrf) = CsrfToken::from_request_parts(parts, app).await?;
        let account = app.parts.store.account(viewer.account).await?;
        let account = account.ok_or_else(|| Problem::no_account(viewer.account))?;
        let times = Times::new(&account.time_zone, app.parts.clock.now());
        let query = Fields::parse(parts.uri.query().unwrap_or_default().as_bytes());
        let has_mail = app.config.mail_folder.is_some();
        Ok(Self { viewer, account, times, query, csrf, has_mail })
    }
}

/// A visit to what begins or changes an export, or connects a bucket: of an account for which the feature is on.
pub(super) struct Enabled(pub(super) Visit);

impl FromRequestParts<Arc<App>> for Enabled {
    /// A problem, or the page that says that the feature is switched off.
    type Rejection = Response;

    async fn from_request_parts(parts: &mut request::Parts, app: &Arc<App>) -> Result<Self, Response> {
        let visit = Visit::from_request_parts(parts, app).await.map_err(IntoResponse::into_response)?;
        match off::page(&visit, &app.config) {
            Some(page) => Err(page),
            None => Ok(Self(visit)),
        }
    }
}

impl Visit {
    /// The frame of a page, with what just happened.
    pub(super) fn frame(&self, section: Section) -> Frame {
        let mut frame = Frame::new(&self.viewer, &self.times, self.csrf.clone(), section);
        frame.is_enabled = self.account.exports_enabled;
        frame.has_mail = self.has_mail;
        frame.notice = Notice::of_query(&self.query, &self.account);
        frame
    }

    /// What forms carry.
    pub(super) fn csrf(&self) -> &str {
        &self.csrf
    }

    /// The time goes on.
    pub(super) fn look_again(&mut self, app: &App) {
        self.times = Times::new(&self.account.time_zone, app.parts.clock.now());
    }

    /// Whether this person may change things.
    pub(super) fn may_edit(&self) -> bool {
        self.viewer.role >= Role::Editor
    }

    /// Refuses whoever may only look.
    pub(super) fn check_editor(&self) -> Result<(), Problem> {
        if self.may_edit() { Ok(()) } else { Err(Problem::read_only()) }
    }
}

/// After a form: to the page that says what was done.
pub(super) fn done(path: &str, done: Done, more: &[(&str, String)]) -> Response {
    let mut query = Fields::default();
    query.push("done", done.as_str());
    for (name, value) in more {
        query.push(name, value.clone());
    }
    Redirect::to(&format!("{path}?{}", query.to_query())).into_response()
}

/// A template as a page.
pub(super) fn html(page: &impl askama::Template) -> Response {
    match page.render() {
        Ok(text) => axum::response::Html(text).into_response(),
        Err(error) => Problem::internal(&error).into_response(),
    }
}
