//! The kinds of problems: each has an address, where a page says what it means.

use http::StatusCode;

macro_rules! kinds {
    ($($name:ident = $slug:literal, $status:ident, $title:literal, $meaning:literal;)*) => {
        /// What kind of problem it is; the `type` of a problem is its page's address.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum ProblemKind {
            $(#[doc = $meaning] $name,)*
        }

        impl ProblemKind {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The first kind of a status; of an error without one of its own, the nearest that there is.
            #[must_use]
            pub fn of(status: StatusCode) -> Option<Self> {
                let known = Self::ALL.iter().copied().find(|kind| kind.status() == status);
                match (status.is_client_error(), status.is_server_error()) {
                    (true, _) => known.or(Some(Self::MalformedRequest)),
                    (_, true) => known.or(Some(Self::Internal)),
                    _ => None,
                }
            }

            /// The last part of its address.
            #[must_use]
            pub fn slug(self) -> &'static str {
                match self { $(Self::$name => $slug,)* }
            }

            /// The status of the response.
            #[must_use]
            pub fn status(self) -> StatusCode {
                match self { $(Self::$name => StatusCode::$status,)* }
            }

            /// What it is called.
            #[must_use]
            pub fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }

            /// What it means, and what to do.
            #[must_use]
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$name => $meaning,)* }
            }
        }
    };
}

kinds! {
    MalformedRequest = "malformed-request", BAD_REQUEST, "The request cannot be read",
        "The path, the query, a header or the body is not of the form that the API's document gives.";
    Unauthorized = "unauthorized", UNAUTHORIZED, "Nobody is logged in",
        "The request carries no token, or one that is not accepted. Log in again, and send the token as \
         `Authorization: Bearer`.";
    ReadOnly = "read-only", FORBIDDEN, "You may look, but not change",
        "Your role is viewer. Ask an administrator for the role editor.";
    CrossSite = "cross-site", FORBIDDEN, "The request comes from another site",
        "A browser sent the request from a page that is not ours, or a form without its token. Open the page \
         again, and send it from there.";
    FeatureOff = "feature-off", FORBIDDEN, "Exports are switched off",
        "The feature is not enabled for the account. Ask the operator to enable it.";
    NotFound = "not-found", NOT_FOUND, "There is no such thing",
        "The account has nothing of this name or number, or the address is wrong.";
    MethodNotAllowed = "method-not-allowed", METHOD_NOT_ALLOWED, "The address does not take this method",
        "The header `Allow` names the methods that it takes.";
    NotAcceptable = "not-acceptable", NOT_ACCEPTABLE, "There is no such representation",
        "The header `Accept` names no type that the address gives.";
    WrongState = "wrong-state", CONFLICT, "It is too late for that",
        "What is asked for does not fit the state of the thing, for example an edit of an export that has ended.";
    InUse = "in-use", CONFLICT, "It is in use",
        "Something that is active needs the thing. End that first.";
    ChangedMeanwhile = "changed-meanwhile", PRECONDITION_FAILED, "It was changed meanwhile",
        "The thing is not any more as `If-Match` says. Get it again, and decide anew.";
    IfMatchMissing = "if-match-missing", PRECONDITION_REQUIRED, "The request does not say what it changes",
        "Send the `ETag` of the thing as `If-Match`, so that nobody's change is overwritten unseen.";
    TooLarge = "too-large", PAYLOAD_TOO_LARGE, "The request is too large",
        "The body is larger than the API takes.";
    UnsupportedMediaType = "unsupported-media-type", UNSUPPORTED_MEDIA_TYPE, "The body is of another type",
        "Send JSON with the header `Content-Type: application/json`.";
    WrongHost = "wrong-host", MISDIRECTED_REQUEST, "The request is for another host",
        "Without login only `localhost`, `127.0.0.1` and `[::1]` are served, so that no web site can reach it by a \
         name of its own.";
    InvalidBody = "invalid-body", BAD_REQUEST, "The body is not as the document says",
        "A field is missing, unknown, or not of its type. `errors` names it.";
    Refused = "refused", UNPROCESSABLE_ENTITY, "The rules do not allow it",
        "`errors` has everything that is wrong, each with the field that it is about and with what to do.";
    CheckFailed = "check-failed", UNPROCESSABLE_ENTITY, "The bucket does not pass the check",
        "Nothing was saved. `steps` has the steps of the check; the last one says what is wrong and what to do.";
    KeyReused = "idempotency-key-reused", UNPROCESSABLE_ENTITY, "The idempotency key is another request's",
        "The `Idempotency-Key` was sent with another body before. Use a new key for a new export.";
    TooManyRequests = "too-many-requests", TOO_MANY_REQUESTS, "Too many requests",
        "The account asks more often than it may. `Retry-After` says after how many seconds to go on.";
    Internal = "internal", INTERNAL_SERVER_ERROR, "Something of ours is broken",
        "It is in our log. Trying again does not help until it is mended.";
    ValidatorUnavailable = "validator-unavailable", BAD_GATEWAY, "The check cannot be made just now",
        "The service that checks buckets does not answer, or its answer broke off. `detail` says whether anything may \
         have been saved; look before you repeat it.";
    Unavailable = "unavailable", SERVICE_UNAVAILABLE, "Something of ours does not work just now",
        "It passes. Try again in a few seconds.";
    Timeout = "timeout", GATEWAY_TIMEOUT, "It took too long",
        "The request was given up. What it changed may or may not have happened; look before you repeat it.";
}
