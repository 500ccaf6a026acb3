//! Exports that were stopped by failure go on.

use super::{
    buckets,
    exports::{self, Known},
    faults::Fault,
    runs,
    transaction::Transaction,
};
use crate::{
    domain::{RunKey, RunStatus, RunTimestamp, Superseded},
    ports::{NewExport, Origin, StartAgain, StartedAgain, StoreError},
};

pub(super) async fn start_again(tx: &Transaction, start: &StartAgain) -> Result<StartedAgain, Fault> {
    let &StartAgain { account, request, now, next_due_at, .. } = start;
    let mut stopped = exports::existing(tx, account, request).await?;
    if let Some(successor) = stopped.export.successor {
        let key = |run: &RunTimestamp| RunKey { account, request, run: *run };
        let resumed = stopped.export.resumed_runs.iter().map(key).collect();
        return Ok(StartedAgain { export: exports::existing(tx, account, successor).await?.export, resumed });
    }
    let is_one_time = stopped.export.is_one_time();
    let mut resumed = runs::ended_so(tx, account, request, RunStatus::Stopped).await?;
    // A one-time run that was never begun is owed.
    resumed.retain(|run| is_one_time || run.plan.is_some());
    // What was not closed yet goes on too.
    let open = runs::open_of(tx, account, request).await?;
    resumed.extend(open.into_iter().filter(|run| run.status == RunStatus::Running));
    // What is INCOMPLETE may still be retried under its own name; nobody works it before that.
    let incomplete = runs::ended_so(tx, account, request, RunStatus::Incomplete).await?;
    let begun: Vec<RunTimestamp> = resumed.iter().chain(&incomplete).map(|run| run.key.run).collect();
    let conflict = |Superseded| StoreError::Conflict(exports::name(account, request));
    let successor = if is_one_time {
        // It becomes active, as one that is created does.
        buckets::existing(tx, account, &stopped.export.spec.bucket).await?;
        buckets::guard(tx, account).await?;
        None
    } else {
        // Asked first, so that nothing is created for one that may not be started again.
        stopped.export.clone().start_again(&begun, Some(request)).map_err(conflict)?;
        let origin = Origin { created_by: start.started_by.clone(), repeatable: None };
        let new = NewExport { account, spec: stopped.export.spec.clone(), now, next_due_at, origin };
        let mut successor: Known = exports::create(tx, &new).await?;
        successor.export.go_on_behind(&stopped.export, &resumed);
        exports::save_new(tx, &successor);
        Some(successor.export)
    };
    stopped.export.start_again(&begun, successor.as_ref().map(|export| export.request)).map_err(conflict)?;
    exports::save(tx, &stopped);
    let mut keys = Vec::new();
    for mut run in resumed {
        run.resume().map_err(|Superseded| StoreError::Conflict(runs::name(run.key)))?;
        runs::save(tx, &run);
        keys.push(run.key);
    }
    Ok(StartedAgain { export: successor.unwrap_or(stopped.export), resumed: keys })
}
