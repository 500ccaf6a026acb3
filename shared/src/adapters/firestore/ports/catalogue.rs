//! The port: the catalogue.

use async_trait::async_trait;

use super::super::{FirestoreStore, catalogue};
use crate::{
    domain::{AccountId, CatalogueDay, CatalogueMark, CatalogueTotal, DateRange},
    ports::{CatalogueStore, CatalogueUpdate, StoreError},
};

#[async_trait]
impl CatalogueStore for FirestoreStore {
    async fn catalogue_mark(&self, account: AccountId) -> Result<Option<CatalogueMark>, StoreError> {
        self.read(|client| async move { catalogue::mark(&client, account).await }).await
    }

    async fn add_to_catalogue(
        &self,
        account: AccountId,
        expected: Option<&CatalogueMark>,
        mark: &CatalogueMark,
        update: &CatalogueUpdate,
    ) -> Result<(), StoreError> {
        self.write(|tx| async move { catalogue::add(&tx, account, expected, mark, update).await }).await
    }

    async fn catalogue_days(
        &self,
        account: AccountId,
        days: DateRange,
    ) -> Result<Vec<CatalogueDay>, StoreError> {
        self.read(|client| async move { catalogue::days(&client, account, days).await }).await
    }

    async fn catalogue_totals(&self, account: AccountId) -> Result<Vec<CatalogueTotal>, StoreError> {
        self.read(|client| async move { catalogue::totals(&client, account).await }).await
    }
}
