//! A bucket that fails, on the pages: the same words everywhere, the clock until its exports stop, another look now, and
//! the way back.

use dashboard::identity::Role;
use http::StatusCode;
use jiff::civil::{Date, date};
use rand::{SeedableRng, rngs::StdRng};
use spillway::{
    domain::{
        BucketFailure, Export, ExportSpec, FailureClass, Format, Frequency, Known, Run, RunStatus, StatusKind,
    },
    steps::{self, Notifier},
};
use spillway_tests::{
    harness::{ACCOUNT, BUCKET, EventRow, Probe, TestApp},
    web::Person,
};

use crate::html::{place, text};

const DAY: Date = date(2026, 3, 9);
const PAGE: &str = "/partners/google-cloud/buckets/partner%2Dbucket";

async fn person(app: &TestApp, role: Role) -> Person {
    let person = app.person_with_validator(role).await;
    person.get("/settings").await;
    person
}

fn failure(class: FailureClass) -> BucketFailure {
    BucketFailure { class, http_status: Some(404), message: "by the test".to_owned() }
}

fn fails(app: &TestApp, class: Option<FailureClass>) {
    let probed = class.clone().map_or(Ok(()), |class| Err(failure(class)));
    app.buckets.fail_with(class);
    app.buckets.answer_probes(Probe { upload: probed, ..Probe::default() });
}

/// A live export with some rows, whose bucket has just failed at its first run.
async fn blocked(app: &TestApp) -> (Export, Run) {
    let mut rng = StdRng::seed_from_u64(5);
    let rows: Vec<_> =
        (0..30).map(|row| EventRow::random(&mut rng, row.to_string(), "Charged", DAY, 0)).collect();
    app.lake.write_events(&app.file(10), &rows);
    let spec = ExportSpec { frequency: Frequency::Live { start: DAY }, ..app.spec(Format::Csv, DAY, DAY) };
    let export = app.recurring(spec).await;
    let run = app.next_run(export.request).await;
    fails(app, Some(FailureClass::BucketMissing));
    app.drain().await.unwrap();
    (export, run)
}

async fn round(app: &TestApp) {
    steps::check(&app.parts(), &Notifier::default(), |_| true).await.unwrap();
    app.drain().await.unwrap();
}

#[tokio::test]
async fn the_bucket_and_its_export_tell_the_same_until_a_run_is_delivered() {
    let app = TestApp::new().await;
    let (export, run) = blocked(&app).await;
    let person = person(&app, Role::Editor).await;
    let words = failure(FailureClass::BucketMissing).words(Known::from(&app.bucket().await)).sentence();
    let export_page = format!("/exports/{}", export.request);
    for hours in 0..3 {
        for page in [PAGE, export_page.as_str()] {
            let answer = person.get(page).await;
            let said = text(&answer);
            assert_eq!(answer.status, StatusCode::OK, "{said}");
            for part in [
                "Bucket partner-bucket has taken no files since 10 Mar, 12:00: the bucket does not exist",
                &words,
                "its exports stop on 13 Mar, 12:00",
                "Check again now",
                "How to mend it, step by step",
            ] {
                assert!(said.contains(part), "{page} after {hours} h: {part}\n{said}");
            }
            assert!(said.contains("BLOCKED") && !said.contains("RUNNING"), "{page}: {said}");
        }
        round(&app).await;
        app.advance_secs(3_600);
    }

    // Another look finds it as it was, now for another reason.
    let denied = FailureClass::PermissionMissing { permission: Some("storage.objects.create".to_owned()) };
    fails(&app, Some(denied));
    let request = export.request.to_string();
    let looked = person.form(&format!("{PAGE}/check"), &[("export", request.as_str())]).await;
    let back = place(&looked);
    assert!(back.starts_with(&export_page), "{back}");
    let said = text(&person.get(&back).await);
    assert!(said.contains("The bucket still takes no files"), "{said}");
    assert!(said.contains("the permission storage.objects.create is missing"), "the reason now: {said}");
    assert!(said.contains("its exports stop on 13 Mar, 12:00"), "the clock goes on: {said}");

    // It is mended: another look, and what is owed goes out.
    fails(&app, None);
    let back = place(&person.form(&format!("{PAGE}/check"), &[("export", "//evil.example")]).await);
    assert!(back.starts_with(PAGE), "{back}");
    let said = text(&person.get(&back).await);
    assert!(said.contains("The bucket takes files") && said.contains("takes files again"), "{said}");
    assert!(!said.contains("Check again now") && said.contains("WORKING"), "{said}");
    app.drain().await.unwrap();
    assert_eq!(app.run(run.key).await.status, RunStatus::Done, "no round of the checker was needed");
    round(&app).await;
    let said = text(&person.get(&export_page).await);
    assert!(!said.contains("takes files again") && !said.contains("taken no files"), "it is cleared: {said}");
    let said = text(&person.get(PAGE).await);
    assert!(said.contains("Failures before") && said.contains("worked again on"), "{said}");
}

#[tokio::test]
async fn who_may_only_look_sees_the_words_and_no_button() {
    let app = TestApp::new().await;
    let (export, _) = blocked(&app).await;
    let viewer = person(&app, Role::Viewer).await;
    for page in [PAGE.to_owned(), format!("/exports/{}", export.request)] {
        let answer = viewer.get(&page).await;
        assert!(text(&answer).contains("has taken no files"), "{}", text(&answer));
        assert!(!answer.text().contains("/check\""), "{page}");
    }
    assert_eq!(viewer.form(&format!("{PAGE}/check"), &[]).await.status, StatusCode::FORBIDDEN);
    let start = format!("/exports/{}/start-again", export.request);
    assert_eq!(viewer.form(&start, &[]).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn after_three_days_the_export_says_why_and_is_started_again_without_a_gap() {
    let app = TestApp::new().await;
    let (export, run) = blocked(&app).await;
    let person = person(&app, Role::Editor).await;
    let early = person.form(&format!("/exports/{}/start-again", export.request), &[]).await;
    assert_eq!(early.status, StatusCode::CONFLICT, "it goes on: {}", text(&early));
    for _ in 0..74 {
        round(&app).await;
        app.advance_secs(3_600);
    }
    let page = person.get(&format!("/exports/{}", export.request)).await;
    let said = text(&page);
    assert!(said.contains("STOPPED") && said.contains("was stopped on 13 Mar"), "{said}");
    assert!(said.contains("after three days of failure") && said.contains("Start again"), "{said}");
    assert!(said.contains("Google knows no bucket") && said.contains("Check again now"), "{said}");

    fails(&app, None);
    person.form(&format!("{PAGE}/check"), &[]).await;
    let place = place(&person.form(&format!("/exports/{}/start-again", export.request), &[]).await);
    let said = text(&person.get(&place).await);
    assert!(said.contains("Google Cloud data export started again"), "{said}");
    assert!(said.contains(&format!("Goes on from export {}", export.request)), "{said}");
    let old = text(&person.get(&format!("/exports/{}", export.request)).await);
    assert!(old.contains("goes on where this one ended") && !old.contains("Start again"), "{old}");
    app.drain().await.unwrap();
    assert_eq!(app.run(run.key).await.status, RunStatus::Done, "what it had begun ends under its own name");
    app.abandon();
}

#[tokio::test]
async fn an_export_of_a_blocked_bucket_is_moved_and_what_it_owes_follows() {
    let app = TestApp::new().await;
    let (export, run) = blocked(&app).await;
    app.connect(ACCOUNT, "second", "second-bucket", "{}").await;
    let person = person(&app, Role::Editor).await;
    let page = person.get(&format!("/exports/{}", export.request)).await;
    let edit = format!("/exports/{}/edit", export.request);
    assert!(page.text().contains(&format!("href=\"{edit}\"")), "{}", text(&page));
    app.advance_secs(600);
    app.next_run(export.request).await;
    // Only the first bucket fails: the other one's calls are those of a bucket that works.
    fails(&app, None);
    let known = app.store.export(ACCOUNT, export.request).await.unwrap().unwrap().spec;
    let moved = ExportSpec { bucket: spillway::domain::BucketId("second".to_owned()), ..known };
    steps::edit_export(&app.parts(), ACCOUNT, export.request, None, &moved).await.unwrap();
    app.drain().await.unwrap();
    let runs = app.store.runs(ACCOUNT, export.request).await.unwrap();
    assert_eq!(runs.len(), 2);
    assert!(runs.iter().all(|run| matches!(run.status, RunStatus::Done | RunStatus::Empty)), "{runs:?}");
    assert!(runs.iter().all(|run| run.bucket_name.as_deref() == Some("second-bucket")), "{runs:?}");
    let manifest = spillway::domain::names::manifest_object(run.key);
    assert!(app.buckets.objects("second-bucket").contains_key(&manifest));
    assert!(!app.buckets.objects(BUCKET).contains_key(&manifest));
    let said = text(&person.get(&format!("/exports/{}", export.request)).await);
    assert!(!said.contains("BLOCKED") && !said.contains("taken no files"), "{said}");
    let still = text(&person.get(PAGE).await);
    assert!(still.contains("BLOCKED"), "the bucket itself is as it was: {still}");
    let status = app.store.export(ACCOUNT, export.request).await.unwrap().unwrap().status.kind();
    assert_eq!(status, StatusKind::Pending);
}
