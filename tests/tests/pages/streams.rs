//! Live progress: what a stream sends, and how many there may be.

use axum::{
    body::{Body, BodyDataStream},
    http::Request,
};
use dashboard::{App, identity::Role, router};
use futures::StreamExt;
use http::{StatusCode, header};
use jiff::civil::{Date, date};
use spillway::domain::{Account, AccountId, Export, Format, Frequency, ZoneName};
use spillway_tests::{
    harness::{ACCOUNT, TestApp},
    web::local_config,
};
use tower::ServiceExt;

const STRANGER: AccountId = AccountId(7);
const DAY: Date = date(2026, 3, 9);

/// The dashboard of an account that may watch in so many places.
fn dashboard_of(app: &TestApp, account: AccountId, streams: usize) -> axum::Router {
    let mut config = local_config(account, Role::Viewer);
    config.limits.streams_per_account = streams;
    router(App::new(app.parts(), config).unwrap())
}

async fn live(app: &TestApp) -> Export {
    let mut spec = app.spec(Format::Csv, DAY, DAY);
    spec.frequency = Frequency::Live { start: DAY };
    app.recurring(spec).await
}

/// The status of a stream's answer, when it can be tried again, and its body, which is not read yet.
async fn watch(router: &axum::Router, path: &str) -> (StatusCode, String, BodyDataStream) {
    let request = Request::get(path).header(header::HOST, "localhost:8080");
    let request = request.header(header::ACCEPT, "text/event-stream").body(Body::empty()).unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    let retry_after = response.headers().get(header::RETRY_AFTER);
    let retry_after = retry_after.map_or_else(String::new, |value| value.to_str().unwrap().to_owned());
    (response.status(), retry_after, response.into_body().into_data_stream())
}

#[tokio::test]
async fn an_account_watches_in_so_many_places_and_no_more() {
    let app = TestApp::new().await;
    let export = live(&app).await;
    let ours = dashboard_of(&app, ACCOUNT, 2);
    let (page, api) =
        (format!("/exports/{}/live", export.request), format!("/api/v1/exports/{}/progress", export.request));
    let mut open = vec![];
    for path in ["/exports/live", &api] {
        let (status, _, body) = watch(&ours, path).await;
        assert_eq!(status, StatusCode::OK, "{path}");
        open.push(body);
    }
    for path in ["/exports/live", &page, &api] {
        let (status, retry_after, _) = watch(&ours, path).await;
        assert_eq!((status, retry_after.as_str()), (StatusCode::TOO_MANY_REQUESTS, "60"), "{path}");
    }
    // Whoever leaves makes room.
    open.pop();
    assert_eq!(watch(&ours, &page).await.0, StatusCode::OK);
}

#[tokio::test]
async fn the_list_goes_on_by_itself() {
    let app = TestApp::new().await;
    let export = live(&app).await;
    app.store.put_account(&Account::new(STRANGER, ZoneName::default())).await.unwrap();
    let (ours, theirs) = (dashboard_of(&app, ACCOUNT, 10), dashboard_of(&app, STRANGER, 10));
    let (_, _, mut events) = watch(&ours, "/exports/live?size=10").await;
    let first = String::from_utf8(events.next().await.unwrap().unwrap().to_vec()).unwrap();
    assert!(first.starts_with("event: part\ndata:"), "{first}");
    assert!(first.contains(&format!("data-request=\"{}\"", export.request)), "{first}");
    let (_, _, mut events) = watch(&theirs, "/exports/live").await;
    let first = String::from_utf8(events.next().await.unwrap().unwrap().to_vec()).unwrap();
    assert!(!first.contains(&export.request.to_string()), "{first}");
}
