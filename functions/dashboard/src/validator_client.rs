//! Asks the credential validator, by HTTP: it answers with a line of JSON for each step as it ends.

use std::{io, sync::Arc, time::Duration};

use async_trait::async_trait;
use futures::{Stream, StreamExt, TryStreamExt};
use serde::{Deserialize, Serialize};
use spillway::domain::{AccountId, BucketFailure, BucketId, CandidateId, CheckVerdict, StepReport};
use tokio_util::{
    codec::{FramedRead, LinesCodec, LinesCodecError},
    io::StreamReader,
};

use crate::{
    config::{Secret, ValidatorConfig},
    problem::{Problem, ProblemKind},
};

/// The longest line that a validator sends.
const LINE_MAX_BYTES: usize = 65_536;

/// The way to the validator.
#[derive(Clone)]
pub struct ValidatorClient {
    client: reqwest::Client,
    config: ValidatorConfig,
    identity: Option<Arc<dyn CallerIdentity>>,
}

/// Says who we are, to a validator that lets service accounts in.
#[async_trait]
pub trait CallerIdentity: Send + Sync {
    /// A bearer token for it.
    ///
    /// # Errors
    /// Why there is none just now.
    async fn token(&self) -> Result<Secret, String>;
}

/// What to check.
#[derive(Serialize)]
struct CheckRequest<'a> {
    account: AccountId,
    candidate: &'a CandidateId,
}

/// A line of the answer.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum CheckLine {
    /// A step has ended.
    Step(StepReport),
    /// The check has ended; the last line.
    Verdict(CheckVerdict),
}

/// What a bucket answered to another look.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct RecheckAnswer {
    /// Whether it takes files.
    pub works: bool,
    /// What keeps them out.
    pub failure: Option<BucketFailure>,
}

/// What became of a test of a webhook.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct WebhookTried {
    /// The status with which it was taken.
    pub status: Option<u16>,
    /// Why it was not: a sentence for the customer.
    pub problem: Option<String>,
    /// How long that took.
    pub took_millis: u64,
}

/// Why a check cannot be made, or breaks off.
#[derive(Debug, thiserror::Error)]
pub enum ValidatorError {
    /// It does not answer.
    #[error("the validator does not answer: {0}")]
    Unreachable(#[from] reqwest::Error),
    /// Who we are cannot be proved.
    #[error("there is no token for the validator: {0}")]
    NoToken(String),
    /// It answers something else.
    #[error("the validator answers {0}")]
    Refused(http::StatusCode),
    /// The answer breaks off.
    #[error("the validator's answer breaks off: {0}")]
    Broken(#[from] LinesCodecError),
    /// A line is not of the form that was agreed.
    #[error("the validator's answer cannot be read: {0}")]
    Unreadable(#[from] serde_json::Error),
    /// There is no last line.
    #[error("the validator's answer has no verdict")]
    Unfinished,
}

impl From<ValidatorError> for Problem {
    fn from(error: ValidatorError) -> Self {
        tracing::error!(%error, "a bucket could not be checked");
        Self::new(ProblemKind::ValidatorUnavailable, error.sentence())
    }
}

impl ValidatorError {
    /// What a customer is told.
    #[must_use]
    pub fn sentence(&self) -> &'static str {
        match self {
            Self::Unreachable(error) if !error.is_connect() => BROKEN_OFF,
            Self::Broken(_) | Self::Unreadable(_) | Self::Unfinished => BROKEN_OFF,
            Self::Unreachable(_) | Self::NoToken(_) | Self::Refused(_) => {
                "The bucket cannot be checked just now, since our checker does not answer. Nothing was saved. Try again \
                 in a minute."
            }
        }
    }
}

/// Of a check that may go on.
const BROKEN_OFF: &str = "The check broke off on our side, and the bucket may have been saved all the same. Look at your \
                          buckets in a minute, before you try again.";

impl ValidatorClient {
    /// A client; nothing is asked yet.
    ///
    /// # Errors
    /// Where the system has no usable TLS.
    pub fn new(config: &ValidatorConfig) -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(5))
            .timeout(Duration::from_secs(config.timeout_secs))
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        Ok(Self { client, config: config.clone(), identity: None })
    }

    /// The same, that says who we are by tokens, in the place of a secret.
    #[must_use]
    pub fn with_identity(self, identity: Arc<dyn CallerIdentity>) -> Self {
        Self { identity: Some(identity), ..self }
    }

    /// Has a bucket looked at now, and waits for what it answers. None where there is no such bucket.
    ///
    /// # Errors
    /// [`ValidatorError`].
    pub async fn recheck(
        &self,
        account: AccountId,
        bucket: &BucketId,
    ) -> Result<Option<RecheckAnswer>, ValidatorError> {
        let answer =
            self.post("recheck", &serde_json::json!({ "account": account, "bucket": bucket })).await?;
        match answer.status() {
            http::StatusCode::OK => Ok(Some(answer.json().await?)),
            http::StatusCode::NOT_FOUND => Ok(None),
            status => Err(ValidatorError::Refused(status)),
        }
    }

    /// Has an account's webhook sent a test, and waits for what becomes of it. None where it has no webhook.
    ///
    /// # Errors
    /// [`ValidatorError`].
    pub async fn test_webhook(&self, account: AccountId) -> Result<Option<WebhookTried>, ValidatorError> {
        let answer = self.post("webhook", &serde_json::json!({ "account": account })).await?;
        match answer.status() {
            http::StatusCode::OK => Ok(Some(answer.json().await?)),
            http::StatusCode::NOT_FOUND => Ok(None),
            status => Err(ValidatorError::Refused(status)),
        }
    }

    async fn post(
        &self,
        path: &str,
        body: &(impl Serialize + Sync),
    ) -> Result<reqwest::Response, ValidatorError> {
        let mut url = self.config.url.clone();
        url.set_path(&format!("{}/{path}", url.path().trim_end_matches('/')));
        let mut request = self.client.post(url).json(body);
        if let Some(identity) = &self.identity {
            let token = identity.token().await.map_err(ValidatorError::NoToken)?;
            request = request.bearer_auth(token.expose());
        } else if let Some(secret) = &self.config.secret {
            request = request.bearer_auth(secret.expose());
        }
        Ok(request.send().await?)
    }

    /// Has a candidate checked. The lines come as the steps end; the check goes on where the stream is
    /// dropped or breaks off.
    ///
    /// # Errors
    /// [`ValidatorError`], here or in the stream.
    pub async fn check(
        &self,
        account: AccountId,
        candidate: &CandidateId,
    ) -> Result<impl Stream<Item = Result<CheckLine, ValidatorError>> + Send + use<>, ValidatorError> {
        let answer = self.post("check", &CheckRequest { account, candidate }).await?;
        if answer.status() != http::StatusCode::OK {
            return Err(ValidatorError::Refused(answer.status()));
        }
        let bytes = answer.bytes_stream().map_err(io::Error::other);
        let lines =
            FramedRead::new(StreamReader::new(bytes), LinesCodec::new_with_max_length(LINE_MAX_BYTES));
        Ok(lines.map(|line| Ok(serde_json::from_str(&line?)?)))
    }
}
