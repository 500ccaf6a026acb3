//! The partners: Google Cloud, and its buckets.

mod bucket;
mod check;
mod list;
mod remove;
mod sent;
mod show;

use std::sync::Arc;

use axum::{
    Router,
    routing::{get, post},
};
use spillway::domain::{BucketId, BucketState, Known, PartnerBucket};

use super::{
    exports::bucket_href,
    pill::Pill,
    times::{Moment, Times},
    visit::Visit,
};
use crate::{App, problem::Problem};

pub(super) use self::show::check_act;

/// The routes.
pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/partners", get(list::page))
        .route("/partners/google-cloud", get(bucket::new_page))
        .route("/partners/google-cloud/buckets", post(bucket::save))
        .route(
            "/partners/google-cloud/buckets/{nickname}/key",
            get(bucket::key_page).post(bucket::replace_key),
        )
        .route("/partners/google-cloud/buckets/{nickname}", get(show::page))
        .route("/partners/google-cloud/buckets/{nickname}/check", post(show::check))
        .route("/partners/google-cloud/buckets/{nickname}/remove", get(remove::page).post(remove::remove))
}

/// A bucket in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
struct BucketRow {
    nickname: String,
    name: String,
    state: Pill,
    /// What is wrong with it.
    wrong: Option<Wrong>,
    email: String,
    /// The beginning of the key's id, by which Google's console shows it too.
    key: String,
    added: Moment,
    href: String,
}

/// What is wrong with a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Wrong {
    text: String,
    /// The page that says what to do, step by step.
    help: String,
}

impl BucketRow {
    fn new(bucket: &PartnerBucket, times: &Times) -> Self {
        let wrong = match &bucket.state {
            BucketState::Ready => None,
            BucketState::Blocked { since, failure } => Some(Wrong {
                text: format!(
                    "Since {}. {}",
                    times.moment(*since).text,
                    failure.words(Known::from(bucket)).sentence()
                ),
                help: failure.help_path(&bucket.id.0),
            }),
        };
        let facts = &bucket.key_facts;
        let id = &facts.key_id;
        let key = id.char_indices().nth(12).map_or_else(|| id.clone(), |(at, _)| format!("{}…", &id[..at]));
        let href = bucket_href(&bucket.id.0, "");
        Self {
            nickname: bucket.id.to_string(),
            name: bucket.bucket_name.clone(),
            state: Pill::of_bucket(&bucket.state),
            wrong,
            email: facts.client_email.clone(),
            key,
            added: times.moment(facts.added_at),
            href: href.trim_end_matches('/').to_owned(),
        }
    }
}

async fn buckets(app: &App, visit: &Visit) -> Result<Vec<PartnerBucket>, Problem> {
    Ok(app.parts.store.buckets(visit.viewer.account).await?)
}

async fn bucket_of(app: &App, visit: &Visit, nickname: &str) -> Result<PartnerBucket, Problem> {
    let id = BucketId(nickname.to_owned());
    let found = app.parts.store.bucket(visit.viewer.account, &id).await?;
    found.ok_or_else(|| Problem::not_found("bucket", &nickname))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use spillway::domain::{AccountId, BucketFailure, FailureClass, KeyFacts, Opening, SealedKey, ZoneName};

    use super::*;

    #[test]
    fn a_blocked_bucket_says_since_when_and_what_to_do() {
        let at = |text: &str| text.parse().unwrap();
        let failure = BucketFailure {
            class: FailureClass::BucketMissing,
            http_status: Some(404),
            message: "The specified bucket does not exist.".to_owned(),
        };
        let bucket = PartnerBucket {
            account: AccountId(1),
            id: BucketId("a/b".to_owned()),
            bucket_name: "acme-exports".to_owned(),
            key: SealedKey("secret".to_owned()),
            key_facts: KeyFacts {
                client_email: "spillway@acme.iam.gserviceaccount.com".to_owned(),
                key_id: "0123456789abcdef0123".to_owned(),
                added_at: at("2026-11-01T12:00:00Z"),
            },
            state: BucketState::Blocked { since: at("2026-11-25T10:00:00Z"), failure },
            opening: Opening::default(),
        };
        let times = Times::new(&ZoneName::default(), at("2026-11-25T12:00:00Z"));
        let row = BucketRow::new(&bucket, &times);
        let wrong = row.wrong.unwrap();
        assert!(
            wrong
                .text
                .starts_with("Since 25 Nov, 10:00. Google knows no bucket of the name `acme-exports`. "),
            "{}",
            wrong.text
        );
        assert_eq!(wrong.help, "/help/failures/bucket-missing?bucket=a%2Fb");
        assert_eq!((row.key.as_str(), row.state.text), ("0123456789ab…", "BLOCKED"));
        assert_eq!(row.href, "/partners/google-cloud/buckets/a%2Fb");
    }
}
