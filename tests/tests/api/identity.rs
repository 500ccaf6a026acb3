//! Tokens: who gets in, as whom, and who does not.

use std::sync::{Arc, atomic::Ordering};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use dashboard::{
    config::Config,
    identity::{ClaimNames, IapConfig, IdentityConfig, OidcConfig, Role},
};
use http::StatusCode;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use spillway_tests::{
    harness::{ACCOUNT, TestApp},
    tokens::{Issuer, Signer},
    web::{Person, local_config, serve},
};
use tokio::sync::{Semaphore, mpsc};

const PATH: &str = "/api/v1/account";
const ISSUER: &str = "https://login.example.com";

fn oidc(issuer: &Issuer) -> Config {
    let identity = IdentityConfig::Oidc(OidcConfig {
        issuer: ISSUER.to_owned(),
        audience: "spillway".to_owned(),
        jwks_url: issuer.url.clone(),
        header: "authorization".to_owned(),
        claims: ClaimNames::default(),
    });
    Config { identity, ..local_config(ACCOUNT, Role::Editor) }
}

fn claims(app: &TestApp) -> Value {
    let now = app.now().as_second();
    json!({
        "iss": ISSUER, "aud": ["other", "spillway"], "exp": now + 300, "iat": now,
        "account": ACCOUNT.0, "role": "editor", "email": "mara@example.com",
    })
}

async fn status(person: &Person, token: &str) -> StatusCode {
    let headers = [("authorization", format!("Bearer {token}"))];
    let headers = headers.iter().map(|(name, value)| (*name, value.as_str())).collect::<Vec<_>>();
    person.ask(http::Method::GET, PATH, &headers, "").await.status
}

#[tokio::test]
async fn a_token_lets_its_account_in() {
    let app = TestApp::new().await;
    let (rsa, p256) = (Signer::rsa("r"), Signer::p256("e"));
    let issuer = Issuer::publishing(&[&rsa, &p256]).await;
    let person = app.person_with(oidc(&issuer));
    let nobody = person.get(PATH).await;
    assert_eq!((nobody.status, nobody.problem().0.as_str()), (StatusCode::UNAUTHORIZED, "unauthorized"));
    assert_eq!(nobody.header("www-authenticate"), "Bearer");
    for signer in [&rsa, &p256] {
        let mut mine = claims(&app);
        assert_eq!(status(&person, &signer.sign(&mine)).await, StatusCode::OK);
        mine["account"] = json!("7");
        assert_eq!(status(&person, &signer.sign(&mine)).await, StatusCode::NOT_FOUND);
    }
    assert_eq!(issuer.asked.load(Ordering::Relaxed), 1);
    // The document and its viewer need no login.
    assert_eq!(person.get("/api/v1/openapi.json").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_token_that_is_wrong_in_any_way_lets_nobody_in() {
    let app = TestApp::new().await;
    let (ours, foreign) = (Signer::rsa("r"), Signer::rsa("r"));
    let issuer = Issuer::publishing(&[&ours]).await;
    let person = app.person_with(oidc(&issuer));
    let good = claims(&app);
    assert_eq!(status(&person, &ours.sign(&good)).await, StatusCode::OK);
    let now = app.now().as_second();
    for (claim, value) in [
        ("iss", json!("https://evil.example.com")),
        ("iss", json!(null)),
        ("aud", json!("other")),
        ("aud", json!(null)),
        ("exp", json!(now - 61)),
        ("exp", json!(null)),
        ("nbf", json!(now + 61)),
        ("account", json!(null)),
        ("role", json!("root")),
    ] {
        let mut bad = good.clone();
        bad[claim] = value.clone();
        assert_eq!(status(&person, &ours.sign(&bad)).await, StatusCode::UNAUTHORIZED, "{claim}: {value}");
    }
    let token = ours.sign(&good);
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let part = |value: Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let none = format!("{}.{}.", part(json!({"alg": "none", "typ": "JWT", "kid": "r"})), part(good.clone()));
    // The public key as a shared secret, as in the classic confusion of algorithms.
    let secret = EncodingKey::from_secret(ours.public()["n"].as_str().unwrap().as_bytes());
    let header = Header { kid: Some("r".to_owned()), ..Header::new(Algorithm::HS256) };
    let confused = encode(&header, &good, &secret).unwrap();
    let other_hash = Header { kid: Some("r".to_owned()), ..Header::new(Algorithm::RS512) };
    let critical = Header {
        kid: Some("r".to_owned()),
        crit: Some(vec!["exp".to_owned()]),
        ..Header::new(Algorithm::RS256)
    };
    let nameless = encode(&Header::new(Algorithm::RS256), &good, &ours.key).unwrap();
    for bad in [
        foreign.sign(&good),
        format!("{signed}x.{signature}"),
        signed.to_owned(),
        none,
        confused,
        encode(&other_hash, &good, &ours.key).unwrap(),
        encode(&critical, &good, &ours.key).unwrap(),
        nameless,
        String::new(),
        "x".repeat(20_000),
    ] {
        assert_eq!(status(&person, &bad).await, StatusCode::UNAUTHORIZED, "{bad}");
    }
}

#[tokio::test]
async fn keys_are_fetched_again_when_they_change_and_not_more_often() {
    let app = TestApp::new().await;
    let (first, second) = (Signer::rsa("1"), Signer::p256("2"));
    let issuer = Issuer::publishing(&[&first]).await;
    let person = app.person_with(oidc(&issuer));
    let asked = || issuer.asked.load(Ordering::Relaxed);
    assert_eq!(status(&person, &first.sign(&claims(&app))).await, StatusCode::OK);
    // Unknown keys do not make us ask in a storm.
    for _ in 0..5 {
        assert_eq!(status(&person, &second.sign(&claims(&app))).await, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(asked(), 1);
    *issuer.keys.lock().unwrap() = vec![second.public()];
    app.advance_secs(31);
    assert_eq!(status(&person, &second.sign(&claims(&app))).await, StatusCode::OK);
    assert_eq!(status(&person, &first.sign(&claims(&app))).await, StatusCode::UNAUTHORIZED);
    assert_eq!(asked(), 2);
    // A withdrawn key ends within the hour, though nobody names another.
    *issuer.keys.lock().unwrap() = vec![];
    app.advance_secs(3_601);
    assert_eq!(status(&person, &second.sign(&claims(&app))).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn an_issuer_that_is_down_is_not_the_persons_fault() {
    let app = TestApp::new().await;
    let signer = Signer::rsa("r");
    let issuer = Issuer::publishing(&[&signer]).await;
    let mut config = oidc(&issuer);
    let IdentityConfig::Oidc(oidc) = &mut config.identity else { unreachable!() };
    oidc.jwks_url = "http://127.0.0.1:9/".parse().unwrap();
    let person = app.person_with(config);
    for _ in 0..2 {
        assert_eq!(status(&person, &signer.sign(&claims(&app))).await, StatusCode::SERVICE_UNAVAILABLE);
    }
}

/// Publishes the keys of `signers`, each time only once the test lets it; tells of every time that it is asked.
async fn held_back(signers: &[&Signer]) -> (Issuer, Arc<Semaphore>, mpsc::UnboundedReceiver<()>) {
    let mut issuer = Issuer::publishing(signers).await;
    let (let_go, keys) = (Arc::new(Semaphore::new(0)), Arc::clone(&issuer.keys));
    let (tell, told) = mpsc::unbounded_channel();
    let gate = Arc::clone(&let_go);
    let answer = axum::routing::get(async move || {
        tell.send(()).unwrap();
        gate.acquire().await.unwrap().forget();
        axum::Json(json!({"keys": *keys.lock().unwrap()}))
    });
    issuer.url = serve(axum::Router::new().route("/", answer)).await;
    (issuer, let_go, told)
}

/// A request that somebody gives up while the issuer is being asked for its key.
async fn hung_up(person: &Arc<Person>, token: String, asked: &mut mpsc::UnboundedReceiver<()>) {
    let person = Arc::clone(person);
    let given_up = tokio::spawn(async move { status(&person, &token).await });
    asked.recv().await.unwrap();
    given_up.abort();
    assert!(given_up.await.unwrap_err().is_cancelled());
}

#[tokio::test]
async fn somebody_who_hangs_up_keeps_nobody_else_out() {
    let app = TestApp::new().await;
    let (first, second) = (Signer::rsa("1"), Signer::p256("2"));
    let (issuer, let_go, mut asked) = held_back(&[&first]).await;
    let person = Arc::new(app.person_with(oidc(&issuer)));
    let soon = async |token: String| {
        let in_time = tokio::time::timeout(std::time::Duration::from_secs(4), status(&person, &token)).await;
        in_time.expect("it does not wait for the issuer")
    };
    // Nothing is known yet, and the first to come gives up.
    hung_up(&person, first.sign(&claims(&app)), &mut asked).await;
    let_go.add_permits(1);
    assert_eq!(soon(first.sign(&claims(&app))).await, StatusCode::OK);
    // A key that is not known yet is asked for; nobody with a known one waits for that.
    app.advance_secs(31);
    *issuer.keys.lock().unwrap() = vec![first.public(), second.public()];
    hung_up(&person, second.sign(&claims(&app)), &mut asked).await;
    assert_eq!(soon(first.sign(&claims(&app))).await, StatusCode::OK);
    let_go.add_permits(1);
    assert_eq!(soon(second.sign(&claims(&app))).await, StatusCode::OK);
    // That has not made us ask more often.
    asked.try_recv().unwrap_err();
    // Near the end of their hour keys are fetched ahead, and still count.
    app.advance_secs(3_001);
    assert_eq!(soon(first.sign(&claims(&app))).await, StatusCode::OK);
    asked.recv().await.unwrap();
    let_go.add_permits(1);
}

#[tokio::test]
async fn identity_aware_proxy_asserts_in_its_own_header() {
    let app = TestApp::new().await;
    let (google, rsa) = (Signer::p256("g"), Signer::rsa("r"));
    let issuer = Issuer::publishing(&[&google, &rsa]).await;
    let claims_config = ClaimNames {
        account: "/gcip/account".to_owned(),
        default_role: Some(Role::Viewer),
        ..ClaimNames::default()
    };
    let audience = "/projects/1/global/backendServices/2".to_owned();
    let identity = IdentityConfig::Iap(IapConfig {
        audience: audience.clone(),
        jwks_url: issuer.url.clone(),
        claims: claims_config,
    });
    let person = app.person_with(Config { identity, ..local_config(ACCOUNT, Role::Editor) });
    let now = app.now().as_second();
    let good = json!({
        "iss": "https://cloud.google.com/iap", "aud": audience, "exp": now + 300, "iat": now,
        "email": "mara@example.com", "gcip": {"account": ACCOUNT.0},
    });
    let ask = async |name: &str, token: String| {
        person.ask(http::Method::GET, PATH, &[(name, &token)], "").await.status
    };
    assert_eq!(ask("x-goog-iap-jwt-assertion", google.sign(&good)).await, StatusCode::OK);
    assert_eq!(
        ask("authorization", format!("Bearer {}", google.sign(&good))).await,
        StatusCode::UNAUTHORIZED
    );
    // Google signs with ES256 only, whatever else is published.
    assert_eq!(ask("x-goog-iap-jwt-assertion", rsa.sign(&good)).await, StatusCode::UNAUTHORIZED);
    let mut foreign = good.clone();
    foreign["iss"] = json!("https://accounts.google.com");
    assert_eq!(ask("x-goog-iap-jwt-assertion", google.sign(&foreign)).await, StatusCode::UNAUTHORIZED);
    let token = google.sign(&good);
    let twice = [("x-goog-iap-jwt-assertion", token.as_str()), ("x-goog-iap-jwt-assertion", "x")];
    assert_eq!(person.ask(http::Method::GET, PATH, &twice, "").await.status, StatusCode::UNAUTHORIZED);
    let change = [("x-goog-iap-jwt-assertion", token.as_str()), ("if-match", "*")];
    let refused = person.json(http::Method::PATCH, PATH, &change, &json!({})).await;
    assert_eq!(refused.problem().0, "read-only");
}
