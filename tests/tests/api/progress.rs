//! Progress, once and as it goes on.

use axum::body::Body;
use dashboard::{App, identity::Role};
use futures::StreamExt;
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};
use spillway::{domain::RequestId, steps};
use spillway_tests::{
    harness::{ACCOUNT, TestApp},
    web::{Person, local_config},
};
use tower::ServiceExt;

use crate::support::{create, editor, fill, fill_event, once, recurring, with};

#[tokio::test]
async fn progress_tells_what_is_in_the_bucket() {
    let app = TestApp::new().await;
    fill(&app, 300);
    let person = editor(&app);
    let request = create(&person, &once()).await;
    let path = format!("/api/v1/exports/{request}/progress");
    let before = person.get(&path).await.expect(StatusCode::OK);
    assert_eq!((&before["status"], &before["run"]["status"]), (&json!("PENDING"), &json!("OWED")));
    assert_eq!((&before["run"]["fraction"], &before["run"]["estimated_bytes"]), (&json!(0.0), &json!(null)));
    app.drain().await.unwrap();
    let after = person.get(&path).await.expect(StatusCode::OK);
    let run = &after["run"];
    assert_eq!(
        (&after["status"], &run["fraction"], &run["rows"]),
        (&json!("DONE"), &json!(1.0), &json!(300))
    );
    assert_eq!((&run["seconds_left"], &run["parts_done"]), (&json!(null), &run["parts"]));
    let idle = create(&person, &recurring()).await;
    let idle = person.get(&format!("/api/v1/exports/{idle}/progress")).await.expect(StatusCode::OK);
    assert_eq!((&idle["run"], &idle["next_run_at"]), (&json!(null), &json!("2026-03-10T18:00:00Z")));
}

#[tokio::test]
async fn behind_a_backlog_the_run_that_is_worked_is_told() {
    let app = TestApp::new().await;
    fill(&app, 20);
    let person = editor(&app);
    let live = with(recurring(), "frequency", json!({"kind": "live"}));
    let request = RequestId(create(&person, &live).await);
    let oldest = app.next_run(request).await;
    for _ in 0..30 {
        app.advance_secs(300);
        app.next_run(request).await;
    }
    steps::handle(&app.parts(), &app.queue.pop().unwrap()).await.unwrap();
    let told = person.get(&format!("/api/v1/exports/{request}/progress")).await.expect(StatusCode::OK);
    let expected = (&json!(oldest.key.run.0), &json!("RUNNING"));
    assert_eq!((&told["run"]["run"], &told["run"]["status"]), expected);
    // The pages tell the same, in the list and of the export.
    let list = person.get("/exports").await;
    assert!(list.text().contains("value=\"0\""), "{}", list.text());
    let page = person.get(&format!("/exports/{request}")).await;
    assert!(page.text().contains("0 % delivered"), "{}", page.text());
    app.drain().await.unwrap();
}

#[tokio::test]
async fn the_api_and_the_pages_tell_the_same() {
    let mut app = TestApp::new().await;
    app.options.plan.message_chunks = 1;
    for event in ["First", "Second", "Third"] {
        fill_event(&app, event, 20);
    }
    let person = editor(&app);
    let request = create(&person, &once()).await;
    for _ in 0..2 {
        steps::handle(&app.parts(), &app.queue.pop().unwrap()).await.unwrap();
        app.advance_secs(30);
    }
    let told = person.get(&format!("/api/v1/exports/{request}/progress")).await.expect(StatusCode::OK);
    let run = &told["run"];
    assert_eq!((&run["parts_done"], &run["parts"], &run["fraction"]), (&json!(1), &json!(3), &json!(0.333)));
    let secs_left = run["seconds_left"].as_u64().unwrap();
    assert!((100..=125).contains(&secs_left), "twice as long as so far: {secs_left}");
    let page = person.get(&format!("/exports/{request}")).await;
    assert!(page.text().contains("33 % delivered"), "{}", page.text());
    assert!(page.text().contains(" min left"), "{}", page.text());
    app.drain().await.unwrap();
}

/// The events of a stream: name and data.
fn events(text: &str) -> Vec<(String, Value)> {
    let blocks = text.split("\n\n").filter(|block| block.contains("data:"));
    let field = |block: &str, name: &str| {
        let line = block.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_default().trim().to_owned()
    };
    let event = |block| (field(block, "event:"), serde_json::from_str(&field(block, "data:")).unwrap());
    blocks.map(event).collect()
}

#[tokio::test]
async fn a_stream_tells_each_change_and_ends_with_the_export() {
    let app = TestApp::new().await;
    fill(&app, 100);
    let person = editor(&app);
    let request = create(&person, &once()).await;
    let path = format!("/api/v1/exports/{request}/progress");
    let accept = [("accept", "text/event-stream")];
    let watching = person.ask(Method::GET, &path, &accept, "");
    let (watched, drained) = tokio::join!(watching, app.drain());
    drained.unwrap();
    assert_eq!(watched.header("content-type"), "text/event-stream");
    let events = events(watched.text());
    let (last, told) = events.split_last().unwrap();
    assert_eq!(last, &("end".to_owned(), json!({})));
    assert!(told.iter().all(|(name, _)| name == "progress") && !told.is_empty(), "{told:?}");
    let (_, done) = told.last().unwrap();
    assert_eq!((&done["status"], &done["run"]["rows"]), (&json!("DONE"), &json!(100)));
}

#[tokio::test]
async fn a_stream_ends_when_the_process_does() {
    let app = TestApp::new().await;
    let parts = app.parts();
    let shutdown = parts.shutdown.clone();
    let request = create(&editor(&app), &recurring()).await;
    let router = dashboard::router(App::new(parts, local_config(ACCOUNT, Role::Viewer)).unwrap());
    let path = format!("/api/v1/exports/{request}/progress");
    let watching = Request::get(&path).header("host", "localhost:8080").header("accept", "text/event-stream");
    let watched = router.clone().oneshot(watching.body(Body::empty()).unwrap()).await.unwrap();
    let mut watched = watched.into_body().into_data_stream();
    let first = watched.next().await.unwrap().unwrap();
    assert_eq!(events(std::str::from_utf8(&first).unwrap())[0].0, "progress");
    // The export goes on, and so would the stream.
    shutdown.cancel();
    assert!(watched.next().await.is_none(), "it ends, without the event that ends an export");
    let odd = Person::new(router).ask(Method::GET, &path, &[("accept", "text/html")], "").await;
    assert_eq!((odd.status, odd.problem().0.as_str()), (StatusCode::NOT_ACCEPTABLE, "not-acceptable"));
}
