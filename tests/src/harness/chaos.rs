//! A storm over a run: messages doubled, shuffled and lost, workers killed and failing at any await, two at once,
//! two planners, time passing. Then it calms down, and the run must end as if nothing had been.

use rand::{RngExt, SeedableRng, rngs::StdRng};
use spillway::{
    domain::{Format, Packaging, Run, RunKey},
    ports::Work,
    steps::{self, Handled, Options},
};

use super::{
    app::{TestApp, Worker},
    gate::{Outcome, Strike},
    rows::EventRow,
};
use jiff::civil::{Date, date};

/// Names that become the same one in file names, and others that are hard.
const EVENTS: [&str; 6] =
    ["Product Viewed", "Product/Viewed", "Product-Viewed", "Charged", "見た 💧", "..\\[x]"];

/// What a storm goes over; all of it follows from the seed.
#[derive(Debug, Clone)]
pub struct ChaosCase {
    /// Names the case.
    pub seed: u64,
    /// The files' format.
    pub format: Format,
    /// How they are packed.
    pub packaging: Packaging,
    /// The limits.
    pub options: Options,
    /// Another version of us, which ends files elsewhere.
    pub other_version: Option<Options>,
    /// Whether the key may read objects.
    pub may_look: bool,
    /// The rows by lake file.
    pub files: Vec<Vec<EventRow>>,
    /// Rows a row group.
    pub group_rows: usize,
}

/// A storm.
pub struct Chaos {
    rng: StdRng,
    other_version: Option<Options>,
    /// What happened, for the report of a case that fails.
    pub log: Vec<String>,
}

impl ChaosCase {
    /// The first day of the data.
    pub const FIRST: Date = date(2026, 3, 7);
    /// The last day of the data.
    pub const LAST: Date = date(2026, 3, 9);

    /// The case of a seed.
    #[must_use]
    pub fn new(seed: u64, base: Options) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let format = Format::ALL[rng.random_range(0..4)];
        let packaging = if rng.random() { Packaging::Gzip } else { Packaging::Plain };
        // Parquet needs room for its footer.
        let scale = if format == Format::Parquet { 10 } else { 1 };
        let limit = rng.random_range(3_000..9_000) * scale;
        let mut options = Options { file_limit_bytes: limit, ..base };
        options.plan.target_bytes = rng.random_range(1_000..20_000) * scale;
        options.plan.files = rng.random_range(1..5);
        options.plan.message_chunks = rng.random_range(1..4);
        options.outstanding_messages = rng.random_range(1..4);
        let may_look = rng.random_bool(0.7);
        let other_limit = limit - rng.random_range(100..1_000) * scale;
        let other_version = (may_look && rng.random_bool(0.5))
            .then_some(Options { file_limit_bytes: other_limit, ..options });
        let mut files = Vec::new();
        for file in 0..rng.random_range(1..9) {
            let event = EVENTS[rng.random_range(0..EVENTS.len())];
            let day = [date(2026, 3, 7), date(2026, 3, 8), date(2026, 3, 9)][rng.random_range(0..3)];
            let database = rng.random_range(0..3);
            let rows = 0..rng.random_range(1..90);
            let row = |row| EventRow::random(&mut rng, format!("{file}-{row}"), event, day, database);
            files.push(rows.map(row).collect());
        }
        let group_rows = rng.random_range(3..60);
        Self { seed, format, packaging, options, other_version, may_look, files, group_rows }
    }

    /// All rows.
    #[must_use]
    pub fn rows(&self) -> Vec<EventRow> {
        self.files.concat()
    }

    /// Sets an app up for the case and creates the export.
    pub async fn begin(&self, app: &mut TestApp) -> Run {
        app.options = self.options;
        app.buckets.forbid_looking(!self.may_look);
        app.buckets.refuse_early(self.seed.is_multiple_of(2));
        for (number, rows) in self.files.iter().enumerate() {
            let mut file = app.file(self.group_rows);
            file.lists_keys = number % 3 != 0;
            app.lake.write_events(&file, rows);
        }
        let mut spec = app.spec(self.format, Self::FIRST, Self::LAST);
        spec.packaging = self.packaging;
        app.export(spec).await.1
    }

    /// The storm of the case.
    #[must_use]
    pub fn storm(&self) -> Chaos {
        let rng = StdRng::seed_from_u64(!self.seed);
        Chaos { rng, other_version: self.other_version, log: Vec::new() }
    }
}

impl Chaos {
    /// One thing after the other goes wrong.
    pub async fn rage(&mut self, app: &TestApp, run: RunKey, blows: usize) {
        for _ in 0..blows {
            match self.rng.random_range(0..20) {
                0 => self.lose(app),
                1 => self.double(app),
                2 => app.queue.put(Work::Run { run }),
                3 => {
                    let run = app.run(run).await;
                    let lost_before = app.now();
                    if let Err(error) = steps::republish(&app.parts(), &run, lost_before).await {
                        self.log.push(format!("republish: {error}"));
                    }
                }
                4 => app.advance_secs(self.rng.random_range(0..700)),
                5..=7 => self.two_at_once(app).await,
                _ => self.one(app).await,
            }
        }
    }

    fn lose(&mut self, app: &TestApp) {
        let lost = app.queue.take(self.rng.random_range(0..1_000));
        self.log.push(format!("lost {lost:?}"));
    }

    fn double(&mut self, app: &TestApp) {
        if let Some(work) = app.queue.take(self.rng.random_range(0..1_000)) {
            self.log.push(format!("doubled {work:?}"));
            app.queue.put(work.clone());
            app.queue.put(work);
        }
    }

    fn next(&mut self, app: &TestApp) -> Option<Work> {
        app.queue.take(self.rng.random_range(0..1_000))
    }

    /// A worker of some version, which may be struck at some await.
    fn worker(&mut self, app: &TestApp) -> (Worker, Option<(u64, Strike)>) {
        let mut worker = app.worker();
        if let Some(options) = self.other_version.filter(|_| self.rng.random()) {
            worker.parts.options = options;
        }
        let strike = self.rng.random_bool(0.6).then(|| {
            let kind = if self.rng.random() { Strike::Kill } else { Strike::Fail };
            // Most steps pass few points, those over several chunks hundreds.
            let within = [12, 40, 150][self.rng.random_range(0..3)];
            (self.rng.random_range(0..within), kind)
        });
        if let Some((nth, kind)) = strike {
            worker.gate.arm(nth, kind);
        }
        (worker, strike)
    }

    async fn one(&mut self, app: &TestApp) {
        let Some(work) = self.next(app) else { return };
        let (worker, strike) = self.worker(app);
        let outcome = worker.gate.run(steps::handle(&worker.parts, &work)).await;
        self.settle(app, work, strike, outcome);
    }

    /// Two workers, on the same message or on two.
    async fn two_at_once(&mut self, app: &TestApp) {
        let Some(first) = self.next(app) else { return };
        let second = if self.rng.random() { first.clone() } else { self.next(app).unwrap_or(first.clone()) };
        let ((one, one_struck), (two, two_struck)) = (self.worker(app), self.worker(app));
        let (a, b) = tokio::join!(
            one.gate.run(steps::handle(&one.parts, &first)),
            two.gate.run(steps::handle(&two.parts, &second))
        );
        self.settle(app, first, one_struck, a);
        self.settle(app, second, two_struck, b);
    }

    fn settle(
        &mut self,
        app: &TestApp,
        work: Work,
        strike: Option<(u64, Strike)>,
        outcome: Outcome<Result<Handled, steps::StepError>>,
    ) {
        self.log.push(format!("{work:?} struck {strike:?}: {outcome:?}"));
        let again = !matches!(outcome, Outcome::Ended(Ok(Handled::Done)));
        // Now and then even a message that was not acknowledged is lost.
        if again && !self.rng.random_bool(0.1) {
            app.queue.put(work);
        }
    }
}
