//! A row of the list of exports.

use spillway::{
    domain::{BucketState, Export, PartnerBucket, Run},
    steps::RunProgress,
};

use crate::pages::{
    numbers,
    pill::Pill,
    times::{Moment, Times},
    words,
};

/// A row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    /// The request id.
    pub request: String,
    /// The export's page.
    pub href: String,
    /// The bucket's nickname.
    pub bucket: String,
    /// Which data.
    pub data: String,
    /// The format.
    pub format: &'static str,
    /// How often.
    pub frequency: String,
    /// Its status; of one that is active and cannot go on, that.
    pub status: Pill,
    /// How far the run that is under way is, in percent.
    pub progress: Option<u64>,
    /// Rows of the last run.
    pub rows: String,
    /// When that began.
    pub last_run: Option<Moment>,
    /// When the next one does.
    pub next_run: Option<String>,
    /// Whether it may be edited by whoever looks.
    pub can_edit: bool,
    /// Whether it may be stopped.
    pub can_stop: bool,
}

/// What is known of an export's last run.
#[derive(Debug, Clone, Default)]
pub(crate) struct LastRun {
    /// The run; none before the first.
    pub run: Option<Run>,
    /// How far the run is that is under way; that may be an older one.
    pub progress: Option<RunProgress>,
}

impl Row {
    /// The row of an export.
    #[must_use]
    pub(crate) fn new(
        export: &Export,
        last: &LastRun,
        bucket: Option<&PartnerBucket>,
        times: &Times,
        may_edit: bool,
    ) -> Self {
        let is_blocked = bucket.is_some_and(|bucket| bucket.state != BucketState::Ready);
        let run = last.run.as_ref();
        let status = Pill::of_export_with(export, run, is_blocked);
        let rows = match (&last.progress, run) {
            (Some(progress), _) => numbers::count(progress.written.rows),
            (None, Some(run)) if run.status.is_closed() => numbers::count(run.totals.rows),
            _ => "–".to_owned(),
        };
        Self {
            request: export.request.to_string(),
            href: format!("/exports/{}", export.request),
            bucket: export.spec.bucket.to_string(),
            data: words::data(&export.spec.data),
            format: words::format(export.spec.format),
            frequency: words::frequency(&export.spec.frequency),
            status,
            progress: last.progress.as_ref().map(RunProgress::percent),
            rows,
            last_run: run.map(|run| times.moment(run.created_at)),
            next_run: times.next_run(export),
            can_edit: may_edit && export.is_active() && (!export.is_one_time() || is_blocked),
            can_stop: may_edit && export.is_active(),
        }
    }
}
