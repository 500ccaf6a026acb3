//! Incidents of buckets, and the notices that are owed.

use async_trait::async_trait;
use jiff::Timestamp;

use super::StoreError;
use crate::domain::{
    AccountId, ChannelKind, Incident, LeaseToken, Mailing, MailingId, Notice, NoticeId, PartnerBucket,
};

/// What became of the attempt to send a notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoticeOutcome {
    /// It was taken.
    Sent,
    /// It was not tried.
    Released {
        /// Of the claim.
        token: LeaseToken,
    },
    /// It was not tried, and waits for one that goes before it.
    Held {
        /// Of the claim.
        token: LeaseToken,
        /// Until when.
        until: Timestamp,
    },
    /// It was not taken.
    Failed {
        /// Of the claim.
        token: LeaseToken,
        /// Why, for the operator.
        reason: String,
        /// Whether trying again cannot help.
        is_final: bool,
    },
}

/// A change of an incident, with what the customer is told of it.
#[derive(Debug, Clone, Copy)]
pub struct IncidentChange<'a> {
    /// The incident as it was looked at; none for a new one.
    pub expected: Option<&'a Incident>,
    /// What it becomes.
    pub incident: &'a Incident,
    /// What is written to its people.
    pub mailing: Option<&'a Mailing>,
    /// The notices that are owed from then on; at most some thousand.
    pub notices: &'a [Notice],
}

/// Incidents and notices. See [`Store`](super::Store).
#[async_trait]
pub trait IncidentStore: Send + Sync {
    /// Every account's buckets that are blocked, by account and nickname: for the checker, never for customers. Served
    /// by an index. Damaged ones are logged and left out, as in the other lists of the checker's.
    async fn blocked_buckets(&self) -> Result<Vec<PartnerBucket>, StoreError>;
    /// Keeps an incident, its mailing and its notices, in one transaction. [`StoreError::Conflict`], and nothing is
    /// kept, where it is not as expected any more, or a new one's bucket has one that is open: another checker was first.
    async fn put_incident(&self, change: IncidentChange<'_>) -> Result<(), StoreError>;
    /// An account's incidents, newest first, up to `limit` (at least one).
    async fn incidents(&self, account: AccountId, limit: usize) -> Result<Vec<Incident>, StoreError>;
    /// Every account's incidents of which something may still come ([`Incident::is_open`]): for the checker, never for
    /// customers.
    async fn open_incidents(&self) -> Result<Vec<Incident>, StoreError>;
    /// What was written to several people.
    async fn mailing(&self, account: AccountId, id: &MailingId) -> Result<Option<Mailing>, StoreError>;
    /// Keeps notices, create-only; those that exist stay as they are. At most some hundred.
    async fn put_notices(&self, notices: &[Notice]) -> Result<(), StoreError>;
    /// Claims notices of a channel that are due at `now` ([`Notice::claim`]), of those the oldest, up to `limit` (at
    /// least one), in the order in which they became owed. No two callers get the same one.
    async fn claim_notices(
        &self,
        channel: ChannelKind,
        token: LeaseToken,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Notice>, StoreError>;
    /// Keeps what became of an attempt. [`StoreError::Conflict`] where somebody else has the notice by now, or it was
    /// settled; [`StoreError::NotFound`] where there is none.
    async fn settle_notice(
        &self,
        account: AccountId,
        id: &NoticeId,
        outcome: &NoticeOutcome,
        now: Timestamp,
    ) -> Result<Notice, StoreError>;
    /// The notices that are owed by an account over a channel, oldest first, up to `limit` (at least one), whoever has
    /// claimed them and whenever they are due.
    async fn owed_notices(
        &self,
        account: AccountId,
        channel: ChannelKind,
        limit: usize,
    ) -> Result<Vec<Notice>, StoreError>;
    /// An account's notices, newest first, up to `limit` (at least one).
    async fn notices(&self, account: AccountId, limit: usize) -> Result<Vec<Notice>, StoreError>;
}

impl NoticeOutcome {
    /// Settles a notice so.
    ///
    /// # Errors
    /// [`Superseded`](crate::domain::Superseded) where somebody else has it by now, or it was settled.
    pub fn apply(&self, notice: &mut Notice, now: Timestamp) -> Result<(), crate::domain::Superseded> {
        match self {
            Self::Sent => notice.sent(now),
            Self::Released { token } => notice.release(*token, now),
            Self::Held { token, until } => notice.hold(*token, *until, now),
            Self::Failed { token, reason, is_final } => notice.failed(*token, reason, *is_final, now),
        }
    }
}
