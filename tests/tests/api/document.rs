//! The API's document: complete, and true.

use std::collections::BTreeSet;

use http::{Method, StatusCode};
use serde_json::Value;
use spillway_tests::harness::TestApp;

use crate::support::editor;

fn document() -> Value {
    serde_json::to_value(dashboard::api::document()).unwrap()
}

#[tokio::test]
async fn the_document_is_served_as_it_is() {
    let app = TestApp::new().await;
    let served = editor(&app).get("/api/v1/openapi.json").await.expect(StatusCode::OK);
    // On a laptop nobody logs in; the rest is the same.
    let mut expected = document();
    expected.as_object_mut().unwrap().remove("security").unwrap();
    expected["components"].as_object_mut().unwrap().remove("securitySchemes").unwrap();
    assert_eq!(served, expected);
    assert_eq!(served["openapi"], "3.1.0");
}

#[tokio::test]
async fn what_the_document_names_is_there_and_nothing_else() {
    let app = TestApp::new().await;
    let person = editor(&app);
    let methods = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
    for (path, item) in document()["paths"].as_object().unwrap() {
        let named: BTreeSet<_> =
            item.as_object().unwrap().keys().map(|method| method.to_uppercase()).collect();
        let filled = path.replace("{request_id}", "1").replace("{run}", "1").replace("{nickname}", "x");
        assert!(!filled.contains('{'), "{path}");
        for method in &methods {
            let status = person.ask(method.clone(), &filled, &[], "").await.status;
            let is_there = status != StatusCode::METHOD_NOT_ALLOWED;
            assert_eq!(is_there, named.contains(method.as_str()), "{method} {path}: {status}");
        }
        let allow = person.ask(Method::OPTIONS, &filled, &[], "").await.header("allow").to_owned();
        let allowed: BTreeSet<_> =
            allow.split(',').filter(|method| *method != "HEAD").map(str::to_owned).collect();
        assert_eq!(allowed, named, "{path}");
    }
}

#[test]
fn every_reference_leads_somewhere() {
    let document = document();
    let (mut references, mut open) = (0, vec![&document]);
    while let Some(value) = open.pop() {
        match value {
            Value::Object(members) => {
                if let Some(Value::String(reference)) = members.get("$ref") {
                    let pointer = reference.strip_prefix('#').unwrap();
                    assert!(document.pointer(pointer).is_some(), "{reference}");
                    references += 1;
                }
                open.extend(members.values());
            }
            Value::Array(items) => open.extend(items),
            _ => {}
        }
    }
    assert!(references > 50, "{references}");
}

#[test]
fn every_operation_is_described_and_tells_its_problems() {
    for (path, item) in document()["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let at = format!("{method} {path}");
            assert!(operation["summary"].is_string() && operation["operationId"].is_string(), "{at}");
            let responses = operation["responses"].as_object().unwrap();
            for status in ["400", "401", "429", "500", "503"] {
                let problem = &responses[status]["content"]["application/problem+json"]["schema"]["$ref"];
                assert_eq!(problem, "#/components/schemas/Problem", "{at} {status}");
            }
            assert!(responses.contains_key("404") || !path.contains('{'), "{at}");
            let has_body = operation.get("requestBody").is_some();
            assert!(
                ["413", "415", "422"].iter().all(|status| responses.contains_key(*status) || !has_body),
                "{at}"
            );
        }
    }
}

#[test]
fn what_goes_in_takes_no_unknown_fields() {
    let document = document();
    let schemas = &document["components"]["schemas"];
    for name in ["NewExport", "ExportChange", "AccountChange", "NewBucket", "NewKey", "Days"] {
        assert_eq!(schemas[name]["additionalProperties"], false, "{name}");
    }
    for name in ["Data", "Frequency"] {
        for variant in schemas[name]["oneOf"].as_array().unwrap() {
            assert_eq!(variant["additionalProperties"], false, "{name}: {variant}");
        }
    }
}

#[test]
fn words_are_written_as_they_are_sent() {
    let document = document();
    let schemas = &document["components"]["schemas"];
    assert_eq!(schemas["Format"]["enum"], serde_json::json!(["json", "csv", "xml", "parquet"]));
    assert_eq!(schemas["ExportStatus"]["enum"], serde_json::json!(["PENDING", "RUNNING", "DONE", "STOPPED"]));
    assert_eq!(schemas["Preset"]["enum"][2], "last-7-days");
}
