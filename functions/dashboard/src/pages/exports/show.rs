//! The page of an export: its runs, and the files of one of them.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    response::Response,
};
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
    show_view::{LivePart, ShowPage, ShownRun},
};
use crate::{
    App,
    pages::{
        form::Fields,
        frame::Section,
        numbers,
        pill::Pill,
        snippets::{self, Files},
        visit::{Visit, html},
    },
    problem::Problem,
};

/// Runs a page of the table.
const RUNS: usize = 10;
/// Runs that the chart adds up.
const CHARTED: usize = 336;
/// Files a page of a run.
const FILES: usize = 100;

/// What the page and the stream of events both show.
pub(super) struct Shown {
    pub(super) live: LivePart,
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
    let may_edit = visit.may_edit() && export.is_active();
    let run = match &chosen {
        Some(run) => Some(shown_run(&app, &visit, run, bucket.as_ref()).await?),
        None => None,
    };
    Ok(html(&ShowPage {
        frame: visit.frame(Section::Exports),
        status: Pill::of_export(&export.status),
        can_edit: may_edit && !export.is_one_time(),
        can_stop: may_edit,
        facts: run_view::facts(&export, bucket.as_ref(), &visit.times),
        chart: Chart::of_runs(&charted, &visit.times),
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
    let is_blocked = bucket.as_ref().is_some_and(|bucket| bucket.state != BucketState::Ready);
    let cursor: Option<RunTimestamp> = query.text("runs").parse().ok();
    let runs = store.runs_page(account, request, cursor, RUNS).await?;
    let chosen = match query.text("run").parse().ok() {
        Some(run) => store.run(RunKey { account, request, run }).await?,
        None => first_worth_seeing(&runs.runs),
    };
    let last = if cursor.is_none() { runs.runs.first() } else { None };
    let open = runs.runs.iter().rev().find(|run| !run.status.is_closed());
    let progress = match open {
        Some(run) => steps::run_progress(&app.parts, run.key).await?,
        None => None,
    };
    let is_settled = open.is_none() && !export.is_active();
    let live = LivePart {
        troubles: run_view::troubles(&export, bucket.as_ref(), last, times),
        progress: progress.and_then(|progress| ProgressView::new(&progress, is_blocked, times.now())),
        runs: runs
            .runs
            .iter()
            .map(|run| run_view::run_row(run, chosen.as_ref().map(|run| run.key), is_blocked, times))
            .collect(),
        no_run: match times.next_run(&export) {
            Some(next) => format!("The first one begins {next}."),
            None => "The export ended before its first run.".to_owned(),
        },
        next_run: times.next_run(&export),
        runs_first_href: cursor.map(|_| format!("/exports/{request}")),
        runs_next_href: runs.next.map(|next| format!("/exports/{request}?runs={next}#live")),
        live_href: if is_settled { String::new() } else { live_href(&export, query) },
    };
    Ok(Shown { live, is_settled, export, bucket, runs, chosen })
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

/// The files of a run, and the lines that read them.
async fn shown_run(
    app: &App,
    visit: &Visit,
    run: &Run,
    bucket: Option<&PartnerBucket>,
) -> Result<ShownRun, Problem> {
    let cursor = Some(visit.query.text("files")).filter(|cursor| !cursor.is_empty());
    let page = steps::run_files(&app.parts, run.key, cursor, FILES).await;
    let page = page?;
    // A run goes to the bucket of its own spec, which an edit may have changed since.
    let own = match bucket.filter(|bucket| bucket.id == run.spec.bucket) {
        Some(bucket) => Some(bucket.clone()),
        None => {
            let found = app.parts.store.bucket(run.key.account, &run.spec.bucket).await;
            found?
        }
    };
    let is_blocked = own.as_ref().is_some_and(|bucket| bucket.state != BucketState::Ready);
    let bucket_name = own.map_or_else(|| run.spec.bucket.to_string(), |bucket| bucket.bucket_name);
    let here = format!("/exports/{}?run={}", run.key.request, run.key.run);
    let next_href = page.next.as_ref().map(|next| {
        let mut more = Fields::default();
        more.push("files", next.as_str());
        format!("{here}&{}#files", more.to_query())
    });
    let (nothing_title, nothing) = run_view::nothing(run, is_blocked);
    let (snippets, snippets_about) = match files_to_read(app, run, &page, &bucket_name).await? {
        Some(files) => {
            let about = match files.event_name {
                Some(name) => format!(
                    "{} of {name} {}",
                    numbers::counted(files.names.len() as u64, "file", "files"),
                    if next_href.is_some() || cursor.is_some() { "on this page" } else { "of this run" }
                ),
                None => numbers::counted(files.names.len() as u64, "file of profiles", "files of profiles"),
            };
            (files.snippets(), about)
        }
        None => (Vec::new(), String::new()),
    };
    Ok(ShownRun {
        timestamp: run.key.run.to_string(),
        about: run_view::window(&run.window, &visit.times),
        files: page.files.iter().map(|file| run_view::file_row(file, &bucket_name)).collect(),
        manifest: run_view::manifest_row(run, &bucket_name),
        nothing_title,
        nothing,
        pager: numbers::counted(page.files.len() as u64, "file shown", "files shown"),
        first_href: cursor.map(|_| format!("{here}#files")),
        next_href,
        snippets,
        snippets_about,
    })
}

/// The files of the page that are of the event of its first one, and what one has to know to read them.
async fn files_to_read<'a>(
    app: &App,
    run: &'a Run,
    page: &'a FilePage,
    bucket_name: &'a str,
) -> Result<Option<Files<'a>>, Problem> {
    let Some(first) = page.files.first() else { return Ok(None) };
    let event_name = first.file.event_name.as_deref();
    let names = page.files.iter().filter(|file| file.file.event_name.as_deref() == event_name);
    let columns =
        if run.spec.format == Format::Csv { header(app, run, event_name).await? } else { Vec::new() };
    Ok(Some(Files {
        run: run.key,
        bucket_name,
        names: names.map(|file| file.file.name.as_str()).collect(),
        event_name,
        format: run.spec.format,
        packaging: run.spec.packaging,
        header_line: run.spec.header_line,
        columns,
    }))
}

/// The header of an export's CSV files of an event. Files of earlier runs have fewer columns at its end.
async fn header(app: &App, run: &Run, event_name: Option<&str>) -> Result<Vec<String>, Problem> {
    let RunKey { account, request, .. } = run.key;
    let columns = app.parts.store.columns(account, request, event_name).await?;
    snippets::csv_header(event_name, columns).map_err(|error| Problem::internal(&error))
}
