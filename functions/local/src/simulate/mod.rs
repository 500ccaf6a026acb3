//! `spillway simulate`: what the engine would do at sizes that no laptop holds, and in months of failure. The steps, the
//! planner and the store are the real ones; the lake and the buckets are made up.

mod buckets;
mod cost;
mod counts;
mod failures;
mod lake;
mod memory;
mod metered;
mod report;
mod row;
mod scale;
mod wiring;

use std::{
    fs::Permissions,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context;
use tempfile::{Builder, TempDir};

use crate::{
    cli::{DEFAULT_HOME, SimulateArgs, SimulationArgs, StoreArg},
    interrupt::Interrupts,
    output::Output,
};

/// Which store.
enum StoreKind {
    Sqlite,
    Firestore { project: Option<String> },
}

pub(crate) async fn run(home: &Path, output: &Output, args: SimulateArgs) -> anyhow::Result<ExitCode> {
    let mut interrupts = Interrupts::listen()?;
    let folder = Folder::new(home)?;
    let simulated = async {
        match args.simulation {
            SimulationArgs::Scale(args) => scale::run(folder.path(), output, &args).await,
            SimulationArgs::Failures(args) => failures::run(folder.path(), output, &args).await,
            SimulationArgs::Cost(args) => cost::run(output, &args),
        }
    };
    tokio::select! {
        code = simulated => code,
        () = interrupts.next() => anyhow::bail!("interrupted; a simulation is not resumed"),
    }
}

impl StoreKind {
    fn of(store: StoreArg, project: Option<&String>) -> Self {
        match store {
            StoreArg::Sqlite => Self::Sqlite,
            StoreArg::Firestore => Self::Firestore { project: project.cloned() },
        }
    }
}

/// Where a simulation keeps its files: in a home that was asked for they stay, else they go with it.
enum Folder {
    Temporary(TempDir),
    Kept(PathBuf),
}

impl Folder {
    fn new(home: &Path) -> anyhow::Result<Self> {
        if home == Path::new(DEFAULT_HOME) {
            return Ok(Self::Temporary(private("spillway-simulate-").tempdir()?));
        }
        let root = crate::home::Home::open(home)?.simulations();
        std::fs::create_dir_all(&root).with_context(|| format!("{} cannot be made", root.display()))?;
        Ok(Self::Kept(private("run-").tempdir_in(root)?.keep()))
    }

    fn path(&self) -> &Path {
        match self {
            Self::Temporary(folder) => folder.path(),
            Self::Kept(folder) => folder,
        }
    }
}

fn private(prefix: &str) -> Builder<'_, '_> {
    let mut builder = Builder::new();
    builder.prefix(prefix).permissions(Permissions::from_mode(0o700));
    builder
}
