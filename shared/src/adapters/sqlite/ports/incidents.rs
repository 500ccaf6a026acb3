//! The port: incidents and notices.

use async_trait::async_trait;
use jiff::Timestamp;

use super::super::{
    SqliteStore,
    incidents::{self, Change},
};
use crate::{
    domain::{
        AccountId, ChannelKind, Incident, LeaseToken, Mailing, MailingId, Notice, NoticeId, PartnerBucket,
    },
    ports::{IncidentChange, IncidentStore, NoticeOutcome, StoreError},
};

#[async_trait]
impl IncidentStore for SqliteStore {
    async fn blocked_buckets(&self) -> Result<Vec<PartnerBucket>, StoreError> {
        self.reader.read(incidents::blocked_buckets).await
    }

    async fn put_incident(&self, change: IncidentChange<'_>) -> Result<(), StoreError> {
        let change = Change {
            expected: change.expected.cloned(),
            incident: change.incident.clone(),
            mailing: change.mailing.cloned(),
            notices: change.notices.to_vec(),
        };
        self.writer.write(move |tx| incidents::put(tx, &change)).await
    }

    async fn incidents(&self, account: AccountId, limit: usize) -> Result<Vec<Incident>, StoreError> {
        self.reader.read(move |db| incidents::of_account(db, account, limit)).await
    }

    async fn open_incidents(&self) -> Result<Vec<Incident>, StoreError> {
        self.reader.read(incidents::open_ones).await
    }

    async fn mailing(&self, account: AccountId, id: &MailingId) -> Result<Option<Mailing>, StoreError> {
        let id = id.clone();
        self.reader.read(move |db| incidents::mailing(db, account, &id)).await
    }

    async fn put_notices(&self, notices: &[Notice]) -> Result<(), StoreError> {
        let notices = notices.to_vec();
        self.writer.write(move |tx| incidents::put_notices(tx, &notices)).await
    }

    async fn claim_notices(
        &self,
        channel: ChannelKind,
        token: LeaseToken,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Notice>, StoreError> {
        self.writer.write(move |tx| incidents::claim(tx, channel, token, now, limit)).await
    }

    async fn owed_notices(
        &self,
        account: AccountId,
        channel: ChannelKind,
        limit: usize,
    ) -> Result<Vec<Notice>, StoreError> {
        self.reader.read(move |db| incidents::owed(db, account, channel, limit)).await
    }

    async fn settle_notice(
        &self,
        account: AccountId,
        id: &NoticeId,
        outcome: &NoticeOutcome,
        now: Timestamp,
    ) -> Result<Notice, StoreError> {
        let (id, outcome) = (id.clone(), outcome.clone());
        self.writer.write(move |tx| incidents::settle(tx, account, &id, &outcome, now)).await
    }

    async fn notices(&self, account: AccountId, limit: usize) -> Result<Vec<Notice>, StoreError> {
        self.reader.read(move |db| incidents::notices(db, account, limit)).await
    }
}
