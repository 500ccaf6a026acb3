//! What came of a simulation: each row of each finished window must be in one listed file, and no status may lie.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::Value;
use spillway::{
    domain::{
        AccountId, BucketId, Export, ExportFilter, ExportStatus, Frequency, IncidentPhase, NoticeState,
        RequestId, Run, RunStatus, StopReason, Window, names,
    },
    ports::Store,
};

use super::{
    super::row::NUMBER,
    buckets::FailingBuckets,
    lake::{GrowingLake, date_of},
    parts::MailServer,
};

/// What was counted.
#[derive(Debug, Default)]
pub(super) struct Audit {
    pub(super) windows: u64,
    pub(super) delivered: u64,
    pub(super) owed: u64,
    pub(super) lost: u64,
    pub(super) doubled: u64,
    /// Mails that were taken.
    pub(super) mails: u64,
    /// Mails that were taken twice, or never.
    pub(super) mails_wrong: u64,
    /// Statuses that do not say what is so.
    pub(super) lies: Vec<String>,
}

/// What happened, beside the engine.
pub(super) struct Happened<'a> {
    pub(super) lake: &'a GrowingLake,
    pub(super) buckets: &'a FailingBuckets,
    pub(super) mails: &'a MailServer,
    /// When the exports that repeat start, and now: the true times.
    pub(super) begin: Timestamp,
    pub(super) end: Timestamp,
    /// How long after a run was due its window has to be owed, in seconds.
    pub(super) late_secs: i64,
    /// A bucket that was left broken.
    pub(super) stays_broken: Option<&'a BucketId>,
}

/// How late a run is at most while clocks are right, in seconds: a tick that does not come, and the settle lag.
pub(super) const LATE_SECS: i64 = 3 * 3_600;
/// How many of an export's newest runs are looked at in each hour.
const NEWEST: usize = 6;

/// A listed file's rows, and how many its manifest says.
type Files = BTreeMap<(RequestId, i64), (String, Vec<(String, u64)>)>;

pub(super) async fn audit(
    store: &dyn Store,
    account: AccountId,
    happened: &Happened<'_>,
) -> anyhow::Result<Audit> {
    let Happened { lake, buckets, mails, .. } = happened;
    let mut audit = Audit::default();
    let exports = exports(store, account).await?;
    let objects = buckets.objects();
    let mut manifests: Files = BTreeMap::new();
    for ((bucket, name), bytes) in objects.iter().filter(|((_, name), _)| name.ends_with(".manifest")) {
        let manifest: Value = serde_json::from_slice(bytes)?;
        let key = (RequestId(number(&manifest["requestId"])), number(&manifest["runTimestamp"]));
        let files = manifest["files"].as_array().into_iter().flatten();
        let files =
            files.map(|file| (text(&file["name"]), file["rows"].as_u64().unwrap_or_default())).collect();
        if manifests.insert(key, (bucket.clone(), files)).is_some() {
            audit.lies.push(format!("run {name} has manifests in two buckets"));
        }
    }
    let rows = lake.rows_committed();
    let mut families: BTreeMap<RequestId, Family> = BTreeMap::new();
    for export in &exports {
        let root = root(&exports, export.request);
        let family = families.entry(root).or_default();
        for run in store.runs(account, export.request).await? {
            audit.count(&run);
            let listed = manifests.get(&(export.request, run.key.run.0));
            let found = listed.map(|(bucket, files)| read(&objects, bucket, files, &mut audit));
            check_run(&run, found.as_deref(), &rows, &mut audit);
            family.add(&run, found.unwrap_or_default());
        }
        family.newest(export);
        check_export(export, &mut audit);
    }
    for (request, family) in &families {
        family.check(*request, happened, &rows, &mut audit);
    }
    check_incidents(store, account, &exports, happened.stays_broken, &mut audit).await?;
    check_mails(store, account, mails, &mut audit).await?;
    Ok(audit)
}

fn number(value: &Value) -> i64 {
    value.as_i64().unwrap_or_default()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

async fn exports(store: &dyn Store, account: AccountId) -> anyhow::Result<Vec<Export>> {
    let (mut exports, mut cursor) = (Vec::new(), None);
    loop {
        let page = store.list_exports(account, &ExportFilter::default(), cursor, 100).await?;
        exports.extend(page.exports);
        cursor = page.next;
        if cursor.is_none() {
            return Ok(exports);
        }
    }
}

/// The export with which a line of successors began.
fn root(exports: &[Export], mut request: RequestId) -> RequestId {
    while let Some(before) =
        exports.iter().find(|export| export.request == request).and_then(|export| export.predecessor)
    {
        request = before;
    }
    request
}

/// The numbers of the rows of a run's listed files.
fn read(
    objects: &BTreeMap<(String, String), bytes::Bytes>,
    bucket: &str,
    files: &[(String, u64)],
    audit: &mut Audit,
) -> Vec<usize> {
    let mut rows = Vec::new();
    for (name, count) in files {
        let Some(object) = objects.get(&(bucket.to_owned(), name.clone())) else {
            audit.lies.push(format!("{name} is listed and not there"));
            continue;
        };
        let before = rows.len();
        for line in object.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let row: Option<Value> = serde_json::from_slice(line).ok();
            let number = row.as_ref().and_then(|row| row["eventProps"][NUMBER].as_u64());
            rows.extend(number.and_then(|number| usize::try_from(number).ok()));
        }
        if (rows.len() - before) as u64 != *count {
            audit.lies.push(format!("{name} has other rows than it is listed with"));
        }
    }
    rows
}

fn takes(run: &Run, committed: Timestamp) -> bool {
    run.window.takes(committed, Some(date_of(committed)))
}

fn check_run(run: &Run, found: Option<&[usize]>, rows: &[Timestamp], audit: &mut Audit) {
    let wanted = rows.iter().filter(|committed| takes(run, **committed)).count() as u64;
    let lie = match (run.status, found) {
        (RunStatus::Done | RunStatus::Empty, None) => Some("is finished without a manifest"),
        (RunStatus::Done, Some(found)) if found.len() as u64 != run.totals.rows => {
            Some("has other rows than it says")
        }
        (RunStatus::Done, Some(found)) if found.len() as u64 != wanted => {
            Some("is DONE without all its rows")
        }
        (RunStatus::Empty, _) if wanted > 0 => Some("is EMPTY, and its window is not"),
        (RunStatus::Incomplete, _) => Some("is INCOMPLETE, and nothing of ours failed"),
        (RunStatus::Owed | RunStatus::Running, Some(_)) => Some("is open, and has a manifest"),
        _ => None,
    };
    audit.lies.extend(lie.map(|lie| format!("run {} {lie}", run.key)));
}

fn check_export(export: &Export, audit: &mut Audit) {
    let is_lie = match &export.status {
        ExportStatus::Done => export.history.succeeded_at.is_none(),
        ExportStatus::Stopped { reason: StopReason::Failure { message }, .. } => message.is_empty(),
        ExportStatus::Stopped { reason: StopReason::User, .. } => true,
        ExportStatus::Pending | ExportStatus::Running => false,
    };
    if is_lie {
        audit.lies.push(format!("export {} is not what it says", export.request));
    }
}

impl Audit {
    fn count(&mut self, run: &Run) {
        // What was stopped is its successor's window.
        if run.status == RunStatus::Stopped {
            return;
        }
        self.windows += 1;
        match run.status {
            RunStatus::Done | RunStatus::Empty => self.delivered += 1,
            _ => self.owed += 1,
        }
    }
}

/// What an export and its newest runs say that is not so, at the end of an hour.
pub(super) async fn statuses(
    store: &dyn Store,
    export: &Export,
    buckets: &FailingBuckets,
) -> anyhow::Result<Vec<String>> {
    let (account, request) = (export.account, export.request);
    let mut lies = Vec::new();
    let open = store.open_runs_of(account, request).await?;
    let mut is_running = false;
    for key in &open {
        let run = store.run(*key).await?;
        is_running |= run.is_some_and(|run| run.status == RunStatus::Running);
    }
    let is_due = export.next_due_at.is_some();
    let lie = match (&export.status, export.is_one_time()) {
        (ExportStatus::Running, _) if !is_running && open.is_empty() => {
            Some("is RUNNING, and no run is open")
        }
        (ExportStatus::Pending, _) if is_running => Some("is PENDING, and a run is RUNNING"),
        (ExportStatus::Pending, true) if open.is_empty() => Some("is PENDING, and nothing is to come"),
        (ExportStatus::Pending | ExportStatus::Running, false) if !is_due => {
            Some("repeats, and is never due")
        }
        (ExportStatus::Done, _) if !open.is_empty() => Some("is DONE, and a run is open"),
        (ExportStatus::Done, _) if !buckets.has_finished(request) => Some("is DONE without a manifest"),
        (ExportStatus::Stopped { .. }, _)
            if open.iter().any(|key| !export.works_on(key.run)) && !is_running =>
        {
            Some("is STOPPED, and owes a run")
        }
        _ => None,
    };
    lies.extend(lie.map(|lie| format!("export {request} {lie}")));
    for run in store.runs_page(account, request, None, NEWEST).await?.runs {
        let has_manifest = buckets.has(&run.spec.bucket.0, &names::manifest_object(run.key));
        let lie = match run.status {
            RunStatus::Done | RunStatus::Empty if !has_manifest => Some("has ended without a manifest"),
            RunStatus::Owed | RunStatus::Running if has_manifest => Some("is open, and has a manifest"),
            _ => None,
        };
        lies.extend(lie.map(|lie| format!("run {} {lie}", run.key)));
    }
    Ok(lies)
}

/// An export with those that went on where it was stopped.
#[derive(Default)]
struct Family {
    windows: Vec<(Window, RunStatus)>,
    rows: BTreeMap<usize, u64>,
    /// Of the newest of them: how often a run is due, where that is so, in seconds.
    every_secs: Option<i64>,
}

impl Family {
    fn add(&mut self, run: &Run, found: Vec<usize>) {
        if run.status != RunStatus::Stopped {
            self.windows.push((run.window, run.status));
        }
        for row in found {
            *self.rows.entry(row).or_default() += 1;
        }
    }

    fn newest(&mut self, export: &Export) {
        if export.successor.is_none() {
            self.every_secs = match export.spec.frequency {
                Frequency::OneTime { .. } => None,
                // Ticks come once an hour here.
                Frequency::Live { .. } => Some(3_600),
                Frequency::Recurring(cycle) => Some(i64::from(u8::from(cycle.every)) * 3_600),
            };
        }
    }

    fn check(&self, request: RequestId, happened: &Happened<'_>, rows: &[Timestamp], audit: &mut Audit) {
        audit.doubled += self.rows.values().map(|times| times - 1).sum::<u64>();
        let committed = self.windows.iter().filter_map(|(window, _)| match window {
            Window::Committed { after, upto } => Some((*after, *upto)),
            Window::EventDate { .. } => None,
        });
        let mut committed: Vec<_> = committed.collect();
        committed.sort();
        for pair in committed.windows(2) {
            if pair[0].1 != pair[1].0 {
                audit.lies.push(format!("the windows of export {request} do not join at {}", pair[0].1));
            }
        }
        // From the start that was asked for up to the last cut, which is not long ago.
        let span = self.every_secs.map(|every_secs| {
            let last = committed.last().map_or(happened.begin, |(_, upto)| *upto);
            if happened.end.duration_since(last).as_secs() > every_secs + happened.late_secs {
                audit.lies.push(format!("the last window of export {request} ended at {last}"));
            }
            (happened.begin, last)
        });
        for (number, at) in rows.iter().enumerate() {
            let owed = |(window, status): &(Window, RunStatus)| {
                !status.is_closed() && window.takes(*at, Some(date_of(*at)))
            };
            let of_days = |(window, _): &(Window, RunStatus)| {
                matches!(window, Window::EventDate { .. }) && window.takes(*at, Some(date_of(*at)))
            };
            let is_wanted = span.is_some_and(|(first, last)| first < *at && *at <= last)
                || self.windows.iter().any(of_days);
            let is_there = self.rows.contains_key(&number);
            if is_wanted && !is_there && !self.windows.iter().any(owed) {
                audit.lost += 1;
            }
        }
    }
}

async fn check_incidents(
    store: &dyn Store,
    account: AccountId,
    exports: &[Export],
    stays_broken: Option<&BucketId>,
    audit: &mut Audit,
) -> anyhow::Result<()> {
    let incidents = store.incidents(account, 10_000).await?;
    let stops: BTreeSet<Timestamp> = incidents
        .iter()
        .filter_map(|incident| match incident.phase {
            IncidentPhase::Stopped { at } => Some(at),
            _ => None,
        })
        .collect();
    for export in exports {
        if let ExportStatus::Stopped { at, .. } = &export.status
            && !stops.contains(at)
        {
            audit.lies.push(format!("export {} was stopped by no incident", export.request));
        }
        if matches!(export.spec.frequency, Frequency::OneTime { .. }) && export.next_due_at.is_some() {
            audit.lies.push(format!("one-time export {} is due again", export.request));
        }
    }
    let is_mended = |bucket: &BucketId| stays_broken != Some(bucket);
    let failing = incidents.iter().filter(|incident| incident.is_failing() && is_mended(&incident.bucket));
    for incident in failing {
        audit.lies.push(format!("incident {} fails, and all is mended", incident.id));
    }
    for bucket in store.blocked_buckets().await?.into_iter().filter(|bucket| is_mended(&bucket.id)) {
        audit.lies.push(format!("bucket {} is blocked, and works", bucket.id));
    }
    Ok(())
}

async fn check_mails(
    store: &dyn Store,
    account: AccountId,
    mails: &MailServer,
    audit: &mut Audit,
) -> anyhow::Result<()> {
    let taken = mails.taken();
    audit.mails = taken.values().sum();
    let notices = store.notices(account, 1_000_000).await?;
    for notice in &notices {
        let times = taken.get(notice.id.as_str()).copied().unwrap_or_default();
        let is_sent = matches!(notice.state, NoticeState::Sent { .. });
        if times != 1 || !is_sent {
            audit.mails_wrong += 1;
        }
    }
    audit.mails_wrong += taken.len().saturating_sub(notices.len()) as u64;
    Ok(())
}
