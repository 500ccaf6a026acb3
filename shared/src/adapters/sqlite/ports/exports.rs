//! The port: exports.

use async_trait::async_trait;
use jiff::Timestamp;

use super::super::{SqliteStore, creations, export_lists, exports, runs, starts};
use crate::{
    domain::{
        AccountId, BucketId, Export, ExportFilter, ExportSpec, RequestId, Run, StopReason, Window, ZoneName,
    },
    ports::{
        DueExport, ExportPage, ExportStore, NewExport, NewRun, Repeated, StartAgain, StartedAgain, StoreError,
    },
};

#[async_trait]
impl ExportStore for SqliteStore {
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
        let create = move |tx: &rusqlite::Savepoint<'_>| {
            let (account, now) = (new.account, new.now);
            let request = exports::create(tx, &new)?.request;
            let (expected_cut, next_due_at) = (None, None);
            let run = NewRun { account, request, window, zone, expected_cut, next_due_at, now };
            let run = runs::create(tx, &run)?;
            Ok((exports::existing(tx, account, request)?, run))
        };
        self.writer.write(create).await
    }

    async fn repeated(
        &self,
        account: AccountId,
        key: &str,
        now: Timestamp,
    ) -> Result<Option<Repeated>, StoreError> {
        let key = key.to_owned();
        self.reader.read(move |db| creations::get(db, account, &key, now)).await
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
        into: Option<&BucketId>,
        reason: &StopReason,
        now: Timestamp,
    ) -> Result<Export, StoreError> {
        let (into, reason) = (into.cloned(), reason.clone());
        self.writer.write(move |tx| exports::stop(tx, (account, request), into.as_ref(), &reason, now)).await
    }

    async fn start_again(&self, start: &StartAgain) -> Result<StartedAgain, StoreError> {
        let start = start.clone();
        self.writer.write(move |tx| starts::start_again(tx, &start)).await
    }
}
