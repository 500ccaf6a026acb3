//! `spillway simulate failures`: hours of an account whose buckets fail, whose mail server, scheduler and clock do too, over
//! the real steps, store and vault. Afterwards each window must have been delivered once, or be listed as owed, and the
//! mails must be those that the rule says, as an oracle reckons them that knows the world and nothing of the engine.

mod audit;
mod buckets;
mod clocks;
mod customer;
mod faults;
mod lake;
mod oracle;
mod parts;
mod watch;
mod world;

use std::{path::Path, process::ExitCode};

use serde::Serialize;

use self::{audit::Audit, world::World};
use crate::{cli::FailuresArgs, output::Output};

/// For how many hours after the last fault the world goes on, at most.
const MENDING_HOURS: u32 = 240;

/// For how many where one bucket stays broken, at least and at most: fewer than after which its exports are stopped again.
const BROKEN_LEAST: u32 = 26;
const BROKEN_HOURS: u32 = 70;

/// What a simulation found.
#[derive(Debug, Serialize)]
struct Report {
    seed: u64,
    hours: u32,
    /// Things that happened: faults, mendings, moves.
    happenings: u64,
    windows: u64,
    delivered: u64,
    owed: u64,
    /// Rows of finished windows that are in no listed file.
    lost: u64,
    /// Times that rows are in listed files beyond once.
    doubled: u64,
    /// Mails that the server took.
    mails: u64,
    /// Mails that there must be.
    mails_expected: u64,
    /// Mails that were taken twice, or never.
    mails_wrong: u64,
    /// Exports that were stopped after three days, and started again.
    stopped: u64,
    incidents: u64,
    /// Statuses that do not say what is so, and stories that were told otherwise than the oracle says.
    lies: Vec<String>,
}

pub(super) async fn run(folder: &Path, output: &Output, args: &FailuresArgs) -> anyhow::Result<ExitCode> {
    let mut world = World::open(folder, args.seed).await?;
    let happenings = faults::happenings(args.seed, args.hours, world.bucket_count());
    let mut next = happenings.iter().peekable();
    for hour in 0..args.hours {
        let mut now = Vec::new();
        while let Some((_, happening)) = next.next_if(|(at, _)| *at <= hour) {
            now.push(happening);
        }
        world.hour(&now).await?;
    }
    world.mend(args.leave_broken);
    for hour in 0..if args.leave_broken { BROKEN_HOURS } else { MENDING_HOURS } {
        world.hour(&[]).await?;
        if (!args.leave_broken || hour >= BROKEN_LEAST) && world.is_settled().await? {
            break;
        }
    }
    let lies = [world.untold().await?, world.lies()].concat();
    let audit = world.audit().await?;
    report(args, happenings.len() as u64, &world, audit, lies).await?.print(output)
}

async fn report(
    args: &FailuresArgs,
    happenings: u64,
    world: &World,
    audit: Audit,
    untold: Vec<String>,
) -> anyhow::Result<Report> {
    Ok(Report {
        seed: args.seed,
        hours: args.hours,
        happenings,
        windows: audit.windows,
        delivered: audit.delivered,
        owed: audit.owed,
        lost: audit.lost,
        doubled: audit.doubled,
        mails: audit.mails,
        mails_expected: world.mails_expected(),
        mails_wrong: audit.mails_wrong,
        stopped: world.stopped(),
        incidents: world.incident_count().await?,
        lies: audit.lies.into_iter().chain(untold).collect(),
    })
}

impl Report {
    fn is_well(&self) -> bool {
        let sums = [self.lost, self.doubled, self.mails_wrong, self.windows - self.delivered - self.owed];
        sums == [0; 4] && self.mails == self.mails_expected && self.lies.is_empty()
    }

    fn print(&self, output: &Output) -> anyhow::Result<ExitCode> {
        if output.is_json() {
            output.result(self)?;
        } else {
            let Self { hours, seed, happenings, windows, delivered, owed, .. } = self;
            let Self { lost, doubled, mails, mails_expected, mails_wrong, stopped, incidents, .. } = self;
            output.line(format!(
                "{hours} hours of seed {seed}, in which {happenings} things happened\n\
                 windows   {windows}: {delivered} delivered, {owed} owed\n\
                 rows      {lost} lost, {doubled} doubled\n\
                 incidents {incidents}; exports stopped and started again: {stopped}\n\
                 mails     {mails} of {mails_expected}, {mails_wrong} twice or never"
            ))?;
            for lie in &self.lies {
                output.line(format!("wrong: {lie}"))?;
            }
        }
        Ok(if self.is_well() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}
