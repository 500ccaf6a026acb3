//! The webhook's secret and a test of it, and whether deliveries are as the document says.

use dashboard::{api::DeliveryBody, identity::Role};
use http::StatusCode;
use serde_json::{Value, json};
use spillway::domain::{
    Account, BucketFailure, FailureClass, Incident, NoticeKind, RequestId, RunStatus, WebhookUrl,
    webhook::{IncidentNews, Payload, RunNews},
};
use spillway_tests::{
    harness::{ACCOUNT, TestApp},
    web::Person,
};

use crate::support::{create, editor, fill, once};

const PATH: &str = "/api/v1/account/webhook";

async fn person(app: &TestApp, role: Role) -> Person {
    app.person_with_validator(role).await
}

async fn settings(app: &TestApp) -> Account {
    app.store.account(ACCOUNT).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_secret_is_in_its_own_answer_alone() {
    let app = TestApp::new().await;
    let person = person(&app, Role::Editor).await;
    let none = person.post(&format!("{PATH}/test"), &Value::Null).await;
    assert_eq!((none.status, none.problem().0.as_str()), (StatusCode::CONFLICT, "wrong-state"));
    let mut account = settings(&app).await;
    account.webhook = Some(WebhookUrl::new("https://hooks.example.com/x").unwrap());
    app.store.put_account(&account).await.unwrap();

    let made = person.post(&format!("{PATH}/secret"), &Value::Null).await.expect(StatusCode::OK);
    let secret = made["secret"].as_str().unwrap();
    assert!(secret.starts_with("whsec_") && secret.len() == 50, "{secret}");
    let account = person.get("/api/v1/account").await;
    assert!(!account.text().contains("whsec_"));
    assert_eq!(account.json()["webhook_secret_made_at"], made["made_at"]);
    let tried = person.post(&format!("{PATH}/test"), &Value::Null).await.expect(StatusCode::OK);
    assert_eq!(
        (&tried["delivered"], &tried["status"], &tried["problem"]),
        (&json!(true), &json!(200), &Value::Null)
    );
    app.webhooks.fail_with(Some(spillway::ports::WebhookError::NoAddress));
    let tried = person.post(&format!("{PATH}/test"), &Value::Null).await.expect(StatusCode::OK);
    assert_eq!((&tried["delivered"], &tried["status"]), (&json!(false), &Value::Null));
    assert!(tried["problem"].as_str().unwrap().contains("Check the URL"), "{tried}");

    let viewer = app.person(ACCOUNT, Role::Viewer);
    for path in ["secret", "test"] {
        let refused = viewer.post(&format!("{PATH}/{path}"), &Value::Null).await;
        assert_eq!(refused.problem().0, "read-only", "{path}");
    }
}

/// Reads a delivery as the document has it, and writes it again: nothing is lost, and nothing is unknown.
fn is_as_documented(payload: &Payload) -> Value {
    let sent: Value = serde_json::from_slice(&payload.to_bytes()).unwrap();
    let read: DeliveryBody =
        serde_json::from_value(sent.clone()).unwrap_or_else(|error| panic!("{error}: {sent}"));
    assert_eq!(serde_json::to_value(read).unwrap(), sent);
    sent
}

#[tokio::test]
async fn deliveries_are_as_the_document_says() {
    let app = TestApp::new().await;
    fill(&app, 5);
    let request = RequestId(create(&editor(&app), &once()).await);
    app.drain().await.unwrap();
    let (account, export) =
        (settings(&app).await, app.store.export(ACCOUNT, request).await.unwrap().unwrap());
    let run = app.store.runs(ACCOUNT, request).await.unwrap().remove(0);
    let told = |run| {
        is_as_documented(&Payload::of_run(RunNews { account: &account, export: &export, run, at: app.now() }))
    };
    let done = told(&run);
    assert_eq!((&done["event"], &done["run"]["rows"]), (&json!("run.finished"), &json!(5)));
    let shown =
        app.person(ACCOUNT, Role::Viewer).get(&format!("/api/v1/exports/{request}/runs/{request}")).await;
    assert_eq!(done["run"]["window"], shown.json()["window"], "windows are those of the API");
    let incomplete = spillway::domain::Run { status: RunStatus::Incomplete, ..run.clone() };
    assert_eq!(told(&incomplete)["Status"], "Failed");
    is_as_documented(&Payload::test(&account, app.now()));
    let bucket = app.bucket().await;
    for class in FailureClass::ALL {
        let failure = BucketFailure { class, http_status: Some(403), message: "said".to_owned() };
        let incident = Incident::begin(&bucket, app.now(), &failure, app.now(), 0);
        for kind in
            [NoticeKind::Detected, NoticeKind::StillFailing, NoticeKind::Stopped, NoticeKind::Recovered]
        {
            is_as_documented(&Payload::of_incident(IncidentNews {
                account: &account,
                bucket: &bucket,
                incident: &incident,
                kind,
                owed_windows: 2,
                exports: &[request],
                exports_total: 1,
                at: app.now(),
                public_url: Some("https://exports.example.com"),
            }));
        }
    }
    // The document names the request that is sent.
    let document = serde_json::to_value(dashboard::api::document()).unwrap();
    let sent = &document["webhooks"]["delivery"]["post"];
    let schema = &sent["requestBody"]["content"]["application/json"]["schema"]["$ref"];
    assert_eq!(schema, "#/components/schemas/WebhookDelivery");
    assert_eq!(sent["parameters"].as_array().unwrap().len(), 3);
    assert!(
        document["components"]["schemas"]["WebhookDelivery"]["properties"]["Export Request Id"].is_object()
    );
}
