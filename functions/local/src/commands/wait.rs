//! Waiting for a run to end.

use std::time::Duration;

use spillway::domain::{BucketState, Run, RunKey};

use crate::system::System;

const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Waits until a run has ended, or cannot go on because its bucket is blocked.
pub(crate) async fn until_ended(system: &System, key: RunKey) -> anyhow::Result<Run> {
    let mut tick = tokio::time::interval(LOOK_EVERY);
    let mut is_planned = false;
    loop {
        tick.tick().await;
        let run = system.store().run(key).await?;
        let run = run.ok_or_else(|| anyhow::anyhow!("run {key} of account {} is gone", key.account))?;
        if let (false, Some(plan)) = (is_planned, &run.plan) {
            system.progress.expect(key, plan.estimated_bytes);
            is_planned = true;
        }
        let bucket = system.store().bucket(key.account, &run.spec.bucket).await?;
        let blocked = bucket.is_some_and(|bucket| matches!(bucket.state, BucketState::Blocked { .. }));
        if run.status.is_closed() || blocked {
            system.progress.end(key);
            return Ok(run);
        }
    }
}
