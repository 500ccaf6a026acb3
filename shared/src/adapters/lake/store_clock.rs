//! The lake store's own clock, against which the files' commit times are compared.

use std::sync::Arc;
#[cfg(feature = "gcs-lake")]
use std::time::Duration;

use jiff::Timestamp;

use crate::ports::{Clock, LakeError};

/// Where the time comes from.
pub(super) enum StoreClock {
    /// The clock with which the files are stamped.
    Given(Arc<dyn Clock>),
    /// The `Date` header of Google Cloud Storage's answers.
    #[cfg(feature = "gcs-lake")]
    GoogleCloud(reqwest::Client),
}

/// Any answer will do, also one that asks for credentials: every answer has a `Date`.
#[cfg(feature = "gcs-lake")]
const GOOGLE_CLOUD_STORAGE: &str = "https://storage.googleapis.com/";

impl StoreClock {
    #[cfg(feature = "gcs-lake")]
    pub(super) fn google_cloud() -> Result<Self, String> {
        let client = reqwest::Client::builder().timeout(Duration::from_secs(30)).build();
        client.map(Self::GoogleCloud).map_err(|error| error.to_string())
    }

    #[cfg_attr(
        not(feature = "gcs-lake"),
        expect(clippy::unused_async, reason = "a clock over the network waits")
    )]
    pub(super) async fn now(&self) -> Result<Timestamp, LakeError> {
        match self {
            Self::Given(clock) => Ok(clock.now()),
            #[cfg(feature = "gcs-lake")]
            Self::GoogleCloud(client) => {
                let answer = client.head(GOOGLE_CLOUD_STORAGE).send().await;
                let answer = answer.map_err(|error| LakeError::Unavailable(error.to_string()))?;
                let date = answer.headers().get(http::header::DATE).and_then(|date| date.to_str().ok());
                date.and_then(parse_http_date).ok_or_else(|| {
                    LakeError::Unavailable(format!("{GOOGLE_CLOUD_STORAGE} answered without a `Date`"))
                })
            }
        }
    }
}

/// RFC 9110, 5.6.7: `Sun, 06 Nov 1994 08:49:37 GMT`.
#[cfg(any(feature = "gcs-lake", test))]
fn parse_http_date(date: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(date).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::parse_http_date;

    #[test]
    fn an_http_date_is_read() {
        let date = parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        assert_eq!(date.to_string(), "1994-11-06T08:49:37Z");
        assert_eq!(parse_http_date("yesterday"), None);
    }
}
