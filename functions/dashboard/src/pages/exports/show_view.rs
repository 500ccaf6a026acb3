//! The page of an export.

use askama::Template;

use super::{
    chart::Chart,
    progress::ProgressView,
    run_view::{Fact, FileRow, RunRow},
};
use crate::pages::{frame::Frame, pill::Pill, snippets::Snippet, trouble::Trouble};

/// The page.
#[derive(Template)]
#[template(path = "exports/show.html")]
pub(super) struct ShowPage {
    pub(super) frame: Frame,
    pub(super) request: String,
    pub(super) can_edit: bool,
    pub(super) can_stop: bool,
    pub(super) facts: Vec<Fact>,
    pub(super) chart: Option<Chart>,
    pub(super) run: Option<ShownRun>,
    pub(super) live: LiveParts,
}

/// What changes while a run is under way; the page has it, and the stream of events sends it again.
#[derive(Clone)]
pub(super) struct LiveParts {
    pub(super) status: StatusPart,
    pub(super) now: NowPart,
    pub(super) runs: RunsPart,
}

/// The status.
#[derive(Template, Clone)]
#[template(path = "exports/status.html")]
pub(super) struct StatusPart {
    pub(super) status: Pill,
}

/// What is wrong, and how far the run is.
#[derive(Template, Clone)]
#[template(path = "exports/now.html")]
pub(super) struct NowPart {
    pub(super) troubles: Vec<Trouble>,
    pub(super) progress: Option<ProgressView>,
    /// Where the stream is; empty where nothing will change.
    pub(super) live_href: String,
}

/// The table of runs.
#[derive(Template, Clone)]
#[template(path = "exports/runs.html")]
pub(super) struct RunsPart {
    pub(super) runs: Vec<RunRow>,
    pub(super) no_run: String,
    pub(super) next_run: Option<String>,
    pub(super) runs_first_href: Option<String>,
    pub(super) runs_next_href: Option<String>,
}

impl LiveParts {
    /// All of them, one after the other.
    pub(super) fn render(&self) -> Result<String, askama::Error> {
        Ok([self.status.render()?, self.now.render()?, self.runs.render()?].concat())
    }
}

/// The files of a run, and how to read them.
pub(super) struct ShownRun {
    pub(super) timestamp: String,
    pub(super) about: String,
    pub(super) files: Vec<FileRow>,
    pub(super) manifest: Option<FileRow>,
    /// Whether there are none yet, but will be.
    pub(super) awaits_files: bool,
    pub(super) nothing_title: &'static str,
    pub(super) nothing: &'static str,
    pub(super) pager: String,
    pub(super) first_href: Option<String>,
    pub(super) next_href: Option<String>,
    pub(super) snippets: Vec<Snippet>,
    pub(super) snippets_about: String,
}
