//! An account with a lake whose every file is known, and the check of what its exports delivered.

use jiff::{Timestamp, civil::Date};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use spillway::{
    domain::{
        Account, AccountId, AnchorHour, Cycle, EveryHours, Export, ExportSpec, Format, Frequency, Run,
        RunStatus, Window, ZoneName,
    },
    steps::{self, Ticked},
};
use spillway_tests::harness::{ACCOUNT, EventRow, TestApp, assert_rows};

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(crate) fn recurring(hours: u8, start: Date) -> Frequency {
    Frequency::Recurring(Cycle {
        every: EveryHours::try_from(hours).unwrap(),
        start,
        anchor_hour: AnchorHour::default(),
    })
}

pub(crate) fn live(start: Date) -> Frequency {
    Frequency::Live { start }
}

pub(crate) struct Flow {
    pub(crate) app: TestApp,
    zone: ZoneName,
    rng: StdRng,
    rows: Vec<(Timestamp, EventRow)>,
}

impl Flow {
    pub(crate) async fn new(zone: &str, now: &str) -> Self {
        let app = TestApp::new().await;
        app.clock.set(at(now));
        let zone = ZoneName::new(zone).unwrap();
        let mut account = Account::new(ACCOUNT, zone.clone());
        account.shards = 24;
        app.store.put_account(&account).await.unwrap();
        Self { app, zone, rng: StdRng::seed_from_u64(7), rows: Vec::new() }
    }

    pub(crate) fn zone(&self) -> &ZoneName {
        &self.zone
    }

    pub(crate) fn spec(&self, frequency: Frequency) -> ExportSpec {
        let day = Date::constant(2026, 3, 10);
        ExportSpec { frequency, ..self.app.spec(Format::Json, day, day) }
    }

    pub(crate) async fn create(&self, frequency: Frequency) -> Export {
        let spec = self.spec(frequency);
        steps::create_export(&self.app.parts(), ACCOUNT, spec).await.unwrap().export
    }

    /// A file of some events of a day, committed now.
    pub(crate) fn commit(&mut self, day: Date) {
        let event = ["Charged", "App Launched", "Sign up ☃"][self.rng.random_range(0..3_usize)];
        self.commit_event(event, day);
    }

    pub(crate) fn commit_at(&mut self, now: &str, day: Date) {
        self.app.clock.set(at(now));
        self.commit(day);
    }

    pub(crate) fn commit_event(&mut self, event: &str, day: Date) {
        let database = self.rng.random_range(0..2);
        let count = self.rng.random_range(1..6);
        let known = self.rows.len();
        let rows: Vec<_> = (known..known + count)
            .map(|id| EventRow::random(&mut self.rng, id.to_string(), event, day, database))
            .collect();
        let spec = spillway_tests::harness::FileSpec { committed: self.app.now(), ..self.app.file(4) };
        self.app.lake.write_events(&spec, &rows);
        self.rows.extend(rows.into_iter().map(|row| (spec.committed, row)));
    }

    /// When the lake took its rows.
    pub(crate) fn committed(&self) -> impl Iterator<Item = Timestamp> {
        self.rows.iter().map(|(committed, _)| *committed)
    }

    pub(crate) async fn tick(&self) -> Ticked {
        steps::tick(&self.app.parts()).await.unwrap()
    }

    pub(crate) async fn tick_at(&self, now: &str) -> Ticked {
        self.app.clock.set(at(now));
        self.tick().await
    }

    pub(crate) async fn export(&self, export: &Export) -> Export {
        self.app.store.export(export.account, export.request).await.unwrap().unwrap()
    }

    pub(crate) async fn runs(&self, export: &Export) -> Vec<Run> {
        self.app.store.runs(export.account, export.request).await.unwrap()
    }

    /// Makes an account's settings unreadable.
    pub(crate) fn damage_account(&self, account: AccountId) {
        let file = self.app.folder().join("state.sqlite");
        let sql = "UPDATE accounts SET doc = '{' WHERE account = ?1";
        rusqlite::Connection::open(file).unwrap().execute(sql, [account.0.cast_signed()]).unwrap();
    }

    /// Asserts that the runs' windows follow each other from `begin` on, and that each delivered just the rows of its
    /// window that its spec wants. Gives the runs.
    pub(crate) async fn check(&self, export: &Export, begin: &str) -> Vec<Run> {
        let (runs, mut end) = (self.runs(export).await, at(begin));
        assert!(!runs.is_empty());
        for run in &runs {
            let Window::Committed { after, upto } = run.window else { panic!("{run:?}") };
            assert_eq!(after, end, "windows follow each other");
            assert!(after < upto, "{run:?}");
            end = upto;
            let of_window =
                self.rows.iter().filter(|(committed, _)| after < *committed && *committed <= upto);
            let wanted = of_window.filter(|(_, row)| run.spec.data.wants_event(&row.event));
            let wanted: Vec<_> = wanted.map(|(_, row)| row.clone()).collect();
            let status = if wanted.is_empty() { RunStatus::Empty } else { RunStatus::Done };
            assert_eq!(run.status, status, "{run:?}");
            assert_rows(&self.app.delivered(run.key).await, &wanted);
        }
        assert_eq!(self.export(export).await.planned_cut, Some(end));
        runs
    }
}
