//! How buckets, exports and runs move on: pure, so that every store moves them alike. Chunks have
//! [`Chunk::apply`](super::Chunk::apply).

use jiff::Timestamp;

use super::{
    BlockOutcome, BucketFailure, BucketId, BucketState, Delivery, Export, ExportSpec, ExportStatus,
    Frequency, Opening, PartnerBucket, RequestId, Run, RunClosing, RunKey, RunOpening, RunStatus,
    RunTimestamp, RunTotals, StopReason, Window, ZoneName,
};

/// After how long in which each run had rows an EMPTY one is unexpected, in seconds: two weeks.
pub const LONG_WITH_DATA_SECS: i64 = 14 * 86_400;

/// The document stands where it does not allow this; somebody else was first. It is as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("somebody else was first")]
pub struct Superseded;

impl BucketState {
    /// Blocks. A blocked one keeps its first `since`, and takes a failure of another class, so that the customer
    /// reads what is wrong now. True where it was not blocked.
    pub fn block(&mut self, failure: &BucketFailure, at: Timestamp) -> bool {
        match self {
            Self::Ready => {
                *self = Self::Blocked { since: at, failure: failure.clone() };
                true
            }
            Self::Blocked { failure: known, .. } => {
                if known.class != failure.class {
                    *known = failure.clone();
                }
                false
            }
        }
    }
}

impl PartnerBucket {
    /// Blocks it for a failure that was met while it was as it was `seen`: under another key, or since it was opened
    /// again, it may work by now.
    pub fn block(&mut self, seen: &Self, failure: &BucketFailure, at: Timestamp) -> BlockOutcome {
        if !self.is_still(seen) {
            return BlockOutcome::Outdated;
        }
        if self.state.block(failure, at) { BlockOutcome::Blocked } else { BlockOutcome::AlreadyBlocked }
    }

    /// Opens it again. False, and nothing changes, where it is not blocked as it was `seen`.
    pub fn unblock(&mut self, seen: &Self) -> bool {
        let is_blocked = self.is_still(seen) && matches!(self.state, BucketState::Blocked { .. });
        if is_blocked {
            (self.state, self.opening) = (BucketState::Ready, self.opening.next());
        }
        is_blocked
    }

    /// Whether it has the key, and is in the opening, in which it was `seen`.
    #[must_use]
    pub fn is_still(&self, seen: &Self) -> bool {
        (&self.key, self.opening) == (&seen.key, seen.opening)
    }
}

impl Export {
    /// Whether it runs once only.
    #[must_use]
    pub fn is_one_time(&self) -> bool {
        matches!(self.spec.frequency, Frequency::OneTime { .. })
    }

    /// The timestamp that its next run asks for. A one-time export has one run, under the request id; others take
    /// the next second that is free.
    #[must_use]
    pub fn first_run_timestamp(&self, now: Timestamp) -> RunTimestamp {
        RunTimestamp(if self.is_one_time() { self.request.0 } else { now.as_second() })
    }

    /// A run up to `cut` has been created.
    ///
    /// # Errors
    /// [`Superseded`] where runs have not been created up to just `expected_cut`, or the export has ended.
    pub fn run_created(
        &mut self,
        cut: Timestamp,
        expected_cut: Option<Timestamp>,
        next_due_at: Option<Timestamp>,
    ) -> Result<(), Superseded> {
        if !self.is_active() || self.planned_cut != expected_cut {
            return Err(Superseded);
        }
        (self.planned_cut, self.next_due_at) = (Some(cut), next_due_at);
        Ok(())
    }

    /// It becomes `spec` from the next run on; `next_due_at` where that moves its next run.
    ///
    /// # Errors
    /// [`Superseded`] where it has ended, or its spec is not `expected` any more.
    pub fn edit(
        &mut self,
        expected: &ExportSpec,
        spec: &ExportSpec,
        next_due_at: Option<Timestamp>,
    ) -> Result<(), Superseded> {
        if !self.is_active() || self.spec != *expected {
            return Err(Superseded);
        }
        self.spec = spec.clone();
        self.next_due_at = next_due_at.or(self.next_due_at);
        Ok(())
    }

    /// A run of it is being worked. One that has ended and finishes what it had begun stays as it is.
    ///
    /// # Errors
    /// [`Superseded`] where the export has ended, and the run with it.
    pub fn run_opened(&mut self, run: RunTimestamp) -> Result<(), Superseded> {
        if !self.works_on(run) {
            return Err(Superseded);
        }
        self.run_reopened();
        Ok(())
    }

    /// A run has ended, and left something in its bucket in an opening of that, or nothing. What a STOPPED run left out
    /// has not been delivered, and a run that was opened again does not take back what later ones delivered.
    pub fn run_closed(&mut self, run: &Run, delivered_in: Option<Opening>, another_is_running: bool) {
        let status = run.status;
        if status != RunStatus::Stopped {
            self.delivered_cut = self.delivered_cut.max(Some(run.window.cut()));
        }
        if status != RunStatus::Incomplete {
            self.resumed_runs.retain(|resumed| *resumed != run.key.run);
        }
        self.remember(run, delivered_in);
        if !self.is_active() {
            return;
        }
        self.status = match (self.is_one_time(), status) {
            (true, RunStatus::Incomplete) => ExportStatus::Running,
            (true, _) => ExportStatus::Done,
            (false, _) if another_is_running => ExportStatus::Running,
            (false, _) => ExportStatus::Pending,
        };
    }

    fn remember(&mut self, run: &Run, delivered_in: Option<Opening>) {
        let (history, Some(at)) = (&mut self.history, run.closed_at) else { return };
        if !matches!(run.status, RunStatus::Done | RunStatus::Empty) {
            return;
        }
        history.succeeded_at = Some(at);
        if let Some(opening) = delivered_in {
            history.delivered = Some(Delivery { at, into: run.spec.bucket.clone(), opening });
        }
        if run.totals.rows > 0 {
            history.data_since = history.data_since.or(Some(at));
        } else if let Some(since) = history.data_since.take()
            && at.duration_since(since).as_secs() >= LONG_WITH_DATA_SECS
        {
            history.emptied_at = Some(at);
        }
    }

    /// Whether it was stopped by failure, and nothing goes on in its place.
    #[must_use]
    pub fn may_be_started_again(&self) -> bool {
        matches!(self.status, ExportStatus::Stopped { reason: StopReason::Failure { .. }, .. })
            && self.successor.is_none()
    }

    /// It was stopped by failure, and goes on: these runs are brought to their end, and `successor` takes what comes
    /// behind them. A one-time export has none, and goes on itself.
    ///
    /// # Errors
    /// [`Superseded`] where it was not stopped by failure, or has been started again.
    pub fn start_again(
        &mut self,
        resumed_runs: &[RunTimestamp],
        successor: Option<RequestId>,
    ) -> Result<(), Superseded> {
        if !self.may_be_started_again() {
            return Err(Superseded);
        }
        match successor {
            Some(_) => (self.resumed_runs, self.successor) = (resumed_runs.to_vec(), successor),
            None => self.status = ExportStatus::Running,
        }
        Ok(())
    }

    /// The plan of its run was given up.
    pub fn run_given_up(&mut self, another_is_running: bool) {
        if self.is_active() && !another_is_running {
            self.status = ExportStatus::Pending;
        }
    }

    /// A new export goes on where `stopped`, which has the same spec, was stopped: behind the runs that are resumed of it.
    pub fn go_on_behind(&mut self, stopped: &Self, resumed: &[Run]) {
        let begun = resumed.iter().map(|run| run.window.cut()).max();
        // What went on itself, and delivered nothing, hands on where it began.
        self.begins_at = stopped.delivered_cut.max(begun).max(stopped.begins_at);
        (self.planned_cut, self.predecessor) = (self.begins_at, Some(stopped.request));
    }

    /// A run of it is being worked again; an export that has ended stays so.
    pub fn run_reopened(&mut self) {
        if self.is_active() {
            self.status = ExportStatus::Running;
        }
    }

    /// Stops it. False, and nothing changes, where it has ended, or goes elsewhere than it is said to.
    pub fn stop(&mut self, into: Option<&BucketId>, reason: &StopReason, at: Timestamp) -> bool {
        if !self.is_active() || into.is_some_and(|bucket| *bucket != self.spec.bucket) {
            return false;
        }
        self.status = ExportStatus::Stopped { reason: reason.clone(), at };
        true
    }
}

impl Run {
    /// A run that is owed.
    #[must_use]
    pub fn owed(key: RunKey, window: Window, spec: &ExportSpec, zone: &ZoneName, now: Timestamp) -> Self {
        let (spec, zone) = (spec.clone(), zone.clone());
        let (status, totals) = (RunStatus::Owed, RunTotals::default());
        Self {
            key,
            window,
            spec,
            bucket_name: None,
            zone,
            status,
            plan: None,
            created_at: now,
            opened_at: None,
            closed_at: None,
            totals,
            reason: None,
            reopened: 0,
            has_manifest: false,
        }
    }

    /// Adopts a plan.
    ///
    /// # Errors
    /// [`Superseded`] where it has a plan, has ended or was opened again meanwhile.
    pub fn open(&mut self, opening: &RunOpening) -> Result<(), Superseded> {
        if opening.reopened != self.reopened || self.status != RunStatus::Owed || self.plan.is_some() {
            return Err(Superseded);
        }
        (self.plan, self.spec) = (Some(opening.plan.clone()), opening.spec.clone());
        self.bucket_name = Some(opening.bucket_name.clone());
        (self.status, self.opened_at) = (RunStatus::Running, Some(opening.now));
        Ok(())
    }

    /// Ends it. False, and nothing changes, where it has ended so already.
    ///
    /// # Errors
    /// [`Superseded`] where it has ended otherwise or was opened again meanwhile, or the status ends no run.
    pub fn close(&mut self, closing: &RunClosing) -> Result<bool, Superseded> {
        if closing.reopened != self.reopened || !closing.status.is_closed() {
            return Err(Superseded);
        }
        if self.status.is_closed() {
            return if self.status == closing.status { Ok(false) } else { Err(Superseded) };
        }
        (self.status, self.totals) = (closing.status, closing.totals);
        self.has_manifest = closing.has_manifest;
        (self.reason, self.closed_at) = (closing.reason.clone(), Some(closing.now));
        Ok(true)
    }

    /// Opens an INCOMPLETE one again; without a plan it is owed, and planned anew.
    ///
    /// # Errors
    /// [`Superseded`] for any other.
    pub fn reopen(&mut self) -> Result<(), Superseded> {
        if self.status != RunStatus::Incomplete {
            return Err(Superseded);
        }
        self.status = if self.plan.is_some() { RunStatus::Running } else { RunStatus::Owed };
        (self.totals, self.reason, self.closed_at) = (RunTotals::default(), None, None);
        self.reopened += 1;
        Ok(())
    }

    /// Opens a STOPPED one again, whose export is started again; without a plan it is owed, and planned anew. One that was
    /// not closed yet goes on, whatever whoever is about to close it has seen.
    ///
    /// # Errors
    /// [`Superseded`] for any other.
    pub fn resume(&mut self) -> Result<(), Superseded> {
        match self.status {
            RunStatus::Stopped => {
                self.status = RunStatus::Incomplete;
                self.reopen()
            }
            RunStatus::Running => {
                self.reopened += 1;
                Ok(())
            }
            _ => Err(Superseded),
        }
    }

    /// Gives the plan of a RUNNING one up: it is owed again, and what it has written so far is not part of it any more.
    /// For a run whose bucket is blocked and whose export goes into another one by now.
    ///
    /// # Errors
    /// [`Superseded`] for any other, and where it was opened again since it was looked at.
    pub fn give_up_plan(&mut self, reopened: u32) -> Result<(), Superseded> {
        if self.status != RunStatus::Running || self.reopened != reopened {
            return Err(Superseded);
        }
        (self.status, self.plan, self.bucket_name, self.opened_at) = (RunStatus::Owed, None, None, None);
        self.reopened += 1;
        Ok(())
    }
}
