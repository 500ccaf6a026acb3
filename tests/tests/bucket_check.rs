//! Buckets as customers connect them: proposed, checked step by step against the emulator, promoted, removed.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::{sync::Arc, time::Duration};

use gcs_emulator::{BucketOptions, Fault, FaultRule, Operation, Role};
use jiff::civil::date;
use serde_json::{Value, json};
use spillway::{
    adapters::gcs::{GcsOptions, GcsPartnerBuckets},
    domain::{
        BucketCandidate, BucketFailure, BucketId, BucketState, CandidateId, CheckStep, FailureClass, Format,
        PartnerBucket, RunStatus, StepOutcome, StepReport, StopReason,
    },
    ports::ServiceAccountKey,
    steps::{self, BucketProposal, CheckError, Parts, ProposeError, RemoveError},
};
use spillway_tests::harness::{ACCOUNT, BUCKET, EMAIL, EventRow, Google, PROJECT, Probe, Strike, TestApp};

const GRANT: &str = "Grant it the role Storage Object Creator";
const AGAIN: &str = "Generate the key again in Google Cloud's console";
const BLIND: &str = "The bucket's settings could not be looked at (retention policy, Requester Pays). Exports do not \
                     need that.";

fn id(nickname: &str) -> BucketId {
    BucketId(nickname.to_owned())
}

fn proposal(nickname: &str, bucket_name: &str, key: &Value) -> BucketProposal {
    let key = ServiceAccountKey::new(format!("{key:#}\n"));
    BucketProposal { nickname: id(nickname), bucket_name: bucket_name.to_owned(), key, replaces: false }
}

async fn google(options: BucketOptions) -> (TestApp, Google) {
    let mut app = TestApp::new().await;
    let google = Google::start(&mut app, options).await;
    (app, google)
}

/// What the check of a proposal reports, and the bucket where it is saved.
async fn check(parts: &Parts, proposal: BucketProposal) -> (Vec<StepReport>, Option<PartnerBucket>) {
    let candidate = steps::propose_bucket(parts, ACCOUNT, proposal).await.unwrap();
    again(parts, &candidate).await
}

async fn again(parts: &Parts, candidate: &CandidateId) -> (Vec<StepReport>, Option<PartnerBucket>) {
    let mut reports = Vec::new();
    let saved =
        steps::check_candidate(parts, ACCOUNT, candidate, |report| reports.push(report)).await.unwrap();
    (reports, saved)
}

/// The steps that were taken, and the last one's end.
fn end(reports: &[StepReport]) -> (CheckStep, String) {
    let (last, before) = reports.split_last().unwrap();
    let steps: Vec<_> = reports.iter().map(|report| report.step).collect();
    assert_eq!(steps, CheckStep::ALL[..reports.len()], "in order, and none is left out");
    assert!(before.iter().all(|report| report.outcome == StepOutcome::Passed), "{reports:?}");
    let text = match &last.outcome {
        StepOutcome::Passed => String::new(),
        StepOutcome::Noted { note } => note.clone(),
        StepOutcome::Failed { wrong, remedy } => format!("{wrong} {remedy}"),
    };
    (last.step, text)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_right_key_connects_its_bucket_and_leaves_nothing_behind() {
    for role in [Role::ObjectCreator, Role::Admin] {
        let (app, google) = google(BucketOptions::default()).await;
        google.emulator().revoke_role(BUCKET, EMAIL, Role::ObjectViewer).unwrap();
        google.emulator().grant(BUCKET, EMAIL, role).unwrap();
        let proposed_at = app.now();
        let (reports, bucket) = check(&app.parts(), proposal(" second ", BUCKET, &google.key)).await;
        let note = if role == Role::Admin { "" } else { BLIND };
        assert_eq!(end(&reports), (CheckStep::Notes, note.to_owned()));
        let bucket = bucket.unwrap();
        assert_eq!((bucket.id.0.as_str(), bucket.bucket_name.as_str()), ("second", BUCKET));
        assert_eq!(bucket.key_facts.client_email, EMAIL);
        assert_eq!(bucket.key_facts.key_id, google.key["private_key_id"].as_str().unwrap());
        assert_eq!((bucket.key_facts.added_at, &bucket.state), (proposed_at, &BucketState::Ready));
        assert_eq!(app.store.bucket(ACCOUNT, &id("second")).await.unwrap(), Some(bucket.clone()));
        let opened = app.parts().vault.open(ACCOUNT, &bucket.id, &bucket.key).await.unwrap();
        assert_eq!(serde_json::from_str::<Value>(opened.expose()).unwrap(), google.key);
        assert!(google.objects().is_empty());
        let sessions = google.emulator().root().join(".gcs/sessions");
        assert_eq!(std::fs::read_dir(sessions).unwrap().count(), 0, "the upload was cancelled");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_thing_that_is_wrong_ends_its_own_step() {
    let (app, google) = google(BucketOptions::default()).await;
    let emulator = google.emulator();
    let stranger = "x@another-project.iam.gserviceaccount.com";
    let other_project = emulator.create_service_account_key("another-project", stranger).unwrap();
    let revoked = emulator.create_service_account_key(PROJECT, EMAIL).unwrap();
    emulator.revoke_key(revoked["private_key_id"].as_str().unwrap()).unwrap();
    let damaged = {
        let mut key = google.key.clone();
        // The frame is whole, and the numbers in it are none of a key.
        let pem = key["private_key"].as_str().unwrap().replace(['x', 'y', 'Z', '7'], "A");
        key["private_key"] = json!(pem);
        key
    };
    let person = json!({ "type": "authorized_user", "refresh_token": "x" });
    for (context, name, key, step, says) in [
        ("a person's", BUCKET, &person, CheckStep::Key, "a person's credentials (`authorized_user`)"),
        ("damaged", BUCKET, &damaged, CheckStep::Key, AGAIN),
        ("revoked", BUCKET, &revoked, CheckStep::Google, AGAIN),
        ("no bucket", "partner-bukcet", &google.key, CheckStep::Bucket, "The bucket name must match exactly"),
        ("another project's", BUCKET, &other_project, CheckStep::Create, GRANT),
    ] {
        let (reports, bucket) = check(&app.parts(), proposal("second", name, key)).await;
        let (ended, text) = end(&reports);
        assert_eq!((ended, bucket), (step, None), "{context}: {text}");
        assert!(text.contains(says), "{context}: {text}");
        assert_eq!(app.store.buckets(ACCOUNT).await.unwrap().len(), 1, "{context}: nothing is saved");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_in_other_cases_is_no_name() {
    let (app, google) = google(BucketOptions::default()).await;
    let parts = app.parts();
    let refused = steps::propose_bucket(&parts, ACCOUNT, proposal("second", "Partner-Bucket", &google.key));
    assert_eq!(
        refused.await.unwrap_err().to_string(),
        "`Partner-Bucket` has capital letters, which no bucket name has. The bucket name must match exactly: copy it \
         from Google Cloud's console."
    );
    // And where it is asked for nevertheless, Google does not know it.
    let right =
        steps::propose_bucket(&parts, ACCOUNT, proposal("second", BUCKET, &google.key)).await.unwrap();
    let right = app.store.candidate(ACCOUNT, &right, app.now()).await.unwrap().unwrap();
    let wrong = CandidateId::from_random(1);
    let candidate = BucketCandidate { id: wrong.clone(), bucket_name: "Partner-Bucket".to_owned(), ..right };
    app.store.put_candidate(&candidate).await.unwrap();
    let (reports, bucket) = again(&parts, &wrong).await;
    let (step, text) = end(&reports);
    assert_eq!((step, bucket), (CheckStep::Bucket, None));
    assert_eq!(
        text,
        "Google knows no bucket of the name `Partner-Bucket`. The bucket name must match exactly, letter by letter: compare \
         it with Cloud Storage > Buckets in Google Cloud's console. If the bucket was deleted, create it again under \
         this name, or use another bucket."
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_locked_retention_policy_is_no_obstacle() {
    let options = BucketOptions {
        retention_secs: Some(86_400 * 7),
        retention_locked: true,
        ..BucketOptions::default()
    };
    let (app, google) = google(options).await;
    google.emulator().grant(BUCKET, EMAIL, Role::Admin).unwrap();
    let (reports, bucket) = check(&app.parts(), proposal("second", BUCKET, &google.key)).await;
    let note = "The bucket has a locked retention policy: nobody can delete or replace an exported file for 7 days \
                after it was written. Exports work, as they only ever create files.";
    assert_eq!(end(&reports), (CheckStep::Notes, note.to_owned()));
    assert!(bucket.is_some());
    // Nothing is left behind: a bucket under a locked policy could never be emptied again.
    assert!(google.objects().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requester_pays_is_told_where_google_refuses_for_it_and_where_not() {
    let (app, google) = google(BucketOptions { requester_pays: true, ..BucketOptions::default() }).await;
    let (reports, bucket) = check(&app.parts(), proposal("second", BUCKET, &google.key)).await;
    let (step, text) = end(&reports);
    assert_eq!((step, bucket), (CheckStep::Bucket, None));
    assert!(
        text.contains(
            "Turn Requester Pays off for the bucket, under its Configuration in Google Cloud's console"
        ),
        "{text}"
    );

    let app = TestApp::new().await;
    let settings = spillway::domain::BucketSettings { retention: None, requester_pays: true };
    app.buckets.answer_probes(Probe { settings: Ok(settings), ..Probe::default() });
    let (reports, bucket) = check(&app.parts(), proposal("second", BUCKET, &google.key)).await;
    assert!(
        end(&reports).1.starts_with("The bucket has Requester Pays. Google takes our uploads nevertheless")
    );
    assert!(bucket.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_passes_is_told_as_such_and_the_same_candidate_passes_later() {
    let (app, google) = google(BucketOptions::default()).await;
    let parts = app.parts();
    let passing =
        "Google does not answer just now. Try again in a minute; nothing that you gave is known to be wrong.";
    let candidate =
        steps::propose_bucket(&parts, ACCOUNT, proposal("second", BUCKET, &google.key)).await.unwrap();
    for (fault, operation, step) in [
        (Fault::Unavailable, Operation::TestPermissions, CheckStep::Google),
        (Fault::TooManyRequests, Operation::TestPermissions, CheckStep::Google),
        (Fault::Reset, Operation::TestPermissions, CheckStep::Google),
        (Fault::Unavailable, Operation::Start, CheckStep::Create),
        (Fault::TooManyRequests, Operation::Start, CheckStep::Create),
        (Fault::LoseResponse, Operation::Start, CheckStep::Create),
    ] {
        google.emulator().faults().add(FaultRule::next(1, fault).on(operation));
        let (reports, bucket) = again(&parts, &candidate).await;
        assert_eq!(end(&reports), (step, passing.to_owned()), "{fault:?} {operation:?}");
        assert_eq!(bucket, None);
    }
    // What only informs, and what only tidies up, stands in nobody's way.
    for operation in [Operation::GetBucket, Operation::Cancel] {
        google.emulator().faults().add(FaultRule::next(1, Fault::Unavailable).on(operation));
    }
    let (reports, bucket) = again(&parts, &candidate).await;
    assert_eq!(end(&reports), (CheckStep::Notes, BLIND.to_owned()));
    assert!(bucket.is_some());
    assert_eq!(google.emulator().faults().pending(), [], "every fault struck");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_google_that_is_too_slow_does_not_hold_the_check() {
    let (mut app, google) = google(BucketOptions::default()).await;
    let gcs = GcsOptions { probe_timeout: Duration::from_millis(300), ..GcsOptions::new(google.base_url()) };
    app.other_buckets = Some(Arc::new(GcsPartnerBuckets::new(gcs).unwrap()));
    let slow = Fault::Slow { bytes_per_sec: 1 };
    google.emulator().faults().add(FaultRule::always(slow).on(Operation::Start));
    let (reports, bucket) = check(&app.parts(), proposal("second", BUCKET, &google.key)).await;
    assert_eq!((end(&reports).0, bucket), (CheckStep::Create, None));
    assert!(end(&reports).1.starts_with("Google does not answer just now."));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_any_other_permission_the_upload_tells() {
    let google_key = google(BucketOptions::default()).await.1.key.clone();
    let failure = |class| BucketFailure { class, http_status: Some(403), message: "by the test".to_owned() };
    let denied = || failure(FailureClass::PermissionMissing { permission: None });
    for (upload, step) in [
        (Ok(()), CheckStep::Notes),
        (Err(failure(FailureClass::BucketMissing)), CheckStep::Bucket),
        (Err(denied()), CheckStep::Create),
        (Err(failure(FailureClass::CredentialsRejected)), CheckStep::Create),
    ] {
        let app = TestApp::new().await;
        let saves = upload.is_ok();
        app.buckets.answer_probes(Probe { holds: Err(denied()), upload, settings: Err(denied()) });
        let (reports, bucket) = check(&app.parts(), proposal("second", BUCKET, &google_key)).await;
        assert_eq!((end(&reports).0, bucket.is_some()), (step, saves));
    }
    let app = TestApp::new().await;
    app.buckets
        .answer_probes(Probe { holds: Err(failure(FailureClass::OrganisationPolicy)), ..Probe::default() });
    let (reports, _) = check(&app.parts(), proposal("second", BUCKET, &google_key)).await;
    let (step, text) = end(&reports);
    assert_eq!(step, CheckStep::Bucket);
    assert!(text.starts_with(
        "A policy of your Google Cloud organisation keeps us out of the bucket `partner-bucket`."
    ));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_checks_of_one_candidate_save_one_bucket() {
    let (app, google) = google(BucketOptions::default()).await;
    let parts = app.parts();
    let candidate =
        steps::propose_bucket(&parts, ACCOUNT, proposal("second", BUCKET, &google.key)).await.unwrap();
    let (one, two) = tokio::join!(again(&parts, &candidate), again(&parts, &candidate));
    assert_eq!(one.0, two.0);
    assert!(one.1.is_some() && one.1 == two.1);
    assert_eq!(app.store.buckets(ACCOUNT).await.unwrap().len(), 2);
    let gone = steps::check_candidate(&parts, ACCOUNT, &candidate, |_| ()).await;
    assert!(matches!(gone, Err(CheckError::NoCandidate)), "{gone:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_check_that_is_killed_anywhere_can_be_made_again() {
    let google_key = google(BucketOptions::default()).await.1.key.clone();
    for nth in 0.. {
        let app = TestApp::new().await;
        let parts = app.parts();
        let candidate =
            steps::propose_bucket(&parts, ACCOUNT, proposal("second", BUCKET, &google_key)).await.unwrap();
        let worker = app.worker();
        worker.gate.arm(nth, Strike::Kill);
        let work = steps::check_candidate(&worker.parts, ACCOUNT, &candidate, |_| ());
        if !worker.gate.run(work).await.is_killed() {
            assert!(nth > 5);
            return;
        }
        let saved = app.store.bucket(ACCOUNT, &id("second")).await.unwrap().is_some();
        match steps::check_candidate(&parts, ACCOUNT, &candidate, |_| ()).await {
            Ok(Some(_)) => assert!(!saved, "killed at {nth}"),
            Err(CheckError::NoCandidate) => assert!(saved, "killed at {nth}"),
            other => panic!("killed at {nth}: {other:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_key_replaces_the_old_one_once_it_has_passed_and_what_waited_goes_on() {
    let (app, google) = google(BucketOptions::default()).await;
    let day = date(2026, 3, 9);
    let mut rng = rand::rng();
    let rows: Vec<_> =
        (0..20).map(|row| EventRow::random(&mut rng, format!("{row}"), "Viewed", day, 0)).collect();
    app.lake.write_events(&app.file(10), &rows);
    google.emulator().revoke_key(google.key["private_key_id"].as_str().unwrap()).unwrap();
    let run = app.export(app.spec(Format::Json, day, day)).await.1;
    app.drain().await.unwrap();
    let old = app.bucket().await;
    assert!(matches!(old.state, BucketState::Blocked { .. }));
    let replace = |key: &Value| BucketProposal { replaces: true, ..proposal(BUCKET, "", key) };
    app.advance_secs(60);
    // A key that does not pass changes nothing.
    let (reports, bucket) = check(&app.parts(), replace(&google.key)).await;
    assert_eq!((end(&reports).0, bucket), (CheckStep::Google, None));
    assert_eq!(app.bucket().await, old);
    let key = google.emulator().create_service_account_key(PROJECT, EMAIL).unwrap();
    let (_, bucket) = check(&app.parts(), replace(&key)).await;
    assert_eq!(bucket.unwrap().key_facts.key_id, key["private_key_id"].as_str().unwrap());
    assert_eq!(app.bucket().await.state, BucketState::Ready);
    app.drain().await.unwrap();
    assert_eq!(app.run(run.key).await.status, RunStatus::Done);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn proposals_are_refused_by_the_rules_with_all_that_is_wrong() {
    let app = TestApp::new().await;
    let parts = app.parts();
    let mut wrong = proposal("PARTNER-bucket", "gs://acme-lake/", &Value::Null);
    wrong.key = ServiceAccountKey::new(" \n".to_owned());
    let refused = steps::propose_bucket(&parts, ACCOUNT, wrong).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "`gs://acme-lake/` is an address, and only the bucket's name is needed. Give `acme-lake`. There is a bucket \
         `partner-bucket` already. Choose another nickname, or replace the key of `partner-bucket`. The key is \
         missing. Paste the whole JSON file that Google Cloud's console gave out, or choose the file."
    );
    let mut long = proposal("second", "acme-lake", &Value::Null);
    long.key = ServiceAccountKey::new("x".repeat(20_000));
    let refused = steps::propose_bucket(&parts, ACCOUNT, long).await.unwrap_err();
    assert!(refused.to_string().starts_with("The text has 20000 bytes"), "{refused}");
    let nobody = spillway::domain::AccountId(77);
    let stranger = steps::propose_bucket(&parts, nobody, proposal("a", "abc", &Value::Null)).await;
    assert!(matches!(stranger, Err(ProposeError::NoAccount(_))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn candidates_are_the_accounts_own_and_end() {
    let app = TestApp::new().await;
    let parts = app.parts();
    let candidate = steps::propose_bucket(&parts, ACCOUNT, proposal("a", "abc", &json!({}))).await.unwrap();
    let other = spillway::domain::AccountId(1);
    let theirs = steps::check_candidate(&parts, other, &candidate, |_| ()).await;
    assert!(matches!(theirs, Err(CheckError::NoCandidate)));
    app.advance_secs(900);
    let late = steps::check_candidate(&parts, ACCOUNT, &candidate, |_| ()).await.unwrap_err();
    assert_eq!(
        late.to_string(),
        "What was to be checked is not kept any more. Enter the bucket and its key again."
    );
    steps::tick(&parts).await.unwrap();
    assert_eq!(app.store.sweep_candidates(app.now()).await.unwrap(), 0, "the tick has swept it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_nickname_that_is_taken_during_the_check_is_refused_at_its_end() {
    let google_key = google(BucketOptions::default()).await.1.key.clone();
    let app = TestApp::new().await;
    let parts = app.parts();
    let late = steps::propose_bucket(&parts, ACCOUNT, proposal("Second", BUCKET, &google_key)).await.unwrap();
    check(&parts, proposal("second", BUCKET, &google_key)).await;
    let refused = steps::check_candidate(&parts, ACCOUNT, &late, |_| ()).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "There is a bucket `second` already. Choose another nickname, or replace the key of `second`."
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_in_use_is_not_removed() {
    let app = TestApp::new().await;
    app.abandon();
    let (parts, day) = (app.parts(), date(2026, 3, 9));
    let export = app.export(app.spec(Format::Json, day, day)).await.0;
    let in_use = steps::remove_bucket(&parts, ACCOUNT, &id(BUCKET)).await.unwrap_err();
    assert_eq!(
        in_use.to_string(),
        format!(
            "Bucket `partner-bucket` is in use by export {}, and cannot be removed. Stop it first, or wait for the \
             end.",
            export.request
        )
    );
    steps::stop_export(&parts, ACCOUNT, export.request, &StopReason::User).await.unwrap();
    steps::remove_bucket(&parts, ACCOUNT, &id(BUCKET)).await.unwrap();
    assert_eq!(app.store.buckets(ACCOUNT).await.unwrap(), []);
    let gone = steps::remove_bucket(&parts, ACCOUNT, &id(BUCKET)).await;
    assert!(matches!(gone, Err(RemoveError::NoBucket(_))));
}
