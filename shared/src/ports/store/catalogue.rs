//! The catalogue: what accounts' lakes hold, a document a day and event, and their totals an event.

use async_trait::async_trait;

use super::StoreError;
use crate::domain::{AccountId, CatalogueDay, CatalogueMark, CatalogueTotal, DataSelection, DateRange};

/// What is added to an account's catalogue at once.
#[derive(Debug, Clone, Default)]
pub struct CatalogueUpdate {
    /// What files behind the mark up to the next one hold; it is added, and stays.
    pub settled: Vec<CatalogueDay>,
    /// What files behind the next mark hold, as far as they can be seen; it stands until the next update.
    pub recent: Vec<CatalogueDay>,
}

/// The catalogue. See [`Store`](super::Store).
#[async_trait]
pub trait CatalogueStore: Send + Sync {
    /// Up to which file an account's catalogue counts; none where it is empty.
    async fn catalogue_mark(&self, account: AccountId) -> Result<Option<CatalogueMark>, StoreError>;
    /// Moves the mark from `expected` to `mark`, adds what is settled to days and totals, and puts what is recent in the
    /// place of what was, in one transaction. [`StoreError::Conflict`] where the mark is not `expected`: somebody else
    /// was faster, and nothing is added twice.
    async fn add_to_catalogue(
        &self,
        account: AccountId,
        expected: Option<&CatalogueMark>,
        mark: &CatalogueMark,
        update: &CatalogueUpdate,
    ) -> Result<(), StoreError>;
    /// The documents of some days, by day; of one day and event there may be two, one settled, one recent.
    async fn catalogue_days(
        &self,
        account: AccountId,
        days: DateRange,
    ) -> Result<Vec<CatalogueDay>, StoreError>;
    /// As [`catalogue_days`](Self::catalogue_days), of the data that is asked for only, and without the names of
    /// properties: what an estimate adds up, asked for with each change of a form. A store that can leave the rest
    /// where it is does.
    async fn catalogue_sums(
        &self,
        account: AccountId,
        days: DateRange,
        data: &DataSelection,
    ) -> Result<Vec<CatalogueDay>, StoreError> {
        let mut found = self.catalogue_days(account, days).await?;
        found.retain(|day| data.wants(&day.records));
        found.iter_mut().for_each(|day| day.sums.properties.clear());
        Ok(found)
    }
    /// What there is of each event on all days, and of profiles; each once, in order.
    async fn catalogue_totals(&self, account: AccountId) -> Result<Vec<CatalogueTotal>, StoreError>;
}
