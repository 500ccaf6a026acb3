//! The page of an export.

use askama::Template;

use super::{
    chart::Chart,
    progress::ProgressView,
    run_view::{Fact, FileRow, RunRow, Trouble},
};
use crate::pages::{frame::Frame, pill::Pill, snippets::Snippet};

/// The page.
#[derive(Template)]
#[template(path = "exports/show.html")]
pub(super) struct ShowPage {
    pub(super) frame: Frame,
    pub(super) request: String,
    pub(super) status: Pill,
    pub(super) can_edit: bool,
    pub(super) can_stop: bool,
    pub(super) facts: Vec<Fact>,
    pub(super) chart: Option<Chart>,
    pub(super) run: Option<ShownRun>,
    pub(super) live: LivePart,
}

/// What changes while a run is under way; the page has it, and the stream of events sends it again.
#[derive(Template, Clone)]
#[template(path = "exports/live.html")]
pub(super) struct LivePart {
    pub(super) troubles: Vec<Trouble>,
    pub(super) progress: Option<ProgressView>,
    pub(super) runs: Vec<RunRow>,
    pub(super) no_run: String,
    pub(super) next_run: Option<String>,
    pub(super) runs_first_href: Option<String>,
    pub(super) runs_next_href: Option<String>,
    /// Where the stream is; empty where nothing will change.
    pub(super) live_href: String,
}

/// The files of a run, and how to read them.
pub(super) struct ShownRun {
    pub(super) timestamp: String,
    pub(super) about: String,
    pub(super) files: Vec<FileRow>,
    pub(super) manifest: Option<FileRow>,
    pub(super) nothing_title: &'static str,
    pub(super) nothing: &'static str,
    pub(super) pager: String,
    pub(super) first_href: Option<String>,
    pub(super) next_href: Option<String>,
    pub(super) snippets: Vec<Snippet>,
    pub(super) snippets_about: String,
}
