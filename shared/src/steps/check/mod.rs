//! The checker's round: blocked buckets are looked at again and what waited goes on, incidents move on and exports are
//! stopped, what is unwell is found, and notices go out.
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
    domain::{AccountId, BucketId, Incident, NoticeKind, RunKey, health::Finding},
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
    let mut checked = Checked { swept: sweep(parts, is_wanted).await?, ..Checked::default() };
    incidents::move_on(parts, notifier, now, &mut checked).await?;
    match findings::find(parts).await {
        Ok(found) => checked.findings = found,
        Err(error) => checked.unfound = Some(error),
    }
    checked.webhooks = send_webhooks(parts).await?;
    if let Some(mailer) = &notifier.mailer {
        checked.mails = send_mails(parts, &**mailer).await?;
    }
    Ok(checked)
}
