//! The port: exports.

use async_trait::async_trait;
use jiff::Timestamp;

use super::super::{FirestoreStore, creations, export_lists, exports, runs, starts};
use crate::{
    domain::{
        AccountId, BucketId, Export, ExportFilter, ExportSpec, RequestId, Run, StopReason, Window, ZoneName,
    },
    ports::{
        DueExport, ExportPage, ExportStore, NewExport, NewRun, Repeated, StartAgain, StartedAgain, StoreError,
    },
};

#[async_trait]
impl ExportStore for FirestoreStore {
    async fn create_export(&self, new: &NewExport) -> Result<Export, StoreError> {
        self.write(|tx| async move {
            let known = exports::create(&tx, new).await?;
            exports::save_new(&tx, &known);
            Ok(known.export)
        })
        .await
    }

    async fn create_one_time(
        &self,
        new: &NewExport,
        window: Window,
        zone: &ZoneName,
    ) -> Result<(Export, Run), StoreError> {
        self.write(|tx| async move {
            let (account, now, zone) = (new.account, new.now, zone.clone());
            let mut known = exports::create(&tx, new).await?;
            let (request, expected_cut, next_due_at) = (known.export.request, None, None);
            let run = NewRun { account, request, window, zone, expected_cut, next_due_at, now };
            let run = runs::create(&tx, &mut known, &run).await?;
            exports::save_new(&tx, &known);
            Ok((known.export, run))
        })
        .await
    }

    async fn repeated(
        &self,
        account: AccountId,
        key: &str,
        now: Timestamp,
    ) -> Result<Option<Repeated>, StoreError> {
        self.read(|client| async move { creations::get(&client, account, key, now).await }).await
    }

    async fn export(&self, account: AccountId, request: RequestId) -> Result<Option<Export>, StoreError> {
        self.read(|client| async move { exports::get(&client, account, request).await }).await
    }

    async fn list_exports(
        &self,
        account: AccountId,
        filter: &ExportFilter,
        cursor: Option<RequestId>,
        limit: usize,
    ) -> Result<ExportPage, StoreError> {
        self.read(|client| async move { export_lists::page(&client, account, filter, cursor, limit).await })
            .await
    }

    async fn profiles_flow(&self, account: AccountId) -> Result<Option<RequestId>, StoreError> {
        self.read(|client| async move { exports::profiles_flow(&client, account).await }).await
    }

    async fn due_exports(
        &self,
        now: Timestamp,
        after: Option<&DueExport>,
        limit: usize,
    ) -> Result<Vec<DueExport>, StoreError> {
        self.read(|client| async move { export_lists::due(&client, now, after, limit).await }).await
    }

    async fn edit_export(
        &self,
        account: AccountId,
        request: RequestId,
        expected: &ExportSpec,
        spec: &ExportSpec,
        next_due_at: Option<Timestamp>,
    ) -> Result<Export, StoreError> {
        self.write(
            |tx| async move { exports::edit(&tx, (account, request), expected, spec, next_due_at).await },
        )
        .await
    }

    async fn stop_export(
        &self,
        account: AccountId,
        request: RequestId,
        into: Option<&BucketId>,
        reason: &StopReason,
        now: Timestamp,
    ) -> Result<Export, StoreError> {
        self.write(|tx| async move { exports::stop(&tx, (account, request), into, reason, now).await }).await
    }

    async fn start_again(&self, start: &StartAgain) -> Result<StartedAgain, StoreError> {
        self.write(|tx| async move { starts::start_again(&tx, start).await }).await
    }
}
