//! Asks the credential validator, by HTTP.

use std::time::Duration;

use crate::config::ValidatorConfig;

/// The way to the validator.
#[derive(Debug, Clone)]
pub struct ValidatorClient {
    client: reqwest::Client,
    config: ValidatorConfig,
}

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
        Ok(Self { client, config: config.clone() })
    }
}
