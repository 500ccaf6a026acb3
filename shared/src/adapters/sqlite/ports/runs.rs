//! The port: runs.

use async_trait::async_trait;

use super::super::{SqliteStore, runs};
use crate::{
    domain::{AccountId, RequestId, Run, RunClosing, RunKey, RunOpening, RunStatus, RunTimestamp},
    ports::{NewRun, RunPage, RunStore, StoreError},
};

#[async_trait]
impl RunStore for SqliteStore {
    async fn create_run(&self, new: &NewRun) -> Result<Run, StoreError> {
        let new = new.clone();
        self.writer.write(move |tx| runs::create(tx, &new)).await
    }

    async fn run(&self, key: RunKey) -> Result<Option<Run>, StoreError> {
        self.reader.read(move |db| runs::get(db, key)).await
    }

    async fn runs(&self, account: AccountId, request: RequestId) -> Result<Vec<Run>, StoreError> {
        self.reader.read(move |db| runs::all(db, account, request)).await
    }

    async fn runs_page(
        &self,
        account: AccountId,
        request: RequestId,
        cursor: Option<RunTimestamp>,
        limit: usize,
    ) -> Result<RunPage, StoreError> {
        self.reader.read(move |db| runs::page(db, account, request, cursor, limit)).await
    }

    async fn open_runs(&self) -> Result<Vec<Run>, StoreError> {
        self.reader.read(runs::open_ones).await
    }

    async fn open_run_keys(&self) -> Result<Vec<RunKey>, StoreError> {
        self.reader.read(runs::all_open_keys).await
    }

    async fn open_runs_of(&self, account: AccountId, request: RequestId) -> Result<Vec<RunKey>, StoreError> {
        self.reader.read(move |db| runs::open_keys(db, account, request)).await
    }

    async fn count_runs(
        &self,
        account: AccountId,
        request: RequestId,
        status: RunStatus,
    ) -> Result<u64, StoreError> {
        self.reader.read(move |db| runs::count(db, account, request, status)).await
    }

    async fn open_run(&self, key: RunKey, opening: &RunOpening) -> Result<Run, StoreError> {
        let opening = opening.clone();
        self.writer.write(move |tx| runs::open(tx, key, &opening)).await
    }

    async fn close_run(&self, key: RunKey, closing: &RunClosing) -> Result<bool, StoreError> {
        let closing = closing.clone();
        self.writer.write(move |tx| runs::close(tx, key, &closing)).await
    }

    async fn reopen_run(&self, key: RunKey) -> Result<Run, StoreError> {
        self.writer.write(move |tx| runs::reopen(tx, key)).await
    }

    async fn give_up_plan(&self, key: RunKey, reopened: u32) -> Result<Run, StoreError> {
        self.writer.write(move |tx| runs::give_up_plan(tx, key, reopened)).await
    }
}
