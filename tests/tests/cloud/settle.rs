//! Until nothing is left to do, and what has to hold then.

use std::time::{Duration, Instant};

use spillway::{
    domain::{ChunkState, RequestId, Run, RunStatus},
    encode::FILE_LIMIT_BYTES,
};
use spillway_tests::harness::{Delivered, assert_rows, delivered};

use crate::{customer::Customer, world::World};

/// How long everything may take to come to rest.
const REST_WITHIN: Duration = Duration::from_secs(240);
/// For how long nothing may happen before time is moved on.
const STILL: Duration = Duration::from_secs(4);
/// By how much: past the end of every lease, and past what counts as lost.
const STEP_SECS: i64 = 16 * 60;
/// How often is looked.
const LOOK_EVERY: Duration = Duration::from_millis(100);

impl World {
    /// Waits until no run is open and both queues are empty. Where nothing happens any more, time moves on by a quarter
    /// of an hour, and the timers call, as they would.
    pub(crate) async fn settle(&self) {
        let began = Instant::now();
        let (mut seen, mut since) = (None, Instant::now());
        loop {
            let open = self.store.open_run_keys().await.unwrap();
            let book = self.proxy.book();
            if open.is_empty() && book.open() == 0 && self.queues_are_empty().await {
                return;
            }
            assert!(began.elapsed() < REST_WITHIN, "it does not come to rest: {open:?}, {book:?}");
            let now = (open, book.taken());
            if seen.as_ref() != Some(&now) {
                (seen, since) = (Some(now), Instant::now());
            } else if since.elapsed() > STILL {
                self.advance(STEP_SECS);
                // Nobody may be there to answer; the next call comes.
                self.timer("scheduler-1", "tick").await;
                self.timer("checker", "check").await;
                since = Instant::now();
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Whether a mark that is published last comes through both topics and finds nothing waiting.
    async fn queues_are_empty(&self) -> bool {
        let mark = format!("{:016x}", rand::random::<u64>());
        let marks = ["chunks", "wakeups"].map(|topic| format!("{mark}-{topic}"));
        for (topic, mark) in ["chunks", "wakeups"].into_iter().zip(&marks) {
            self.topics.mark(topic, mark).await;
        }
        let began = Instant::now();
        while !marks.iter().all(|mark| self.proxy.has_seen(mark)) {
            assert!(began.elapsed() < REST_WITHIN, "a mark does not come through");
            tokio::time::sleep(LOOK_EVERY / 4).await;
        }
        self.proxy.book().open() == 0
    }

    /// All runs of an export.
    pub(crate) async fn runs(&self, customer: &Customer, request: RequestId) -> Vec<Run> {
        self.store.runs(customer.account, request).await.unwrap()
    }

    /// The runs of an export are closed, and together their files hold the rows that the lake has for them, once each;
    /// no lease is left. Gives what was delivered.
    pub(crate) async fn check(&self, customer: &Customer, request: RequestId) -> Vec<Delivered> {
        let (objects, mut all) = (self.objects(), Vec::new());
        for run in self.runs(customer, request).await {
            let status = run.status;
            assert!(
                matches!(status, RunStatus::Done | RunStatus::Empty),
                "{:?}: {status:?} {:?}",
                run.key,
                run.reason
            );
            let delivered = delivered(&*self.store, self.now(), FILE_LIMIT_BYTES, run.key, &objects).await;
            let expected = self.data.of(customer.account, run.window);
            assert_rows(&delivered, &expected);
            assert_eq!(expected.is_empty(), status == RunStatus::Empty);
            self.no_lease_is_left(&run).await;
            all.push(delivered);
        }
        assert!(!all.is_empty(), "{request} has no run");
        all
    }

    /// Not even one that has ended by itself.
    async fn no_lease_is_left(&self, run: &Run) {
        let Some(plan) = &run.plan else { return };
        let page = self.store.chunks(run.key, &plan.token, None, 100_000).await.unwrap();
        for chunk in page.chunks {
            assert!(!matches!(chunk.state(), ChunkState::Leased(_)), "{} is leased", chunk.object_name());
        }
    }

    /// A one-time export ended well, with some rows.
    pub(crate) async fn check_done(&self, customer: &Customer, request: RequestId) {
        let runs = self.check(customer, request).await;
        assert_eq!(runs.len(), 1);
        assert!(runs[0].run.totals.rows > 0, "nothing was delivered");
        assert_eq!(customer.export(request).await["status"], "DONE");
    }
}
