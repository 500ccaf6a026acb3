//! No account sees or touches another's things, on any route.

use dashboard::identity::{ClaimNames, IdentityConfig, OidcConfig, Role};
use http::{Method, StatusCode};
use serde_json::json;
use spillway_tests::{
    harness::{ACCOUNT, BUCKET, TestApp},
    web::local_config,
};

use crate::support::{ANY, STRANGER, create, editor, fill, once, recurring};

/// Fills the numbers of a path of the document.
fn filled(path: &str, request: i64) -> String {
    path.replace("{request_id}", &request.to_string())
        .replace("{run}", &request.to_string())
        .replace("{nickname}", BUCKET)
}

#[tokio::test]
async fn every_route_with_a_name_or_number_knows_only_its_own_account() {
    let app = TestApp::new().await;
    app.connect(STRANGER, "theirs", "theirs", "{}").await;
    fill(&app, 10);
    let owner = editor(&app);
    let request = create(&owner, &once()).await;
    app.drain().await.unwrap();
    let flow = create(&owner, &recurring()).await;
    let stranger = app.person(STRANGER, Role::Editor);
    let document = serde_json::to_value(dashboard::api::document()).unwrap();
    let paths = document["paths"].as_object().unwrap();
    let mut asked = 0;
    for (path, item) in paths.iter().filter(|(path, _)| path.contains('{')) {
        for method in item.as_object().unwrap().keys() {
            let method: Method = method.to_uppercase().parse().unwrap();
            let number = if method == Method::GET { request } else { flow };
            let body = if path.ends_with("/key") { json!({"key": "{}"}) } else { json!({}) };
            let path = filled(path, number);
            if method == Method::GET {
                assert_eq!(owner.get(&path).await.status, StatusCode::OK, "{path}");
            }
            let answer = stranger.json(method.clone(), &path, &ANY, &body).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{method} {path}: {}", answer.text());
            assert_eq!(answer.problem().0, "not-found");
            asked += 1;
        }
    }
    assert!(asked > 10, "{asked}");
    let untouched = owner.get(&format!("/api/v1/exports/{flow}")).await.expect(StatusCode::OK);
    assert_eq!(untouched["status"], "PENDING");
    let list = stranger.get("/api/v1/exports").await.expect(StatusCode::OK);
    assert_eq!(list["exports"], json!([]));
    let buckets = stranger.get("/api/v1/buckets").await.expect(StatusCode::OK);
    assert_eq!(buckets["buckets"].as_array().unwrap().len(), 1);
    assert_eq!(buckets["buckets"][0]["nickname"], "theirs");
    let into_ours = stranger.post("/api/v1/exports", &recurring()).await;
    // Ours is as unknown to them as one that nobody has; only theirs is offered.
    let sentence = format!("There is no bucket `{BUCKET}`. Choose out of `theirs`, or connect it first.");
    assert_eq!(
        into_ours.expect(StatusCode::UNPROCESSABLE_ENTITY)["errors"],
        json!([{"pointer": "/bucket", "detail": sentence}])
    );
}

#[tokio::test]
async fn viewers_change_nothing_on_any_route() {
    let app = TestApp::new().await;
    let viewer = app.person(ACCOUNT, Role::Viewer);
    let document = serde_json::to_value(dashboard::api::document()).unwrap();
    let mut refused = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys().filter(|method| *method != "get") {
            let method: Method = method.to_uppercase().parse().unwrap();
            let answer = viewer.json(method.clone(), &filled(path, 1), &ANY, &json!({})).await;
            if path == "/api/v1/estimate" {
                assert_eq!(answer.problem().0, "invalid-body");
                continue;
            }
            assert_eq!(
                (answer.status, answer.problem().0.as_str()),
                (StatusCode::FORBIDDEN, "read-only"),
                "{method} {path}"
            );
            refused += 1;
        }
    }
    assert_eq!(
        refused, 11,
        "a route was added or removed: PATCH account, its webhook's secret and test, POST, DELETE and check bucket, \
         PUT key, POST, PATCH, stop and start export again"
    );
}

#[tokio::test]
async fn nobody_without_a_token_gets_anything_on_any_route() {
    let app = TestApp::new().await;
    let mut config = local_config(ACCOUNT, Role::Editor);
    config.identity = IdentityConfig::Oidc(OidcConfig {
        issuer: "https://login.example.com".to_owned(),
        audience: "spillway".to_owned(),
        jwks_url: "http://127.0.0.1:9/".parse().unwrap(),
        header: "authorization".to_owned(),
        claims: ClaimNames::default(),
    });
    let nobody = app.person_with(config);
    let document = nobody.get("/api/v1/openapi.json").await.expect(StatusCode::OK);
    assert_eq!(document["security"], json!([{"token": []}]));
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            let method: Method = method.to_uppercase().parse().unwrap();
            let answer = nobody.json(method.clone(), &filled(path, 1), &ANY, &json!({})).await;
            assert_eq!(answer.problem().0, "unauthorized", "{method} {path}");
        }
    }
}
