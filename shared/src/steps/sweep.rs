//! Blocked buckets are looked at again, runs whose messages were lost get them again, runs that nobody has finished are
//! finished, and keys that nobody waits for are forgotten.
//!
//! Two rounds at once do no harm: what is published is claimed in the store, and a run is closed once.

use std::collections::BTreeSet;

use super::{Parts, Rechecked, StepError, Verdict, close, finish, open, recheck};
use crate::domain::{AccountId, PartnerBucket, Run, RunKey, RunStatus};

/// What a round did.
#[derive(Debug, Default)]
pub struct Swept {
    /// Runs of which messages went out.
    pub published: Vec<RunKey>,
    /// Runs with which something went wrong; the others went on, and a later round looks again.
    pub failed: Vec<(RunKey, StepError)>,
    /// Buckets that were blocked and work again.
    pub healed: Vec<PartnerBucket>,
    /// How the blocked buckets were found.
    pub rechecked: Vec<Rechecked>,
    /// Accounts with a blocked bucket that could not be looked at; a later round looks again.
    pub unseen: Vec<(AccountId, StepError)>,
    /// How many candidates of buckets had expired.
    pub candidates: u64,
}

/// Looks through every open run that is wanted, and the blocked buckets for which they wait. Owed ones of buckets that
/// work are the tick's. It ends early where the process does.
///
/// # Errors
/// [`StepError`] where the list of them cannot be read. What goes wrong with one run is in [`Swept::failed`].
pub async fn sweep(
    parts: &Parts,
    mut is_wanted: impl FnMut(RunKey) -> bool + Send,
) -> Result<Swept, StepError> {
    let mut swept =
        Swept { candidates: parts.store.sweep_candidates(parts.now()).await?, ..Swept::default() };
    let open = parts.store.open_runs().await?;
    let ours: BTreeSet<RunKey> = open.iter().map(|run| run.key).filter(|key| is_wanted(*key)).collect();
    let is_ours = |run: &Run| ours.contains(&run.key);
    (swept.rechecked, swept.unseen) = recheck::blocked_buckets(parts, &open, is_ours).await?;
    let works = |found: &&Rechecked| matches!(found.verdict, Verdict::Works);
    swept.healed = swept.rechecked.iter().filter(works).map(|found| found.bucket.clone()).collect();
    for run in open.iter().filter(|run| ours.contains(&run.key)) {
        if parts.shutdown.is_cancelled() {
            break;
        }
        if run.status != RunStatus::Running {
            continue;
        }
        match go_on(parts, run).await {
            Ok(0) => {}
            Ok(_) => swept.published.push(run.key),
            Err(error) => swept.failed.push((run.key, error)),
        }
    }
    Ok(swept)
}

async fn go_on(parts: &Parts, run: &Run) -> Result<usize, StepError> {
    if let Some(run) = open::follow(parts, run).await? {
        // It is planned anew by whoever takes the message.
        parts.queue.send(crate::ports::Work::Run { run }).await?;
        return Ok(1);
    }
    let sent = open::send(parts, run).await?;
    let finished = finish::finish(parts, run.key).await;
    // What has to wait waits for the next round.
    close::or_incomplete(parts, run.key, finished).await?;
    Ok(sent)
}
