//! The dashboard asks the validator as the service account that it is.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use dashboard::{
    config::{Secret, ValidatorConfig},
    validator_client::{CallerIdentity, ValidatorClient, ValidatorError},
};
use spillway::domain::CandidateId;
use spillway_tests::{harness::ACCOUNT, web::serve};

use crate::support::Cloud;

/// Gives out what a test says.
struct Identity(Mutex<Result<String, String>>);

#[async_trait]
impl CallerIdentity for Identity {
    async fn token(&self) -> Result<Secret, String> {
        self.0.lock().unwrap().clone().map(Secret::from)
    }
}

#[tokio::test]
async fn the_dashboard_says_who_it_is() {
    let cloud = Cloud::new().await;
    let router = credential_validator::router(cloud.parts(), |routes| cloud.invokers.guard(routes));
    let secret = Some(Secret::from("a secret that counts no more".to_owned()));
    let config = ValidatorConfig { url: serve(router).await, secret, timeout_secs: 30 };
    let client = ValidatorClient::new(&config).unwrap();
    let candidate = CandidateId::from_random(1);
    let refused = async |client: &ValidatorClient| match client.check(ACCOUNT, &candidate).await {
        Err(ValidatorError::Refused(status)) => status.as_u16(),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("there is no such candidate"),
    };
    assert_eq!(refused(&client).await, 401);
    let identity = Arc::new(Identity(Mutex::new(Ok(cloud.signer.sign(&cloud.claims())))));
    let client = client.with_identity(Arc::clone(&identity) as Arc<dyn CallerIdentity>);
    assert_eq!(refused(&client).await, 404, "it is let in, and there is nothing to check");
    *identity.0.lock().unwrap() = Err("the metadata server is gone".to_owned());
    let error = client.check(ACCOUNT, &candidate).await.err().unwrap();
    assert_eq!(error.to_string(), "there is no token for the validator: the metadata server is gone");
}
