//! Logs as Cloud Logging reads them: a line of JSON each on standard output.
//!
//! `severity`, `time`, `message` and `target` are as Cloud Logging names them; the fields of an event and of the spans
//! around it stand beside them. A span's `trace` and `span_id` ([`TraceContext`]) tie a line to its request.

mod layer;
mod trace;

use std::{io, panic, sync::Arc};

use tracing_subscriber::{
    Layer, Registry, filter::Targets, fmt::MakeWriter, layer::SubscriberExt, util::SubscriberInitExt,
};

pub use self::{layer::JsonLines, trace::TraceContext};
use crate::ports::Clock;

/// Which lines are written, and whose traces they name.
#[derive(Debug, Clone)]
pub struct LogSettings {
    /// The least level, for all or by target.
    pub filter: Targets,
    /// The project in which traces are.
    pub project_id: String,
}

/// What writes the lines of a process to `writer`.
pub fn subscriber<W>(settings: &LogSettings, clock: &Arc<dyn Clock>, writer: W) -> impl SubscriberInitExt
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let lines = JsonLines::new(&settings.project_id, Arc::clone(clock), writer);
    Registry::default().with(lines.with_filter(settings.filter.clone()))
}

/// From now on this process logs to standard output, panics too.
pub(super) fn start(settings: &LogSettings, clock: &Arc<dyn Clock>) {
    subscriber(settings, clock, io::stdout).init();
    panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let text = panic.payload_as_str().unwrap_or("something that is no text");
        tracing::error!(place, panic = text, "a panic");
    }));
}
