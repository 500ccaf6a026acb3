//! What Cloud Scheduler does in the cloud: ticks of the scheduler and of the checker, for as long as the process runs.

use std::{collections::BTreeMap, time::Duration};

use spillway::{
    domain::RunKey,
    steps::{self, Parts},
};

use crate::origins::{Origins, Places};

/// How often due exports are looked for. In the cloud this is an hour (five minutes for live exports), which a
/// newcomer at a laptop would take for a fault.
const TICK_EVERY: Duration = Duration::from_secs(10);

/// How often what was published and is still unfinished is looked through.
const CHECK_EVERY: Duration = Duration::from_secs(60);

/// Creates the runs that are due until the process ends.
pub(super) async fn tick(parts: &Parts) -> anyhow::Result<()> {
    let mut interval = tokio::time::interval(TICK_EVERY);
    // What went wrong with an export is told once, not with each tick.
    let mut told: BTreeMap<_, String> = BTreeMap::new();
    while beat(parts, &mut interval).await {
        let ticked = match steps::tick(parts).await {
            Ok(ticked) => ticked,
            Err(error) => {
                tracing::warn!(%error, "the scheduler's tick broke off; the next one goes on");
                continue;
            }
        };
        for run in &ticked.created {
            tracing::info!(account = %run.account, run = %run, "a run is due");
        }
        let mut failed = BTreeMap::new();
        for (account, request, error) in ticked.failed {
            let error = error.to_string();
            if told.get(&(account, request)) != Some(&error) {
                tracing::warn!(%account, %request, error, "an export's next run could not be created");
            }
            failed.insert((account, request), error);
        }
        told = failed;
    }
    Ok(())
}

/// Publishes again what was lost, and finishes what nobody has finished, of runs with the given places.
pub(super) async fn check(parts: &Parts, origins: &Origins, places: &Places) -> anyhow::Result<()> {
    let mut interval = tokio::time::interval(CHECK_EVERY);
    while beat(parts, &mut interval).await {
        match steps::sweep(parts, |run| is_ours(origins, places, run)).await {
            Ok(swept) => {
                for (run, error) in swept.failed {
                    tracing::warn!(%error, %run, "a run could not be gone on with");
                }
            }
            Err(error) => {
                tracing::warn!(%error, "unfinished runs could not be looked through; they are looked at again");
            }
        }
    }
    Ok(())
}

fn is_ours(origins: &Origins, places: &Places, run: RunKey) -> bool {
    match origins.of(run) {
        Ok(of_run) => of_run == *places,
        Err(error) => {
            tracing::warn!(%error, %run, "from where a run reads is not known; it is looked at again");
            false
        }
    }
}

/// Waits for the next beat; false when the process is ending.
async fn beat(parts: &Parts, interval: &mut tokio::time::Interval) -> bool {
    tokio::select! {
        _ = interval.tick() => true,
        () = parts.shutdown.cancelled() => false,
    }
}
