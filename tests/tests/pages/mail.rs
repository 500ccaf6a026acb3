//! The mails that a laptop keeps.

use dashboard::{config::ConfigError, identity::Role};
use http::StatusCode;
use spillway_tests::{
    harness::{ACCOUNT, TestApp},
    web::local_config,
};

use crate::html::text;

const NAME: &str = "20261125T100000Z-0123456789abcdef0123456789abcdef.eml";
/// With what a mail must never do on our pages.
const HOSTILE: &str = "From: Spillway <exports@example.com>\r\nTo: ops@example.com\r\n\
    Subject: Exports to <script>alert(1)</script> fail\r\nDate: Wed, 25 Nov 2026 10:00:00 +0000\r\n\
    MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=x\r\n\r\n\
    --x\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nThe bucket <b>fails</b>.\r\n\
    --x\r\nContent-Type: text/html; charset=utf-8\r\n\r\n\
    <html><head></head><body><script>alert(2)</script><p>It fails.</p></body></html>\r\n--x--\r\n";

#[tokio::test]
async fn mails_are_listed_and_shown_without_running_anything() {
    let app = TestApp::new().await;
    let folder = app.folder().join("mail");
    let mut config = local_config(ACCOUNT, Role::Viewer);
    config.mail_folder = Some(folder.clone());
    let person = app.person_with(config);
    assert!(text(&person.get("/mail").await).contains("No mail yet"));
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join(NAME), HOSTILE).unwrap();
    std::fs::write(folder.join("secret.txt"), "nothing of a mail").unwrap();
    std::fs::write(app.folder().join("above.eml"), HOSTILE).unwrap();

    let list = person.get("/mail").await;
    let said = text(&list);
    assert!(said.contains("Exports to <script>alert(1)</script> fail ops@example.com 25 Nov"), "{said}");
    assert!(!list.text().contains("<script>alert") && !said.contains("secret"), "{said}");
    let page = person.get(&format!("/mail/{NAME}")).await;
    assert!(text(&page).contains("The bucket <b>fails</b>."), "{}", text(&page));
    assert!(!page.text().contains("<script>alert") && !page.text().contains("<b>fails"));
    assert!(page.header("content-security-policy").contains("frame-src 'self'"));
    assert_eq!(page.header("x-frame-options"), "DENY");

    // The HTML runs nothing, loads nothing, and shows in our own frame alone.
    let html = person.get(&format!("/mail/{NAME}/html")).await;
    let policy = html.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'; style-src 'unsafe-inline';"), "{policy}");
    assert!(policy.contains("sandbox allow-popups") && !policy.contains("allow-scripts"), "{policy}");
    assert!(policy.ends_with("frame-ancestors 'self'"), "{policy}");
    assert_eq!(html.header("x-frame-options"), "SAMEORIGIN");
    for path in
        ["/mail/secret.txt", "/mail/..%2Fabove.eml", "/mail/above.eml", "/mail/%2e%2e", "/mail/none.eml/html"]
    {
        assert_eq!(person.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn where_mails_are_sent_there_is_no_page() {
    let app = TestApp::new().await;
    let person = app.person(ACCOUNT, Role::Editor);
    for path in ["/mail", "/mail/x.eml", "/mail/x.eml/html"] {
        assert_eq!(person.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    assert!(!person.get("/exports").await.text().contains("href=\"/mail\""));
}

#[test]
fn mails_of_all_accounts_are_not_for_those_who_log_in() {
    let mut config = local_config(ACCOUNT, Role::Editor);
    config.mail_folder = Some("/var/mail".into());
    assert_eq!(config.check(), Ok(()));
    config.identity = serde_json::from_value(serde_json::json!({
        "kind": "oidc", "issuer": "https://login.example.com", "audience": "a",
        "jwks_url": "https://login.example.com/keys",
    }))
    .unwrap();
    config.public_url = "https://exports.example.com".parse().unwrap();
    assert_eq!(config.check(), Err(ConfigError::MailsOfAll));
}
