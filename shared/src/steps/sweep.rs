//! Blocked buckets are looked at again, runs whose messages were lost get them again, runs that nobody has finished are
//! finished, and keys that nobody waits for are forgotten.
//!
//! Two rounds at once do no harm: what is published is claimed in the store, and a run is closed once.

use std::collections::{BTreeMap, BTreeSet};

use super::{Parts, Rechecked, StepError, Verdict, WOKEN_AT_ONCE, close, finish, open, recheck};
use crate::domain::{AccountId, BucketId, PartnerBucket, Run, RunKey, RunStatus};

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
pub async fn sweep(parts: &Parts, is_wanted: impl FnMut(RunKey) -> bool + Send) -> Result<Swept, StepError> {
    let (mut swept, open) = look(parts, is_wanted).await?;
    go_through(parts, &open, &mut swept).await;
    Ok(swept)
}

/// The first half: the blocked buckets, and the open runs that are wanted.
pub(super) async fn look(
    parts: &Parts,
    mut is_wanted: impl FnMut(RunKey) -> bool + Send,
) -> Result<(Swept, Vec<Run>), StepError> {
    let mut swept =
        Swept { candidates: parts.store.sweep_candidates(parts.now()).await?, ..Swept::default() };
    let mut open = parts.store.open_runs().await?;
    let ours: BTreeSet<RunKey> = open.iter().map(|run| run.key).filter(|key| is_wanted(*key)).collect();
    let is_ours = |run: &Run| ours.contains(&run.key);
    (swept.rechecked, swept.unseen) = recheck::blocked_buckets(parts, &open, is_ours).await?;
    let works = |found: &&Rechecked| matches!(found.verdict, Verdict::Works);
    swept.healed = swept.rechecked.iter().filter(works).map(|found| found.bucket.clone()).collect();
    open.retain(is_ours);
    Ok((swept, open))
}

/// The second half, which may take long: those runs.
pub(super) async fn go_through(parts: &Parts, open: &[Run], swept: &mut Swept) {
    // What a bucket that was just mended is sent by this round is what it was woken with.
    let woken = swept.healed.iter().map(|bucket| ((bucket.account, bucket.id.clone()), WOKEN_AT_ONCE));
    let mut sent: BTreeMap<(AccountId, BucketId), usize> = woken.collect();
    for run in open {
        if parts.shutdown.is_cancelled() {
            break;
        }
        if run.status != RunStatus::Running {
            continue;
        }
        let sent = sent.entry((run.key.account, run.spec.bucket.clone())).or_default();
        match go_on(parts, run, *sent < WOKEN_AT_ONCE).await {
            Ok(0) => {}
            Ok(_) => {
                *sent += 1;
                swept.published.push(run.key);
            }
            Err(error) => swept.failed.push((run.key, error)),
        }
    }
}

/// Where `sends` is false, nothing is sent in this round.
async fn go_on(parts: &Parts, run: &Run, sends: bool) -> Result<usize, StepError> {
    if let Some(run) = open::follow(parts, run).await? {
        // It is planned anew by whoever takes the message.
        parts.queue.send(crate::ports::Work::Run { run }).await?;
        return Ok(1);
    }
    let sent = if sends { open::send(parts, run).await? } else { 0 };
    let finished = finish::finish(parts, run.key).await;
    // What has to wait waits for the next round.
    close::or_incomplete(parts, run.key, finished).await?;
    Ok(sent)
}
