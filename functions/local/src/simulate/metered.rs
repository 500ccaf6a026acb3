//! A store that counts what is asked of it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use spillway::{
    domain::{
        Account, AccountId, BlockOutcome, BucketCandidate, BucketFailure, BucketId, CandidateId,
        CatalogueDay, CatalogueMark, CatalogueTotal, ChannelKind, Chunk, ChunkCommand, ChunkId, ChunkKey,
        DatabaseId, DateRange, Export, ExportFilter, ExportSpec, Incident, KeyFacts, LeaseToken, Mailing,
        MailingId, Notice, NoticeId, PartnerBucket, PlanToken, ProfileFile, ProfileNote, PropertyColumn,
        RequestId, Run, RunClosing, RunKey, RunOpening, RunStatus, RunTimestamp, StopReason, Window,
        ZoneName,
    },
    ports::{
        AccountStore, BucketRemoval, BucketStore, CatalogueStore, CatalogueUpdate, ChunkPage, ChunkStore,
        ChunkTally, ClaimLimits, Clock, DueExport, ExportPage, ExportStore, FilePage, IncidentChange,
        IncidentStore, NewExport, NewRun, NoteStore, NoticeOutcome, Repeated, RunPage, RunStore, StartAgain,
        StartedAgain, Store, StoreError, WrittenSums,
    },
};

use super::counts::{Counts, Document};

/// The store behind the counts.
pub(super) struct Metered {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    counts: Mutex<Counts>,
    /// How long it took to add chunks.
    adding: Mutex<SignedDuration>,
}

impl Metered {
    pub(super) fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock, counts: Mutex::default(), adding: Mutex::default() }
    }

    /// The counts so far.
    pub(super) fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How long it took to add chunks, in seconds.
    pub(super) fn adding_secs(&self) -> f64 {
        self.adding.lock().unwrap_or_else(PoisonError::into_inner).as_secs_f64()
    }

    fn added(&self, method: &'static str, chunks: u64, begun: Timestamp) {
        self.counts().added(method, chunks);
        *self.adding.lock().unwrap_or_else(PoisonError::into_inner) += self.clock.now().duration_since(begun);
    }
}

fn one(name: &'static str) -> Vec<Document> {
    vec![Document::One(name)]
}

/// `reads` names the methods that only read. Of those that write, the documents are told from the answer.
macro_rules! metered {
    (
        $port:ident
        reads: $(fn $read:ident($($read_arg:ident: $read_kind:ty),*) -> $read_answer:ty;)*
        writes: $(fn $name:ident($($arg:ident: $kind:ty),*) -> $answer:ty, |$done:pat_param| $documents:expr;)*
        adds: $(fn $add:ident($($add_arg:ident: $add_kind:ty),*) -> $add_answer:ty, $count:expr;)*
    ) => {
        #[async_trait]
        impl $port for Metered {
            $(async fn $read(&self, $($read_arg: $read_kind),*) -> Result<$read_answer, StoreError> {
                self.counts().read(stringify!($read));
                self.store.$read($($read_arg),*).await
            })*
            $(async fn $name(&self, $($arg: $kind),*) -> Result<$answer, StoreError> {
                let answer = self.store.$name($($arg),*).await;
                let documents = match &answer {
                    Ok($done) => $documents,
                    Err(_) => Vec::new(),
                };
                self.counts().wrote(stringify!($name), documents, self.clock.now());
                answer
            })*
            $(async fn $add(&self, $($add_arg: $add_kind),*) -> Result<$add_answer, StoreError> {
                let begun = self.clock.now();
                let answer = self.store.$add($($add_arg),*).await;
                self.added(stringify!($add), $count, begun);
                answer
            })*
        }
    };
}

metered! {
    AccountStore
    reads:
    fn account(id: AccountId) -> Option<Account>;
    fn account_ids(after: Option<AccountId>, limit: usize) -> Vec<AccountId>;
    writes:
    fn put_account(account: &Account) -> (), |()| one("account");
    fn replace_account(expected: &Account, account: &Account) -> (), |()| one("account");
    adds:
}

metered! {
    BucketStore
    reads:
    fn bucket(account: AccountId, id: &BucketId) -> Option<PartnerBucket>;
    fn buckets(account: AccountId) -> Vec<PartnerBucket>;
    fn buckets_named(bucket_name: &str) -> Vec<PartnerBucket>;
    fn candidate(account: AccountId, id: &CandidateId, now: Timestamp) -> Option<BucketCandidate>;
    writes:
    fn put_bucket(bucket: &PartnerBucket) -> (), |()| one("bucket");
    fn block_bucket(
        seen: &PartnerBucket, failure: &BucketFailure, since: Timestamp
    ) -> BlockOutcome, |outcome| if *outcome == BlockOutcome::Blocked { one("bucket") } else { Vec::new() };
    fn unblock_bucket(seen: &PartnerBucket) -> bool, |_| one("bucket");
    fn remove_bucket(account: AccountId, id: &BucketId) -> BucketRemoval, |_| one("bucket");
    fn put_candidate(candidate: &BucketCandidate) -> (), |()| one("candidate");
    fn promote_candidate(account: AccountId, id: &CandidateId, key_facts: &KeyFacts) -> PartnerBucket,
        |_| [one("candidate"), one("bucket")].concat();
    fn sweep_candidates(now: Timestamp) -> u64, |_| one("candidate");
    adds:
}

metered! {
    ExportStore
    reads:
    fn repeated(account: AccountId, key: &str, now: Timestamp) -> Option<Repeated>;
    fn export(account: AccountId, request: RequestId) -> Option<Export>;
    fn list_exports(
        account: AccountId, filter: &ExportFilter, cursor: Option<RequestId>, limit: usize
    ) -> ExportPage;
    fn profiles_flow(account: AccountId) -> Option<RequestId>;
    fn due_exports(now: Timestamp, after: Option<&DueExport>, limit: usize) -> Vec<DueExport>;
    writes:
    fn create_export(new: &NewExport) -> Export, |_| one("export");
    fn create_one_time(new: &NewExport, window: Window, zone: &ZoneName) -> (Export, Run),
        |_| [one("export"), one("run")].concat();
    fn edit_export(
        account: AccountId, request: RequestId, expected: &ExportSpec, spec: &ExportSpec,
        next_due_at: Option<Timestamp>
    ) -> Export, |_| one("export");
    fn stop_export(
        account: AccountId, request: RequestId, into: Option<&BucketId>, reason: &StopReason, now: Timestamp
    ) -> Export,
        |_| one("export");
    fn start_again(start: &StartAgain) -> StartedAgain, |_| one("export");
    adds:
}

metered! {
    RunStore
    reads:
    fn run(key: RunKey) -> Option<Run>;
    fn runs(account: AccountId, request: RequestId) -> Vec<Run>;
    fn runs_page(
        account: AccountId, request: RequestId, cursor: Option<RunTimestamp>, limit: usize
    ) -> RunPage;
    fn open_runs() -> Vec<Run>;
    fn open_run_keys() -> Vec<RunKey>;
    fn open_runs_of(account: AccountId, request: RequestId) -> Vec<RunKey>;
    fn count_runs(account: AccountId, request: RequestId, status: RunStatus) -> u64;
    writes:
    fn create_run(new: &NewRun) -> Run, |_| [one("export"), one("run")].concat();
    fn open_run(key: RunKey, opening: &RunOpening) -> Run, |_| [one("export"), one("run")].concat();
    fn close_run(key: RunKey, closing: &RunClosing) -> bool, |_| [one("export"), one("run")].concat();
    fn reopen_run(key: RunKey) -> Run, |_| [one("export"), one("run")].concat();
    fn give_up_plan(key: RunKey, reopened: u32) -> Run, |_| [one("export"), one("run")].concat();
    adds:
}

metered! {
    ChunkStore
    reads:
    fn chunk(key: &ChunkKey) -> Option<Chunk>;
    fn chunks(run: RunKey, plan: &PlanToken, from: Option<&ChunkId>, limit: usize) -> ChunkPage;
    fn tally(run: RunKey, plan: &PlanToken, now: Timestamp) -> ChunkTally;
    fn written(run: RunKey, plan: &PlanToken) -> WrittenSums;
    fn files(run: RunKey, plan: &PlanToken, cursor: Option<&str>, limit: usize) -> FilePage;
    writes:
    fn change_chunk(key: &ChunkKey, command: ChunkCommand, now: Timestamp) -> (Chunk, Option<Chunk>),
        |(chunk, successor)| {
            let written = [Some(chunk), successor.as_ref()];
            written.into_iter().flatten().map(|chunk| Document::Chunk(chunk.key().id.clone())).collect()
        };
    fn claim_messages(
        run: RunKey, plan: &PlanToken, lost_before: Timestamp, limits: ClaimLimits, now: Timestamp
    ) -> Option<Vec<Vec<ChunkId>>>, |claimed| {
            let chunks: Vec<_> = claimed.iter().flatten().flatten().cloned().map(Document::Chunk).collect();
            let plan = (!chunks.is_empty()).then_some(Document::One("plan"));
            plan.into_iter().chain(chunks).collect()
        };
    fn sweep_chunks(key: RunKey) -> u64, |_| Vec::new();
    adds:
    fn add_chunks(chunks: &[Chunk]) -> (), chunks.len() as u64;
}

metered! {
    NoteStore
    reads:
    fn columns(account: AccountId, request: RequestId, event_name: Option<&str>) -> Vec<PropertyColumn>;
    fn scanned_keys(account: AccountId, path: &str) -> Option<String>;
    fn ratios(account: AccountId, format_key: &str) -> BTreeMap<String, f64>;
    fn profile_notes(account: AccountId, paths: &[String]) -> BTreeMap<String, ProfileNote>;
    fn profile_list(
        run: RunKey, plan: &PlanToken, database: DatabaseId, part: u32
    ) -> Option<Vec<ProfileFile>>;
    writes:
    fn append_columns(
        account: AccountId, request: RequestId, event_name: Option<&str>, found: &[PropertyColumn]
    ) -> Vec<PropertyColumn>, |_| one("columns");
    fn put_scanned_keys(account: AccountId, path: &str, keys: &str) -> (), |()| one("scanned keys");
    fn put_ratios(account: AccountId, format_key: &str, ratios: &BTreeMap<String, f64>) -> (),
        |()| one("ratios");
    fn put_profile_notes(account: AccountId, notes: &BTreeMap<String, ProfileNote>) -> (),
        |()| one("profile notes");
    fn put_profile_list(
        run: RunKey, plan: &PlanToken, database: DatabaseId, part: u32, files: &[ProfileFile]
    ) -> (), |()| one("profile list");
    adds:
}

metered! {
    CatalogueStore
    reads:
    fn catalogue_mark(account: AccountId) -> Option<CatalogueMark>;
    fn catalogue_days(account: AccountId, days: DateRange) -> Vec<CatalogueDay>;
    fn catalogue_totals(account: AccountId) -> Vec<CatalogueTotal>;
    writes:
    fn add_to_catalogue(
        account: AccountId, expected: Option<&CatalogueMark>, mark: &CatalogueMark, update: &CatalogueUpdate
    ) -> (), |()| one("catalogue");
    adds:
}

metered! {
    IncidentStore
    reads:
    fn blocked_buckets() -> Vec<PartnerBucket>;
    fn incidents(account: AccountId, limit: usize) -> Vec<Incident>;
    fn open_incidents() -> Vec<Incident>;
    fn mailing(account: AccountId, id: &MailingId) -> Option<Mailing>;
    fn owed_notices(account: AccountId, channel: ChannelKind, limit: usize) -> Vec<Notice>;
    fn notices(account: AccountId, limit: usize) -> Vec<Notice>;
    writes:
    fn put_incident(change: IncidentChange<'_>) -> (), |()| one("incident");
    fn put_notices(notices: &[Notice]) -> (), |()| one("notice");
    fn claim_notices(
        channel: ChannelKind, token: LeaseToken, now: Timestamp, limit: usize
    ) -> Vec<Notice>, |claimed| claimed.iter().map(|_| Document::One("notice")).collect();
    fn settle_notice(
        account: AccountId, id: &NoticeId, outcome: &NoticeOutcome, now: Timestamp
    ) -> Notice, |_| one("notice");
    adds:
}
