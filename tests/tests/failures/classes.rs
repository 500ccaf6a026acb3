//! Each class of failure of the customer's side, from real error bodies, at each point of an upload: it is told, and once
//! mended everything arrives.

use gcs_emulator::{BucketOptions, Fault, FaultRule, Operation};
use spillway::{
    domain::{BucketState, FailureClass, ManifestStatus, NoticeKind, RequestId, RunStatus},
    ports::Work,
    steps::{self, Verdict},
};
use spillway_tests::harness::{ACCOUNT, BUCKET, Google, TestApp};

use crate::support::{OPS, Story};

/// Where a fault is met: at once, whatever is asked; at the first byte of an upload; between its parts; at its end.
#[derive(Debug, Clone, Copy)]
enum Point {
    Validation,
    FirstByte,
    MidUpload,
    Finalisation,
}

impl Point {
    const ALL: [Self; 4] = [Self::Validation, Self::FirstByte, Self::MidUpload, Self::Finalisation];

    fn rule(self, fault: Fault) -> FaultRule {
        let rule = FaultRule::always(fault).in_bucket(BUCKET);
        match self {
            Self::Validation => rule,
            Self::FirstByte => rule.on(Operation::Start),
            Self::MidUpload => rule.on(Operation::UploadPart),
            Self::Finalisation => rule.on(Operation::Finish),
        }
    }

    /// Whether a probe, which begins an upload and no more, meets it.
    fn is_seen_by_probes(self) -> bool {
        matches!(self, Self::Validation | Self::FirstByte)
    }
}

/// Over the emulator; each hour's file is sent in several parts.
async fn with_google(options: BucketOptions) -> (Story, Google) {
    let mut app = TestApp::new().await;
    let google = Google::start(&mut app, options).await;
    app.options.file_limit_bytes = 2_000_000;
    let mut story = Story::of(app).await;
    (story.rows, story.padding) = (12, 60_000);
    (story, google)
}

async fn is_told_and_goes_on(fault: Fault, class: &FailureClass, point: Point) {
    let context = format!("{fault:?} at {point:?}");
    let (story, google) = with_google(BucketOptions::default()).await;
    let request = story.live().await;
    story.hours(1).await;
    google.emulator().faults().add(point.rule(fault));
    is_told(&story, class, point, &context).await;
    google.emulator().faults().clear();
    goes_on(&story, &google, request, &context).await;
}

async fn is_told(story: &Story, class: &FailureClass, point: Point, context: &str) {
    // What a probe does not see is told once it is met a second time.
    story.hours(3).await;
    let looked_at = steps::recheck_bucket(&story.app.parts(), ACCOUNT, &story.app.bucket().await.id).await;
    let works = matches!(looked_at, Ok(Some(Verdict::Works)));
    assert_eq!(works, !point.is_seen_by_probes(), "{context}: {looked_at:?}");
    story.app.drain().await.unwrap();
    let incidents = story.incidents().await;
    let [incident] = &incidents[..] else { panic!("{context}: {incidents:?}") };
    assert_eq!(incident.failure.class.slug(), class.slug(), "{context}");
    let kinds: Vec<_> = incident.notices.iter().map(|notice| notice.kind).collect();
    assert_eq!(kinds, [NoticeKind::Detected], "{context}");
    let (mail, code) = (story.mails_to(OPS).remove(0).message, incident.failure.code());
    assert!(mail.contains(&code), "{context}: {mail}");
}

async fn goes_on(story: &Story, google: &Google, request: RequestId, context: &str) {
    story.hours(4).await;
    let runs = story.app.store.runs(ACCOUNT, request).await.unwrap();
    assert!(runs.iter().all(|run| run.status == RunStatus::Done), "{context}: {runs:?}");
    assert_eq!(story.subjects(OPS).len(), 2, "{context}");
    story.assert_delivered_once(&[google.objects()]);
}

/// The table: what Google answers, the class that it is told as, and that each row arrives once, wherever it was met.
macro_rules! each_class {
    ($($name:ident: $fault:ident => $class:expr;)*) => { $(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            for point in Point::ALL {
                is_told_and_goes_on(Fault::$fault, &$class, point).await;
            }
        }
    )* };
}

each_class! {
    credentials_rejected: RevokedKey => FailureClass::CredentialsRejected;
    permission_missing: RemovedPermission => FailureClass::PermissionMissing { permission: None };
    bucket_missing: MissingBucket => FailureClass::BucketMissing;
    retention_policy: Retained => FailureClass::RetentionPolicy;
    hold: Held => FailureClass::Hold;
    billing_disabled: BillingDisabled => FailureClass::BillingDisabled;
    api_disabled: ApiDisabled => FailureClass::ApiDisabled;
    requester_pays: RequesterPays => FailureClass::RequesterPays;
    organisation_policy: OrgPolicy => FailureClass::OrganisationPolicy;
    encryption_key: EncryptionKey => FailureClass::EncryptionKey;
}

/// A key that cannot be used is met before anything is asked of Google, and nowhere else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn key_unusable() {
    let (story, google) = with_google(BucketOptions::default()).await;
    let request = story.live().await;
    story.hours(1).await;
    let mut damaged = google.key.clone();
    damaged["private_key"] = "-----BEGIN PRIVATE KEY-----\nno key\n-----END PRIVATE KEY-----\n".into();
    story.app.connect(ACCOUNT, BUCKET, BUCKET, &damaged.to_string()).await;
    is_told(&story, &FailureClass::KeyUnusable, Point::Validation, "a damaged key").await;
    story.app.connect(ACCOUNT, BUCKET, BUCKET, &google.key.to_string()).await;
    goes_on(&story, &google, request, "a damaged key").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_locked_retention_policy_is_no_obstacle_to_retries_and_redeliveries() {
    let (retention_secs, retention_locked) = (Some(10 * 86_400), true);
    let options = BucketOptions { retention_secs, retention_locked, ..BucketOptions::default() };
    let (story, _google) = with_google(options).await;
    let request = story.live().await;
    for _ in 0..4 {
        story.tick().await;
        for run in story.app.store.runs(ACCOUNT, request).await.unwrap() {
            // Each message again, and again.
            for _ in 0..2 {
                story.app.queue.put(Work::Run { run: run.key });
                steps::republish(&story.app.parts(), &run, story.app.now()).await.unwrap();
                story.app.drain().await.unwrap();
            }
        }
        story.check().await;
    }
    let runs = story.app.store.runs(ACCOUNT, request).await.unwrap();
    assert!(runs.len() == 4 && runs.iter().all(|run| run.status == RunStatus::Done), "{runs:?}");
    assert_eq!(story.app.bucket().await.state, BucketState::Ready);
    assert!(story.incidents().await.is_empty() && story.smtp.taken().is_empty());
}

/// A run that was cut off by three days of failure goes on when its export is started again: then its manifest lists what
/// it came to, so none is written before, also where the bucket would take it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_manifest_of_a_run_that_is_started_again_lists_all_of_it() {
    let (story, google) = with_google(BucketOptions::default()).await;
    let request = story.live().await;
    story.hours(1).await;
    // Manifests, which go in one piece, are taken.
    google.emulator().faults().add(Point::MidUpload.rule(Fault::Held));
    story.hours(78).await;
    assert!(!story.export(request).await.is_active());
    google.emulator().faults().clear();
    let started = steps::start_again(&story.app.parts(), ACCOUNT, request, None).await.unwrap();
    let [begun] = started.resumed[..] else { panic!("{started:?}") };
    story.app.drain().await.unwrap();
    story.hours(3).await;
    let delivered = story.app.delivered_into(begun, &google.objects()).await;
    let manifest = delivered.manifest.as_ref().unwrap();
    assert_eq!((delivered.run.status, manifest.status), (RunStatus::Done, ManifestStatus::Done));
    let listed: Vec<_> = manifest.files.iter().map(|file| &file.name).collect();
    assert_eq!(listed, delivered.objects.keys().collect::<Vec<_>>());
    story.assert_delivered_once(&[google.objects()]);
}
