//! The port: the catalogue.

use async_trait::async_trait;

use super::super::{SqliteStore, catalogue};
use crate::{
    domain::{AccountId, CatalogueDay, CatalogueMark, CatalogueTotal, DataSelection, DateRange},
    ports::{CatalogueStore, CatalogueUpdate, StoreError},
};

#[async_trait]
impl CatalogueStore for SqliteStore {
    async fn catalogue_mark(&self, account: AccountId) -> Result<Option<CatalogueMark>, StoreError> {
        self.reader.read(move |db| catalogue::mark(db, account)).await
    }

    async fn add_to_catalogue(
        &self,
        account: AccountId,
        expected: Option<&CatalogueMark>,
        mark: &CatalogueMark,
        update: &CatalogueUpdate,
    ) -> Result<(), StoreError> {
        let (expected, mark, update) = (expected.cloned(), mark.clone(), update.clone());
        let add = move |tx: &rusqlite::Savepoint<'_>| {
            catalogue::add(tx, account, expected.as_ref(), &mark, &update)
        };
        self.writer.write(add).await
    }

    async fn catalogue_days(
        &self,
        account: AccountId,
        days: DateRange,
    ) -> Result<Vec<CatalogueDay>, StoreError> {
        self.reader.read(move |db| catalogue::days(db, account, days)).await
    }

    async fn catalogue_sums(
        &self,
        account: AccountId,
        days: DateRange,
        data: &DataSelection,
    ) -> Result<Vec<CatalogueDay>, StoreError> {
        let data = data.clone();
        self.reader.read(move |db| catalogue::sums(db, account, days, &data)).await
    }

    async fn catalogue_totals(&self, account: AccountId) -> Result<Vec<CatalogueTotal>, StoreError> {
        self.reader.read(move |db| catalogue::totals(db, account)).await
    }
}
