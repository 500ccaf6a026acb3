//! The account's settings.

use dashboard::identity::Role;
use http::StatusCode;
use spillway::domain::{IdentityKind, ZoneName};
use spillway_tests::harness::{ACCOUNT, TestApp};

use crate::html::{field, place, text};

#[tokio::test]
async fn settings_are_saved_and_a_stale_form_is_not() {
    let app = TestApp::new().await;
    let person = app.person(ACCOUNT, Role::Editor);
    let seen = field(&person.get("/settings").await, "seen");
    let fields = [
        ("seen", seen.as_str()),
        ("time_zone", "Europe/Berlin"),
        ("identity", "email"),
        ("identity", "phone"),
        ("notify", "ops@example.com\r\nbi@example.com"),
        ("webhook", "https://example.com/hook"),
    ];
    let saved = place(&person.form("/settings", &fields).await);
    let page = person.get(&saved).await;
    assert!(text(&page).contains("Settings saved"), "{}", text(&page));
    assert!(page.text().contains("ops@example.com\nbi@example.com"));
    let account = app.store.account(ACCOUNT).await.unwrap().unwrap();
    assert_eq!(account.time_zone, ZoneName::new("Europe/Berlin").unwrap());
    assert_eq!(account.identities, [IdentityKind::Email, IdentityKind::Phone]);
    assert_eq!(account.notify.len(), 2);

    let stale = person.form("/settings", &fields).await;
    assert_eq!(stale.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(text(&stale).contains("Somebody changed the settings"), "{}", text(&stale));
}

#[tokio::test]
async fn what_is_wrong_stands_at_its_field() {
    let app = TestApp::new().await;
    let person = app.person(ACCOUNT, Role::Editor);
    let seen = field(&person.get("/settings").await, "seen");
    let fields = [
        ("seen", seen.as_str()),
        ("time_zone", "Berlin"),
        ("notify", "ops"),
        ("webhook", "http://a.example"),
    ];
    let refused = person.form("/settings", &fields).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(text(&refused).contains("4 things have to be mended"), "{}", text(&refused));
    for name in ["time_zone", "notify", "webhook"] {
        let tied = format!("aria-invalid=\"true\" aria-describedby=\"{name}-wrong-1 {name}-hint\"");
        assert!(refused.text().contains(&tied), "{name}");
        assert!(refused.text().contains(&format!("id=\"{name}-wrong-1\"")), "{name}");
    }
}
