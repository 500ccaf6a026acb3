//! Everything that goes wrong, as `application/problem+json` (RFC 9457). The pages show the same problems as pages.

mod kind;
mod page;
mod steps;

use std::fmt::Display;

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header};
use serde::Serialize;
use spillway::domain::{AccountId, StepReport};
use utoipa::ToSchema;

use crate::api::StepBody;

pub use self::kind::ProblemKind;
pub(crate) use self::page::routes;

/// Where the pages of the kinds are.
pub(crate) const PAGES: &str = "/api/problems";

/// What went wrong. A response that carries one has it among its extensions too, for the pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Which kind.
    pub kind: ProblemKind,
    /// What happened, to which thing, and what to do next.
    pub detail: String,
    /// All that is wrong, where there is more to say than one sentence.
    pub errors: Vec<FieldError>,
    /// Of the check of a bucket: the steps, of which the last one failed.
    pub steps: Vec<StepReport>,
    /// After how long it is worth trying again.
    pub retry_after_secs: Option<u64>,
    /// Whether there is nothing at the address, whatever the account has.
    pub is_no_address: bool,
}

/// One thing that is wrong with a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// The sentence.
    pub detail: String,
    /// Where in the body: a JSON pointer (RFC 6901); none where it is about the whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "/bucket")]
    pub pointer: Option<String>,
}

/// A problem as it is sent (RFC 9457).
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemBody<'a> {
    /// The address of a page that says what it means.
    #[schema(example = "/api/problems/not-found")]
    r#type: String,
    /// What the kind is called.
    title: &'a str,
    /// The response's status.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// What happened, to which thing, and what to do next.
    detail: &'a str,
    /// All that is wrong, where there is more to say than one sentence.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [FieldError],
    /// Of the check of a bucket: the steps, of which the last one failed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    steps: Vec<StepBody>,
}

impl Problem {
    /// A problem that one sentence tells.
    #[must_use]
    pub fn new(kind: ProblemKind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            detail: detail.into(),
            errors: Vec::new(),
            steps: Vec::new(),
            retry_after_secs: None,
            is_no_address: false,
        }
    }

    /// The account has no such thing; whether another has one is not told.
    #[must_use]
    pub fn not_found(what: &str, name: &dyn Display) -> Self {
        Self::new(ProblemKind::NotFound, format!("There is no {what} {name}."))
    }

    /// The account is known once it has data.
    #[must_use]
    pub fn no_account(account: AccountId) -> Self {
        Self::new(
            ProblemKind::NotFound,
            format!("Nothing is known of account {account} yet. It is there once it has data."),
        )
    }

    /// There is nothing at the path.
    #[must_use]
    pub fn no_route(path: &str) -> Self {
        let detail = format!("There is nothing at {path}. Look the address up at /api/docs.");
        Self { is_no_address: true, ..Self::new(ProblemKind::NotFound, detail) }
    }

    /// A viewer wants to change something.
    #[must_use]
    pub fn read_only() -> Self {
        Self::new(
            ProblemKind::ReadOnly,
            "Your role, viewer, may look at everything and change nothing. Ask an administrator for the role editor.",
        )
    }

    /// A fault of ours: it is logged, here and nowhere else, and the customer learns only that it is.
    #[must_use]
    pub fn internal(error: &dyn Display) -> Self {
        tracing::error!(%error, "a request failed");
        Self::new(
            ProblemKind::Internal,
            "Something of ours is broken. It is in our log; please tell us when it stays so.",
        )
    }

    /// Something of ours that passes; logged as [`Problem::internal`] is.
    #[must_use]
    pub fn unavailable(error: &dyn Display) -> Self {
        tracing::warn!(%error, "a request failed for now");
        let detail = "Something of ours does not work just now. Try again in a few seconds.";
        Self { retry_after_secs: Some(5), ..Self::new(ProblemKind::Unavailable, detail) }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.kind.status();
        let body = ProblemBody {
            r#type: format!("{PAGES}/{}", self.kind.slug()),
            title: self.kind.title(),
            status: status.as_u16(),
            detail: &self.detail,
            errors: &self.errors,
            steps: self.steps.iter().map(Into::into).collect(),
        };
        let bytes = serde_json::to_vec(&body).expect("strings and numbers always serialise");
        let content_type = HeaderValue::from_static("application/problem+json");
        let mut response = (status, [(header::CONTENT_TYPE, content_type)], bytes).into_response();
        let headers = response.headers_mut();
        if let Some(secs) = self.retry_after_secs {
            headers.insert(header::RETRY_AFTER, secs.into());
        }
        if self.kind == ProblemKind::Unauthorized {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response.extensions_mut().insert(self);
        response
    }
}
