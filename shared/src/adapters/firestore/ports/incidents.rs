//! The port: incidents and notices.

use async_trait::async_trait;
use jiff::Timestamp;

use super::super::{FirestoreStore, incidents};
use crate::{
    domain::{
        AccountId, ChannelKind, Incident, LeaseToken, Mailing, MailingId, Notice, NoticeId, PartnerBucket,
    },
    ports::{IncidentChange, IncidentStore, NoticeOutcome, StoreError},
};

#[async_trait]
impl IncidentStore for FirestoreStore {
    async fn blocked_buckets(&self) -> Result<Vec<PartnerBucket>, StoreError> {
        self.read(|client| async move { incidents::blocked_buckets(&client).await }).await
    }

    async fn put_incident(&self, change: IncidentChange<'_>) -> Result<(), StoreError> {
        self.write(|tx| async move { incidents::put(&tx, change).await }).await
    }

    async fn incidents(&self, account: AccountId, limit: usize) -> Result<Vec<Incident>, StoreError> {
        self.read(|client| async move { incidents::of_account(&client, account, limit).await }).await
    }

    async fn open_incidents(&self) -> Result<Vec<Incident>, StoreError> {
        self.read(|client| async move { incidents::open_ones(&client).await }).await
    }

    async fn mailing(&self, account: AccountId, id: &MailingId) -> Result<Option<Mailing>, StoreError> {
        self.read(|client| async move { incidents::mailing(&client, account, id).await }).await
    }

    async fn put_notices(&self, notices: &[Notice]) -> Result<(), StoreError> {
        self.write(|tx| async move { incidents::put_notices(&tx, notices).await }).await
    }

    async fn claim_notices(
        &self,
        channel: ChannelKind,
        token: LeaseToken,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Notice>, StoreError> {
        let due =
            self.read(|client| async move { incidents::due(&client, channel, now, limit).await }).await?;
        let mut claimed = Vec::new();
        for notice in &due {
            // One transaction each: what is claimed by another caller does not hold up the others.
            let id = &notice.id;
            claimed
                .extend(self.write(|tx| async move { incidents::claim(&tx, id, token, now).await }).await?);
        }
        Ok(claimed)
    }

    async fn owed_notices(
        &self,
        account: AccountId,
        channel: ChannelKind,
        limit: usize,
    ) -> Result<Vec<Notice>, StoreError> {
        self.read(|client| async move { incidents::owed(&client, account, channel, limit).await }).await
    }

    async fn settle_notice(
        &self,
        account: AccountId,
        id: &NoticeId,
        outcome: &NoticeOutcome,
        now: Timestamp,
    ) -> Result<Notice, StoreError> {
        self.write(|tx| async move { incidents::settle(&tx, account, id, outcome, now).await }).await
    }

    async fn notices(&self, account: AccountId, limit: usize) -> Result<Vec<Notice>, StoreError> {
        self.read(|client| async move { incidents::notices(&client, account, limit).await }).await
    }
}
