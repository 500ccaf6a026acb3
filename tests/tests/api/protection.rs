//! Hosts, other sites, headers, rates, and the configuration that makes no sense.

use dashboard::{
    App, SetupError,
    config::{Config, ConfigError},
    identity::{ClaimNames, IdentityConfig, OidcConfig, Role},
};
use http::{Method, StatusCode};
use serde_json::json;
use spillway_tests::{
    harness::{ACCOUNT, Strike, TestApp},
    web::{Person, local_config},
};

use crate::support::{STRANGER, editor, recurring};

const PATH: &str = "/api/v1/account";

#[tokio::test]
async fn without_login_only_the_machines_own_names_are_served() {
    let app = TestApp::new().await;
    let person = editor(&app);
    for (host, status) in [
        ("localhost:8080", 200),
        ("127.0.0.1:1234", 200),
        ("[::1]:8080", 200),
        ("LOCALHOST", 200),
        ("evil.example.com", 421),
        ("127.0.0.1.evil.example.com", 421),
        ("localhost.evil.example.com:8080", 421),
        ("", 421),
    ] {
        let answer = person.ask(Method::GET, PATH, &[("host", host)], "").await;
        assert_eq!(answer.status.as_u16(), status, "{host}");
    }
    let twice = [("host", "localhost"), ("host", "evil.example.com")];
    assert_eq!(person.ask(Method::GET, PATH, &twice, "").await.problem().0, "wrong-host");
}

#[tokio::test]
async fn other_sites_change_nothing() {
    let app = TestApp::new().await;
    let person = editor(&app);
    let request = crate::support::create(&person, &recurring()).await;
    let stop = format!("/api/v1/exports/{request}/stop");
    for foreign in [
        &[("sec-fetch-site", "cross-site")][..],
        &[("sec-fetch-site", "same-site")],
        &[("origin", "https://evil.example.com")],
        &[("origin", "null")],
        &[("origin", "http://localhost:9999")],
        &[("origin", "https://localhost:8080")],
    ] {
        let answer = person.ask(Method::POST, &stop, foreign, "").await;
        assert_eq!(
            (answer.status, answer.problem().0.as_str()),
            (StatusCode::FORBIDDEN, "cross-site"),
            "{foreign:?}"
        );
        // Looking is nobody's harm: the answer is kept from the other site by the browser.
        assert_eq!(person.ask(Method::GET, PATH, foreign, "").await.status, StatusCode::OK);
    }
    let ours = [("origin", "http://localhost:8080"), ("sec-fetch-site", "same-origin")];
    assert_eq!(person.ask(Method::POST, &stop, &ours, "").await.status, StatusCode::OK);
}

#[tokio::test]
async fn headers_keep_browsers_strict() {
    let app = TestApp::new().await;
    let person = editor(&app);
    for path in [PATH, "/api/v1/nowhere", "/api/problems/refused", "/api/v1/openapi.json"] {
        let answer = person.get(path).await;
        let policy = answer.header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self'"),
            "{path}: {policy}"
        );
        assert!(policy.ends_with("frame-ancestors 'none'"), "{policy}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("x-frame-options"), "DENY");
        assert_eq!(answer.header("referrer-policy"), "same-origin");
        assert_eq!(answer.header("strict-transport-security"), "");
    }
    let mut config = local_config(ACCOUNT, Role::Viewer);
    config.public_url = "https://exports.example.com".parse().unwrap();
    config.frame_ancestors = vec!["https://app.example.com".parse().unwrap()];
    let answer = app.person_with(config).get(PATH).await;
    assert!(answer.header("content-security-policy").ends_with("frame-ancestors https://app.example.com"));
    assert_eq!(answer.header("x-frame-options"), "");
    assert!(answer.header("strict-transport-security").starts_with("max-age=31536000"));
}

#[tokio::test]
async fn the_documents_viewer_is_here_and_loads_nothing_from_elsewhere() {
    let app = TestApp::new().await;
    let person = editor(&app);
    let moved = person.get("/api/docs").await;
    assert_eq!((moved.status, moved.header("location")), (StatusCode::SEE_OTHER, "/api/docs/"));
    let page = person.get("/api/docs/").await;
    assert_eq!(page.status, StatusCode::OK);
    let script = person.get("/api/docs/swagger-initializer.js").await;
    assert!(
        script.text().contains("/api/v1/openapi.json") && script.text().contains("none"),
        "{}",
        script.text()
    );
    for text in [page.text(), script.text()] {
        assert!(
            !text.contains("https://") && !text.contains("http://") && !text.contains("src=\"//"),
            "{text}"
        );
        assert!(!text.contains("<script>"), "{text}");
    }
    assert!(page.header("content-security-policy").contains("script-src 'self';"));
    assert_eq!(person.get("/api/docs/nothing.js").await.problem().0, "not-found");
}

fn slow(app: &TestApp, reads: u32, writes: u32) -> Person {
    let mut config = local_config(ACCOUNT, Role::Editor);
    (config.limits.reads_per_minute, config.limits.writes_per_minute) = (reads, writes);
    app.person_with(config)
}

#[tokio::test]
async fn an_account_may_ask_only_so_often() {
    let app = TestApp::new().await;
    let person = slow(&app, 3, 1);
    for _ in 0..3 {
        assert_eq!(person.get(PATH).await.status, StatusCode::OK);
    }
    let refused = person.get(PATH).await;
    assert_eq!(
        (refused.status, refused.problem().0.as_str()),
        (StatusCode::TOO_MANY_REQUESTS, "too-many-requests")
    );
    assert_eq!(refused.header("retry-after"), "20");
    // Changes have a measure of their own.
    assert_eq!(person.post("/api/v1/exports", &json!({})).await.problem().0, "invalid-body");
    let refused = person.post("/api/v1/exports", &json!({})).await;
    assert_eq!((refused.problem().0.as_str(), refused.header("retry-after")), ("too-many-requests", "60"));
    app.advance_secs(20);
    assert_eq!(person.get(PATH).await.status, StatusCode::OK);
    assert_eq!(person.get(PATH).await.status, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn estimates_count_as_reads() {
    let app = TestApp::new().await;
    let person = slow(&app, 4, 1);
    // The page gives the token that its forms carry.
    assert_eq!(person.get("/exports").await.status, StatusCode::OK);
    for _ in 0..2 {
        let estimated = person.post("/api/v1/estimate", &crate::support::once()).await;
        assert_eq!(estimated.status, StatusCode::OK, "{}", estimated.text());
    }
    assert_eq!(person.form("/exports/estimate", &[("data", "all-events")]).await.status, StatusCode::OK);
    let refused = person.post("/api/v1/estimate", &crate::support::once()).await;
    assert_eq!(refused.problem().0, "too-many-requests");
    // The one change is still there.
    assert_eq!(person.post("/api/v1/exports", &json!({})).await.problem().0, "invalid-body");
}

#[tokio::test]
async fn a_request_does_not_take_for_ever() {
    let app = TestApp::new().await;
    let worker = app.worker();
    let mut config = local_config(ACCOUNT, Role::Editor);
    config.limits.request_timeout_secs = 1;
    let router = dashboard::router(App::new(worker.parts.clone(), config).unwrap());
    worker.gate.arm(0, Strike::Hold);
    let given_up = Person::new(router).get(PATH).await;
    assert_eq!((given_up.status, given_up.problem().0.as_str()), (StatusCode::GATEWAY_TIMEOUT, "timeout"));
}

#[tokio::test]
async fn a_configuration_that_makes_no_sense_is_refused() {
    let app = TestApp::new().await;
    let refused = |change: &dyn Fn(&mut Config)| {
        let mut config = local_config(STRANGER, Role::Editor);
        change(&mut config);
        match App::new(app.parts(), config) {
            Err(SetupError::Config(error)) => error,
            _ => panic!("it is not refused"),
        }
    };
    let anywhere = refused(&|config| config.listen = ([0, 0, 0, 0], 8080).into());
    assert_eq!(
        anywhere.to_string(),
        "`identity.kind: local` lets everybody in who can connect, so it may listen on a loopback address only, not on \
         0.0.0.0:8080; listen on 127.0.0.1, or configure `oidc` or `iap`"
    );
    let nothing = refused(&|config| config.limits.writes_per_minute = 0);
    assert_eq!(nothing, ConfigError::NothingAllowed("writes_per_minute"));
    let nothing = refused(&|config| config.limits.streams_per_account = 0);
    assert_eq!(nothing, ConfigError::NothingAllowed("streams_per_account"));
    let no_origin = refused(&|config| config.frame_ancestors = vec!["https://a.example/x".parse().unwrap()]);
    assert!(matches!(no_origin, ConfigError::NoOrigin(_)));
}

#[tokio::test]
async fn logins_that_are_not_safe_on_their_way_are_refused() {
    let app = TestApp::new().await;
    let set_up = |public_url: &str, jwks_url: &str, header: &str| {
        let mut config = local_config(STRANGER, Role::Editor);
        config.public_url = public_url.parse().unwrap();
        config.identity = IdentityConfig::Oidc(OidcConfig {
            issuer: "https://login.example.com".to_owned(),
            audience: "spillway".to_owned(),
            jwks_url: jwks_url.parse().unwrap(),
            header: header.to_owned(),
            claims: ClaimNames::default(),
        });
        match App::new(app.parts(), config) {
            Err(SetupError::Config(error)) => Some(error),
            Err(error) => panic!("{error}"),
            Ok(_) => None,
        }
    };
    let (page, keys) = ("https://exports.example.com", "https://login.example.com/keys");
    assert_eq!(set_up(page, keys, "authorization"), None);
    for ours in ["http://localhost:8080", "http://127.0.0.1:9", "http://[::1]:9"] {
        assert_eq!(set_up(ours, ours, "X-Token"), None, "{ours}");
    }
    for open in ["http://login.example.com/keys", "http://10.0.0.1/keys", "http://localhost.example.com/"] {
        assert_eq!(
            set_up(page, open, "authorization"),
            Some(ConfigError::KeysInTheOpen(open.parse().unwrap()))
        );
    }
    let open = "http://exports.example.com/";
    assert_eq!(
        set_up(open, keys, "authorization"),
        Some(ConfigError::LoginsInTheOpen(open.parse().unwrap()))
    );
    for odd in ["X Token", "", "authorization:"] {
        assert_eq!(set_up(page, keys, odd), Some(ConfigError::NoHeader(odd.to_owned())));
    }
}

#[test]
fn a_configuration_file_is_read_and_misspelt_keys_are_refused() {
    let text = json!({
        "listen": "0.0.0.0:8080",
        "public_url": "https://exports.example.com",
        "identity": {
            "kind": "oidc", "issuer": "https://login.example.com", "audience": "spillway",
            "jwks_url": "https://login.example.com/keys",
            "claims": {"account": "https://example.com/account", "default_role": "viewer"},
        },
        "limits": {"reads_per_minute": 600},
        "validator": {"url": "https://validator.example.com", "secret": "not to be seen"},
    });
    let config: Config = serde_json::from_value(text.clone()).unwrap();
    config.check().unwrap();
    assert_eq!((config.limits.reads_per_minute, config.limits.writes_per_minute), (600, 120));
    assert!(!format!("{config:?}").contains("not to be seen"));
    for pointer in ["", "/identity", "/identity/claims", "/limits", "/validator"] {
        let mut odd = text.clone();
        odd.pointer_mut(pointer).unwrap()["colour"] = json!("red");
        assert!(serde_json::from_value::<Config>(odd).is_err(), "{pointer}");
    }
}
