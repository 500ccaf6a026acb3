//! The mails that a laptop would have sent, out of the folder in which it keeps them. Only where an operator names that
//! folder; in the cloud there is none.
//!
//! A mail is shown as text. Its HTML is in a frame of its own, from an address of its own, that runs and loads nothing.

mod read;

use std::{path::Path, sync::Arc};

use askama::Template;
use axum::{
    Router,
    extract::{Path as PathOf, State},
    response::{Html, IntoResponse, Response},
    routing::get,
};

use self::read::{Letter, MailRow};
use super::{
    frame::{Frame, Section},
    times::Moment,
    visit::{Visit, html},
};
use crate::{App, problem::Problem, security::ContentPolicy};

/// The most mails that are listed.
const LISTED: usize = 200;

/// The routes.
pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/mail", get(list))
        .route("/mail/{name}", get(page))
        .route("/mail/{name}/html", get(body))
}

/// The list.
#[derive(Template)]
#[template(path = "mail/list.html")]
struct ListPage {
    frame: Frame,
    folder: String,
    rows: Vec<RowView>,
}

struct RowView {
    mail: MailRow,
    sent: Moment,
}

/// A mail.
#[derive(Template)]
#[template(path = "mail/mail.html")]
struct MailPage {
    frame: Frame,
    name: String,
    letter: Letter,
    sent: Option<Moment>,
}

async fn list(State(app): State<Arc<App>>, visit: Visit) -> Result<Response, Problem> {
    let folder = folder(&app)?.to_owned();
    let shown = folder.display().to_string();
    let mails = blocking(move || read::list(&folder, LISTED)).await?;
    let rows = mails.into_iter().map(|mail| RowView { sent: visit.times.moment(mail.sent), mail }).collect();
    Ok(html(&ListPage { frame: visit.frame(Section::Mail), folder: shown, rows }))
}

async fn page(
    State(app): State<Arc<App>>,
    visit: Visit,
    PathOf(name): PathOf<String>,
) -> Result<Response, Problem> {
    let letter = letter(&app, &name).await?;
    let sent = letter.sent.map(|sent| visit.times.moment(sent));
    let mut response = html(&MailPage { frame: visit.frame(Section::Mail), name, letter, sent });
    response.extensions_mut().insert(ContentPolicy::FRAMING);
    Ok(response)
}

/// The HTML of a mail, for the frame.
async fn body(
    State(app): State<Arc<App>>,
    _visit: Visit,
    PathOf(name): PathOf<String>,
) -> Result<Response, Problem> {
    let letter = letter(&app, &name).await?;
    let html = letter.html.ok_or_else(|| Problem::not_found("mail", &format!("“{name}” in HTML")))?;
    // Its links open in a window of their own: within the frame they would be refused.
    let html = html.replacen("<head>", "<head><base target=\"_blank\">", 1);
    let mut response = Html(html).into_response();
    response.extensions_mut().insert(ContentPolicy::FRAMED);
    Ok(response)
}

async fn letter(app: &App, name: &str) -> Result<Letter, Problem> {
    let missing = || Problem::not_found("mail", &format!("“{name}”"));
    let path = read::path(folder(app)?, name).ok_or_else(missing)?;
    blocking(move || read::letter(&path)).await?.ok_or_else(missing)
}

fn folder(app: &App) -> Result<&Path, Problem> {
    app.config.mail_folder.as_deref().ok_or_else(|| Problem::no_route("/mail"))
}

async fn blocking<T: Send + 'static>(
    read: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> Result<T, Problem> {
    let done = tokio::task::spawn_blocking(read).await.map_err(|error| Problem::internal(&error))?;
    done.map_err(|error| Problem::internal(&error))
}
