//! Faults of the customer's side and of Google, through the emulator and the official client: each ends in its named
//! class with a sentence to act on; what passes ends in a whole run.
#![allow(clippy::unwrap_used, reason = "tests")]

use gcs_emulator::{BucketOptions, Fault, FaultRule, Operation, Role};
use jiff::civil::{Date, date};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::json;
use spillway::{
    adapters::system_clock::SystemClock,
    domain::{BucketState, ChunkState, FailureClass, Format, Packaging, Run, RunStatus, StopReason},
    ports::{Clock, Work},
    steps::{self, Options},
};
use spillway_tests::harness::{
    ACCOUNT, BUCKET, EMAIL, EventRow, Google, PROJECT, Strike, TestApp, assert_rows,
};

const DAY: Date = date(2026, 3, 9);

fn rows(event: &str) -> Vec<EventRow> {
    let mut rng = StdRng::seed_from_u64(5);
    (0..40).map(|row| EventRow::random(&mut rng, format!("{event}-{row}"), event, DAY, 0)).collect()
}

/// An app over the emulator with two events in its lake.
async fn begin(options: BucketOptions) -> (TestApp, Google, Run, Vec<EventRow>) {
    let mut app = TestApp::new().await;
    app.options.file_limit_bytes = 4_000;
    let google = Google::start(&mut app, options).await;
    let all: Vec<_> = ["Viewed", "Charged"]
        .into_iter()
        .flat_map(|event| {
            let rows = rows(event);
            app.lake.write_events(&app.file(10), &rows);
            rows
        })
        .collect();
    let run = app.export(app.spec(Format::Json, DAY, DAY)).await.1;
    (app, google, run, all)
}

/// The failure that blocks the bucket; none of the run's chunks is lost by it.
async fn blocked(app: &TestApp, run: &Run, context: &str) -> (FailureClass, String) {
    app.drain().await.unwrap();
    let BucketState::Blocked { failure, .. } = app.bucket().await.state else {
        panic!("{context}: not blocked")
    };
    let now = app.run(run.key).await;
    assert_eq!(now.status, RunStatus::Running, "{context}: nothing is rewritten");
    let tally = app.store.tally(run.key, &now.plan.unwrap().token, app.now()).await.unwrap();
    assert_eq!((tally.leased, tally.failed), (0, 0), "{context}: chunks stay ready");
    let sentence = failure.to_string();
    (failure.class, sentence)
}

/// Once the customer has mended it, everything arrives.
async fn goes_on(app: &TestApp, google: &Google, run: &Run, rows: &[EventRow], context: &str) {
    app.store.unblock_bucket(&app.bucket().await).await.unwrap();
    app.advance_secs(3_600);
    let current = app.run(run.key).await;
    steps::republish(&app.parts(), &current, app.now()).await.unwrap();
    app.queue.put(Work::Run { run: run.key });
    app.drain().await.unwrap();
    whole(app, google, run, rows, context).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_that_is_mended_is_found_by_the_next_round() {
    let (app, google, run, all) = begin(BucketOptions::default()).await;
    google.emulator().revoke_role(BUCKET, EMAIL, Role::ObjectCreator).unwrap();
    blocked(&app, &run, "revoked").await;
    let swept = steps::sweep(&app.parts(), |_| true).await.unwrap();
    assert!(swept.healed.is_empty() && swept.unseen.is_empty(), "{swept:?}");
    assert!(matches!(app.bucket().await.state, BucketState::Blocked { .. }));
    google.emulator().grant(BUCKET, EMAIL, Role::ObjectCreator).unwrap();
    app.advance_secs(3_600);
    let swept = steps::sweep(&app.parts(), |_| true).await.unwrap();
    assert_eq!(swept.healed.len(), 1);
    assert!(google.objects().is_empty(), "the look leaves nothing behind");
    app.drain().await.unwrap();
    whole(&app, &google, &run, &all, "healed").await;
    assert!(steps::sweep(&app.parts(), |_| true).await.unwrap().healed.is_empty());
}

async fn whole(app: &TestApp, google: &Google, run: &Run, rows: &[EventRow], context: &str) {
    let delivered = app.delivered_into(run.key, &google.objects()).await;
    let state = app.bucket().await.state;
    assert_eq!(delivered.run.status, RunStatus::Done, "{context}: the bucket is {state:?}");
    assert!(delivered.manifest.is_some(), "{context}");
    assert_rows(&delivered, rows);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unusable_keys_are_named() {
    let (app, google, run, all) = begin(BucketOptions::default()).await;
    let good = google.key.to_string();
    let with = |field: &str, value: serde_json::Value| {
        let mut key = google.key.clone();
        key[field] = value;
        key.to_string()
    };
    let private = google.key["private_key"].as_str().unwrap();
    // Of the same form, of nobody Google knows.
    let stranger = {
        let elsewhere = TestApp::new().await;
        let other = gcs_emulator::Emulator::open(
            elsewhere.folder().join("other"),
            std::sync::Arc::new(|| Clock::now(&SystemClock)) as gcs_emulator::Clock,
        )
        .unwrap();
        other.create_service_account_key(PROJECT, EMAIL).unwrap()
    };
    let another_project = google
        .emulator()
        .create_service_account_key("another-project", "x@another-project.iam.gserviceaccount.com")
        .unwrap();
    let external = json!({
        "type": "external_account", "audience": "//iam.googleapis.com/x", "token_url": "http://127.0.0.1:1/token",
        "credential_source": { "executable": { "command": "/bin/false" } },
    });
    let unusable = FailureClass::KeyUnusable;
    let rejected = FailureClass::CredentialsRejected;
    let lacks =
        |permission: &str| FailureClass::PermissionMissing { permission: Some(permission.to_owned()) };
    let cases = [
        (
            "wrong private key",
            with("private_key", stranger["private_key"].clone()),
            rejected.clone(),
            "Generate the key again",
        ),
        ("a key that Google does not know", stranger.to_string(), rejected, "Generate the key again"),
        (
            "PKCS#1",
            with("private_key", json!(private.replace("PRIVATE KEY", "RSA PRIVATE KEY"))),
            unusable.clone(),
            "PKCS#8",
        ),
        (
            "a broken PEM",
            with("private_key", json!(private.replace('M', "!"))),
            unusable.clone(),
            "service account key",
        ),
        ("truncated JSON", good[..good.len() / 2].to_owned(), unusable.clone(), "paste the whole file"),
        ("empty", String::new(), unusable.clone(), "paste the whole file"),
        ("external_account", external.to_string(), unusable.clone(), "service_account"),
        (
            "authorized_user",
            json!({ "type": "authorized_user", "refresh_token": "x" }).to_string(),
            unusable,
            "service_account",
        ),
        (
            "another project's key",
            another_project.to_string(),
            lacks("storage.objects.create"),
            "Storage Object Creator",
        ),
    ];
    for (name, key, class, says) in cases {
        app.connect(ACCOUNT, BUCKET, BUCKET, &key).await;
        app.queue.put(Work::Run { run: run.key });
        app.advance_secs(3_600);
        if let Some(plan) = app.run(run.key).await.plan {
            assert!(!plan.token.0.is_empty());
            let current = app.run(run.key).await;
            steps::republish(&app.parts(), &current, app.now()).await.unwrap();
        }
        let (found, sentence) = blocked(&app, &run, name).await;
        assert_eq!(found, class, "{name}: {sentence}");
        assert!(sentence.contains(says), "{name}: {sentence}");
        assert!(
            !sentence.contains("-----BEGIN") && !sentence.contains(&private[40..80]),
            "{name}: no key in {sentence}"
        );
    }
    app.connect(ACCOUNT, BUCKET, BUCKET, &good).await;
    goes_on(&app, &google, &run, &all, "the right key").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_customer_has_to_mend_blocks_the_bucket() {
    type Change = fn(&Google);
    /// Its name, a fault of Google's, what breaks it, what mends it, the class and what its sentence says.
    type Case = (&'static str, Option<Fault>, Change, Change, FailureClass, &'static str);
    let creator = FailureClass::PermissionMissing { permission: Some("storage.objects.create".to_owned()) };
    let faults = |fault: Fault| FaultRule::always(fault).in_bucket(BUCKET);
    let rule = |google: &Google, fault| google.emulator().faults().add(faults(fault));
    let none: Change = |_| {};
    let cases: [Case; 9] = [
        ("full disk", Some(Fault::DiskFull), none, none, FailureClass::StorageFull, "Free some space"),
        ("read-only", Some(Fault::ReadOnly), none, none, FailureClass::StorageReadOnly, "Make it writable"),
        (
            "no permission",
            None,
            |google| google.emulator().revoke_role(BUCKET, EMAIL, Role::ObjectCreator).unwrap(),
            |google| google.emulator().grant(BUCKET, EMAIL, Role::ObjectCreator).unwrap(),
            creator.clone(),
            "Storage Object Creator",
        ),
        ("removed permission", Some(Fault::RemovedPermission), none, none, creator, "Storage Object Creator"),
        (
            "revoked key",
            Some(Fault::RevokedKey),
            none,
            none,
            FailureClass::CredentialsRejected,
            "Generate the key again",
        ),
        (
            "missing bucket",
            Some(Fault::MissingBucket),
            none,
            none,
            FailureClass::BucketMissing,
            "no bucket of exactly this name",
        ),
        ("billing", Some(Fault::BillingDisabled), none, none, FailureClass::BillingDisabled, "billing"),
        (
            "organisation, with the status of a name that is taken",
            Some(Fault::OrgConstraint),
            none,
            none,
            FailureClass::OrganisationPolicy,
            "constraints/storage",
        ),
        (
            "organisation",
            Some(Fault::OrgPolicy),
            none,
            none,
            FailureClass::OrganisationPolicy,
            "organisation",
        ),
    ];
    for (name, fault, breaks, mends, class, says) in cases {
        let (app, google, run, all) = begin(BucketOptions::default()).await;
        if let Some(fault) = fault {
            rule(&google, fault);
        }
        breaks(&google);
        let (found, sentence) = blocked(&app, &run, name).await;
        assert_eq!(found, class, "{name}: {sentence}");
        assert!(sentence.contains(says), "{name}: {sentence}");
        google.emulator().faults().clear();
        mends(&google);
        goes_on(&app, &google, &run, &all, name).await;
    }
}

/// Nothing is in the window, so that only the manifest is missing, and it may be missing for ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_does_not_wait_for_a_manifest_that_the_bucket_refuses() {
    let (app, google, _, _) = begin(BucketOptions::default()).await;
    google.emulator().revoke_role(BUCKET, EMAIL, Role::ObjectCreator).unwrap();
    let empty = app.export(app.spec(Format::Json, date(2026, 3, 1), date(2026, 3, 1))).await.1;
    blocked(&app, &empty, "empty").await;
    steps::stop_export(&app.parts(), ACCOUNT, empty.key.request, &StopReason::User).await.unwrap();
    app.drain().await.unwrap();
    assert_eq!(app.run(empty.key).await.status, RunStatus::Stopped);
    assert!(google.objects().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_that_is_not_there_is_named() {
    let (app, google, run, all) = begin(BucketOptions::default()).await;
    assert!(google.emulator().delete_bucket(BUCKET).unwrap());
    let (class, sentence) = blocked(&app, &run, "deleted").await;
    assert_eq!(class, FailureClass::BucketMissing, "{sentence}");
    google.emulator().create_bucket(BUCKET, BucketOptions::default()).unwrap();
    for role in [Role::ObjectCreator, Role::ObjectViewer] {
        google.emulator().grant(BUCKET, EMAIL, role).unwrap();
    }
    goes_on(&app, &google, &run, &all, "made again").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_key_is_named() {
    let (app, google, run, all) = begin(BucketOptions::default()).await;
    google.emulator().revoke_key(google.key["private_key_id"].as_str().unwrap()).unwrap();
    let (class, sentence) = blocked(&app, &run, "revoked").await;
    assert_eq!(class, FailureClass::CredentialsRejected, "{sentence}");
    let key = google.emulator().create_service_account_key(PROJECT, EMAIL).unwrap();
    app.connect(ACCOUNT, BUCKET, BUCKET, &key.to_string()).await;
    goes_on(&app, &google, &run, &all, "a new key").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exports_and_retries_go_into_buckets_under_retention() {
    for retention_locked in [false, true] {
        let options =
            BucketOptions { retention_secs: Some(86_400), retention_locked, ..BucketOptions::default() };
        let (app, google, run, all) = begin(options).await;
        // Killed in the middle, again and again: every retry meets objects that it must not replace.
        for nth in (5..80).step_by(5) {
            let worker = app.worker();
            worker.gate.arm(nth, Strike::Kill);
            while let Some(work) = app.queue.pop() {
                if worker.gate.run(steps::handle(&worker.parts, &work)).await.is_killed() {
                    app.queue.put(work);
                    break;
                }
            }
            app.advance_secs(521);
            let current = app.run(run.key).await;
            steps::republish(&app.parts(), &current, app.now()).await.unwrap();
            app.queue.put(Work::Run { run: run.key });
        }
        app.recover(run.key).await;
        whole(&app, &google, &run, &all, "retention").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_object_of_the_same_name_under_retention_or_hold_is_left_alone() {
    for held in [false, true] {
        let retention_secs = (!held).then_some(86_400);
        let options = BucketOptions { retention_secs, ..BucketOptions::default() };
        let (app, google, run, all) = begin(options).await;
        let name = format!("{}-Viewed-20260309-0-0.json.gz", run.key);
        // A stranger's, by the customer's own hand.
        let url =
            format!("{}/upload/storage/v1/b/{BUCKET}/o?uploadType=media&name={name}", google.base_url());
        google.emulator().grant(BUCKET, "allUsers", Role::ObjectCreator).unwrap();
        let put = reqwest::Client::new().post(url).body("a stranger's").send().await.unwrap();
        assert!(put.status().is_success(), "{:?}", put.text().await);
        if held {
            google.emulator().set_hold(BUCKET, &name, true).unwrap();
        }
        app.drain().await.unwrap();
        let incomplete = app.run(run.key).await;
        assert_eq!(incomplete.status, RunStatus::Incomplete);
        let chunks =
            app.store.chunks(run.key, &incomplete.plan.unwrap().token, None, 100).await.unwrap().chunks;
        let reasons: Vec<_> = chunks
            .iter()
            .filter_map(|chunk| match chunk.state() {
                ChunkState::Failed { reason } => Some(reason.clone()),
                _ => None,
            })
            .collect();
        assert_eq!(reasons.len(), 1);
        assert!(reasons[0].contains("Move it away") && reasons[0].contains(&name), "{reasons:?}");
        assert_eq!(google.objects()[&name], "a stranger's");
        // Moved away, and retried.
        if held {
            google.emulator().set_hold(BUCKET, &name, false).unwrap();
        }
        app.advance_secs(90_000);
        google.emulator().grant(BUCKET, "allUsers", Role::ObjectAdmin).unwrap();
        let url = format!("{}/storage/v1/b/{BUCKET}/o/{name}", google.base_url());
        let gone = reqwest::Client::new().delete(url).send().await.unwrap();
        assert!(gone.status().is_success(), "{:?}", gone.text().await);
        steps::retry_run(&app.parts(), run.key).await.unwrap();
        app.drain().await.unwrap();
        whole(&app, &google, &run, &all, "moved away").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_passes_ends_in_a_whole_run() {
    let uploads = [Operation::Start, Operation::Finish, Operation::Insert];
    let faults = [
        Fault::Unavailable,
        Fault::TooManyRequests,
        Fault::Reset,
        Fault::LoseResponse,
        Fault::Break { after_bytes: 0 },
        Fault::Break { after_bytes: 700 },
    ];
    for fault in faults {
        let (app, google, run, all) = begin(BucketOptions::default()).await;
        for operation in uploads {
            // More often than the client tries by itself.
            google.emulator().faults().add(FaultRule::next(5, fault).on(operation));
        }
        app.drain().await.unwrap();
        assert!(matches!(app.bucket().await.state, BucketState::Ready), "{fault:?} blocks nobody");
        whole(&app, &google, &run, &all, &format!("{fault:?}")).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_answer_to_the_last_bytes_is_found_again() {
    for may_look in [true, false] {
        let (app, google, run, all) = begin(BucketOptions::default()).await;
        if !may_look {
            google.emulator().revoke_role(BUCKET, EMAIL, Role::ObjectViewer).unwrap();
        }
        let strikes = FaultRule::next(4, Fault::LoseResponse);
        google.emulator().faults().add(strikes.on(Operation::Finish));
        app.drain().await.unwrap();
        assert_eq!(google.emulator().faults().pending(), [], "every fault struck");
        whole(&app, &google, &run, &all, "lost answers").await;
    }
}

/// Mid-upload faults need an upload of several of the client's buffers, of 8 MiB each.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_uploads_survive_breaks_in_the_middle() {
    let mut app = TestApp::new().await;
    app.options = Options::default();
    let google = Google::start(&mut app, BucketOptions::default()).await;
    let mut rng = StdRng::seed_from_u64(2);
    let mut all = Vec::new();
    for row in 0..18_000 {
        let mut event = EventRow::random(&mut rng, format!("{row}"), "Bulky", DAY, 0);
        event.more = json!({ "noise": format!("{:0>1000}", rng.random::<u64>()) });
        all.push(event);
    }
    app.lake.write_events(&app.file(20_000), &all);
    let faults = [
        (Operation::UploadPart, Fault::Unavailable),
        (Operation::UploadPart, Fault::TooManyRequests),
        (Operation::UploadPart, Fault::Break { after_bytes: 3_000_000 }),
        (Operation::UploadPart, Fault::LoseResponse),
        (Operation::Finish, Fault::Break { after_bytes: 100_000 }),
        (Operation::Finish, Fault::LoseResponse),
        (Operation::UploadPart, Fault::Reset),
    ];
    for (operation, fault) in faults {
        let mut spec = app.spec(Format::Json, DAY, DAY);
        spec.packaging = Packaging::Plain;
        google.emulator().faults().add(FaultRule::next(1, fault).on(operation));
        let run = app.export(spec).await.1;
        app.drain().await.unwrap();
        assert_eq!(google.emulator().faults().pending(), [], "{fault:?} struck");
        whole(&app, &google, &run, &all, &format!("{operation:?} {fault:?}")).await;
        app.advance_secs(10);
    }
}
