//! What customers see and set before and while exports run: the catalogue, estimates, settings, repeats and progress.
#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "customers/catalogue.rs"]
mod catalogue;
#[path = "customers/estimates.rs"]
mod estimates;
#[path = "customers/progress.rs"]
mod progress;
#[path = "customers/repeats.rs"]
mod repeats;
#[path = "customers/settings.rs"]
mod settings;

use std::sync::Arc;

use async_trait::async_trait;
use jiff::{Timestamp, civil::Date};
use rand::{SeedableRng, rngs::StdRng};
use spillway::{
    domain::{Footer, LakeFile, Slice},
    ports::{Lake, LakeError, LakeQuery, LakeRows},
    steps::Parts,
};
use spillway_tests::harness::{EventRow, FileSpec, TestApp};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A file of some events of a day, committed at an instant. Gives its path.
fn commit(app: &TestApp, committed: Timestamp, event: &str, day: Date, rows: usize) -> String {
    let mut rng = StdRng::seed_from_u64(rows as u64);
    let id = |n: usize| format!("{event}-{day}-{n}");
    let rows: Vec<_> = (0..rows).map(|n| EventRow::random(&mut rng, id(n), event, day, 3)).collect();
    app.lake.write_events(&FileSpec { committed, ..app.file(4) }, &rows)
}

/// A lake that nobody may touch.
struct Untouchable;

#[async_trait]
impl Lake for Untouchable {
    async fn now(&self) -> Result<Timestamp, LakeError> {
        panic!("the lake's clock was asked")
    }

    async fn list(&self, _: &LakeQuery) -> Result<Vec<LakeFile>, LakeError> {
        panic!("the lake was listed")
    }

    async fn committed(&self, _: &str) -> Result<Timestamp, LakeError> {
        panic!("the lake was listed")
    }

    async fn footer(&self, _: &str) -> Result<Footer, LakeError> {
        panic!("a lake file was read")
    }

    fn rows(&self, _: &Slice, _: &[&str]) -> Box<dyn LakeRows> {
        panic!("a lake file was read")
    }
}

/// The app's parts, but for the lake.
fn without_lake(app: &TestApp) -> Parts {
    Parts { lake: Arc::new(Untouchable), ..app.parts() }
}
