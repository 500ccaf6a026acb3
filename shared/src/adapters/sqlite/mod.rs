//! The store in an SQLite file.
//!
//! Two threads own a connection each: one writes, one reads, so that counting and paging do not wait for the disk.
//! In WAL mode the reader sees all that has been committed, also by other processes on the same file.

mod accounts;
mod buckets;
mod chunks;
mod claims;
mod columns;
mod documents;
mod export_lists;
mod exports;
mod lake_notes;
mod runs;
mod schema;
#[cfg(test)]
mod tests;
mod worker;

use std::{collections::BTreeMap, path::Path};

use async_trait::async_trait;
use jiff::Timestamp;

use self::worker::Worker;
use crate::{
    domain::{
        Account, AccountId, BucketFailure, BucketId, Chunk, ChunkCommand, ChunkId, ChunkKey, Export,
        ExportFilter, ExportSpec, PartnerBucket, PlanToken, PropertyColumn, RequestId, Run, RunKey, RunPlan,
        StopReason, Window, ZoneName,
    },
    ports::{ChunkPage, ChunkTally, DueExport, ExportPage, NewExport, RunClosing, Store, StoreError},
};

/// The store in an SQLite file. Any number of processes may have it open; what was answered survives the end of
/// any of them, however sudden.
pub struct SqliteStore {
    writer: Worker,
    reader: Worker,
}

impl SqliteStore {
    /// Opens the store; creates the file, for its owner only, where there is none. Blocks for as long as another
    /// process holds the file.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] where the file cannot be opened, is another program's, or was written by a
    /// newer version.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let writer = Worker::start("store-writer", schema::open(path)?)?;
        let reader = Worker::start("store-reader", schema::open(path)?)?;
        Ok(Self { writer, reader })
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn put_account(&self, account: &Account) -> Result<(), StoreError> {
        let account = account.clone();
        self.writer.write(move |tx| accounts::put(tx, &account)).await
    }

    async fn account(&self, id: AccountId) -> Result<Option<Account>, StoreError> {
        self.reader.read(move |db| accounts::get(db, id)).await
    }

    async fn put_bucket(&self, bucket: &PartnerBucket) -> Result<(), StoreError> {
        let bucket = bucket.clone();
        self.writer.write(move |tx| buckets::put(tx, &bucket)).await
    }

    async fn bucket(&self, account: AccountId, id: &BucketId) -> Result<Option<PartnerBucket>, StoreError> {
        let id = id.clone();
        self.reader.read(move |db| buckets::get(db, account, &id)).await
    }

    async fn buckets(&self, account: AccountId) -> Result<Vec<PartnerBucket>, StoreError> {
        self.reader.read(move |db| buckets::all(db, account)).await
    }

    async fn buckets_named(&self, bucket_name: &str) -> Result<Vec<PartnerBucket>, StoreError> {
        let bucket_name = bucket_name.to_owned();
        self.reader.read(move |db| buckets::named(db, &bucket_name)).await
    }

    async fn block_bucket(
        &self,
        account: AccountId,
        id: &BucketId,
        failure: &BucketFailure,
        since: Timestamp,
    ) -> Result<bool, StoreError> {
        let (id, failure) = (id.clone(), failure.clone());
        self.writer.write(move |tx| buckets::block(tx, account, &id, &failure, since)).await
    }

    async fn unblock_bucket(&self, account: AccountId, id: &BucketId) -> Result<bool, StoreError> {
        let id = id.clone();
        self.writer.write(move |tx| buckets::unblock(tx, account, &id)).await
    }

    async fn create_export(&self, new: &NewExport) -> Result<Export, StoreError> {
        let new = new.clone();
        self.writer.write(move |tx| exports::create(tx, &new)).await
    }

    async fn create_one_time(
        &self,
        new: &NewExport,
        window: Window,
        zone: &ZoneName,
    ) -> Result<(Export, Run), StoreError> {
        let (new, zone) = (new.clone(), zone.clone());
        let create = move |tx: &rusqlite::Transaction<'_>| {
            let NewExport { account, now, .. } = new;
            let request = exports::create(tx, &new)?.request;
            let (expected_cut, next_due_at) = (None, None);
            let run = runs::NewRun { account, request, window, zone, expected_cut, next_due_at, now };
            let run = runs::create(tx, &run)?;
            Ok((exports::existing(tx, account, request)?, run))
        };
        self.writer.write(create).await
    }

    async fn export(&self, account: AccountId, request: RequestId) -> Result<Option<Export>, StoreError> {
        self.reader.read(move |db| exports::get(db, account, request)).await
    }

    async fn list_exports(
        &self,
        account: AccountId,
        filter: &ExportFilter,
        cursor: Option<RequestId>,
        limit: usize,
    ) -> Result<ExportPage, StoreError> {
        let filter = filter.clone();
        self.reader.read(move |db| export_lists::page(db, account, &filter, cursor, limit)).await
    }

    async fn profiles_flow(&self, account: AccountId) -> Result<Option<RequestId>, StoreError> {
        self.reader.read(move |db| export_lists::profiles_flow(db, account)).await
    }

    async fn due_exports(
        &self,
        now: Timestamp,
        after: Option<&DueExport>,
        limit: usize,
    ) -> Result<Vec<DueExport>, StoreError> {
        let after = after.copied();
        self.reader.read(move |db| export_lists::due(db, now, after.as_ref(), limit)).await
    }

    async fn edit_export(
        &self,
        account: AccountId,
        request: RequestId,
        expected: &ExportSpec,
        spec: &ExportSpec,
        next_due_at: Option<Timestamp>,
    ) -> Result<Export, StoreError> {
        let (key, expected, spec) = ((account, request), expected.clone(), spec.clone());
        self.writer.write(move |tx| exports::edit(tx, key, &expected, &spec, next_due_at)).await
    }

    async fn stop_export(
        &self,
        account: AccountId,
        request: RequestId,
        reason: &StopReason,
        now: Timestamp,
    ) -> Result<Export, StoreError> {
        let reason = reason.clone();
        self.writer.write(move |tx| exports::stop(tx, account, request, &reason, now)).await
    }

    async fn create_run(
        &self,
        account: AccountId,
        request: RequestId,
        window: Window,
        zone: &ZoneName,
        expected_cut: Option<Timestamp>,
        next_due_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Run, StoreError> {
        let zone = zone.clone();
        let new = runs::NewRun { account, request, window, zone, expected_cut, next_due_at, now };
        self.writer.write(move |tx| runs::create(tx, &new)).await
    }

    async fn run(&self, key: RunKey) -> Result<Option<Run>, StoreError> {
        self.reader.read(move |db| runs::get(db, key)).await
    }

    async fn runs(&self, account: AccountId, request: RequestId) -> Result<Vec<Run>, StoreError> {
        self.reader.read(move |db| runs::all(db, account, request)).await
    }

    async fn open_runs(&self) -> Result<Vec<Run>, StoreError> {
        self.reader.read(runs::open_ones).await
    }

    async fn open_run(
        &self,
        key: RunKey,
        plan: &RunPlan,
        spec: &ExportSpec,
        now: Timestamp,
    ) -> Result<Run, StoreError> {
        let (plan, spec) = (plan.clone(), spec.clone());
        self.writer.write(move |tx| runs::open(tx, key, &plan, &spec, now)).await
    }

    async fn close_run(&self, key: RunKey, closing: &RunClosing) -> Result<bool, StoreError> {
        let closing = *closing;
        self.writer.write(move |tx| runs::close(tx, key, &closing)).await
    }

    async fn reopen_run(&self, key: RunKey) -> Result<Run, StoreError> {
        self.writer.write(move |tx| runs::reopen(tx, key)).await
    }

    async fn add_chunks(&self, chunks: &[Chunk]) -> Result<(), StoreError> {
        for batch in chunks.chunks(chunks::BATCH_CHUNKS) {
            let batch = batch.to_vec();
            self.writer.write(move |tx| chunks::add(tx, &batch)).await?;
        }
        Ok(())
    }

    async fn chunk(&self, key: &ChunkKey) -> Result<Option<Chunk>, StoreError> {
        let key = key.clone();
        self.reader.read(move |db| chunks::get(db, &key)).await
    }

    async fn change_chunk(
        &self,
        key: &ChunkKey,
        command: ChunkCommand,
        now: Timestamp,
    ) -> Result<(Chunk, Option<Chunk>), StoreError> {
        let key = key.clone();
        self.writer.write(move |tx| chunks::change(tx, &key, command, now)).await
    }

    async fn chunks(
        &self,
        run: RunKey,
        plan: &PlanToken,
        from: Option<&ChunkId>,
        limit: usize,
    ) -> Result<ChunkPage, StoreError> {
        let (plan, from) = (plan.clone(), from.cloned());
        self.reader.read(move |db| chunks::page(db, run, &plan, from.as_ref(), limit)).await
    }

    async fn tally(&self, run: RunKey, plan: &PlanToken, now: Timestamp) -> Result<ChunkTally, StoreError> {
        let plan = plan.clone();
        self.reader.read(move |db| chunks::tally(db, run, &plan, now)).await
    }

    async fn claim_message(
        &self,
        run: RunKey,
        plan: &PlanToken,
        lost_before: Timestamp,
        now: Timestamp,
    ) -> Result<Vec<ChunkId>, StoreError> {
        let plan = plan.clone();
        self.writer.write(move |tx| claims::claim(tx, run, &plan, lost_before, now)).await
    }

    async fn sweep_chunks(&self, key: RunKey) -> Result<u64, StoreError> {
        let mut swept = 0;
        loop {
            let batch = self.writer.write(move |tx| chunks::sweep_batch(tx, key)).await?;
            swept += batch as u64;
            if batch < chunks::BATCH_CHUNKS {
                return Ok(swept);
            }
        }
    }

    async fn columns(
        &self,
        account: AccountId,
        request: RequestId,
        event_name: Option<&str>,
    ) -> Result<Vec<PropertyColumn>, StoreError> {
        let records = columns::records_key(event_name);
        self.reader.read(move |db| columns::get(db, account, request, &records)).await
    }

    async fn append_columns(
        &self,
        account: AccountId,
        request: RequestId,
        event_name: Option<&str>,
        found: &[PropertyColumn],
    ) -> Result<Vec<PropertyColumn>, StoreError> {
        let (records, found) = (columns::records_key(event_name), found.to_vec());
        self.writer.write(move |tx| columns::append(tx, account, request, &records, &found)).await
    }

    async fn scanned_keys(&self, account: AccountId, path: &str) -> Result<Option<String>, StoreError> {
        let path = path.to_owned();
        self.reader.read(move |db| lake_notes::scanned_keys(db, account, &path)).await
    }

    async fn put_scanned_keys(&self, account: AccountId, path: &str, keys: &str) -> Result<(), StoreError> {
        let (path, keys) = (path.to_owned(), keys.to_owned());
        self.writer.write(move |tx| lake_notes::put_scanned_keys(tx, account, &path, &keys)).await
    }

    async fn ratios(
        &self,
        account: AccountId,
        format_key: &str,
    ) -> Result<BTreeMap<String, f64>, StoreError> {
        let format_key = format_key.to_owned();
        self.reader.read(move |db| lake_notes::ratios(db, account, &format_key)).await
    }

    async fn put_ratios(
        &self,
        account: AccountId,
        format_key: &str,
        ratios: &BTreeMap<String, f64>,
    ) -> Result<(), StoreError> {
        let (format_key, ratios) = (format_key.to_owned(), ratios.clone());
        self.writer.write(move |tx| lake_notes::put_ratios(tx, account, &format_key, &ratios)).await
    }
}
