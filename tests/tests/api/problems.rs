//! Everything that goes wrong is `application/problem+json` of a documented type.

use dashboard::{identity::Role, problem::ProblemKind};
use http::{Method, StatusCode};
use serde_json::json;
use spillway_tests::{
    harness::{ACCOUNT, Strike, TestApp},
    web::{Person, local_config},
};

use crate::support::{editor, once};

const EXPORTS: &str = "/api/v1/exports";

#[tokio::test]
async fn every_kind_has_a_page() {
    let app = TestApp::new().await;
    let person = editor(&app);
    for kind in ProblemKind::ALL {
        let page = person.get(&format!("/api/problems/{}", kind.slug())).await;
        assert_eq!((page.status, page.header("content-type")), (StatusCode::OK, "text/html; charset=utf-8"));
        assert!(
            page.text().contains(kind.title()) && page.text().contains(kind.status().as_str()),
            "{kind:?}"
        );
    }
    assert_eq!(person.get("/api/problems/%3Cscript%3E").await.problem().0, "not-found");
}

#[tokio::test]
async fn what_cannot_be_read_is_a_problem_of_its_own() {
    let app = TestApp::new().await;
    let person = editor(&app);
    let json_type = [("content-type", "application/json")];
    let text_type = [("content-type", "text/plain")];
    let large = format!("\"{}\"", "x".repeat(300_000));
    for (method, path, headers, body, status, kind) in [
        (Method::GET, "/api/v1/nowhere", &[][..], "", 404, "not-found"),
        (Method::GET, "/api/v1/exports/abc", &[], "", 404, "not-found"),
        (Method::GET, "/api/v1/exports/99999999999999999999", &[], "", 404, "not-found"),
        (Method::GET, "/api/v1/exports/%FF", &[], "", 404, "not-found"),
        (Method::GET, "/api/v2", &[], "", 404, "not-found"),
        (Method::PUT, EXPORTS, &json_type, "{}", 405, "method-not-allowed"),
        (Method::TRACE, EXPORTS, &[], "", 405, "method-not-allowed"),
        (Method::POST, EXPORTS, &[], "{}", 415, "unsupported-media-type"),
        (Method::POST, EXPORTS, &text_type, "{}", 415, "unsupported-media-type"),
        (
            Method::POST,
            EXPORTS,
            &[("content-type", "application/x-www-form-urlencoded")],
            "a=b",
            415,
            "unsupported-media-type",
        ),
        (Method::POST, EXPORTS, &json_type, "", 400, "malformed-request"),
        (Method::POST, EXPORTS, &json_type, "{\"a\":", 400, "malformed-request"),
        (Method::POST, EXPORTS, &json_type, "{} {}", 400, "malformed-request"),
        (Method::POST, EXPORTS, &json_type, "[]", 400, "invalid-body"),
        (Method::POST, EXPORTS, &json_type, "null", 400, "invalid-body"),
        (Method::POST, EXPORTS, &json_type, large.as_str(), 413, "too-large"),
    ] {
        let answer = person.ask(method.clone(), path, headers, body.to_owned()).await;
        let at = format!("{method} {path} {headers:?} {}", &body[..body.len().min(30)]);
        assert_eq!((answer.status.as_u16(), answer.problem().0.as_str()), (status, kind), "{at}");
        assert!(answer.status != 405 || answer.header("allow").contains("GET"), "{at}: {:?}", answer.headers);
    }
    let head = person.ask(Method::HEAD, EXPORTS, &[], "").await;
    assert_eq!((head.status, head.body.len()), (StatusCode::OK, 0));
}

#[tokio::test]
async fn a_field_that_is_wrong_is_named() {
    let app = TestApp::new().await;
    let person = editor(&app);
    for (field, value, pointer) in [
        ("format", json!("pdf"), "/format"),
        ("bucket", json!(7), "/bucket"),
        ("as_string", json!("true"), "/as_string"),
        ("identities", json!(["identity", "name"]), "/identities/1"),
        ("identities", json!(null), "/identities"),
        ("identities", json!([]), "/identities"),
        ("data", json!({"kind": "all-events", "names": []}), "/data"),
        ("frequency", json!({"kind": "recurring", "every_hours": 6, "anchor_hour": 24}), "/frequency"),
        ("data", json!({"kind": "select-events"}), "/data"),
        ("frequency", json!({"kind": "recurring", "every_hours": 600}), "/frequency"),
        ("frequency", json!({"kind": "one-time", "days": {"first": "x", "last": "y"}}), "/frequency"),
        ("data", json!(["all-events"]), "/data"),
        ("frequency", json!({"kind": "one-time", "days": ["2026-03-09", "2026-03-10"]}), "/frequency"),
        ("colour", json!("red"), ""),
    ] {
        let mut wish = once();
        wish[field] = value;
        let refused = person.post(EXPORTS, &wish).await;
        let (status, kind) = (refused.status, refused.problem().0);
        assert_eq!((status, kind.as_str()), (StatusCode::BAD_REQUEST, "invalid-body"), "{wish}");
        let found = &refused.json()["errors"][0];
        // Of an unknown field the place is the field itself or what holds it.
        let is_named = found["pointer"] == pointer || found["pointer"] == format!("/{field}");
        assert!(is_named, "{wish}: {found}");
    }
}

#[test]
fn what_the_schema_forbids_is_told_apart_from_what_the_rules_refuse() {
    let unprocessable: Vec<_> =
        ProblemKind::ALL.iter().filter(|kind| kind.status() == StatusCode::UNPROCESSABLE_ENTITY).collect();
    let by_rules = [ProblemKind::Refused, ProblemKind::CheckFailed, ProblemKind::KeyReused];
    assert_eq!(unprocessable, by_rules.iter().collect::<Vec<_>>());
    let document = serde_json::to_value(dashboard::api::document()).unwrap();
    let said = document["info"]["description"].as_str().unwrap();
    assert!(said.contains("422 is one that is, and that the rules refuse"), "{said}");
}

#[tokio::test]
async fn faults_of_ours_are_hidden() {
    let app = TestApp::new().await;
    let worker = app.worker();
    let config = local_config(ACCOUNT, Role::Editor);
    let router = dashboard::router(dashboard::App::new(worker.parts.clone(), config).unwrap());
    let person = Person::new(router);
    worker.gate.arm(0, Strike::Fail);
    let answer = person.get(EXPORTS).await;
    assert_eq!(
        (answer.status, answer.problem().0.as_str()),
        (StatusCode::SERVICE_UNAVAILABLE, "unavailable")
    );
    assert_eq!(answer.header("retry-after"), "5");
    assert!(!answer.text().contains("struck"), "{}", answer.text());
}
