//! Waiting for a run to end.

use std::time::Duration;

use spillway::{
    domain::{BucketState, Run, RunKey},
    ports::{ChunkQueue, Work},
};

use crate::system::System;

const LOOK_EVERY: Duration = Duration::from_millis(100);

/// How often a planned run is looked after, in looks. Another process of this home may have taken the last chunk and
/// ended before it could finish the run.
const LOOKS_PER_CARE: u32 = 50;

/// Waits until a run has ended, or cannot go on because its bucket is blocked.
pub(crate) async fn until_ended(system: &System, key: RunKey) -> anyhow::Result<Run> {
    until(system, key, true).await
}

/// Waits until a run of a stopped export has ended: that does not wait for a blocked bucket.
pub(crate) async fn until_stopped(system: &System, key: RunKey) -> anyhow::Result<Run> {
    until(system, key, false).await
}

async fn until(system: &System, key: RunKey, or_blocked: bool) -> anyhow::Result<Run> {
    let mut tick = tokio::time::interval(LOOK_EVERY);
    let mut is_planned = false;
    let mut looks = 0_u32;
    loop {
        tick.tick().await;
        looks = looks.wrapping_add(1);
        if is_planned && looks.is_multiple_of(LOOKS_PER_CARE) {
            system.queue.send(Work::Run { run: key }).await?;
        }
        let run = system.store().run(key).await?;
        let run = run.ok_or_else(|| anyhow::anyhow!("run {key} of account {} is gone", key.account))?;
        if let (false, Some(plan)) = (is_planned, &run.plan) {
            system.progress.expect(key, plan.estimated_bytes);
            is_planned = true;
        }
        let bucket = system.store().bucket(key.account, &run.spec.bucket).await?;
        let blocked = bucket.is_some_and(|bucket| matches!(bucket.state, BucketState::Blocked { .. }));
        if run.status.is_closed() || (or_blocked && blocked) {
            system.progress.end(key);
            return Ok(run);
        }
    }
}
