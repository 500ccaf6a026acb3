//! Incidents, another look at a bucket, and starting again, through the API.

use dashboard::identity::Role;
use http::StatusCode;
use serde_json::{Value, json};
use spillway::{
    domain::{BucketFailure, FailureClass},
    steps::{self, Notifier},
};
use spillway_tests::{
    harness::{BUCKET, Probe, TestApp},
    web::Person,
};

use crate::support::{STRANGER, create, editor, fill, recurring, with};

async fn person(app: &TestApp) -> Person {
    app.person_with_validator(Role::Editor).await
}

fn fails(app: &TestApp, class: Option<FailureClass>) {
    let failure = class.clone().map(|class| BucketFailure {
        class,
        http_status: Some(403),
        message: "by the test".to_owned(),
    });
    app.buckets.fail_with(class);
    app.buckets.answer_probes(Probe { upload: failure.map_or(Ok(()), Err), ..Probe::default() });
}

async fn round(app: &TestApp) {
    steps::tick(&app.parts()).await.unwrap();
    steps::check(&app.parts(), &Notifier::default(), |_| true).await.unwrap();
    app.drain().await.unwrap();
}

#[tokio::test]
async fn an_incident_is_listed_from_its_beginning_to_the_start_again() {
    let app = TestApp::new().await;
    fill(&app, 20);
    let person = person(&app).await;
    let wish = with(recurring(), "frequency", json!({"kind": "recurring", "every_hours": 4}));
    let request = create(&person, &wish).await;
    let export = format!("/api/v1/exports/{request}");
    let check = format!("/api/v1/buckets/{BUCKET}/check");
    let early = person.post(&format!("{export}/start-again"), &Value::Null).await;
    assert_eq!((early.status, early.problem().0.as_str()), (StatusCode::CONFLICT, "wrong-state"));
    let works = person.post(&check, &Value::Null).await.expect(StatusCode::OK);
    assert_eq!((&works["works"], &works["problem"]), (&json!(true), &Value::Null));
    assert_eq!(person.get("/api/v1/incidents").await.expect(StatusCode::OK), json!({"incidents": []}));

    fails(&app, Some(FailureClass::CredentialsRejected));
    app.advance_secs(4 * 3_600);
    round(&app).await;
    round(&app).await;
    let listed = person.get(&format!("/api/v1/incidents?bucket={BUCKET}")).await.expect(StatusCode::OK);
    let incident = &listed["incidents"][0];
    let bucket = person.get(&format!("/api/v1/buckets/{BUCKET}")).await.expect(StatusCode::OK);
    for word in ["class", "title", "resolution", "said", "help"] {
        assert_eq!(incident[word], bucket["blocked"][word], "{word}");
    }
    assert_eq!(
        (&incident["phase"], &incident["code"]),
        (&json!("failing"), &json!("403 credentials-rejected"))
    );
    assert!(incident["stops_at"].is_string());
    assert_eq!(incident["notices"][0]["kind"], "detected");
    assert_eq!(person.get("/api/v1/incidents?bucket=other").await.json(), json!({"incidents": []}));
    assert_eq!(person.get("/api/v1/incidents?what=x").await.problem().0, "malformed-request");
    let stranger = app.person(STRANGER, Role::Editor).get("/api/v1/incidents").await;
    assert_eq!(stranger.json(), json!({"incidents": []}));

    let again = person.post(&check, &Value::Null).await.expect(StatusCode::OK);
    assert_eq!(again["works"], false);
    assert_eq!(again["problem"], bucket["blocked"]["reason"]);
    for _ in 0..74 {
        app.advance_secs(3_600);
        round(&app).await;
    }
    let stopped = person.get(&export).await.expect(StatusCode::OK);
    assert_eq!((&stopped["status"], &stopped["stopped"]["by"]), (&json!("STOPPED"), &json!("failure")));
    let listed = person.get("/api/v1/incidents").await.json();
    assert_eq!(
        (&listed["incidents"][0]["phase"], &listed["incidents"][0]["stops_at"]),
        (&json!("stopped"), &Value::Null)
    );

    fails(&app, None);
    let mended = person.post(&check, &Value::Null).await.expect(StatusCode::OK);
    assert_eq!(mended["works"], true);
    let started = person.post(&format!("{export}/start-again"), &Value::Null).await.expect(StatusCode::OK);
    assert_eq!(started["predecessor"], request);
    let twice = person.post(&format!("{export}/start-again"), &Value::Null).await.expect(StatusCode::OK);
    assert_eq!(twice["request_id"], started["request_id"], "once");
    assert_eq!(person.get(&export).await.json()["successor"], started["request_id"]);
    app.abandon();
}

#[tokio::test]
async fn what_is_not_there_is_not_looked_at() {
    let app = TestApp::new().await;
    let person = person(&app).await;
    let missing = person.post("/api/v1/buckets/none/check", &Value::Null).await;
    assert_eq!(missing.problem(), ("not-found".to_owned(), "There is no bucket `none`.".to_owned()));
    let gone = person.post("/api/v1/exports/17/start-again", &Value::Null).await;
    assert_eq!(gone.problem().0, "not-found");
    let alone = editor(&app).post(&format!("/api/v1/buckets/{BUCKET}/check"), &Value::Null).await;
    assert_eq!(alone.problem().0, "validator-unavailable");
}
