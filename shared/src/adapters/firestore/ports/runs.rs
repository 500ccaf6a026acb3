//! The port: runs.

use async_trait::async_trait;

use super::super::{FirestoreStore, exports, runs};
use crate::{
    domain::{AccountId, RequestId, Run, RunClosing, RunKey, RunOpening, RunStatus, RunTimestamp},
    ports::{NewRun, RunPage, RunStore, StoreError},
};

#[async_trait]
impl RunStore for FirestoreStore {
    async fn create_run(&self, new: &NewRun) -> Result<Run, StoreError> {
        self.write(|tx| async move {
            let mut known = exports::existing(&tx, new.account, new.request).await?;
            let run = runs::create(&tx, &mut known, new).await?;
            exports::save(&tx, &known);
            Ok(run)
        })
        .await
    }

    async fn run(&self, key: RunKey) -> Result<Option<Run>, StoreError> {
        self.read(|client| async move { runs::get(&client, key).await }).await
    }

    async fn runs(&self, account: AccountId, request: RequestId) -> Result<Vec<Run>, StoreError> {
        self.read(|client| async move { runs::all(&client, account, request).await }).await
    }

    async fn runs_page(
        &self,
        account: AccountId,
        request: RequestId,
        cursor: Option<RunTimestamp>,
        limit: usize,
    ) -> Result<RunPage, StoreError> {
        self.read(|client| async move { runs::page(&client, account, request, cursor, limit).await }).await
    }

    async fn open_runs(&self) -> Result<Vec<Run>, StoreError> {
        self.read(|client| async move { runs::open_ones(&client).await }).await
    }

    async fn open_run_keys(&self) -> Result<Vec<RunKey>, StoreError> {
        self.read(|client| async move { runs::all_open_keys(&client).await }).await
    }

    async fn open_runs_of(&self, account: AccountId, request: RequestId) -> Result<Vec<RunKey>, StoreError> {
        self.read(|client| async move { runs::open_keys(&client, account, request).await }).await
    }

    async fn count_runs(
        &self,
        account: AccountId,
        request: RequestId,
        status: RunStatus,
    ) -> Result<u64, StoreError> {
        self.read(|client| async move { runs::count(&client, account, request, status).await }).await
    }

    async fn open_run(&self, key: RunKey, opening: &RunOpening) -> Result<Run, StoreError> {
        self.write(|tx| async move { runs::open(&tx, key, opening).await }).await
    }

    async fn close_run(&self, key: RunKey, closing: &RunClosing) -> Result<bool, StoreError> {
        self.write(|tx| async move { runs::close(&tx, key, closing).await }).await
    }

    async fn reopen_run(&self, key: RunKey) -> Result<Run, StoreError> {
        self.write(|tx| async move { runs::reopen(&tx, key).await }).await
    }

    async fn give_up_plan(&self, key: RunKey, reopened: u32) -> Result<Run, StoreError> {
        self.write(|tx| async move { runs::give_up_plan(&tx, key, reopened).await }).await
    }
}
