//! What Cloud Scheduler does in the cloud: ticks of the scheduler and of the checker, for as long as the process runs.

use std::{collections::BTreeMap, time::Duration};

use spillway::{
    domain::{AccountId, RequestId, RunKey},
    steps::{self, Checked, Kept, Notifier, Parts, Ticked},
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
    let mut told = Told::default();
    while beat(parts, &mut interval).await {
        match steps::tick(parts).await {
            Ok(ticked) => told.tell(&ticked),
            Err(error) => tracing::warn!(%error, "the scheduler's tick broke off; the next one goes on"),
        }
    }
    Ok(())
}

/// What went wrong and still does. It is told once, not with each tick.
#[derive(Default)]
struct Told {
    exports: BTreeMap<(AccountId, RequestId), String>,
    accounts: BTreeMap<AccountId, String>,
    unkept: Option<String>,
    broken: u64,
    is_behind: bool,
}

impl Told {
    fn tell(&mut self, ticked: &Ticked) {
        for run in &ticked.created {
            tracing::info!(account = %run.account, run = %run, "a run is due");
        }
        let failed = ticked.failed.iter();
        let exports =
            failed.map(|(account, request, error)| ((*account, *request), error.to_string())).collect();
        for ((account, request), error) in news(&self.exports, &exports) {
            tracing::warn!(%account, %request, error, "an export's next run could not be created");
        }
        self.exports = exports;
        self.tell_of_catalogues(ticked);
    }

    fn tell_of_catalogues(&mut self, ticked: &Ticked) {
        let failed = ticked.catalogue_failed.iter();
        let accounts = failed.map(|(account, error)| (*account, error.to_string())).collect();
        for (account, error) in news(&self.accounts, &accounts) {
            tracing::warn!(%account, error, "the list of events stays behind; the next tick makes up for it");
        }
        self.accounts = accounts;
        let unkept = ticked.catalogues_unkept.as_ref().map(ToString::to_string);
        if let Some(error) = unkept.as_ref().filter(|_| unkept != self.unkept) {
            tracing::warn!(error, "no list of events could be kept; the next tick makes up for it");
        }
        self.unkept = unkept;
        let Kept { broken, is_behind, .. } = ticked.catalogued;
        if broken > 0 && broken != self.broken {
            tracing::warn!(files = broken, "lake files cannot be read, and are not in the lists of events");
        }
        self.broken = broken;
        if is_behind && !self.is_behind {
            tracing::info!("the lists of events are behind the lake; the next ticks go on");
        }
        self.is_behind = is_behind;
    }
}

/// What is wrong now and was not, or was otherwise.
fn news<'a, K: Ord>(
    told: &'a BTreeMap<K, String>,
    now: &'a BTreeMap<K, String>,
) -> impl Iterator<Item = (&'a K, &'a String)> {
    now.iter().filter(|(about, error)| told.get(about) != Some(error))
}

/// Looks at blocked buckets again, writes to people of those that fail, publishes what was lost, and finishes what nobody
/// has finished, of runs with the given places.
pub(super) async fn check(
    parts: &Parts,
    notifier: &Notifier,
    origins: &Origins,
    places: &Places,
) -> anyhow::Result<()> {
    let mut interval = tokio::time::interval(CHECK_EVERY);
    let mut found = BTreeMap::new();
    while beat(parts, &mut interval).await {
        match steps::check(parts, notifier, |run| is_ours(origins, places, run)).await {
            Ok(checked) => tell_of_check(&checked, &mut found),
            Err(error) => {
                tracing::warn!(%error, "unfinished runs could not be looked through; they are looked at again");
            }
        }
    }
    Ok(())
}

/// What is unwell is told once; `told` is what is known.
fn tell_of_check(checked: &Checked, told: &mut BTreeMap<String, String>) {
    for bucket in &checked.swept.healed {
        tracing::info!(account = %bucket.account, bucket = %bucket.id, "a blocked bucket works again");
    }
    for (account, error) in &checked.swept.unseen {
        tracing::warn!(%account, %error, "a blocked bucket could not be looked at");
    }
    for (run, error) in &checked.swept.failed {
        tracing::warn!(%error, %run, "a run could not be gone on with");
    }
    for (incident, kind) in &checked.told {
        let (account, bucket, kind) = (incident.account, &incident.bucket, kind.as_str());
        tracing::warn!(%account, %bucket, kind, "people are written to of a bucket; see the folder mail/");
    }
    for (account, bucket, error) in &checked.troubled {
        tracing::warn!(%account, %bucket, %error, "an incident could not be moved on");
    }
    if let Some(reason) = &checked.mails.unavailable {
        tracing::warn!(reason, "mails cannot be written");
    }
    for (account, error) in checked.mails.troubled.iter().chain(&checked.webhooks.troubled) {
        tracing::warn!(%account, %error, "a notice could not be dealt with");
    }
    for (channel, error) in &checked.unsent {
        tracing::warn!(channel = channel.as_str(), %error, "notices could not be sent; they are tried again");
    }
    let now = checked.findings.iter().map(|finding| {
        let about = format!("{} {}", finding.account(), finding.kind());
        (about, finding.to_string())
    });
    let now: BTreeMap<_, _> = now.collect();
    for (_, finding) in news(told, &now) {
        tracing::warn!("{finding}");
    }
    *told = now;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stays_wrong_is_told_once() {
        let wrongs = |pairs: &[(u8, &str)]| -> BTreeMap<u8, String> {
            pairs.iter().map(|(about, error)| (*about, (*error).to_owned())).collect()
        };
        let now = wrongs(&[(1, "gone"), (2, "late"), (3, "new")]);
        let told = wrongs(&[(1, "gone"), (2, "gone"), (4, "mended")]);
        let told: Vec<_> = news(&told, &now).map(|(about, _)| *about).collect();
        assert_eq!(told, [2, 3]);
    }
}
