//! Who may call a function.

use std::sync::atomic::Ordering;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use http::Method;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use spillway_tests::{tokens::Signer, web::Person};

use crate::support::{Cloud, kind};

/// Every function's routes but health are guarded: the status of a call with these headers.
async fn ask(cloud: &Cloud, headers: &[(&str, &str)]) -> (u16, String) {
    let calls = [
        (cloud.encoder(), "/push"),
        (cloud.scheduler(), "/push"),
        (cloud.scheduler(), "/tick"),
        (cloud.checker(), "/check"),
        (credential_validator::router(cloud.parts(), |routes| cloud.invokers.guard(routes)), "/check"),
    ];
    let mut seen = Vec::new();
    for (router, path) in calls {
        let answer = Person::new(router).ask(Method::POST, path, headers, "").await;
        seen.push((answer.status.as_u16(), kind(&answer)));
    }
    seen.dedup();
    assert_eq!(seen.len(), 1, "{headers:?}: {seen:?}");
    seen.remove(0)
}

async fn ask_with(cloud: &Cloud, token: &str) -> (u16, String) {
    ask(cloud, &[("authorization", &format!("Bearer {token}"))]).await
}

#[tokio::test]
async fn a_listed_service_account_may_call() {
    let cloud = Cloud::new().await;
    let answer = cloud.post(cloud.checker(), "/check", "").await;
    assert_eq!(
        answer.expect(http::StatusCode::OK),
        json!({
            "published": 0, "failed": 0, "healed": 0, "candidates": 0,
            "told": 0, "stopped": 0, "findings": 0, "mails": 0, "webhooks": 0,
        })
    );
    let mut other = cloud.claims();
    other["email"] = json!("scheduler@project.iam.gserviceaccount.com");
    other["aud"] = json!(["https://other.example.com", "https://function.example.com"]);
    let bearer = format!("bearer {}", cloud.signer.sign(&other));
    let person = Person::new(cloud.checker());
    let answer = person.ask(Method::POST, "/check", &[("authorization", &bearer)], "").await;
    assert_eq!(answer.status, 200);
    assert_eq!(cloud.issuer.asked.load(Ordering::Relaxed), 1, "keys are kept");
}

#[tokio::test]
async fn nobody_else_may() {
    let cloud = Cloud::new().await;
    let unauthorized = (401, "unauthorized".to_owned());
    assert_eq!(ask(&cloud, &[]).await, unauthorized);
    for header in ["", "Bearer", "Bearer ", "Basic abc", "Bearer a.b.c"] {
        assert_eq!(ask(&cloud, &[("authorization", header)]).await, unauthorized, "{header}");
    }
    let now = cloud.app.now().as_second();
    for (claim, value, status) in [
        ("iss", json!("https://evil.example.com"), 401),
        ("iss", json!(null), 401),
        ("aud", json!("https://another-function.example.com"), 401),
        ("aud", json!("https://function.example.com/"), 401),
        ("aud", json!(null), 401),
        ("exp", json!(now - 61), 401),
        ("exp", json!(null), 401),
        ("exp", json!("never"), 401),
        ("iat", json!(now + 61), 401),
        ("nbf", json!(now + 61), 401),
        ("email", json!("somebody@project.iam.gserviceaccount.com"), 403),
        ("email", json!("INVOKER@project.iam.gserviceaccount.com"), 403),
        ("email", json!(["invoker@project.iam.gserviceaccount.com"]), 403),
        ("email", json!(null), 403),
        ("email_verified", json!(false), 403),
        ("email_verified", json!("true"), 403),
        ("email_verified", json!(1), 403),
        ("email_verified", json!(null), 403),
    ] {
        let mut bad = cloud.claims();
        bad[claim] = value.clone();
        let seen = ask_with(&cloud, &cloud.signer.sign(&bad)).await;
        let kind = if status == 401 { "unauthorized" } else { "forbidden" };
        assert_eq!(seen, (status, kind.to_owned()), "{claim}: {value}");
    }
    let mut unsaid = cloud.claims();
    unsaid.as_object_mut().unwrap().remove("email_verified");
    assert_eq!(ask_with(&cloud, &cloud.signer.sign(&unsaid)).await.0, 403);
}

#[tokio::test]
async fn a_token_that_is_forged_is_none() {
    let cloud = Cloud::new().await;
    let good = cloud.claims();
    let token = cloud.signer.sign(&good);
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let part = |value: Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let none = |alg: &str| format!("{}.{}.", part(json!({"alg": alg, "kid": "1"})), part(good.clone()));
    // The public key as a shared secret, as in the classic confusion of algorithms.
    let secret = EncodingKey::from_secret(cloud.signer.public()["n"].as_str().unwrap().as_bytes());
    let header = |algorithm, kid: &str| Header { kid: Some(kid.to_owned()), ..Header::new(algorithm) };
    let confused = encode(&header(Algorithm::HS256, "1"), &good, &secret).unwrap();
    let other_hash = encode(&header(Algorithm::RS512, "1"), &good, &cloud.signer.key).unwrap();
    let other_kid = encode(&header(Algorithm::RS256, "2"), &good, &cloud.signer.key).unwrap();
    let nameless = encode(&Header::new(Algorithm::RS256), &good, &cloud.signer.key).unwrap();
    for bad in [
        Signer::rsa("1").sign(&good),
        Signer::p256("1").sign(&good),
        format!("{signed}x.{signature}"),
        format!("{signed}."),
        signed.to_owned(),
        format!("{signed}.SIGNATURE_REMOVED_BY_GOOGLE"),
        none("none"),
        none("NONE"),
        confused,
        other_hash,
        other_kid,
        nameless,
        "x".repeat(20_000),
    ] {
        assert_eq!(ask_with(&cloud, &bad).await.0, 401, "{bad:.100}");
    }
    let bearer = format!("Bearer {token}");
    let twice = [("authorization", bearer.as_str()), ("authorization", bearer.as_str())];
    assert_eq!(ask(&cloud, &twice).await.0, 401, "nobody knows which one was meant");
    assert_eq!(ask(&cloud, &[("x-serverless-authorization", &bearer)]).await.0, 401);
}

#[tokio::test]
async fn keys_that_cannot_be_had_are_not_the_callers_fault() {
    let cloud = Cloud::new().await;
    *cloud.issuer.keys.lock().unwrap() = vec![json!("no key")];
    let answer = cloud.post(cloud.checker(), "/check", "").await;
    assert_eq!((answer.status.as_u16(), kind(&answer)), (503, "unavailable".to_owned()));
    assert_eq!(answer.header("retry-after"), "5");
}
