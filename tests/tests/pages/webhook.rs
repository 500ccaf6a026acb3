//! The webhook in the settings: its secret, and a test.

use dashboard::identity::Role;
use http::StatusCode;
use spillway::{
    domain::{
        WebhookUrl,
        webhook::{ID_HEADER, SigningSecret, verify},
    },
    ports::WebhookError,
};
use spillway_tests::{
    harness::{ACCOUNT, TestApp},
    web::Person,
};

use crate::html::{field, text};

/// Somebody whose dashboard has a validator.
async fn person(app: &TestApp, role: Role) -> Person {
    let person = app.person_with_validator(role).await;
    person.get("/settings").await;
    person
}

async fn with_webhook(app: &TestApp) {
    let mut account = app.store.account(ACCOUNT).await.unwrap().unwrap();
    account.webhook = Some(WebhookUrl::new("https://hooks.example.com/x?<i>").unwrap());
    app.store.put_account(&account).await.unwrap();
}

/// The secret that a page shows.
fn shown(page: &str) -> Option<String> {
    let secret = page.split("whsec_").nth(1)?;
    Some(format!("whsec_{}", secret.split(['<', '"']).next()?))
}

#[tokio::test]
async fn a_secret_is_shown_once_and_signs_from_then_on() {
    let app = TestApp::new().await;
    let person = person(&app, Role::Editor).await;
    assert!(!text(&person.get("/settings").await).contains("Webhook deliveries"), "there is no webhook");
    with_webhook(&app).await;
    let page = text(&person.get("/settings").await);
    assert!(page.contains("There is no secret yet"), "{page}");
    let untold = person.form("/settings/webhook/test", &[]).await;
    assert!(text(&untold).contains("The webhook has no secret yet"), "{}", text(&untold));

    let made = person.form("/settings/webhook/secret", &[]).await;
    let secret = shown(made.text()).expect("the secret");
    assert!(text(&made).contains("It is shown once"), "{}", text(&made));
    let later = person.get("/settings").await;
    assert!(
        shown(later.text()).is_none() && text(&later).contains("The secret was made on"),
        "{}",
        text(&later)
    );
    let stored = app.store.account(ACCOUNT).await.unwrap().unwrap();
    assert!(!serde_json::to_string(&stored).unwrap().contains(secret.trim_start_matches("whsec_")));

    let tried = person.form("/settings/webhook/test", &[]).await;
    assert_eq!(tried.status, StatusCode::OK);
    assert!(text(&tried).contains("The test has arrived The server answered 200"), "{}", text(&tried));
    let calls = app.webhooks.calls();
    let [call] = calls.as_slice() else { panic!("{calls:?}") };
    assert!(call.id.starts_with("test-"), "{} in {ID_HEADER}", call.id);
    let secret = SigningSecret::read(&secret).unwrap();
    let sent_at = call.timestamp.to_string();
    assert!(verify(&secret, &call.id, &sent_at, &call.signatures, &call.body, app.now()));
    let told: serde_json::Value = serde_json::from_slice(&call.body).unwrap();
    assert_eq!(told["event"], "test");
}

#[tokio::test]
async fn a_test_that_does_not_arrive_says_why() {
    let app = TestApp::new().await;
    let person = person(&app, Role::Editor).await;
    with_webhook(&app).await;
    person.form("/settings/webhook/secret", &[]).await;
    for (failure, says) in [
        (WebhookError::Inside, "leads to a private address"),
        (WebhookError::TimedOut { secs: 10 }, "did not answer within 10 seconds"),
        (WebhookError::Refused { status: 410 }, "answered 410"),
    ] {
        app.webhooks.fail_with(Some(failure));
        let tried = text(&person.form("/settings/webhook/test", &[]).await);
        assert!(tried.contains("The test has not arrived") && tried.contains(says), "{tried}");
    }
}

#[tokio::test]
async fn a_checker_that_is_down_is_told_and_changes_nothing() {
    let app = TestApp::new().await;
    with_webhook(&app).await;
    // Nobody listens there.
    let person = app.person(ACCOUNT, Role::Editor);
    person.get("/settings").await;
    let tried = text(&person.form("/settings/webhook/test", &[]).await);
    assert!(tried.contains("The test could not be sent"), "{tried}");
}

#[tokio::test]
async fn who_may_only_look_makes_no_secret_and_sends_no_test() {
    let app = TestApp::new().await;
    with_webhook(&app).await;
    let viewer = person(&app, Role::Viewer).await;
    let page = viewer.get("/settings").await;
    assert!(!page.text().contains("/settings/webhook/secret"));
    for path in ["/settings/webhook/secret", "/settings/webhook/test"] {
        assert_eq!(viewer.form(path, &[]).await.status, StatusCode::FORBIDDEN, "{path}");
    }
    assert!(app.store.account(ACCOUNT).await.unwrap().unwrap().webhook_secrets.is_none());
    assert_eq!(app.webhooks.calls().len(), 0);
}

#[tokio::test]
async fn a_webhook_that_is_entered_is_signed_from_the_beginning() {
    let app = TestApp::new().await;
    let person = person(&app, Role::Editor).await;
    let seen = field(&person.get("/settings").await, "seen");
    let fields = [
        ("seen", seen.as_str()),
        ("time_zone", "UTC"),
        ("identity", "email"),
        ("webhook", "https://hooks.example.com/x"),
    ];
    person.form("/settings", &fields).await;
    let tried = text(&person.form("/settings/webhook/test", &[]).await);
    assert!(tried.contains("The test has arrived"), "{tried}");
    assert!(app.webhooks.calls()[0].signatures.starts_with("v1,"));
}
