//! The ports of one worker, with its fail points before and behind every call.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use jiff::Timestamp;
use spillway::{
    domain::{
        Account, AccountId, BlockOutcome, BucketCandidate, BucketFailure, BucketId, CandidateId,
        CatalogueDay, CatalogueMark, CatalogueTotal, ChannelKind, Chunk, ChunkCommand, ChunkId, ChunkKey,
        DataSelection, DatabaseId, DateRange, Export, ExportFilter, ExportSpec, Footer, Incident, KeyFacts,
        LakeFile, LeaseToken, Mailing, MailingId, Notice, NoticeId, PartnerBucket, PlanToken, ProfileFile,
        ProfileNote, PropertyColumn, RequestId, Run, RunClosing, RunKey, RunOpening, RunStatus, RunTimestamp,
        Slice, StopReason, Window, ZoneName,
    },
    ports::{
        AccountStore, BucketRemoval, BucketStore, CatalogueStore, CatalogueUpdate, ChunkPage, ChunkQueue,
        ChunkStore, ChunkTally, ClaimLimits, DueExport, ExportPage, ExportStore, FilePage, IncidentChange,
        IncidentStore, Lake, LakeError, LakeQuery, LakeRows, NewExport, NewRun, NoteStore, NoticeOutcome,
        QueueError, Repeated, RunPage, RunStore, SourcedBatch, StartAgain, StartedAgain, Store, StoreError,
        Work, WrittenSums,
    },
};

use super::gate::{Gate, Struck};

/// A port behind fail points.
pub(super) struct Gated<P: ?Sized> {
    pub(super) gate: Gate,
    pub(super) port: Arc<P>,
}

fn store_down(_: Struck) -> StoreError {
    StoreError::Unavailable("struck by the test".to_owned())
}

fn lake_down(_: Struck) -> LakeError {
    LakeError::Unavailable("struck by the test".to_owned())
}

macro_rules! gated_store {
    ($port:ident: $(fn $name:ident($($arg:ident: $kind:ty),*) -> $answer:ty;)*) => {
        #[async_trait]
        impl $port for Gated<dyn Store> {
            $(async fn $name(&self, $($arg: $kind),*) -> Result<$answer, StoreError> {
                self.gate.pass().await.map_err(store_down)?;
                let answer = self.port.$name($($arg),*).await;
                self.gate.pass().await.map_err(store_down)?;
                answer
            })*
        }
    };
}

gated_store! {
    AccountStore:
    fn put_account(account: &Account) -> ();
    fn account(id: AccountId) -> Option<Account>;
    fn replace_account(expected: &Account, account: &Account) -> ();
    fn account_ids(after: Option<AccountId>, limit: usize) -> Vec<AccountId>;
}

gated_store! {
    BucketStore:
    fn put_bucket(bucket: &PartnerBucket) -> ();
    fn bucket(account: AccountId, id: &BucketId) -> Option<PartnerBucket>;
    fn buckets(account: AccountId) -> Vec<PartnerBucket>;
    fn buckets_named(bucket_name: &str) -> Vec<PartnerBucket>;
    fn block_bucket(
        seen: &PartnerBucket, failure: &BucketFailure, since: Timestamp
    ) -> BlockOutcome;
    fn unblock_bucket(seen: &PartnerBucket) -> bool;
    fn remove_bucket(account: AccountId, id: &BucketId) -> BucketRemoval;
    fn put_candidate(candidate: &BucketCandidate) -> ();
    fn candidate(account: AccountId, id: &CandidateId, now: Timestamp) -> Option<BucketCandidate>;
    fn promote_candidate(account: AccountId, id: &CandidateId, key_facts: &KeyFacts) -> PartnerBucket;
    fn sweep_candidates(now: Timestamp) -> u64;
}

gated_store! {
    ExportStore:
    fn create_export(new: &NewExport) -> Export;
    fn create_one_time(new: &NewExport, window: Window, zone: &ZoneName) -> (Export, Run);
    fn repeated(account: AccountId, key: &str, now: Timestamp) -> Option<Repeated>;
    fn export(account: AccountId, request: RequestId) -> Option<Export>;
    fn list_exports(
        account: AccountId, filter: &ExportFilter, cursor: Option<RequestId>, limit: usize
    ) -> ExportPage;
    fn profiles_flow(account: AccountId) -> Option<RequestId>;
    fn due_exports(now: Timestamp, after: Option<&DueExport>, limit: usize) -> Vec<DueExport>;
    fn edit_export(
        account: AccountId, request: RequestId, expected: &ExportSpec, spec: &ExportSpec,
        next_due_at: Option<Timestamp>
    ) -> Export;
    fn stop_export(
        account: AccountId, request: RequestId, into: Option<&BucketId>, reason: &StopReason, now: Timestamp
    ) -> Export;
    fn start_again(start: &StartAgain) -> StartedAgain;
}

gated_store! {
    RunStore:
    fn create_run(new: &NewRun) -> Run;
    fn run(key: RunKey) -> Option<Run>;
    fn runs(account: AccountId, request: RequestId) -> Vec<Run>;
    fn runs_page(
        account: AccountId, request: RequestId, cursor: Option<RunTimestamp>, limit: usize
    ) -> RunPage;
    fn open_runs() -> Vec<Run>;
    fn open_run_keys() -> Vec<RunKey>;
    fn open_runs_of(account: AccountId, request: RequestId) -> Vec<RunKey>;
    fn open_run(key: RunKey, opening: &RunOpening) -> Run;
    fn close_run(key: RunKey, closing: &RunClosing) -> bool;
    fn count_runs(account: AccountId, request: RequestId, status: RunStatus) -> u64;
    fn reopen_run(key: RunKey) -> Run;
    fn give_up_plan(key: RunKey, reopened: u32) -> Run;
}

gated_store! {
    ChunkStore:
    fn add_chunks(chunks: &[Chunk]) -> ();
    fn chunk(key: &ChunkKey) -> Option<Chunk>;
    fn change_chunk(key: &ChunkKey, command: ChunkCommand, now: Timestamp) -> (Chunk, Option<Chunk>);
    fn chunks(run: RunKey, plan: &PlanToken, from: Option<&ChunkId>, limit: usize) -> ChunkPage;
    fn tally(run: RunKey, plan: &PlanToken, now: Timestamp) -> ChunkTally;
    fn written(run: RunKey, plan: &PlanToken) -> WrittenSums;
    fn files(run: RunKey, plan: &PlanToken, cursor: Option<&str>, limit: usize) -> FilePage;
    fn claim_messages(
        run: RunKey, plan: &PlanToken, lost_before: Timestamp, limits: ClaimLimits, now: Timestamp
    ) -> Option<Vec<Vec<ChunkId>>>;
    fn sweep_chunks(key: RunKey) -> u64;
}

gated_store! {
    NoteStore:
    fn columns(account: AccountId, request: RequestId, event_name: Option<&str>) -> Vec<PropertyColumn>;
    fn append_columns(
        account: AccountId, request: RequestId, event_name: Option<&str>, found: &[PropertyColumn]
    ) -> Vec<PropertyColumn>;
    fn scanned_keys(account: AccountId, path: &str) -> Option<String>;
    fn put_scanned_keys(account: AccountId, path: &str, keys: &str) -> ();
    fn ratios(account: AccountId, format_key: &str) -> BTreeMap<String, f64>;
    fn put_ratios(account: AccountId, format_key: &str, ratios: &BTreeMap<String, f64>) -> ();
    fn profile_notes(account: AccountId, paths: &[String]) -> BTreeMap<String, ProfileNote>;
    fn put_profile_notes(account: AccountId, notes: &BTreeMap<String, ProfileNote>) -> ();
    fn put_profile_list(
        run: RunKey, plan: &PlanToken, database: DatabaseId, part: u32, files: &[ProfileFile]
    ) -> ();
    fn profile_list(
        run: RunKey, plan: &PlanToken, database: DatabaseId, part: u32
    ) -> Option<Vec<ProfileFile>>;
}

gated_store! {
    CatalogueStore:
    fn catalogue_mark(account: AccountId) -> Option<CatalogueMark>;
    fn add_to_catalogue(
        account: AccountId, expected: Option<&CatalogueMark>, mark: &CatalogueMark, update: &CatalogueUpdate
    ) -> ();
    fn catalogue_days(account: AccountId, days: DateRange) -> Vec<CatalogueDay>;
    fn catalogue_sums(account: AccountId, days: DateRange, data: &DataSelection) -> Vec<CatalogueDay>;
    fn catalogue_totals(account: AccountId) -> Vec<CatalogueTotal>;
}

gated_store! {
    IncidentStore:
    fn blocked_buckets() -> Vec<PartnerBucket>;
    fn put_incident(change: IncidentChange<'_>) -> ();
    fn incidents(account: AccountId, limit: usize) -> Vec<Incident>;
    fn open_incidents() -> Vec<Incident>;
    fn mailing(account: AccountId, id: &MailingId) -> Option<Mailing>;
    fn put_notices(notices: &[Notice]) -> ();
    fn claim_notices(channel: ChannelKind, token: LeaseToken, now: Timestamp, limit: usize) -> Vec<Notice>;
    fn owed_notices(account: AccountId, channel: ChannelKind, limit: usize) -> Vec<Notice>;
    fn settle_notice(
        account: AccountId, id: &NoticeId, outcome: &NoticeOutcome, now: Timestamp
    ) -> Notice;
    fn notices(account: AccountId, limit: usize) -> Vec<Notice>;
}

#[async_trait]
impl ChunkQueue for Gated<dyn ChunkQueue> {
    async fn send(&self, work: Work) -> Result<(), QueueError> {
        let down = |_: Struck| QueueError("struck by the test".to_owned());
        self.gate.pass().await.map_err(down)?;
        let sent = self.port.send(work).await;
        self.gate.pass().await.map_err(down)?;
        sent
    }
}

#[async_trait]
impl Lake for Gated<dyn Lake> {
    async fn now(&self) -> Result<Timestamp, LakeError> {
        self.gate.pass().await.map_err(lake_down)?;
        self.port.now().await
    }

    async fn list(&self, query: &LakeQuery) -> Result<Vec<LakeFile>, LakeError> {
        self.gate.pass().await.map_err(lake_down)?;
        self.port.list(query).await
    }

    async fn committed(&self, path: &str) -> Result<Timestamp, LakeError> {
        self.gate.pass().await.map_err(lake_down)?;
        self.port.committed(path).await
    }

    async fn footer(&self, path: &str) -> Result<Footer, LakeError> {
        self.gate.pass().await.map_err(lake_down)?;
        self.port.footer(path).await
    }

    async fn row_counts(&self, paths: &[&str]) -> Result<Vec<Option<u64>>, LakeError> {
        self.gate.pass().await.map_err(lake_down)?;
        self.port.row_counts(paths).await
    }

    fn rows(&self, slice: &Slice, columns: &[&str]) -> Box<dyn LakeRows> {
        Box::new(GatedRows { gate: self.gate.clone(), rows: self.port.rows(slice, columns) })
    }
}

struct GatedRows {
    gate: Gate,
    rows: Box<dyn LakeRows>,
}

impl LakeRows for GatedRows {
    fn next_batch(&mut self) -> Result<Option<SourcedBatch>, LakeError> {
        self.gate.pass_blocking().map_err(lake_down)?;
        self.rows.next_batch()
    }

    fn deleted_profiles(&self, upto: Option<&str>) -> u64 {
        self.rows.deleted_profiles(upto)
    }
}
