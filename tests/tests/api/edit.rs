//! Edits and stops.

use dashboard::{App, identity::Role};
use http::{Method, StatusCode};
use serde_json::json;
use spillway::domain::FailureClass;
use spillway_tests::{
    harness::{ACCOUNT, BUCKET, Strike, TestApp},
    web::{Person, local_config},
};

use crate::support::{ANY, create, editor, fill, once, recurring, with};

#[tokio::test]
async fn an_edit_needs_the_version_that_was_seen() {
    let app = TestApp::new().await;
    let person = editor(&app);
    let path = format!("/api/v1/exports/{}", create(&person, &recurring()).await);
    let tag = person.get(&path).await.header("etag").to_owned();
    let change = json!({"format": "parquet", "frequency": {"kind": "recurring", "every_hours": 8}});
    let blind = person.json(Method::PATCH, &path, &[], &change).await;
    assert_eq!(blind.status, StatusCode::PRECONDITION_REQUIRED);
    let edited = person.json(Method::PATCH, &path, &[("if-match", &tag)], &change).await;
    let body = edited.expect(StatusCode::OK);
    let cycle = json!({"kind": "recurring", "every_hours": 8, "start": "2026-03-10", "anchor_hour": 0});
    assert_eq!((&body["format"], &body["frequency"]), (&json!("parquet"), &cycle));
    assert_eq!(body["next_run_at"], "2026-03-11T00:00:00Z");
    assert_ne!(edited.header("etag"), tag);
    let stale = person.json(Method::PATCH, &path, &[("if-match", &tag)], &json!({"as_string": true})).await;
    assert_eq!(
        (stale.status, stale.problem().0.as_str()),
        (StatusCode::PRECONDITION_FAILED, "changed-meanwhile")
    );
    assert_eq!(person.get(&path).await.expect(StatusCode::OK), body);
}

#[tokio::test]
async fn a_run_that_begins_does_not_make_an_edit_stale() {
    let app = TestApp::new().await;
    fill(&app, 20);
    let person = editor(&app);
    let request = create(&person, &recurring()).await;
    let path = format!("/api/v1/exports/{request}");
    let tag = person.get(&path).await.header("etag").to_owned();
    app.advance_secs(7 * 3_600);
    spillway::steps::tick(&app.parts()).await.unwrap();
    app.drain().await.unwrap();
    assert_ne!(person.get(&path).await.header("etag"), tag, "it stands elsewhere now");
    let edited = person.json(Method::PATCH, &path, &[("if-match", &tag)], &json!({"as_string": true})).await;
    assert_eq!(edited.expect(StatusCode::OK)["as_string"], true);
}

/// Whoever compares tags sees that something has happened: a run that is due, one that ends, a stop.
#[tokio::test]
async fn the_tag_of_an_export_changes_with_its_status() {
    let app = TestApp::new().await;
    fill(&app, 20);
    let person = editor(&app);
    let path = format!("/api/v1/exports/{}", create(&person, &once()).await);
    let mut seen = Vec::new();
    let mut look = async || {
        let answer = person.get(&path).await;
        let status = answer.expect(StatusCode::OK)["status"].as_str().unwrap().to_owned();
        seen.push((status, answer.header("etag").to_owned()));
    };
    look().await;
    look().await;
    app.drain().await.unwrap();
    look().await;
    assert_eq!(seen[0], seen[1], "nothing has happened");
    assert_ne!(seen[1].0, seen[2].0);
    assert_ne!(seen[1].1, seen[2].1);
}

#[tokio::test]
async fn what_may_not_be_edited_says_why() {
    let app = TestApp::new().await;
    let person = editor(&app);
    let flow = format!("/api/v1/exports/{}", create(&person, &recurring()).await);
    for (change, pointer) in [
        (json!({"data": {"kind": "all-profiles"}}), "/data"),
        (json!({"frequency": {"kind": "live"}}), "/frequency"),
        (
            json!({"frequency": {"kind": "recurring", "every_hours": 6, "start": "2026-03-12"}}),
            "/frequency/start",
        ),
        (json!({"bucket": "nowhere"}), "/bucket"),
        (json!({"identities": ["email", "email"]}), "/identities"),
    ] {
        let refused = person.json(Method::PATCH, &flow, &ANY, &change).await;
        let problem = refused.expect(StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
    }
    for odd in [
        json!({"format": null}),
        json!({"status": "DONE"}),
        json!([]),
        json!({"as_string": "yes"}),
        json!({"identities": []}),
        json!({"frequency": {"kind": "recurring", "every_hours": 6, "anchor_hour": 24}}),
    ] {
        let refused = person.json(Method::PATCH, &flow, &ANY, &odd).await;
        assert_eq!(refused.problem().0, "invalid-body", "{odd}");
    }
    let once = format!("/api/v1/exports/{}", create(&person, &once()).await);
    let refused = person.json(Method::PATCH, &once, &ANY, &json!({"format": "json"})).await;
    assert_eq!((refused.status, refused.problem().0.as_str()), (StatusCode::CONFLICT, "wrong-state"));
    app.abandon();
}

#[tokio::test]
async fn an_export_that_runs_once_is_moved_out_of_a_blocked_bucket() {
    let app = TestApp::new().await;
    fill(&app, 20);
    app.connect(ACCOUNT, "other", "other-bucket", "{}").await;
    let person = editor(&app);
    let request = create(&person, &once()).await;
    let path = format!("/api/v1/exports/{request}");
    app.buckets.fail_with(Some(FailureClass::RetentionPolicy));
    app.drain().await.unwrap();
    app.buckets.fail_with(None);
    let more = json!({"bucket": "other", "format": "xml"});
    let refused = person.json(Method::PATCH, &path, &ANY, &more).await;
    assert_eq!((refused.status, refused.problem().0.as_str()), (StatusCode::CONFLICT, "wrong-state"));
    let moved = person.json(Method::PATCH, &path, &ANY, &json!({"bucket": "other"})).await;
    assert_eq!(moved.expect(StatusCode::OK)["bucket"], "other");
    app.drain().await.unwrap();
    let done = person.get(&path).await.expect(StatusCode::OK);
    assert_eq!(done["status"], "DONE");
    assert!(app.buckets.objects("other-bucket").len() > 1);
    assert!(!app.buckets.objects(BUCKET).keys().any(|name| name.ends_with(".manifest")));
}

#[tokio::test]
async fn all_events_become_selected_ones_without_their_priorities() {
    let app = TestApp::new().await;
    let person = editor(&app);
    let wish = with(recurring(), "identities", json!(["email", "phone"]));
    let path = format!("/api/v1/exports/{}", create(&person, &wish).await);
    let selected = json!({"data": {"kind": "select-events", "events": ["Charged"]}});
    let edited = person.json(Method::PATCH, &path, &ANY, &selected).await.expect(StatusCode::OK);
    assert_eq!(edited["data"], selected["data"]);
    // Priorities that are asked for are refused as before.
    let both = with(selected, "identities", json!(["email"]));
    let refused = person.json(Method::PATCH, &path, &ANY, &both).await;
    let problem = refused.expect(StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(problem["errors"][0]["pointer"], "/identities");
    let all = json!({"data": {"kind": "all-events"}, "identities": ["phone"]});
    let edited = person.json(Method::PATCH, &path, &ANY, &all).await.expect(StatusCode::OK);
    assert_eq!(edited["identities"], json!(["phone"]));
}

#[tokio::test]
async fn a_stop_is_at_once_and_once() {
    let app = TestApp::new().await;
    let person = editor(&app);
    let request = create(&person, &once()).await;
    let path = format!("/api/v1/exports/{request}/stop");
    let viewer = app.person(ACCOUNT, Role::Viewer).ask(Method::POST, &path, &[], "").await;
    assert_eq!(viewer.problem().0, "read-only");
    let stopped = person.ask(Method::POST, &path, &[], "").await.expect(StatusCode::OK);
    assert_eq!(stopped["status"], "STOPPED");
    assert_eq!(stopped["stopped"], json!({"by": "user", "at": "2026-03-10T12:00:00Z", "message": null}));
    let again = person.ask(Method::POST, &path, &[], "").await;
    assert_eq!((again.status, again.problem().0.as_str()), (StatusCode::CONFLICT, "wrong-state"));
    let told =
        format!("Export {request} was stopped on 2026-03-10 12:00 (UTC) already. Nothing is left to do.");
    assert_eq!(again.problem().1, told);
    let edit = person.json(Method::PATCH, &format!("/api/v1/exports/{request}"), &ANY, &json!({})).await;
    assert_eq!(edit.problem().0, "wrong-state");
    app.drain().await.unwrap();
}

#[tokio::test]
async fn a_stop_that_comes_too_late_says_so() {
    // Each looks the account and the export up before the call that stops; each call has two points.
    for is_page in [false, true] {
        let app = TestApp::new().await;
        fill(&app, 20);
        let request = create(&editor(&app), &once()).await;
        let worker = app.worker();
        let config = local_config(ACCOUNT, Role::Editor);
        let person = Person::new(dashboard::router(App::new(worker.parts.clone(), config).unwrap()));
        assert_eq!(person.get(&format!("/exports/{request}/stop")).await.status, StatusCode::OK);
        worker.gate.arm(4, Strike::Hold);
        let stop = async {
            match is_page {
                true => person.form(&format!("/exports/{request}/stop"), &[]).await,
                false => {
                    let path = format!("/api/v1/exports/{request}/stop");
                    person.ask(Method::POST, &path, &[], "").await
                }
            }
        };
        let finish = async {
            worker.gate.until_held().await;
            app.drain().await.unwrap();
            worker.gate.release();
        };
        let (late, ()) = tokio::join!(stop, finish);
        assert_eq!((late.status, late.problem().0.as_str()), (StatusCode::CONFLICT, "wrong-state"));
        assert!(late.problem().1.contains("is done"), "{}", late.text());
    }
}
