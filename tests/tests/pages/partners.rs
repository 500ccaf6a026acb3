//! Connecting, mending and removing buckets, through the credential validator and Google's emulator.

use std::sync::Arc;

use axum::{Json, Router, routing::post};
use dashboard::{config::Config, identity::Role};
use gcs_emulator::BucketOptions;
use http::{Method, StatusCode};
use jiff::Timestamp;
use serde_json::Value;
use spillway::domain::{AccountId, BucketId, CandidateId, KeyFacts};
use spillway_tests::{
    harness::{ACCOUNT, BUCKET, Google, TestApp},
    web::{Answer, Person, VALIDATOR_SECRET, local_config, serve},
};

use crate::html::{place, text};

/// A person whose dashboard asks a validator that listens.
async fn person(app: &TestApp) -> Person {
    let person = app.person_with_validator(Role::Editor).await;
    // Gives the person the form's token.
    person.get("/partners").await;
    person
}

/// A person whose dashboard asks this validator, and is configured a little differently.
async fn person_of(app: &TestApp, validator: Router, change: impl FnOnce(&mut Config)) -> Person {
    let mut config: Config = local_config(ACCOUNT, Role::Editor);
    config.validator.url = serve(validator).await;
    config.validator.secret = Some(VALIDATOR_SECRET.to_owned().into());
    change(&mut config);
    let person = app.person_with(config);
    // Gives the person the form's token.
    person.get("/partners").await;
    person
}

/// Sends the form of a bucket as a browser does; `accept` as the script says it, or the browser.
async fn save(person: &Person, path: &str, fields: &[(&str, &str)], accept: &str) -> Answer {
    let mut body = String::new();
    let token = person.csrf_token().unwrap();
    for (name, value) in fields.iter().chain([&("csrf", token.as_str())]) {
        body.push_str(&format!(
            "--edge\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
        ));
    }
    body.push_str("--edge--\r\n");
    let headers = [
        ("content-type", "multipart/form-data; boundary=edge"),
        ("accept", accept),
        ("origin", "http://localhost:8080"),
        ("sec-fetch-site", "same-origin"),
    ];
    person.ask(Method::POST, path, &headers, body).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_is_connected_once_all_checks_pass() {
    let mut app = TestApp::new().await;
    let google = Google::start(&mut app, BucketOptions::default()).await;
    let person = person(&app).await;
    let key = google.key.to_string();
    let path = "/partners/google-cloud/buckets";

    let empty =
        save(&person, path, &[("nickname", ""), ("key", ""), ("bucket_name", "Not A Bucket")], "text/html")
            .await;
    assert_eq!(empty.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(text(&empty).contains("3 things have to be mended"), "{}", text(&empty));
    for field in ["nickname", "key", "bucket_name"] {
        assert!(empty.text().contains(&format!("id=\"{field}-wrong-1\"")), "{field}");
    }

    let fields = |name: &'static str| [("nickname", "second"), ("key", key.as_str()), ("bucket_name", name)];
    let missing = save(&person, path, &fields("no-such-bucket"), "text/html").await;
    let said = text(&missing);
    assert_eq!(missing.status, StatusCode::UNPROCESSABLE_ENTITY, "{said}");
    assert!(said.contains("The check did not pass"), "{said}");
    assert!(said.contains("Google accepts the key : passed"), "{said}");
    assert!(said.contains("Google knows no bucket of the name `no-such-bucket`."), "{said}");
    assert!(said.contains("The service account may create files in it : not checked"), "{said}");
    let private = google.key["private_key"].as_str().unwrap();
    assert!(!missing.text().contains(&private[60..90]), "a key is never shown again");
    assert!(app.store.bucket(ACCOUNT, &BucketId("second".to_owned())).await.unwrap().is_none());

    let list = place(&save(&person, path, &fields(BUCKET), "text/html").await);
    let page = person.get(&list).await;
    assert!(text(&page).contains("Google Cloud bucket connected"), "{}", text(&page));
    assert!(text(&page).contains("Google Cloud Export 2 buckets connected"), "the tag: {}", text(&page));
    assert!(text(&page).contains("spillway@partner-project.iam.gserviceaccount.com"), "{}", text(&page));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_script_gets_each_step_as_a_line() {
    let mut app = TestApp::new().await;
    let google = Google::start(&mut app, BucketOptions::default()).await;
    let person = person(&app).await;
    let (path, accept) = ("/partners/google-cloud/buckets", "application/x-ndjson");
    let lines = |answer: &Answer| -> Vec<Value> {
        assert_eq!(answer.header("content-type"), accept, "{}", answer.text());
        answer.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let wrong = [("nickname", "second"), ("key", "{}"), ("bucket_name", BUCKET)];
    let told = lines(&save(&person, path, &wrong, accept).await);
    assert_eq!((&told[0]["step"], &told[0]["outcome"]), (&"key".into(), &"failed".into()), "{told:?}");
    assert_eq!(told.last().unwrap()["saved"], false);

    let key = google.key.to_string();
    let right = [("nickname", "second"), ("key", key.as_str()), ("bucket_name", BUCKET)];
    let told = lines(&save(&person, path, &right, accept).await);
    let steps: Vec<_> = told.iter().filter_map(|line| line["step"].as_str()).collect();
    assert_eq!(steps, ["key", "google", "bucket", "create", "notes"]);
    let last = told.last().unwrap();
    assert_eq!((&last["saved"], &last["next"]), (&true.into(), &"/partners?done=bucket-saved".into()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_replaced_and_a_bucket_removed_unless_in_use() {
    let mut app = TestApp::new().await;
    let google = Google::start(&mut app, BucketOptions::default()).await;
    let person = person(&app).await;
    let day = jiff::civil::date(2026, 3, 9);
    let (export, _) = app.export(app.spec(spillway::domain::Format::Csv, day, day)).await;
    let before = app.bucket().await.key;
    let path = format!("/partners/google-cloud/buckets/{BUCKET}");
    let form = person.get(&format!("{path}/key")).await;
    assert!(text(&form).contains("stays in use until the new one passes"), "{}", text(&form));
    let key = google.key.to_string();
    let next = place(&save(&person, &format!("{path}/key"), &[("key", &key)], "text/html").await);
    assert!(text(&person.get(&next).await).contains("Service account key replaced"));
    assert_ne!(app.bucket().await.key, before);

    let in_use = person.form(&format!("{path}/remove"), &[]).await;
    assert_eq!(in_use.status, StatusCode::CONFLICT);
    let said = text(&in_use);
    assert!(said.contains(&format!("is in use by export {}", export.request)), "{said}");
    app.drain().await.unwrap();
    let gone = place(&person.form(&format!("{path}/remove"), &[]).await);
    assert!(text(&person.get(&gone).await).contains("No bucket is connected"));
}

/// A validator that tells one step, and then breaks off; where `saves`, after it has saved the bucket.
fn breaking_off(app: &TestApp, saves: bool) -> Router {
    let store = Arc::clone(&app.store);
    let check = async move |Json(asked): Json<Value>| {
        let account = AccountId(asked["account"].as_u64().unwrap());
        let candidate: CandidateId = asked["candidate"].as_str().unwrap().parse().unwrap();
        if saves {
            let facts = KeyFacts {
                client_email: "spillway@partner-project.iam.gserviceaccount.com".to_owned(),
                key_id: "0123456789ab".to_owned(),
                added_at: Timestamp::UNIX_EPOCH,
            };
            store.promote_candidate(account, &candidate, &facts).await.unwrap();
        }
        "{\"step\":\"key\",\"outcome\":\"passed\"}\n"
    };
    Router::new().route("/check", post(check))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_check_that_breaks_off_claims_nothing() {
    let app = TestApp::new().await;
    let path = "/partners/google-cloud/buckets";
    let fields = [("nickname", "second"), ("key", "{}"), ("bucket_name", "a-bucket")];
    let person = person_of(&app, breaking_off(&app, false), |_| {}).await.with("accept", "text/html");
    let answer = save(&person, path, &fields, "text/html").await;
    assert_eq!(answer.status, StatusCode::BAD_GATEWAY);
    let said = text(&answer);
    assert!(said.contains("may have been saved") && !said.contains("Nothing was saved"), "{said}");
    let answer = save(&person, path, &fields, "application/x-ndjson").await;
    assert!(answer.text().contains("may have been saved"), "{}", answer.text());

    // Saved before it broke off is saved.
    let person = person_of(&app, breaking_off(&app, true), |_| {}).await;
    let answer = save(&person, path, &fields, "text/html").await;
    assert_eq!(place(&answer), "/partners?done=bucket-saved");
    let fields = [("nickname", "third"), ("key", "{}"), ("bucket_name", "b-bucket")];
    let answer = save(&person, path, &fields, "application/x-ndjson").await;
    let last: Value = serde_json::from_str(answer.text().lines().last().unwrap()).unwrap();
    assert_eq!(last["saved"], true, "{last}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_check_takes_longer_than_other_requests_may() {
    let app = TestApp::new().await;
    let silent = Router::new().route("/check", post(async || std::future::pending::<()>().await));
    let person = person_of(&app, silent, |config| {
        (config.limits.request_timeout_secs, config.validator.timeout_secs) = (1, 2);
    });
    let person = person.await.with("accept", "text/html");
    let fields = [("nickname", "second"), ("key", "{}"), ("bucket_name", "a-bucket")];
    let answer = save(&person, "/partners/google-cloud/buckets", &fields, "text/html").await;
    assert_eq!(answer.status, StatusCode::BAD_GATEWAY, "{}", text(&answer));
    assert!(text(&answer).contains("may have been saved"), "{}", text(&answer));
}

#[tokio::test]
async fn without_its_validator_nothing_is_saved() {
    let app = TestApp::new().await;
    let person = app.person(ACCOUNT, Role::Editor).with("accept", "text/html");
    person.get("/partners").await;
    let fields = [("nickname", "second"), ("key", "{}"), ("bucket_name", "a-bucket")];
    let answer = save(&person, "/partners/google-cloud/buckets", &fields, "text/html").await;
    assert_eq!(answer.status, StatusCode::BAD_GATEWAY);
    assert!(text(&answer).contains("Try again in a minute"), "{}", text(&answer));
}
