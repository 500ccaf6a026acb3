//! The runner of every function in the cloud: configuration, logs, health, limits, and an end in peace.
//!
//! A function is a [`Service`]: its settings, and its router. Its `main` is `service::main::<It>()`. What it is asked
//! goes through `around` (trace, panics, limits) → the guard that its wiring chose ([`Invokers`]) → its handler → one
//! step. Status codes are here, in `http` and in handlers, and nowhere else.

mod around;
#[cfg(feature = "cloud")]
pub mod cloud;
pub mod config;
mod invokers;
#[cfg(feature = "lambda")]
mod lambda;
pub mod log;
pub mod mail;
mod problem;
pub mod push;
mod serve;
mod settings;

use std::{env, future::Future, process::ExitCode, sync::Arc, time::Duration};

use axum::Router;
use tokio::runtime::Builder;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::config::{Environment, Settings};
pub use self::{
    around::{Limits, around},
    invokers::{InvokerSettings, Invokers},
    problem::{later, problem},
    settings::{BaseSettings, PROJECT_ID},
};
use crate::{adapters::system_clock::SystemClock, ports::Clock};

/// Why a service does not start.
pub type StartError = Box<dyn std::error::Error + Send + Sync>;

/// A function that this runner runs.
pub trait Service {
    /// Its name.
    const NAME: &'static str;
    /// What it does, in a sentence.
    const ABOUT: &'static str;
    /// What it wants to be told by its environment.
    type Settings: Settings + Send;

    /// Sets it up; it listens after that.
    fn start(
        settings: Self::Settings,
        running: Running,
    ) -> impl Future<Output = Result<Started, StartError>> + Send;
}

/// What a service is given to live with.
#[derive(Clone)]
pub struct Running {
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// When it is cancelled, what is under way is given back.
    pub shutdown: CancellationToken,
    /// What goes on though its caller may be gone; the process waits for it at its end.
    pub tasks: TaskTracker,
}

impl Running {
    /// A new life.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, shutdown: CancellationToken::new(), tasks: TaskTracker::new() }
    }
}

/// A service that is set up.
pub struct Started {
    /// Its routes.
    pub router: Router,
    /// What may be asked of it.
    pub limits: Limits,
}

/// The environment or the command line is wrong.
const USAGE: u8 = 2;

/// How long threads that are still encoding are waited for once everything else has ended.
const LAST_THREADS: Duration = Duration::from_millis(200);

/// Runs a service until it is told to end.
#[must_use]
pub fn main<S: Service>() -> ExitCode {
    let mut env = Environment::new(env::vars_os());
    let read = (BaseSettings::read(&mut env), S::Settings::read(&mut env));
    let asked: Vec<_> = env::args().skip(1).collect();
    let asked: Vec<_> = asked.iter().map(String::as_str).collect();
    match *asked {
        [] | ["--print-config"] => {}
        ["--help" | "-h"] => {
            print!("{}: {}\n\n{HELP}\n{}", S::NAME, S::ABOUT, env.help());
            return ExitCode::SUCCESS;
        }
        _ => {
            eprintln!("{} takes --help or --print-config, and else its environment.", S::NAME);
            return ExitCode::from(USAGE);
        }
    }
    let (base, settings) = match env.checked(match read {
        (Some(base), Some(settings)) => Some((base, settings)),
        _ => None,
    }) {
        Ok(settings) => settings,
        Err(problems) => {
            eprint!("{} does not start, for its environment is wrong:\n{problems}", S::NAME);
            return ExitCode::from(USAGE);
        }
    };
    if asked == ["--print-config"] {
        print!("{}", env.effective());
        return ExitCode::SUCCESS;
    }
    run::<S>(&base, settings)
}

const HELP: &str = "Options: --help, --print-config (what counts, with secrets hidden).\n\
                    All else is told by the environment; unknown names that begin with SPILLWAY_ are refused:\n";

fn run<S: Service>(base: &BaseSettings, settings: S::Settings) -> ExitCode {
    let running = Running::new(Arc::new(SystemClock));
    log::start(&base.log, &running.clock);
    let result =
        Builder::new_multi_thread().enable_all().build().map_err(StartError::from).and_then(|runtime| {
            let result = runtime.block_on(async {
                let Started { router, limits } = S::start(settings, running.clone()).await?;
                serve::until_told(around(router, limits, &running), base.port, &running).await
            });
            // An encoder's thread ends with its next piece; it has nobody to give it to.
            runtime.shutdown_timeout(LAST_THREADS);
            result
        });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error, "{} has ended", S::NAME);
            ExitCode::FAILURE
        }
    }
}
