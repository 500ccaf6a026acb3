//! The page of each kind of problem, at the address that is the problem's `type`.

use std::sync::Arc;

use axum::{
    Router,
    extract::Path,
    response::{Html, IntoResponse},
    routing::get,
};

use super::{PAGES, Problem, ProblemKind};
use crate::App;

pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new().route(&format!("{PAGES}/{{name}}"), get(page))
}

async fn page(Path(name): Path<String>) -> Result<impl IntoResponse, Problem> {
    let kind = ProblemKind::ALL.iter().find(|kind| kind.slug() == name);
    let kind =
        kind.ok_or_else(|| Problem::new(ProblemKind::NotFound, "There is no such kind of problem."))?;
    // Nothing of the request is in the page.
    Ok(Html(format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n\
         <h1>{title}</h1>\n<p>{meaning}</p>\n<p>Status {status} · type {PAGES}/{name}</p>\n</html>\n",
        title = kind.title(),
        meaning = kind.meaning(),
        status = kind.status().as_u16(),
        name = kind.slug(),
    )))
}
