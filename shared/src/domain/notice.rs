//! A notice: an e-mail to one person, or a call of a webhook, that is owed until it is sent.
//!
//! Ids are made of what the notice tells, so that whoever creates it again creates nothing. Whoever sends one holds a
//! claim on it; a claim that nobody settles ends by itself.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{AccountId, EmailAddress, IncidentId, LeaseToken, NoticeKind, Superseded, instant::after};

/// For how long a claim on a notice holds, in seconds.
pub const NOTICE_LEASE_SECS: i64 = 300;
/// How often sending is tried, each at least as long after the one before as [`Notice::failed`] says: a week.
pub const NOTICE_ATTEMPTS: u32 = 170;
/// The longest that is waited between two attempts, in seconds.
const LONGEST_DELAY_SECS: i64 = 3_600;
/// For how long a notice waits for one before it, in seconds: as long as that one is tried.
const LONGEST_WAIT_SECS: i64 = 7 * 86_400;

macro_rules! hashed_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// The id of what these parts tell; other parts give another one.
            #[must_use]
            pub fn of(parts: &[&str]) -> Self {
                let mut hash = Sha256::new();
                for part in parts {
                    hash.update((part.len() as u64).to_be_bytes());
                    hash.update(part);
                }
                Self(hash.finalize()[..16].iter().map(|byte| format!("{byte:02x}")).collect())
            }

            /// The id of this text, wherever it comes from; there may be none.
            #[must_use]
            pub fn of_text(text: &str) -> Self {
                Self(text.to_owned())
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

hashed_id! {
    /// Which notice, of all accounts.
    NoticeId
}
hashed_id! {
    /// Which mailing of an account.
    MailingId
}

/// What is written to several people, once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mailing {
    /// Whose.
    pub account: AccountId,
    /// Which.
    pub id: MailingId,
    /// What it tells of.
    pub incident: IncidentId,
    /// What it tells.
    pub kind: NoticeKind,
    /// The subject.
    pub subject: String,
    /// The text for readers without HTML.
    pub text: String,
    /// The same as HTML.
    pub html: String,
    /// When it was written.
    pub created_at: Timestamp,
}

/// By which way a notice goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChannelKind {
    /// By e-mail.
    Mail,
    /// To the account's webhook.
    Webhook,
}

impl ChannelKind {
    /// The text in documents.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mail => "mail",
            Self::Webhook => "webhook",
        }
    }
}

/// What has to be sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "lowercase")]
pub enum NoticeTask {
    /// An e-mail.
    Mail {
        /// To whom.
        to: EmailAddress,
        /// What it says.
        mailing: MailingId,
    },
    /// A call of the webhook that the account has when it is made.
    Webhook {
        /// The body, JSON.
        payload: String,
    },
}

impl NoticeTask {
    /// By which way it goes.
    #[must_use]
    pub fn channel(&self) -> ChannelKind {
        match self {
            Self::Mail { .. } => ChannelKind::Mail,
            Self::Webhook { .. } => ChannelKind::Webhook,
        }
    }
}

/// Where a notice stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum NoticeState {
    /// It has to be sent.
    Owed {
        /// Whoever is at it; none, or one that is gone, once [`Notice::next_attempt_at`] has come.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        claim: Option<LeaseToken>,
    },
    /// It was taken.
    Sent {
        /// When.
        at: Timestamp,
    },
    /// It was refused for good, or tried too often.
    GivenUp {
        /// When.
        at: Timestamp,
    },
}

/// A notice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Whose.
    pub account: AccountId,
    /// Which.
    pub id: NoticeId,
    /// What is sent.
    pub task: NoticeTask,
    /// When it became owed. Those of one recipient are sent in this order.
    pub created_at: Timestamp,
    /// Where it stands.
    #[serde(flatten)]
    pub state: NoticeState,
    /// How often it was tried.
    pub attempts: u32,
    /// From when on it may be claimed.
    pub next_attempt_at: Timestamp,
    /// Why it was not taken, as last told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
}

impl Notice {
    /// A notice that is owed from `now` on.
    #[must_use]
    pub fn new(account: AccountId, id: NoticeId, task: NoticeTask, now: Timestamp) -> Self {
        let state = NoticeState::Owed { claim: None };
        Self {
            account,
            id,
            task,
            created_at: now,
            state,
            attempts: 0,
            next_attempt_at: now,
            last_error: None,
        }
    }

    /// Whether it still has to be sent.
    #[must_use]
    pub fn is_owed(&self) -> bool {
        matches!(self.state, NoticeState::Owed { .. })
    }

    /// Whether it may be claimed at `now`. One that seems to wait for longer than any does waits since before a clock
    /// went back.
    #[must_use]
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.is_owed() && (self.next_attempt_at <= now || self.next_attempt_at > Self::horizon(now))
    }

    /// Later than any notice waits that was tried at `now`.
    #[must_use]
    pub fn horizon(now: Timestamp) -> Timestamp {
        after(now, 2 * LONGEST_DELAY_SECS)
    }

    /// Claims it for whoever knows the token.
    ///
    /// # Errors
    /// [`Superseded`] where it is not due: it was sent, or somebody is at it.
    pub fn claim(&mut self, token: LeaseToken, now: Timestamp) -> Result<(), Superseded> {
        if !self.is_due(now) {
            return Err(Superseded);
        }
        self.state = NoticeState::Owed { claim: Some(token) };
        self.next_attempt_at = after(now, NOTICE_LEASE_SECS);
        Ok(())
    }

    /// Gives the claim back: it was not tried, and may be at any time.
    ///
    /// # Errors
    /// [`Superseded`] where somebody else holds it by now.
    pub fn release(&mut self, token: LeaseToken, now: Timestamp) -> Result<(), Superseded> {
        self.check_claim(token)?;
        (self.state, self.next_attempt_at) = (NoticeState::Owed { claim: None }, now);
        Ok(())
    }

    /// Gives the claim back: it was not tried, and waits until then for one that goes before it. What has waited for as
    /// long as that one may be tried is given up.
    ///
    /// # Errors
    /// [`Superseded`] where somebody else holds it by now.
    pub fn hold(&mut self, token: LeaseToken, until: Timestamp, now: Timestamp) -> Result<(), Superseded> {
        self.check_claim(token)?;
        if now > after(self.created_at, LONGEST_WAIT_SECS) {
            self.state = NoticeState::GivenUp { at: now };
            self.last_error = Some("those before it did not arrive".to_owned());
        } else {
            (self.state, self.next_attempt_at) = (NoticeState::Owed { claim: None }, until);
        }
        Ok(())
    }

    /// It was taken. That holds whoever has claimed it meanwhile, so that it does not go twice.
    ///
    /// # Errors
    /// [`Superseded`] where it was settled already.
    pub fn sent(&mut self, now: Timestamp) -> Result<(), Superseded> {
        if !self.is_owed() {
            return Err(Superseded);
        }
        self.attempts += 1;
        self.state = NoticeState::Sent { at: now };
        Ok(())
    }

    /// It was not taken: it is tried again later, or given up where it was refused for good or tried too often.
    ///
    /// # Errors
    /// [`Superseded`] where somebody else holds it by now.
    pub fn failed(
        &mut self,
        token: LeaseToken,
        reason: &str,
        is_final: bool,
        now: Timestamp,
    ) -> Result<(), Superseded> {
        self.check_claim(token)?;
        self.attempts += 1;
        self.last_error = Some(reason.chars().take(500).collect());
        let is_over = is_final || self.attempts >= NOTICE_ATTEMPTS;
        self.state =
            if is_over { NoticeState::GivenUp { at: now } } else { NoticeState::Owed { claim: None } };
        let delay_secs = (60_i64 << self.attempts.min(6)).min(LONGEST_DELAY_SECS);
        self.next_attempt_at = after(now, delay_secs);
        Ok(())
    }

    fn check_claim(&self, token: LeaseToken) -> Result<(), Superseded> {
        if self.state == (NoticeState::Owed { claim: Some(token) }) { Ok(()) } else { Err(Superseded) }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_second(1_770_000_000 + secs).unwrap()
    }

    fn notice() -> Notice {
        let task = NoticeTask::Webhook { payload: "{}".to_owned() };
        Notice::new(AccountId(1), NoticeId::of(&["a", "b"]), task, at(0))
    }

    fn token(bits: u64) -> LeaseToken {
        LeaseToken::from_random(bits << 11)
    }

    #[test]
    fn one_at_a_time_sends_and_sent_is_sent() {
        let mut notice = notice();
        notice.claim(token(1), at(0)).unwrap();
        assert_eq!(notice.claim(token(2), at(NOTICE_LEASE_SECS - 1)), Err(Superseded));
        notice.claim(token(2), at(NOTICE_LEASE_SECS)).unwrap();
        assert_eq!(notice.failed(token(1), "late", false, at(301)), Err(Superseded));
        // The first one was only slow: it was sent, and the second one's answer does not matter any more.
        notice.sent(at(302)).unwrap();
        assert_eq!(notice.sent(at(303)), Err(Superseded));
        assert_eq!(notice.failed(token(2), "late", false, at(303)), Err(Superseded));
        assert!(!notice.is_due(at(1_000_000)));
    }

    #[test]
    fn attempts_are_spread_and_end() {
        let mut notice = notice();
        let (mut now_secs, mut waited) = (0, Vec::new());
        while notice.is_owed() {
            notice.claim(token(1), at(now_secs)).unwrap();
            notice.failed(token(1), &"x".repeat(9_999), false, at(now_secs)).unwrap();
            let wait = notice.next_attempt_at.duration_since(at(now_secs)).as_secs();
            assert!(!notice.is_due(at(now_secs + wait - 1)));
            waited.push(wait);
            now_secs += wait;
        }
        assert_eq!(waited[..6], [120, 240, 480, 960, 1_920, 3_600]);
        assert_eq!(waited.len(), 170);
        assert!(now_secs > 6 * 86_400 && notice.last_error.unwrap().len() == 500);
        let mut refused = self::notice();
        refused.claim(token(1), at(0)).unwrap();
        refused.failed(token(1), "no such user", true, at(0)).unwrap();
        assert_eq!(refused.state, NoticeState::GivenUp { at: at(0) });
    }

    #[test]
    fn a_clock_that_went_back_holds_no_notice_up() {
        let mut notice = notice();
        notice.claim(token(1), at(500_000)).unwrap();
        notice.failed(token(1), "busy", false, at(500_000)).unwrap();
        assert!(notice.is_due(at(100)));
        let mut given_back = self::notice();
        given_back.claim(token(1), at(0)).unwrap();
        given_back.release(token(1), at(1)).unwrap();
        assert!(given_back.is_due(at(1)) && given_back.attempts == 0);
    }

    #[test]
    fn what_waits_for_another_has_not_been_tried_and_does_not_wait_for_ever() {
        let mut notice = notice();
        notice.claim(token(1), at(0)).unwrap();
        assert_eq!(notice.hold(token(2), at(500), at(0)), Err(Superseded));
        notice.hold(token(1), at(500), at(0)).unwrap();
        assert!(!notice.is_due(at(499)) && notice.is_due(at(500)) && notice.attempts == 0);
        let week = 7 * 86_400;
        notice.claim(token(1), at(week)).unwrap();
        notice.hold(token(1), at(week + 500), at(week)).unwrap();
        notice.claim(token(1), at(week + 500)).unwrap();
        notice.hold(token(1), at(week + 900), at(week + 500)).unwrap();
        assert_eq!(notice.state, NoticeState::GivenUp { at: at(week + 500) });
    }

    #[test]
    fn other_parts_give_other_ids() {
        let ids = [&["ab", "c"][..], &["a", "bc"], &["abc"], &["abc", ""]].map(NoticeId::of);
        assert_eq!(ids.iter().collect::<std::collections::BTreeSet<_>>().len(), 4);
        assert_eq!(ids[0].as_str().len(), 32);
    }
}
