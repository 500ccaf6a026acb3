//! The checker's round: blocked buckets are looked at again and what waited goes on, incidents move on and exports are
//! stopped, what is unwell is found, and notices go out: mails before and after, webhooks last, and neither for the
//! other's faults.
//!
//! Two rounds at once do no harm: an incident moves on in one transaction, with what is told of it, and a notice is
//! claimed by one sender.

mod findings;
mod hooks;
mod incidents;
mod letters;
mod outbox;

use std::sync::Arc;

use super::{Parts, StepError, Swept, sweep};
use crate::{
    domain::{AccountId, BucketId, ChannelKind, Incident, NoticeKind, RunKey, health::Finding},
    ports::Mailer,
};

pub use hooks::send_webhooks;
pub use outbox::{Delivered, send_mails};

/// With what the checker tells people.
#[derive(Clone, Default)]
pub struct Notifier {
    /// Sends e-mails; without one none are written.
    pub mailer: Option<Arc<dyn Mailer>>,
    /// Where the dashboard is, for links.
    pub public_url: Option<String>,
}

/// What a round did.
#[derive(Debug, Default)]
pub struct Checked {
    /// Runs and buckets.
    pub swept: Swept,
    /// Incidents that moved on, with what is told of them.
    pub told: Vec<(Incident, NoticeKind)>,
    /// How many exports were stopped after three days.
    pub stopped: usize,
    /// Incidents with which something went wrong; a later round looks again.
    pub troubled: Vec<(AccountId, BucketId, StepError)>,
    /// What is unwell.
    pub findings: Vec<Finding>,
    /// Why not all could be looked at, where that was so.
    pub unfound: Option<StepError>,
    /// What became of the mails that were owed.
    pub mails: Delivered,
    /// What became of the deliveries to webhooks.
    pub webhooks: Delivered,
    /// Why no more notices could be sent by a way, where that was so; they stay owed.
    pub unsent: Vec<(ChannelKind, StepError)>,
}

/// One round, over the runs that are wanted.
///
/// # Errors
/// [`StepError`] where the store does not answer at the beginning. What goes wrong with one run, bucket or mail is in
/// [`Checked`]; a later round looks again.
pub async fn check(
    parts: &Parts,
    notifier: &Notifier,
    is_wanted: impl FnMut(RunKey) -> bool + Send,
) -> Result<Checked, StepError> {
    // What is seen in this round was so at its beginning.
    let now = parts.now();
    let mut checked = Checked::default();
    // What is owed already does not wait until all has been looked through.
    mails(parts, notifier, &mut checked).await;
    // Read before anything is looked at: who was first with an incident meanwhile has seen later than this round.
    let incidents = parts.store.open_incidents().await?;
    let (mut swept, open) = sweep::look(parts, is_wanted).await?;
    incidents::Round { parts, notifier, now }.move_on(incidents, &swept.rechecked, &mut checked).await;
    sweep::go_through(parts, &open, &mut swept).await;
    checked.swept = swept;
    match findings::find(parts).await {
        Ok(found) => checked.findings = found,
        Err(error) => checked.unfound = Some(error),
    }
    mails(parts, notifier, &mut checked).await;
    match send_webhooks(parts).await {
        Ok(delivered) => checked.webhooks = delivered,
        Err(error) => checked.unsent.push((ChannelKind::Webhook, error)),
    }
    Ok(checked)
}

async fn mails(parts: &Parts, notifier: &Notifier, checked: &mut Checked) {
    let Some(mailer) = notifier.mailer.as_ref().filter(|_| checked.mails.unavailable.is_none()) else {
        return;
    };
    match send_mails(parts, &**mailer).await {
        Ok(delivered) => checked.mails.add(delivered),
        Err(error) => checked.unsent.push((ChannelKind::Mail, error)),
    }
}
