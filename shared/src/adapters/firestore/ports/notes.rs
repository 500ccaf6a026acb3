//! The port: notes.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::super::{FirestoreStore, columns, lake_notes, profile_lists};
use crate::{
    domain::{AccountId, DatabaseId, PlanToken, ProfileFile, ProfileNote, PropertyColumn, RequestId, RunKey},
    ports::{NoteStore, StoreError},
};

#[async_trait]
impl NoteStore for FirestoreStore {
    async fn columns(
        &self,
        account: AccountId,
        request: RequestId,
        event_name: Option<&str>,
    ) -> Result<Vec<PropertyColumn>, StoreError> {
        self.read(|client| async move { columns::get(&client, account, request, event_name).await }).await
    }

    async fn append_columns(
        &self,
        account: AccountId,
        request: RequestId,
        event_name: Option<&str>,
        found: &[PropertyColumn],
    ) -> Result<Vec<PropertyColumn>, StoreError> {
        self.write(|tx| async move { columns::append(&tx, account, request, event_name, found).await }).await
    }

    async fn scanned_keys(&self, account: AccountId, path: &str) -> Result<Option<String>, StoreError> {
        self.read(|client| async move { lake_notes::scanned_keys(&client, account, path).await }).await
    }

    async fn put_scanned_keys(&self, account: AccountId, path: &str, keys: &str) -> Result<(), StoreError> {
        self.write(|tx| async move { Ok(lake_notes::put_scanned_keys(&tx, account, path, keys)) }).await
    }

    async fn ratios(
        &self,
        account: AccountId,
        format_key: &str,
    ) -> Result<BTreeMap<String, f64>, StoreError> {
        self.read(|client| async move { lake_notes::ratios(&client, account, format_key).await }).await
    }

    async fn put_ratios(
        &self,
        account: AccountId,
        format_key: &str,
        ratios: &BTreeMap<String, f64>,
    ) -> Result<(), StoreError> {
        self.write(|tx| async move { lake_notes::put_ratios(&tx, account, format_key, ratios).await }).await
    }

    async fn profile_notes(
        &self,
        account: AccountId,
        paths: &[String],
    ) -> Result<BTreeMap<String, ProfileNote>, StoreError> {
        self.read(|client| async move { profile_lists::notes(&client, account, paths).await }).await
    }

    async fn put_profile_notes(
        &self,
        account: AccountId,
        notes: &BTreeMap<String, ProfileNote>,
    ) -> Result<(), StoreError> {
        self.write(|tx| async move { Ok(profile_lists::put_notes(&tx, account, notes)) }).await
    }

    async fn put_profile_list(
        &self,
        run: RunKey,
        plan: &PlanToken,
        database: DatabaseId,
        part: u32,
        files: &[ProfileFile],
    ) -> Result<(), StoreError> {
        self.write(|tx| async move { profile_lists::put(&tx, (run, plan), database, part, files).await })
            .await
    }

    async fn profile_list(
        &self,
        run: RunKey,
        plan: &PlanToken,
        database: DatabaseId,
        part: u32,
    ) -> Result<Option<Vec<ProfileFile>>, StoreError> {
        self.read(|client| async move { profile_lists::get(&client, (run, plan), database, part).await })
            .await
    }
}
