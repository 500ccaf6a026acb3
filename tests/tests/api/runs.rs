//! Runs, files and manifests.

use http::StatusCode;
use serde_json::{Value, json};
use spillway_tests::harness::{BUCKET, TestApp};

use crate::support::{create, editor, fill, once, recurring};

#[tokio::test]
async fn a_run_shows_what_it_has_delivered() {
    let app = TestApp::new().await;
    fill(&app, 300);
    let person = editor(&app);
    let request = create(&person, &once()).await;
    let runs = format!("/api/v1/exports/{request}/runs");
    let before = person.get(&runs).await.expect(StatusCode::OK);
    assert_eq!(before["runs"][0]["status"], "OWED");
    let early = person.get(&format!("{runs}/{request}/manifest")).await;
    assert_eq!((early.status, early.problem().0.as_str()), (StatusCode::CONFLICT, "wrong-state"));
    app.drain().await.unwrap();
    let run = person.get(&format!("{runs}/{request}")).await.expect(StatusCode::OK);
    assert_eq!(person.get(&runs).await.expect(StatusCode::OK), json!({"runs": [run], "next": null}));
    assert_eq!((&run["status"], &run["rows"]), (&json!("DONE"), &json!(300)));
    let window = json!({"kind": "eventDate", "from": "2026-03-09T00:00:00Z", "to": "2026-03-11T00:00:00Z"});
    assert_eq!(run["window"], window);

    let (mut files, mut query) = (Vec::new(), "limit=2".to_owned());
    loop {
        let page = person.get(&format!("{runs}/{request}/files?{query}")).await.expect(StatusCode::OK);
        files.extend(page["files"].as_array().unwrap().clone());
        let Value::String(next) = &page["next"] else { break };
        let next: String = url::form_urlencoded::byte_serialize(next.as_bytes()).collect();
        query = format!("limit=2&cursor={next}");
    }
    assert!(files.len() > 3, "{} files", files.len());
    assert_eq!(run["files"], files.len());
    let rows: u64 = files.iter().map(|file| file["rows"].as_u64().unwrap()).sum();
    assert_eq!(rows, 300);

    // The same bytes as lie in the bucket.
    let manifest = person.get(&format!("{runs}/{request}/manifest")).await;
    let stored = &app.buckets.objects(BUCKET)[&format!("{request}-{request}.manifest")];
    assert_eq!(format!("{}\n", manifest.text()), String::from_utf8(stored.to_vec()).unwrap());
}

#[tokio::test]
async fn the_runs_of_a_recurring_export_come_newest_first_by_page() {
    let app = TestApp::new().await;
    let person = editor(&app);
    let request = create(&person, &recurring()).await;
    for _ in 0..3 {
        app.advance_secs(6 * 3_600);
        spillway::steps::tick(&app.parts()).await.unwrap();
        app.drain().await.unwrap();
    }
    let path = format!("/api/v1/exports/{request}/runs");
    let first = person.get(&format!("{path}?limit=2")).await.expect(StatusCode::OK);
    let next = first["next"].as_str().unwrap();
    let second = person.get(&format!("{path}?limit=2&cursor={next}")).await.expect(StatusCode::OK);
    let number = |page: &Value, at: usize| page["runs"][at]["run"].as_i64().unwrap();
    assert!(number(&first, 0) > number(&first, 1) && number(&first, 1) > number(&second, 0));
    assert_eq!((&second["next"], &second["runs"][0]["status"]), (&json!(null), &json!("EMPTY")));
    let nowhere = person.get(&format!("{path}/1")).await;
    assert_eq!(nowhere.problem().1, format!("There is no run 1 of export {request}."));
}
