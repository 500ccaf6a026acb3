//! The page of an export: its runs, and the files of one of them.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    extract::{Path, State},
    response::Response,
};
use jiff::civil::Date;
use spillway::{
    domain::{BucketState, Export, Format, PartnerBucket, Run, RunKey, RunStatus, RunTimestamp},
    ports::{FilePage, RunPage},
    steps,
};

use super::{
    chart::Chart,
    export_of,
    progress::ProgressView,
    run_view,
    show_view::{LiveParts, NowPart, RunsPart, ShowPage, ShownRun, StatusPart},
};
use crate::{
    App, incidents,
    pages::{
        form::Fields,
        frame::Section,
        numbers,
        partners::check_act,
        pill::Pill,
        snippets::{self, Files},
        trouble::{self, Act, Fix, Trouble},
        visit::{Visit, html},
    },
    problem::Problem,
};

/// Runs a page of the table.
const RUNS: usize = 10;
/// Runs that the chart adds up.
const CHARTED: usize = 336;
/// Files of a one-time run that the chart adds up.
const CHARTED_FILES: usize = 2_000;
/// Files a page of a run.
const FILES: usize = 25;
/// Files that one snippet reads at most.
const READ_FILES: usize = 200;

/// What the page and the stream of events both show.
pub(super) struct Shown {
    pub(super) live: LiveParts,
    /// Whether nothing will change any more.
    pub(super) is_settled: bool,
    export: Export,
    bucket: Option<PartnerBucket>,
    runs: RunPage,
    /// Whose files are shown.
    chosen: Option<Run>,
}

pub(super) async fn page(
    State(app): State<Arc<App>>,
    visit: Visit,
    Path(request): Path<String>,
) -> Result<Response, Problem> {
    let export = export_of(&app, &visit, &request).await?;
    let shown = shown(&app, &visit, export).await?;
    let Shown { live, export, bucket, runs, chosen, .. } = shown;
    let charted = match runs.next {
        None => runs.runs,
        Some(_) => {
            let page = app.parts.store.runs_page(export.account, export.request, None, CHARTED).await;
            page?.runs
        }
    };
    let files = match &chosen {
        Some(run) => Some(FilesRead::of(&app, &visit, run, export.is_one_time()).await?),
        None => None,
    };
    let chart = match &files {
        Some(files) if export.is_one_time() => Chart::of_days(rows_a_day(&files.charted)),
        _ => Chart::of_runs(&charted, &visit.times),
    };
    let may_edit = visit.may_edit() && export.is_active();
    let run = match (&chosen, files) {
        (Some(run), Some(files)) => Some(shown_run(&app, &visit, run, bucket.as_ref(), files).await?),
        _ => None,
    };
    Ok(html(&ShowPage {
        frame: visit.frame(Section::Exports),
        can_edit: may_edit && (!export.is_one_time() || is_blocked(bucket.as_ref())),
        can_stop: may_edit,
        facts: run_view::facts(&export, bucket.as_ref(), &visit.times),
        chart,
        request,
        run,
        live,
    }))
}

/// The export's runs as the address asks for them, and what is wrong.
pub(super) async fn shown(app: &App, visit: &Visit, export: Export) -> Result<Shown, Problem> {
    let (store, query, times) = (&app.parts.store, &visit.query, &visit.times);
    let (account, request) = (export.account, export.request);
    let bucket = store.bucket(account, &export.spec.bucket).await?;
    let of_bucket = match &bucket {
        Some(bucket) => trouble_of(app, visit, &export, bucket).await?,
        None => None,
    };
    let is_blocked = is_blocked(bucket.as_ref());
    let cursor: Option<RunTimestamp> = query.text("runs").parse().ok();
    let runs = store.runs_page(account, request, cursor, RUNS).await?;
    let chosen = match query.text("run").parse().ok() {
        Some(run) => store.run(RunKey { account, request, run }).await?,
        None => first_worth_seeing(&runs.runs),
    };
    let last = match cursor {
        None => runs.runs.first().cloned(),
        Some(_) => store.runs_page(account, request, None, 1).await?.runs.into_iter().next(),
    };
    let open = steps::worked_run(&app.parts, account, request).await?;
    let progress = match &open {
        Some(run) => Some(steps::run_progress(&app.parts, run).await?),
        None => None,
    };
    let is_settled = open.is_none() && !export.is_active();
    let next_run = times.next_run(&export);
    let progress = progress.as_ref();
    let shown_key = chosen.as_ref().map(|run| run.key);
    let start_again = (visit.may_edit() && export.may_be_started_again()).then(|| Act {
        action: format!("/exports/{request}/start-again"),
        text: "Start again",
        export: None,
        csrf: visit.csrf().to_owned(),
    });
    let live = LiveParts {
        status: StatusPart { status: Pill::of_export_with(&export, last.as_ref(), is_blocked) },
        now: NowPart {
            troubles: run_view::troubles(&export, of_bucket, last.as_ref(), start_again, times),
            progress: progress.and_then(|progress| ProgressView::new(progress, is_blocked, times.now())),
            live_href: if is_settled { String::new() } else { live_href(&export, query) },
        },
        runs: RunsPart {
            runs: runs
                .runs
                .iter()
                .map(|run| {
                    let written = progress.filter(|progress| progress.key == run.key).map(|own| own.written);
                    run_view::run_row(run, written, shown_key, is_blocked, times)
                })
                .collect(),
            no_run: match &next_run {
                Some(next) => format!("The first one begins {next}."),
                None => "The export ended before its first run.".to_owned(),
            },
            next_run,
            runs_first_href: cursor.map(|_| format!("/exports/{request}#runs")),
            runs_next_href: runs.next.map(|next| format!("/exports/{request}?runs={next}#runs")),
        },
    };
    Ok(Shown { live, is_settled, export, bucket, runs, chosen })
}

fn is_blocked(bucket: Option<&PartnerBucket>) -> bool {
    bucket.is_some_and(|bucket| bucket.state != BucketState::Ready)
}

/// What is wrong with the bucket of an export that goes on, or is to; with the button that looks at it again.
async fn trouble_of(
    app: &App,
    visit: &Visit,
    export: &Export,
    bucket: &PartnerBucket,
) -> Result<Option<Trouble>, Problem> {
    if !export.is_active() && !export.may_be_started_again() {
        return Ok(None);
    }
    let incident = incidents::open_of(app, bucket.account, &bucket.id).await?;
    let mut trouble = trouble::of_bucket(bucket, incident.as_ref(), export.is_active(), &visit.times);
    if let Some(trouble) = trouble.as_mut().filter(|_| bucket.state != BucketState::Ready) {
        trouble.act = visit.may_edit().then(|| check_act(visit, bucket, Some(export.request)));
        let moves = export.is_active() && visit.may_edit();
        let edit = || Fix {
            href: format!("/exports/{}/edit", export.request),
            text: "Move the export to another bucket",
        };
        trouble.fix = trouble.fix.take().or_else(|| moves.then(edit));
        if !export.is_active() {
            // Its clock has run out.
            trouble.lines.clear();
        }
    }
    Ok(trouble)
}

fn live_href(export: &Export, query: &Fields) -> String {
    let mut kept = Fields::default();
    for name in ["run", "runs"] {
        kept.push(name, query.text(name));
    }
    format!("/exports/{}/live?{}", export.request, kept.to_query())
}

/// The newest run with something to show, else the newest.
fn first_worth_seeing(runs: &[Run]) -> Option<Run> {
    let has_files = |run: &&Run| run.status == RunStatus::Running || run.totals.files > 0;
    runs.iter().find(has_files).or(runs.first()).cloned()
}

/// A run's files as far as the page needs them, read as seldom as can be: a run with few of them has one page.
struct FilesRead {
    /// Behind which they begin.
    cursor: Option<String>,
    /// Those that are listed.
    listed: FilePage,
    /// Those that the lines read.
    to_read: FilePage,
    /// Those that the chart adds up.
    charted: FilePage,
}

impl FilesRead {
    async fn of(app: &App, visit: &Visit, run: &Run, is_charted: bool) -> Result<Self, Problem> {
        let read =
            async |cursor: Option<&str>, limit| steps::run_files(&app.parts, run.key, cursor, limit).await;
        let cursor = Some(visit.query.text("files")).filter(|cursor| !cursor.is_empty());
        let is_first = cursor.is_none();
        let most = if is_charted && is_first { CHARTED_FILES } else { READ_FILES };
        let listed = read(cursor, FILES).await?;
        let to_read = if listed.next.is_some() { read(cursor, most).await? } else { listed.clone() };
        let charted = match (is_charted, is_first) {
            (true, false) => read(None, CHARTED_FILES).await?,
            (true, true) => to_read.clone(),
            (false, _) => FilePage::default(),
        };
        Ok(Self { cursor: cursor.map(ToOwned::to_owned), listed, to_read, charted })
    }
}

/// The rows of a one-time run by the day of their events, as its files have them; none where they are too many to look at.
fn rows_a_day(page: &FilePage) -> Vec<(Date, u64)> {
    let mut days: BTreeMap<Date, u64> = BTreeMap::new();
    for file in page.files.iter().filter(|_| page.next.is_none()) {
        if let Some(day) = file.file.date {
            let rows = days.entry(day).or_default();
            *rows = rows.saturating_add(file.file.rows);
        }
    }
    days.into_iter().collect()
}

/// The files of a run, and the lines that read them.
async fn shown_run(
    app: &App,
    visit: &Visit,
    run: &Run,
    bucket: Option<&PartnerBucket>,
    files: FilesRead,
) -> Result<ShownRun, Problem> {
    let FilesRead { cursor, listed, to_read, .. } = files;
    // A run goes to the bucket of its own spec, which an edit may have changed since.
    let own = match bucket.filter(|bucket| bucket.id == run.spec.bucket) {
        Some(bucket) => Some(bucket.clone()),
        None => {
            let found = app.parts.store.bucket(run.key.account, &run.spec.bucket).await;
            found?
        }
    };
    let is_blocked = own.as_ref().is_some_and(|bucket| bucket.state != BucketState::Ready);
    // Where its files are, also where the nickname has come to mean another bucket.
    let bucket_name = run.bucket_name.clone().or(own.map(|bucket| bucket.bucket_name));
    let bucket_name = bucket_name.unwrap_or_else(|| run.spec.bucket.to_string());
    let here = format!("/exports/{}?run={}", run.key.request, run.key.run);
    let next_href = listed.next.as_ref().map(|next| {
        let mut more = Fields::default();
        more.push("files", next.as_str());
        format!("{here}&{}#files", more.to_query())
    });
    let (nothing_title, nothing) = run_view::nothing(run, is_blocked);
    let (snippets, snippets_about) = match files_to_read(app, run, &to_read, &bucket_name).await? {
        Some(files) => (files.snippets(), about_files(&files)),
        None => (Vec::new(), String::new()),
    };
    Ok(ShownRun {
        timestamp: run.key.run.to_string(),
        about: run_view::window(&run.window, &visit.times),
        files: listed.files.iter().map(|file| run_view::file_row(file, &bucket_name)).collect(),
        manifest: run_view::manifest_row(run, &bucket_name),
        awaits_files: listed.files.is_empty() && !run.status.is_closed(),
        nothing_title,
        nothing,
        pager: numbers::counted(listed.files.len() as u64, "file shown", "files shown"),
        first_href: cursor.map(|_| format!("{here}#files")),
        next_href,
        snippets,
        snippets_about,
    })
}

/// Which files the lines read.
fn about_files(files: &Files<'_>) -> String {
    let count = files.names.len() as u64;
    match files.event_name {
        _ if files.whole_run => "all files of the run".to_owned(),
        Some(name) => format!("{} of {name}", numbers::counted(count, "file", "files")),
        None => numbers::counted(count, "file of profiles", "files of profiles"),
    }
}

/// The files of the page that are of the event of its first one, up to a bound, and what one has to know to read them, or
/// the whole run where it has others.
async fn files_to_read<'a>(
    app: &App,
    run: &'a Run,
    page: &'a FilePage,
    bucket_name: &'a str,
) -> Result<Option<Files<'a>>, Problem> {
    let Some(first) = page.files.first() else { return Ok(None) };
    let event_name = first.file.event_name.as_deref();
    let all = page.files.iter().filter(|file| file.file.event_name.as_deref() == event_name);
    let mut names: Vec<&str> = all.map(|file| file.file.name.as_str()).collect();
    let whole_run = names.len() > READ_FILES || names.len() < page.files.len() || page.next.is_some();
    names.truncate(READ_FILES);
    let columns =
        if run.spec.format == Format::Csv { header(app, run, event_name).await? } else { Vec::new() };
    let files = Files {
        run: run.key,
        bucket_name,
        names,
        whole_run,
        event_name,
        format: run.spec.format,
        packaging: run.spec.packaging,
        header_line: run.spec.header_line,
        columns,
    };
    Ok(Some(files))
}

/// The header of an export's CSV files of an event. Files of earlier runs have fewer columns at its end.
async fn header(app: &App, run: &Run, event_name: Option<&str>) -> Result<Vec<String>, Problem> {
    let RunKey { account, request, .. } = run.key;
    let columns = app.parts.store.columns(account, request, event_name).await?;
    snippets::csv_header(event_name, columns).map_err(|error| Problem::internal(&error))
}
