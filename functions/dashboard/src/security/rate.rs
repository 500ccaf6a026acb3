//! How often an account may ask: reads and changes each have their own measure, so that who looks at a page that renews
//! itself, or types into a form whose estimate follows, can still stop an export.

use std::{
    num::NonZeroU32,
    ops::Add,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use governor::{
    Quota, RateLimiter,
    clock::{self, Reference},
    middleware::NoOpMiddleware,
    nanos::Nanos,
    state::keyed::HashMapStateStore,
};
use http::Method;
use jiff::Timestamp;
use spillway::{domain::AccountId, ports};

use crate::{
    config::Limits,
    problem::{Problem, ProblemKind},
};

/// After how many requests accounts that are quiet are forgotten.
const SWEEP_EVERY: u32 = 10_000;

/// What changes nothing, though it is posted: what is to be estimated does not fit into an address.
const READ_BY_POST: [&str; 2] = ["/exports/estimate", "/api/v1/estimate"];

type Limiter = RateLimiter<AccountId, HashMapStateStore<AccountId>, PortClock, NoOpMiddleware<Since>>;

/// The measures of all accounts.
pub(crate) struct RateLimits {
    reads: Limiter,
    writes: Limiter,
    seen: AtomicU32,
}

impl RateLimits {
    pub(crate) fn new(limits: &Limits, clock: &Arc<dyn ports::Clock>) -> Self {
        let limiter = |per_minute: u32| {
            let quota = Quota::per_minute(NonZeroU32::new(per_minute).unwrap_or(NonZeroU32::MIN));
            let clock = PortClock { start: clock.now(), clock: Arc::clone(clock) };
            RateLimiter::new(quota, HashMapStateStore::default(), clock)
        };
        let (reads, writes) = (limiter(limits.reads_per_minute), limiter(limits.writes_per_minute));
        Self { reads, writes, seen: AtomicU32::new(0) }
    }

    /// Counts a request.
    pub(crate) fn check(&self, account: AccountId, method: &Method, path: &str) -> Result<(), Problem> {
        let is_read = method.is_safe() || READ_BY_POST.contains(&path);
        let limiter = if is_read { &self.reads } else { &self.writes };
        if self.seen.fetch_add(1, Ordering::Relaxed) % SWEEP_EVERY == SWEEP_EVERY - 1 {
            self.reads.retain_recent();
            self.writes.retain_recent();
        }
        limiter.check_key(&account).map_err(|refused| {
            let wait = refused.wait_time_from(clock::Clock::now(limiter.clock()));
            let secs = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            let detail = format!("The account asks more often than it may. Go on in {secs} seconds.");
            Problem { retry_after_secs: Some(secs), ..Problem::new(ProblemKind::TooManyRequests, detail) }
        })
    }
}

/// Our clock in the words of `governor`.
#[derive(Clone)]
struct PortClock {
    start: Timestamp,
    clock: Arc<dyn ports::Clock>,
}

/// Time since the start; before it, none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Since(Duration);

impl Add<Nanos> for Since {
    type Output = Self;

    fn add(self, other: Nanos) -> Self {
        Self(self.0 + Duration::from(other))
    }
}

impl Reference for Since {
    fn duration_since(&self, earlier: Self) -> Nanos {
        self.0.saturating_sub(earlier.0).into()
    }

    fn saturating_sub(&self, duration: Nanos) -> Self {
        Self(self.0.checked_sub(duration.into()).unwrap_or(self.0))
    }
}

impl clock::Clock for PortClock {
    type Instant = Since;

    fn now(&self) -> Since {
        let since = self.clock.now().duration_since(self.start);
        Since(Duration::try_from(since).unwrap_or_default())
    }
}
