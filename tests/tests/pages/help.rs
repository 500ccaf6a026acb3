//! The page behind each error, and the one about webhooks.

use std::process::Command;

use dashboard::identity::Role;
use http::StatusCode;
use jiff::Timestamp;
use spillway::{
    adapters::system_clock::SystemClock,
    domain::{
        BucketFailure, BucketId, FailureClass, FailureWords, KeyFacts, Known,
        webhook::{SigningSecret, signature_header},
    },
    ports::Clock as _,
};
use spillway_tests::{
    harness::{ACCOUNT, BUCKET, TestApp},
    web::Answer,
};

use crate::html::{text, unescaped};

/// Blocks the account's bucket by a failure.
async fn block(app: &TestApp, class: FailureClass) {
    let mut bucket = app.bucket().await;
    bucket.key_facts.client_email = "spillway@acme.iam.gserviceaccount.com".to_owned();
    app.store.put_bucket(&bucket).await.unwrap();
    let failure = BucketFailure { class, http_status: Some(403), message: "Said <by> Google".to_owned() };
    app.store.block_bucket(&bucket, &failure, app.now()).await.unwrap();
}

/// The lines for a terminal.
fn lines(page: &Answer) -> Vec<String> {
    let blocks = page.text().split("<pre tabindex=\"0\"").skip(1);
    let code = |block: &str| Some(unescaped(block.split("<code>").nth(1)?.split("</code>").next()?));
    blocks.filter_map(code).collect()
}

#[tokio::test]
async fn every_failure_has_a_page_with_the_words_of_the_mail() {
    let app = TestApp::new().await;
    let person = app.person(ACCOUNT, Role::Viewer).with("accept", "text/html");
    let list = person.get("/help/failures").await;
    for class in FailureClass::ALL {
        let path = format!("/help/failures/{}", class.slug());
        assert!(list.text().contains(&format!("href=\"{path}\"")), "{path}");
        let page = person.get(&path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        let bucket = app.bucket().await;
        let words = FailureWords::new(&class, Known::from(&bucket));
        let said = text(&page);
        let told = [&words.title, &words.cause, &words.resolution];
        let steps: Vec<_> = words.steps.iter().filter_map(|step| step.command.clone()).collect();
        for part in told {
            assert!(said.contains(part.as_str()), "{path}: {part}\n{said}");
        }
        assert_eq!(lines(&page), steps, "{path}");
        for note in words.notes {
            assert!(said.contains(note.answer), "{path}: {}", note.question);
        }
        assert!(text(&list).contains(&FailureWords::new(&class, Known::default()).title), "{path}");
    }
    let gone = person.get("/help/failures/%3Cscript%3E").await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
    assert!(!gone.text().contains("<script>"));
}

#[tokio::test]
async fn a_bucket_that_fails_fills_in_its_names() {
    let app = TestApp::new().await;
    let class = FailureClass::PermissionMissing { permission: Some("storage.objects.create".to_owned()) };
    block(&app, class).await;
    let person = app.person(ACCOUNT, Role::Editor);
    let page = person.get("/help/failures/permission-missing").await;
    let said = text(&page);
    assert!(said.contains("The permission storage.objects.create is missing"), "{said}");
    assert!(said.contains(&format!("Bucket {BUCKET} fails so since")), "{said}");
    assert!(said.contains("Google says: Said <by> Google") && !page.text().contains("<by>"), "{said}");
    assert_eq!(
        lines(&page)[0],
        format!(
            "gcloud storage buckets add-iam-policy-binding gs://{BUCKET} \
             --member=serviceAccount:spillway@acme.iam.gserviceaccount.com --role=roles/storage.objectCreator"
        )
    );
    // Another class's page says nothing of this bucket's failure.
    let other = text(&person.get("/help/failures/hold").await);
    assert!(!other.contains("fails so since"), "{other}");
    // The places that tell of the failure lead there.
    let href = "/help/failures/permission-missing?bucket=partner%2Dbucket";
    assert!(person.get("/partners").await.text().contains(href));
    let key = text(&person.get("/help/failures/credentials-rejected").await);
    assert!(!key.contains("Replace the key "), "{key}");
}

#[tokio::test]
async fn names_of_buckets_are_never_taken_for_markup_or_for_shells() {
    let app = TestApp::new().await;
    let mut bucket = app.bucket().await;
    bucket.id = BucketId("a\"b <i>".to_owned());
    bucket.bucket_name = "x'; touch /tmp/pwned; '".to_owned();
    bucket.key_facts =
        KeyFacts { client_email: "$(id)<script>@x".to_owned(), key_id: String::new(), added_at: app.now() };
    app.store.put_bucket(&bucket).await.unwrap();
    let person = app.person(ACCOUNT, Role::Editor);
    let page = person.get("/help/failures/permission-missing?bucket=a%22b%20%3Ci%3E").await;
    assert!(!page.text().contains("<script>@") && !page.text().contains("<i>"));
    let line = lines(&page).remove(0);
    // A shell that prints its words has the names whole.
    let words =
        Command::new("sh").arg("-c").arg(line.replacen("gcloud", "printf '%s\\n'", 1)).output().unwrap();
    let words = String::from_utf8(words.stdout).unwrap();
    let words: Vec<_> = words.lines().collect();
    assert_eq!(words[3], "gs://x'; touch /tmp/pwned; '", "{words:?}");
    assert_eq!(words[4], "--member=serviceAccount:$(id)<script>@x", "{words:?}");
}

#[tokio::test]
async fn another_accounts_bucket_fills_in_nothing() {
    let app = TestApp::new().await;
    app.connect(spillway::domain::AccountId(7), "theirs", "their-secret-bucket", "{}").await;
    let page = app.person(ACCOUNT, Role::Editor).get("/help/failures/hold?bucket=theirs").await;
    assert!(!page.text().contains("their-secret-bucket"));
}

#[tokio::test]
async fn the_lines_on_the_page_about_webhooks_tell_ours_from_forged_ones() {
    let app = TestApp::new().await;
    let page = app.person(ACCOUNT, Role::Viewer).get("/help/webhooks").await;
    let lines = lines(&page);
    let [_, python, node] = lines.as_slice() else { panic!("{lines:?}") };
    let secret = SigningSecret::from_random([5; 32]);
    let text = secret.expose().to_string();
    let body = "{\"text\":\"ü\"}";
    // Both languages look at the real clock.
    let now = Timestamp::from_second(SystemClock.now().as_second()).unwrap();
    let signatures =
        signature_header(&[SigningSecret::from_random([9; 32]), secret], "id-1", now, body.as_bytes());
    let headers = serde_json::json!({
        "webhook-id": "id-1", "webhook-timestamp": now.as_second().to_string(), "webhook-signature": signatures,
    })
    .to_string();
    let old = headers.replace(&now.as_second().to_string(), "1690283492");
    let python = format!(
        "{python}\nimport json, sys\nsecret, headers, body = sys.argv[1:]\n\
         print(is_ours(secret, json.loads(headers), body.encode()))\n"
    );
    let node = format!(
        "{node}\nconst [secret, headers, body] = process.argv.slice(1);\n\
         console.log(isOurs(secret, JSON.parse(headers), Buffer.from(body)) ? 'True' : 'False');\n"
    );
    for (program, flag, code) in [("python3", "-c", &python), ("node", "-e", &node)] {
        for (headers, body, is_ours) in
            [(&headers, body, "True"), (&headers, "{\"text\":\"u\"}", "False"), (&old, body, "False")]
        {
            let ran = Command::new(program).args([flag, code, &text, headers, body]).output().unwrap();
            let said = String::from_utf8_lossy(&ran.stdout);
            assert_eq!(said.trim(), is_ours, "{program}: {}", String::from_utf8_lossy(&ran.stderr));
        }
    }
}
