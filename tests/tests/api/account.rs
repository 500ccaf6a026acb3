//! The account's settings.

use dashboard::identity::Role;
use http::StatusCode;
use spillway::domain::AccountId;
use spillway_tests::harness::{ACCOUNT, TestApp};

#[tokio::test]
async fn an_account_sees_its_own_settings() {
    let app = TestApp::new().await;
    let account = app.person(ACCOUNT, Role::Viewer).get("/api/v1/account").await.expect(StatusCode::OK);
    assert_eq!(account["id"], ACCOUNT.0);
    let stranger = app.person(AccountId(7), Role::Editor).get("/api/v1/account").await;
    assert_eq!(stranger.status, StatusCode::NOT_FOUND);
    assert_eq!(stranger.problem().0, "not-found");
}
