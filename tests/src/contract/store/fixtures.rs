//! Accounts, exports and chunks to test with.

use jiff::{SignedDuration, Timestamp, civil::Date};
use spillway::{
    domain::{
        Account, AccountId, AnchorHour, BucketFailure, BucketId, BucketState, Chunk, ChunkCommand,
        ChunkContent, ChunkId, ChunkKey, ChunkPlan, Crc32c, Cycle, DataSelection, DatabaseId, DateRange,
        EndCursor, EveryHours, Export, ExportSpec, FailureClass, Format, Frequency, IdentityPriority, Intent,
        KeyFacts, LeaseToken, Opening, Packaging, PartnerBucket, PlanToken, RequestId, Run, RunClosing,
        RunKey, RunOpening, RunPlan, RunStatus, RunTotals, SealedKey, Slice, SliceFile, Window, Written,
        ZoneName,
    },
    ports::{ClaimLimits, NewExport, NewRun, Origin, Store, StoreError},
};

/// The account of most cases.
pub const ACME: AccountId = AccountId(1);
/// Another one.
pub const OTHER: AccountId = AccountId(2);

/// An instant, some seconds after the tests' beginning of time.
#[must_use]
pub fn at(secs: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + secs).unwrap()
}

/// A token; different numbers give different ones.
#[must_use]
pub fn token(number: u64) -> LeaseToken {
    LeaseToken::from_random(number << 11)
}

/// A bucket that works.
#[must_use]
pub fn bucket(account: AccountId, id: &str, bucket_name: &str) -> PartnerBucket {
    PartnerBucket {
        account,
        id: BucketId(id.to_owned()),
        bucket_name: bucket_name.to_owned(),
        key: SealedKey("v1:sealed".to_owned()),
        key_facts: KeyFacts {
            client_email: "spillway@acme.iam.gserviceaccount.com".to_owned(),
            key_id: "4f2".to_owned(),
            added_at: at(0),
        },
        state: BucketState::Ready,
        opening: Opening::default(),
    }
}

/// A failure of the customer's side.
#[must_use]
pub fn failure(class: FailureClass) -> BucketFailure {
    BucketFailure { class, http_status: Some(403), message: "denied".to_owned() }
}

/// Every four hours.
#[must_use]
pub fn recurring() -> Frequency {
    let start = Date::constant(2023, 11, 14);
    Frequency::Recurring(Cycle {
        every: EveryHours::try_from(4).unwrap(),
        start,
        anchor_hour: AnchorHour::default(),
    })
}

/// Once, one day.
#[must_use]
pub fn one_time() -> Frequency {
    Frequency::OneTime { days: Some(days()) }
}

fn days() -> DateRange {
    DateRange::new(Date::constant(2023, 11, 14), Date::constant(2023, 11, 14)).unwrap()
}

/// A spec.
#[must_use]
pub fn spec(bucket: &str, frequency: Frequency) -> ExportSpec {
    ExportSpec {
        bucket: BucketId(bucket.to_owned()),
        data: DataSelection::SelectEvents { names: vec!["Sign up ☃ \"\\\u{1}".to_owned()] },
        identities: IdentityPriority::default(),
        frequency,
        format: Format::Json,
        packaging: Packaging::Gzip,
        as_string: false,
        header_line: true,
        manifest: true,
    }
}

/// What was committed between two instants.
#[must_use]
pub fn window(after: i64, upto: i64) -> Window {
    Window::Committed { after: at(after), upto: at(upto) }
}

/// A whole day, up to a cut.
#[must_use]
pub fn day_window(cut: i64) -> Window {
    Window::EventDate { days: days(), cut: at(cut) }
}

/// A plan without chunks under a token.
#[must_use]
pub fn run_plan(token: &str) -> RunPlan {
    RunPlan { token: PlanToken(token.to_owned()), chunks: 0, lake_files: 1, estimated_bytes: 85_000_000 }
}

/// An opening with a plan without chunks, of a run that was never opened again.
#[must_use]
pub fn opening(token: &str, spec: &ExportSpec, now: i64) -> RunOpening {
    let bucket_name = format!("{}-at-google", spec.bucket);
    RunOpening { plan: run_plan(token), spec: spec.clone(), bucket_name, reopened: 0, now: at(now) }
}

/// The same with a plan of so many chunks.
#[must_use]
pub fn opening_of(chunks: u64, token: &str, spec: &ExportSpec, now: i64) -> RunOpening {
    RunOpening { plan: RunPlan { chunks, ..run_plan(token) }, ..opening(token, spec, now) }
}

/// An end of a run, with nothing delivered.
#[must_use]
pub fn closing(status: RunStatus, now: i64) -> RunClosing {
    closing_after(0, status, now)
}

/// The same of a run that was opened again so often.
#[must_use]
pub fn closing_after(reopened: u32, status: RunStatus, now: i64) -> RunClosing {
    let (totals, reason, delivered_in, has_manifest) = (RunTotals::default(), None, None, false);
    RunClosing { status, totals, reason, delivered_in, has_manifest, reopened, now: at(now) }
}

/// The next run of an export, to be created where runs were created up to `expected_cut`.
#[must_use]
pub fn new_run(
    account: AccountId,
    request: RequestId,
    window: Window,
    expected_cut: Option<Timestamp>,
    now: i64,
) -> NewRun {
    let (zone, next_due_at, now) = (ZoneName::default(), None, at(now));
    NewRun { account, request, window, zone, expected_cut, next_due_at, now }
}

/// A chunk of one file, of index `index`, travelling in `message`.
#[must_use]
pub fn chunk(run: &Run, plan: &str, index: u32, message: u32) -> Chunk {
    let files =
        vec![SliceFile { path: format!("lake/{index}.parquet"), bytes: 1_000, row_groups: None, rows: None }];
    let event_name = "Charged".to_owned();
    let plan_token = PlanToken(plan.to_owned());
    let plan = ChunkPlan {
        content: ChunkContent::Events { event_name, date: Date::constant(2023, 11, 14) },
        database: DatabaseId(3),
        index,
        stride: 1_000_000,
        files: (Format::Json, Packaging::Gzip),
        slice: Slice::Events { files, from: Default::default() },
        columns: 0,
        estimated_bytes: 85_000_000,
        message,
        named_as: None,
    };
    Chunk::new(run.key, &plan_token, plan)
}

/// An object that ends at `end`.
#[must_use]
pub fn intent(crc32c: u32, end: EndCursor) -> Intent {
    Intent { crc32c: Crc32c(crc32c), bytes: 10, rows: 2, deleted_profiles: 0, end }
}

/// Taking a chunk for a while.
#[must_use]
pub fn lease(holder: u64, until: i64) -> ChunkCommand {
    ChunkCommand::Lease { token: token(holder), expires_at: at(until) }
}

/// Finishing a chunk at its slice's end.
#[must_use]
pub fn complete(holder: u64) -> ChunkCommand {
    let written = Written { object: Some(intent(7, EndCursor::End)), deleted_profiles: 0 };
    ChunkCommand::Complete { token: token(holder), written }
}

/// An account with the buckets `main` and `spare`, at Google `<account>-main` and `<account>-spare`.
pub async fn with_account(store: &dyn Store, account: AccountId) {
    store.put_account(&Account::new(account, ZoneName::default())).await.unwrap();
    for id in ["main", "spare"] {
        store.put_bucket(&bucket(account, id, &format!("{account}-{id}"))).await.unwrap();
    }
}

/// An export into `main`, created at `now`.
pub async fn with_export(store: &dyn Store, account: AccountId, frequency: Frequency, now: i64) -> Export {
    with_account(store, account).await;
    let new = NewExport {
        account,
        spec: spec("main", frequency),
        now: at(now),
        next_due_at: Some(at(now)),
        origin: Origin::default(),
    };
    store.create_export(&new).await.unwrap()
}

/// The next run of an export, as a tick makes it.
pub async fn next_run(
    store: &dyn Store,
    export: &Export,
    window: Window,
    now: i64,
) -> Result<Run, StoreError> {
    let known = store.export(export.account, export.request).await?.unwrap();
    let new = new_run(export.account, export.request, window, known.planned_cut, now);
    store.create_run(&NewRun { next_due_at: Some(at(now + 100)), ..new }).await
}

/// A recurring export's first run, owed.
pub async fn with_run(store: &dyn Store, account: AccountId) -> Run {
    let export = with_export(store, account, recurring(), 0).await;
    next_run(store, &export, window(-100, 0), 0).await.unwrap()
}

/// The keys of a run's chunks, stored under a plan: one for each message number given.
pub async fn with_chunks(store: &dyn Store, run: &Run, plan: &str, messages: &[u32]) -> Vec<ChunkKey> {
    let chunks: Vec<Chunk> =
        messages.iter().zip(0..).map(|(message, index)| chunk(run, plan, index, *message)).collect();
    store.add_chunks(&chunks).await.unwrap();
    chunks.iter().map(|chunk| chunk.key().clone()).collect()
}

/// The ids of some keys, in order.
#[must_use]
pub fn ids(keys: &[ChunkKey]) -> Vec<ChunkId> {
    let mut ids: Vec<_> = keys.iter().map(|key| key.id.clone()).collect();
    ids.sort();
    ids
}

/// Moves an instant on.
#[must_use]
pub fn later(at: Timestamp, secs: i64) -> Timestamp {
    at + SignedDuration::from_secs(secs)
}

/// Takes one message, where not so many are out.
///
/// # Panics
/// Where the store does not answer, or gives more than one.
pub async fn claim_one(
    store: &dyn Store,
    run: RunKey,
    plan: &PlanToken,
    lost_before: Timestamp,
    most: usize,
    now: Timestamp,
) -> Vec<ChunkId> {
    let limits = ClaimLimits { most, at_once: 1 };
    let messages = store.claim_messages(run, plan, lost_before, limits, now).await.unwrap();
    let mut messages = messages.unwrap_or_default();
    assert!(messages.len() <= 1, "{messages:?}");
    messages.pop().unwrap_or_default()
}
