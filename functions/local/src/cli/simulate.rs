//! The flags of `spillway simulate`.

use clap::{Subcommand, ValueEnum};

pub(crate) const EXAMPLES: &str = "\
Examples:
  spillway simulate scale --chunks 100000
  spillway simulate scale --chunks 1000000 --plan-only --json
  spillway simulate failures --hours 720 --seed 1

Nothing of a home is touched. With --home its files stay, in a new folder below simulations/.";

const SCALE_EXAMPLES: &str = "\
Examples:
  spillway simulate scale --chunks 100000
  FIRESTORE_EMULATOR_HOST=127.0.0.1:8080 spillway simulate scale --chunks 1000 --store firestore

The exit status is 1 if a row was lost or doubled.";

const FAILURES_EXAMPLES: &str = "\
Examples:
  spillway simulate failures --hours 720 --seed 1 --json

The exit status is 1 if a window was lost or delivered twice, or the mails are not those that the rule says.";

const COST_EXAMPLES: &str = "\
Examples:
  spillway simulate cost
  tests/bench/run --json > figures.json && spillway simulate cost --figures figures.json";

#[derive(Debug, clap::Args)]
pub(crate) struct SimulateArgs {
    #[command(subcommand)]
    pub(crate) simulation: SimulationArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SimulationArgs {
    /// Plan and work a run of many chunks, each of one row
    #[command(after_help = SCALE_EXAMPLES)]
    Scale(ScaleArgs),
    /// Let buckets, mail server, scheduler and clock of an account fail for a while
    #[command(after_help = FAILURES_EXAMPLES)]
    Failures(FailuresArgs),
    /// What encoding a terabyte costs on Cloud Run, by measured CPU time, beside other programs
    #[command(after_help = COST_EXAMPLES)]
    Cost(CostArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct FailuresArgs {
    /// For how many hours things fail; then all is mended, and goes on until nothing is open
    #[arg(long, default_value_t = 720, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) hours: u32,
    /// What happens is made of this number: the same number, the same happenings
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// One bucket stays broken to the end: what its exports owe is listed as owed
    #[arg(long)]
    pub(crate) leave_broken: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum StoreArg {
    /// A file
    Sqlite,
    /// Firestore, or its emulator where FIRESTORE_EMULATOR_HOST names one
    Firestore,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ScaleArgs {
    /// How many chunks: 85 MB each if they were real, so 11,765 a terabyte
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    pub(crate) chunks: u64,
    /// Where the state is kept
    #[arg(long, default_value = "sqlite")]
    pub(crate) store: StoreArg,
    /// The Google Cloud project of the store [default: spillway-simulate, which the emulator knows unseen]
    #[arg(long)]
    pub(crate) project: Option<String>,
    /// How many messages are worked at once
    #[arg(long, default_value_t = 8, value_parser = parse_workers)]
    pub(crate) workers: usize,
    /// Stop once the plan is stored
    #[arg(long)]
    pub(crate) plan_only: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct CostArgs {
    /// What `tests/bench/run --json` printed on your machine [default: what it found on the machine that README names]
    #[arg(long, value_name = "FILE")]
    pub(crate) figures: Option<std::path::PathBuf>,
}

fn parse_workers(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(workers @ 1..=256) => Ok(workers),
        _ => Err("give a number from 1 to 256".to_owned()),
    }
}
