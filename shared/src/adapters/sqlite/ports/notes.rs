//! The port: notes.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::super::{SqliteStore, columns, lake_notes, profile_lists};
use crate::{
    domain::{AccountId, DatabaseId, PlanToken, ProfileFile, ProfileNote, PropertyColumn, RequestId, RunKey},
    ports::{NoteStore, StoreError},
};

#[async_trait]
impl NoteStore for SqliteStore {
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

    async fn profile_notes(
        &self,
        account: AccountId,
        paths: &[String],
    ) -> Result<BTreeMap<String, ProfileNote>, StoreError> {
        let paths = paths.to_vec();
        self.reader.read(move |db| profile_lists::notes(db, account, paths)).await
    }

    async fn put_profile_notes(
        &self,
        account: AccountId,
        notes: &BTreeMap<String, ProfileNote>,
    ) -> Result<(), StoreError> {
        let notes = notes.clone();
        self.writer.write(move |tx| profile_lists::put_notes(tx, account, &notes)).await
    }

    async fn put_profile_list(
        &self,
        run: RunKey,
        plan: &PlanToken,
        database: DatabaseId,
        part: u32,
        files: &[ProfileFile],
    ) -> Result<(), StoreError> {
        let (plan, files) = (plan.clone(), files.to_vec());
        self.writer.write(move |tx| profile_lists::put(tx, run, &plan, database, part, &files)).await
    }

    async fn profile_list(
        &self,
        run: RunKey,
        plan: &PlanToken,
        database: DatabaseId,
        part: u32,
    ) -> Result<Option<Vec<ProfileFile>>, StoreError> {
        let plan = plan.clone();
        self.reader.read(move |db| profile_lists::get(db, run, &plan, database, part)).await
    }
}
