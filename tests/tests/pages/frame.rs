//! What stands around every page: protection, problems, the feature's switch, styles and scripts.

use dashboard::identity::Role;
use http::{Method, StatusCode};
use spillway::domain::{AccountId, ZoneName};
use spillway_tests::harness::{ACCOUNT, TestApp};

use crate::html::text;

const PAGES: [&str; 7] =
    ["/exports", "/exports/new", "/partners", "/partners/google-cloud", "/guide", "/settings", "/exports/1"];

#[tokio::test]
async fn every_page_names_the_zone_and_runs_nothing_inline() {
    let app = TestApp::new().await;
    let person = app.person(ACCOUNT, Role::Editor).with("accept", "text/html");
    for page in &PAGES[..6] {
        let answer = person.get(page).await;
        assert_eq!(answer.status, StatusCode::OK, "{page}: {}", text(&answer));
        let html = answer.text();
        assert!(
            html.contains("<html lang=\"en\">") && text(&answer).contains("All times are in UTC."),
            "{page}"
        );
        assert!(!html.contains("<script>") && !html.contains("style=") && !has_handler(html), "{page}");
        assert!(answer.header("content-security-policy").contains("script-src 'self'"), "{page}");
        assert_eq!(answer.header("cache-control"), "no-store", "{page}");
    }
}

/// Whether an element has an attribute like `onclick`.
fn has_handler(html: &str) -> bool {
    html.split(" on").skip(1).any(|rest| {
        let name = rest.trim_start_matches(|c: char| c.is_ascii_lowercase());
        name.len() < rest.len() && name.starts_with('=')
    })
}

#[tokio::test]
async fn styles_and_scripts_are_kept_for_ever() {
    let app = TestApp::new().await;
    let person = app.person(ACCOUNT, Role::Viewer);
    let page = person.get("/exports").await;
    let names: Vec<_> =
        page.text().split("\"/static/").skip(1).filter_map(|rest| rest.split(['"', '#']).next()).collect();
    assert!(names.len() >= 4, "{names:?}");
    for name in names {
        let path = format!("/static/{name}");
        let file = person.get(&path).await;
        assert_eq!(file.status, StatusCode::OK, "{path}");
        assert_eq!(file.header("cache-control"), "public, max-age=31536000, immutable", "{path}");
        let again = person.ask(Method::GET, &path, &[("if-none-match", file.header("etag"))], "").await;
        assert_eq!((again.status, again.body.len()), (StatusCode::NOT_MODIFIED, 0), "{path}");
    }
    assert_eq!(person.get("/static/spillway.css").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn problems_are_pages_for_browsers() {
    let app = TestApp::new().await;
    let person = app.person(ACCOUNT, Role::Viewer).with("accept", "text/html,*/*");
    let gone = person.get("/exports/17").await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
    assert!(text(&gone).contains("There is no export 17."), "{}", text(&gone));
    assert!(text(&person.get("/nowhere").await).contains("There is no page at this address."));
    let refused = person.get("/exports/new").await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert!(text(&refused).contains("You may look, but not change"), "{}", text(&refused));
    // A program gets the problem itself.
    let problem = app.person(ACCOUNT, Role::Viewer).get("/exports/17").await.problem();
    assert_eq!(problem.0, "not-found");
}

#[tokio::test]
async fn of_an_account_without_data_all_say_the_same() {
    let app = TestApp::new().await;
    let sentence = "Nothing is known of account 99 yet. It is there once it has data.";
    let person = app.person(AccountId(99), Role::Editor);
    for path in ["/exports", "/settings", "/partners"] {
        let answer = person.ask(Method::GET, path, &[("accept", "text/html")], "").await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert!(text(&answer).contains(sentence), "{path}: {}", text(&answer));
    }
    let wish = serde_json::json!({
        "bucket": "main",
        "data": { "kind": "all-events" },
        "frequency": { "kind": "live", "start": "2026-03-10" },
        "format": "json",
    });
    for path in ["/api/v1/exports", "/api/v1/estimate"] {
        let problem = person.post(path, &wish).await.problem();
        assert_eq!(problem, ("not-found".to_owned(), sentence.to_owned()), "{path}");
    }
}

#[tokio::test]
async fn a_form_without_its_token_does_nothing() {
    let app = TestApp::new().await;
    let person = app.person(ACCOUNT, Role::Editor).with("accept", "text/html");
    let forged = person.form("/settings", &[("time_zone", "Europe/Berlin")]).await;
    assert_eq!(forged.status, StatusCode::FORBIDDEN);
    assert!(text(&forged).contains("Load the page again"), "{}", text(&forged));
    assert_eq!(app.store.account(ACCOUNT).await.unwrap().unwrap().time_zone, ZoneName::default());
}

#[tokio::test]
async fn the_guide_is_filled_in() {
    let app = TestApp::new().await;
    let person = app.person(ACCOUNT, Role::Viewer);
    let guide = person.get("/guide?project=acme&bucket=acme-exports&service=exporter").await;
    let text = text(&guide);
    assert!(text.contains("gcloud storage buckets create gs://acme-exports --project=acme"), "{text}");
    assert!(text.contains("exporter@acme.iam.gserviceaccount.com"), "{text}");
    assert!(text.contains("203.0.113.7"), "{text}");
    let hostile = person.get("/guide?bucket=%22%3E%3Cscript%3Ex%3C%2Fscript%3E").await;
    assert!(!hostile.text().contains("<script>x"));
}
