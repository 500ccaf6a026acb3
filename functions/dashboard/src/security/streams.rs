//! How many streams of progress may be open: of all accounts, and of each one, so that nobody takes them all.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use spillway::domain::AccountId;

use crate::{
    config::Limits,
    problem::{Problem, ProblemKind},
};

/// After how long it is worth trying again, in seconds.
const RETRY_AFTER_SECS: u64 = 60;

type Open = Arc<Mutex<HashMap<AccountId, usize>>>;

/// The streams that are open.
pub(crate) struct Streams {
    most: usize,
    most_of_account: usize,
    open: Open,
}

/// A stream that is open, until it is dropped.
pub(crate) struct OpenStream {
    account: AccountId,
    open: Open,
}

impl Streams {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self { most: limits.streams, most_of_account: limits.streams_per_account, open: Open::default() }
    }

    /// Counts another stream of an account.
    pub(crate) fn open(&self, account: AccountId) -> Result<OpenStream, Problem> {
        let mut open = lock(&self.open);
        let refused = |kind, detail: &str| Problem {
            retry_after_secs: Some(RETRY_AFTER_SECS),
            ..Problem::new(kind, detail)
        };
        if open.get(&account).is_some_and(|own| *own >= self.most_of_account) {
            let detail = "The account watches in as many places as it may. Close one of them, or ask for the \
                          progress itself now and then.";
            return Err(refused(ProblemKind::TooManyRequests, detail));
        }
        if open.values().sum::<usize>() >= self.most {
            let detail =
                "Too many people watch just now. Ask for the progress itself, or try again in a minute.";
            return Err(refused(ProblemKind::Unavailable, detail));
        }
        *open.entry(account).or_default() += 1;
        Ok(OpenStream { account, open: Arc::clone(&self.open) })
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        let mut open = lock(&self.open);
        let left = open.remove(&self.account).unwrap_or_default().saturating_sub(1);
        if left > 0 {
            open.insert(self.account, left);
        }
    }
}

/// A panic elsewhere leaves the numbers as they were.
fn lock(open: &Open) -> MutexGuard<'_, HashMap<AccountId, usize>> {
    open.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn nobody_takes_the_streams_of_all() {
        let limits = Limits { streams: 3, streams_per_account: 2, ..Limits::default() };
        let streams = Streams::new(&limits);
        let kind = |account| streams.open(AccountId(account)).err().map(|problem| problem.kind);
        let first = [streams.open(AccountId(1)).unwrap(), streams.open(AccountId(1)).unwrap()];
        assert_eq!(kind(1), Some(ProblemKind::TooManyRequests));
        let second = streams.open(AccountId(2)).unwrap();
        assert_eq!(kind(2), Some(ProblemKind::Unavailable), "there are three");
        drop(first);
        assert_eq!(kind(2), None);
        drop(second);
        assert!(lock(&streams.open).is_empty(), "accounts that do not watch are forgotten");
    }
}
