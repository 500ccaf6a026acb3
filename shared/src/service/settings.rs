//! What every service wants to be told.

use tracing_subscriber::filter::{LevelFilter, Targets};

use super::{
    config::{Environment, Settings, Variable, number, project_id},
    log::LogSettings,
};

const PORT: Variable = Variable::new("PORT", "The port to listen on; Cloud Run sets it.").or("8080");
const LOG: Variable = Variable::new(
    "SPILLWAY_LOG",
    "The least level of log lines: error, warn, info, debug or trace; or by part, like info,spillway=debug.",
)
.or("info");
/// The project.
pub const PROJECT_ID: Variable = Variable::new(
    "SPILLWAY_PROJECT_ID",
    "The Google Cloud project, by its id: of the state, the queue and traces.",
);

/// What every service wants to be told.
#[derive(Debug, Clone)]
pub struct BaseSettings {
    /// Where it listens.
    pub port: u16,
    /// What it logs.
    pub log: LogSettings,
}

impl Settings for BaseSettings {
    fn read(env: &mut Environment) -> Option<Self> {
        let port = env.required(PORT, number(0..=65_535));
        let filter = env.required(LOG, log_filter);
        let project_id = env.required(PROJECT_ID, project_id);
        Some(Self { port: port?, log: LogSettings { filter: filter?, project_id: project_id? } })
    }
}

/// The client of Google's APIs logs an error for each call that is tried again, and says nothing of it. What fails in the
/// end is told by whoever made the call.
const NOISE: &str = "gcloud_sdk::middleware";

fn log_filter(text: &str) -> Result<Targets, String> {
    // A word alone that is no level would be taken for a part of which all is logged, and of the others nothing.
    let is_level = |word: &str| word.trim().parse::<LevelFilter>().is_ok();
    if let Some(word) = text.split(',').find(|word| !word.contains('=') && !is_level(word)) {
        return Err(format!("`{}` is no level; give one, like info", word.trim()));
    }
    let filter: Targets = text.parse().map_err(|error| format!("{error}; give a level, like info"))?;
    let is_wanted = text.contains(NOISE);
    Ok(if is_wanted { filter } else { filter.with_target(NOISE, LevelFilter::OFF) })
}
