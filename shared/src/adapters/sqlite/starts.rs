//! Exports that were stopped by failure go on.

use rusqlite::Connection;

use super::{buckets, exports, runs};
use crate::{
    domain::{Export, Run, RunKey, RunStatus, RunTimestamp, Superseded},
    ports::{NewExport, Origin, StartAgain, StartedAgain, StoreError},
};

pub(super) fn start_again(connection: &Connection, start: &StartAgain) -> Result<StartedAgain, StoreError> {
    let &StartAgain { account, request, now, next_due_at, .. } = start;
    let mut stopped = exports::existing(connection, account, request)?;
    if let Some(successor) = stopped.successor {
        let resumed = stopped.resumed_runs.iter().map(|run| RunKey { account, request, run: *run }).collect();
        return Ok(StartedAgain { export: exports::existing(connection, account, successor)?, resumed });
    }
    let mut resumed = runs::ended_so(connection, account, request, RunStatus::Stopped)?;
    // A one-time run that was never begun is owed.
    resumed.retain(|run| stopped.is_one_time() || run.plan.is_some());
    // What was not closed yet goes on too.
    let open = runs::open_of(connection, account, request)?;
    resumed.extend(open.into_iter().filter(|run| run.status == RunStatus::Running));
    // What is INCOMPLETE may still be retried under its own name; nobody works it before that.
    let incomplete = runs::ended_so(connection, account, request, RunStatus::Incomplete)?;
    let begun: Vec<RunTimestamp> = resumed.iter().chain(&incomplete).map(|run| run.key.run).collect();
    let conflict = |Superseded| StoreError::Conflict(exports::name(account, request));
    let successor = if stopped.is_one_time() {
        buckets::existing(connection, account, &stopped.spec.bucket)?;
        None
    } else {
        // Asked first, so that nothing is created for one that may not be started again.
        stopped.clone().start_again(&begun, Some(request)).map_err(conflict)?;
        let origin = Origin { created_by: start.started_by.clone(), repeatable: None };
        let new = NewExport { account, spec: stopped.spec.clone(), now, next_due_at, origin };
        let mut successor = exports::create(connection, &new)?;
        successor.go_on_behind(&stopped, &resumed);
        exports::save(connection, &successor)?;
        Some(successor)
    };
    stopped.start_again(&begun, successor.as_ref().map(|export| export.request)).map_err(conflict)?;
    exports::save(connection, &stopped)?;
    let resumed = resume(connection, resumed)?;
    let export: Export = successor.unwrap_or(stopped);
    Ok(StartedAgain { export, resumed })
}

fn resume(connection: &Connection, resumed: Vec<Run>) -> Result<Vec<RunKey>, StoreError> {
    let mut keys = Vec::new();
    for mut run in resumed {
        run.resume().map_err(|Superseded| StoreError::Conflict(runs::name(run.key)))?;
        runs::save(connection, &run)?;
        keys.push(run.key);
    }
    Ok(keys)
}
