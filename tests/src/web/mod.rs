//! The dashboard over the parts of a test, asked in memory: nothing listens.

mod answer;
mod person;
mod serve;

use std::sync::Arc;

use credential_validator::BearerSecret;
use dashboard::{
    App,
    config::{Config, Limits, ValidatorConfig},
    identity::{IdentityConfig, LocalConfig, Role},
    router,
};
use spillway::domain::AccountId;

pub use answer::Answer;
pub use person::Person;
pub use serve::serve;

use crate::harness::{ACCOUNT, TestApp};

/// What a dashboard and its validator share.
pub const VALIDATOR_SECRET: &str = "what-the-dashboard-and-the-validator-share";

/// A configuration without login for one person.
///
/// # Panics
/// Never; the addresses are constant.
#[must_use]
pub fn local_config(account: AccountId, role: Role) -> Config {
    Config {
        listen: ([127, 0, 0, 1], 8080).into(),
        public_url: "http://localhost:8080".parse().expect("an address"),
        identity: IdentityConfig::Local(LocalConfig {
            account,
            email: Some("mara@example.com".to_owned()),
            role,
        }),
        limits: Limits::default(),
        frame_ancestors: Vec::new(),
        validator: ValidatorConfig {
            url: "http://127.0.0.1:9".parse().expect("an address"),
            secret: None,
            timeout_secs: 30,
        },
        outgoing_ips: vec!["203.0.113.7".to_owned()],
        operator_contact: Some("exports@platform.example".to_owned()),
        mail_folder: None,
    }
}

impl TestApp {
    /// Somebody of an account with the dashboard open, without login.
    #[must_use]
    pub fn person(&self, account: AccountId, role: Role) -> Person {
        self.person_with(local_config(account, role))
    }

    /// Somebody of [`ACCOUNT`], without login, whose dashboard asks a validator over the same parts, which listens.
    ///
    /// # Panics
    /// Where no port is free.
    pub async fn person_with_validator(&self, role: Role) -> Person {
        let secret = BearerSecret::new(VALIDATOR_SECRET.to_owned()).expect("a secret");
        let validator = credential_validator::router(self.parts(), |routes| secret.guard(routes));
        let mut config = local_config(ACCOUNT, role);
        config.validator.url = serve(validator).await;
        config.validator.secret = Some(VALIDATOR_SECRET.to_owned().into());
        self.person_with(config)
    }

    /// Somebody who opens a dashboard of this configuration.
    ///
    /// # Panics
    /// Where the configuration contradicts itself.
    #[must_use]
    pub fn person_with(&self, config: Config) -> Person {
        let app = App::new(self.parts(), config).expect("a configuration that fits together");
        Person::new(router(Arc::clone(&app)))
    }
}
