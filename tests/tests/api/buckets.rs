//! Buckets, with the real validator behind its own address and Google's emulator behind that.

use dashboard::identity::Role;
use gcs_emulator::BucketOptions;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use spillway_tests::{
    harness::{ACCOUNT, BUCKET, EMAIL, Google, TestApp},
    web::{Person, local_config, serve},
};

use crate::support::{STRANGER, create, editor, once, recurring, with};

const PATH: &str = "/api/v1/buckets";
const NDJSON: [(&str, &str); 1] = [("accept", "application/x-ndjson")];

/// An account with a bucket at Google, and a second bucket there that nobody knows yet.
async fn with_google() -> (TestApp, Google, Person) {
    let mut app = TestApp::new().await;
    let google = Google::start(&mut app, BucketOptions::default()).await;
    google.emulator().create_bucket("second", BucketOptions::default()).unwrap();
    google.emulator().grant("second", EMAIL, gcs_emulator::Role::ObjectCreator).unwrap();
    let person = app.person_with_validator(Role::Editor).await;
    (app, google, person)
}

fn wish(google: &Google, name: &str) -> Value {
    json!({"nickname": "my second", "bucket_name": name, "key": google.key.to_string()})
}

#[tokio::test]
async fn a_bucket_is_saved_when_the_check_passes() {
    let (app, google, person) = with_google().await;
    let answer = person.post(PATH, &wish(&google, "second")).await;
    let check = answer.expect(StatusCode::CREATED);
    let steps: Vec<_> = check["steps"].as_array().unwrap().iter().map(|step| step["step"].clone()).collect();
    assert_eq!(steps, ["key", "google", "bucket", "create", "notes"]);
    assert!(check["steps"].as_array().unwrap().iter().all(|step| step["outcome"] != "failed"));
    let expected = json!({
        "nickname": "my second", "bucket_name": "second", "service_account": EMAIL,
        "key_id": google.key["private_key_id"], "key_added_at": "2026-03-10T12:00:00Z", "blocked": null,
    });
    assert_eq!(check["bucket"], expected);
    assert_eq!(answer.header("location"), "/api/v1/buckets/my%20second");
    assert_eq!(person.get(answer.header("location")).await.expect(StatusCode::OK), expected);
    let list = person.get(PATH).await;
    assert_eq!(list.expect(StatusCode::OK)["buckets"][0], expected);
    assert!(!list.text().contains("PRIVATE KEY") && !answer.text().contains("PRIVATE KEY"));
    let exported = create(&person, &with(recurring(), "bucket", json!("my second"))).await;
    let in_use = person.delete("/api/v1/buckets/my%20second").await;
    assert_eq!((in_use.status, in_use.problem().0.as_str()), (StatusCode::CONFLICT, "in-use"));
    assert!(in_use.problem().1.contains(&exported.to_string()), "{}", in_use.text());
    let stopped = person.ask(Method::POST, &format!("/api/v1/exports/{exported}/stop"), &[], "").await;
    assert_eq!(stopped.status, StatusCode::OK);
    let gone = person.delete("/api/v1/buckets/my%20second").await;
    assert_eq!((gone.status, gone.text()), (StatusCode::NO_CONTENT, ""));
    assert_eq!(person.delete("/api/v1/buckets/my%20second").await.problem().0, "not-found");
    drop(app);
}

#[tokio::test]
async fn a_check_that_fails_saves_nothing_and_says_what_to_do() {
    let (_app, google, person) = with_google().await;
    let failed = person.post(PATH, &wish(&google, "second-of-nobody")).await;
    let (kind, detail) = failed.problem();
    assert_eq!((failed.status, kind.as_str()), (StatusCode::UNPROCESSABLE_ENTITY, "check-failed"));
    assert!(detail.starts_with("Google knows no bucket of the name `second-of-nobody`."), "{detail}");
    let problem = failed.json();
    let last = problem["steps"].as_array().unwrap().last().unwrap();
    assert_eq!((&last["step"], &last["outcome"]), (&json!("bucket"), &json!("failed")));
    assert!(last["remedy"].as_str().unwrap().starts_with("The bucket name must match exactly"));
    assert_eq!(person.get("/api/v1/buckets/my%20second").await.status, StatusCode::NOT_FOUND);
    let odd = json!({"nickname": "", "bucket_name": "Capital", "key": "{}"});
    let refused = person.post(PATH, &odd).await.expect(StatusCode::UNPROCESSABLE_ENTITY);
    let pointers: Vec<_> =
        refused["errors"].as_array().unwrap().iter().map(|e| e["pointer"].clone()).collect();
    assert_eq!(pointers, ["/nickname", "/bucket_name"]);
    let object =
        person.post(PATH, &json!({"nickname": "x", "bucket_name": "second", "key": {"type": "other"}})).await;
    assert_eq!(object.problem().0, "check-failed");
}

#[tokio::test]
async fn the_steps_come_line_by_line_where_that_is_asked_for() {
    let (_app, google, person) = with_google().await;
    let lines = |answer: &spillway_tests::web::Answer| -> Vec<Value> {
        answer.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let answer = person.json(Method::POST, PATH, &NDJSON, &wish(&google, "second")).await;
    assert_eq!((answer.status, answer.header("content-type")), (StatusCode::OK, "application/x-ndjson"));
    let told = lines(&answer);
    assert_eq!((told.len(), told.last()), (6, Some(&json!({"saved": true}))));
    assert_eq!(
        told[0],
        json!({"step": "key", "title": "The key is a service account key", "outcome": "passed"})
    );
    let path = format!("{PATH}/my%20second/key");
    let bad = json!({"key": "{}"});
    let failed = lines(&person.json(Method::PUT, &path, &NDJSON, &bad).await);
    assert_eq!((failed.len(), failed.last()), (2, Some(&json!({"saved": false}))));
    let odd = person.json(Method::PUT, &path, &[("accept", "text/html")], &bad).await;
    assert_eq!(odd.problem().0, "not-acceptable");
}

#[tokio::test]
async fn another_key_takes_the_place_of_the_first() {
    let (_app, google, person) = with_google().await;
    let path = format!("{PATH}/{BUCKET}/key");
    let before = person.get(&format!("{PATH}/{BUCKET}")).await.expect(StatusCode::OK);
    let refused = person.json(Method::PUT, &path, &[], &json!({"key": "nonsense"})).await;
    assert_eq!(refused.problem().0, "check-failed");
    assert_eq!(person.get(&format!("{PATH}/{BUCKET}")).await.expect(StatusCode::OK), before);
    let key = google.emulator().create_service_account_key(spillway_tests::harness::PROJECT, EMAIL).unwrap();
    let replaced = person.json(Method::PUT, &path, &[], &json!({"key": key})).await.expect(StatusCode::OK);
    assert_eq!(replaced["bucket"]["key_id"], key["private_key_id"]);
    let unknown = person.json(Method::PUT, "/api/v1/buckets/x/key", &[], &json!({"key": key})).await;
    assert_eq!(unknown.problem().1, "There is no bucket `x`.");
}

#[tokio::test]
async fn a_validator_that_is_down_or_refuses_us_is_a_sentence() {
    let (app, google, _) = with_google().await;
    let sentence = "The bucket cannot be checked just now, since our checker does not answer. Nothing was saved. Try again \
                    in a minute.";
    let body = wish(&google, "second");
    for person in [editor(&app), {
        let secret = credential_validator::BearerSecret::new("another secret of theirs".to_owned()).unwrap();
        let mut config = local_config(ACCOUNT, Role::Editor);
        config.validator.url =
            serve(credential_validator::router(app.parts(), |routes| secret.guard(routes))).await;
        app.person_with(config)
    }] {
        let down = person.post(PATH, &body).await;
        assert_eq!(
            (down.status, down.problem()),
            (StatusCode::BAD_GATEWAY, ("validator-unavailable".to_owned(), sentence.to_owned()))
        );
    }
    let half = axum::Router::new()
        .route("/check", axum::routing::post(async || "{\"step\":\"key\",\"outcome\":\"passed\"}\n"));
    let mut config = local_config(ACCOUNT, Role::Editor);
    config.validator.url = serve(half).await;
    let person = app.person_with(config);
    assert_eq!(person.post(PATH, &body).await.problem().0, "validator-unavailable");
    let told = person.json(Method::POST, PATH, &NDJSON, &body).await;
    let last: Value = serde_json::from_str(told.text().lines().last().unwrap()).unwrap();
    let broken = "The check broke off on our side, and the bucket may have been saved all the same. Look at your buckets \
                  in a minute, before you try again.";
    assert_eq!(last, json!({"saved": false, "problem": broken}));
}

#[tokio::test]
async fn a_blocked_bucket_says_what_to_mend() {
    let app = TestApp::new().await;
    app.buckets.fail_with(Some(spillway::domain::FailureClass::BucketMissing));
    crate::support::fill(&app, 20);
    let person = editor(&app);
    let request = create(&person, &once()).await;
    app.drain().await.unwrap();
    let bucket = person.get(&format!("{PATH}/{BUCKET}")).await.expect(StatusCode::OK);
    let blocked = &bucket["blocked"];
    assert_eq!(blocked["title"], "The bucket does not exist");
    assert_eq!(blocked["cause"], format!("Google knows no bucket of the name `{BUCKET}`."));
    let both = format!("{} {}", blocked["cause"].as_str().unwrap(), blocked["resolution"].as_str().unwrap());
    assert_eq!(blocked["reason"], both);
    assert_eq!(
        (&blocked["class"], &blocked["help"]),
        (&json!("bucket-missing"), &json!("/help/failures/bucket-missing?bucket=partner%2Dbucket"))
    );
    let run = person.get(&format!("/api/v1/exports/{request}/runs/{request}")).await.expect(StatusCode::OK);
    assert_eq!(run["blocked"], bucket["blocked"]);
    let progress = person.get(&format!("/api/v1/exports/{request}/progress")).await.expect(StatusCode::OK);
    assert_eq!(progress["run"]["blocked"], bucket["blocked"]);
    let stranger = app.person(STRANGER, Role::Editor).get(&format!("{PATH}/{BUCKET}")).await;
    assert_eq!(stranger.status, StatusCode::NOT_FOUND);
    app.abandon();
}
