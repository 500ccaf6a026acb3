//! The command line.

mod export;
mod simulate;

use std::{io::Write, path::PathBuf, process::ExitCode};

use clap::{CommandFactory, Parser, Subcommand, ValueHint};
use spillway::domain::{AccountId, RequestId, RunTimestamp, ZoneName};

pub(crate) use export::{Data, ExportArgs, FormatArg, IdentityArg};
pub(crate) use simulate::{CostArgs, FailuresArgs, ScaleArgs, SimulateArgs, SimulationArgs, StoreArg};

use crate::{commands, output::Output};

/// Export events and user profiles into a customer's Google Cloud Storage bucket.
///
/// Everything runs in this one process, with embedded parts: a lake in a folder, the state in SQLite, and a Google
/// Cloud Storage emulator that keeps objects as plain files.
#[derive(Debug, Parser)]
#[command(name = "spillway", version, max_term_width = 110, after_help = EXAMPLES)]
pub(crate) struct Cli {
    /// The folder that holds lake/, buckets/, state.sqlite, vault.key and mail/
    #[arg(long, global = true, env = "SPILLWAY_HOME", default_value = DEFAULT_HOME, value_hint = ValueHint::DirPath)]
    pub(crate) home: PathBuf,
    /// Print JSON for scripts instead of text for people: the result, or {"error": …}
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    command: Command,
}

/// Where everything lies unless `--home` says otherwise.
pub(crate) const DEFAULT_HOME: &str = ".spillway";

const EXAMPLES: &str = "\
Examples:
  spillway demo
  spillway ingest --account 1 --time-zone Europe/Berlin events.jsonl profiles.jsonl.gz
  spillway export --account 1 --bucket my-bucket --create-bucket --data all-events --format csv \\
      --from 2025-06-01 --to 2025-06-30
  spillway verify --bucket my-bucket";

#[derive(Debug, Subcommand)]
enum Command {
    /// Export the shipped data in all four formats and verify the result
    #[command(after_help = "Example:\n  spillway --home demo-home demo")]
    Demo,
    /// The whole system in this process, with the dashboard on a port of this machine
    #[command(after_help = SERVE_EXAMPLES)]
    Serve(ServeArgs),
    /// Take JSON lines into the lake
    #[command(after_help = INGEST_EXAMPLES)]
    Ingest(IngestArgs),
    /// Export from the lake into a bucket, once
    #[command(after_help = export::EXAMPLES)]
    Export(Box<ExportArgs>),
    /// Read a bucket back against the manifests of its runs
    #[command(after_help = VERIFY_EXAMPLES)]
    Verify(VerifyArgs),
    /// Run an INCOMPLETE run's failed chunks again, once the lake is mended
    #[command(after_help = RETRY_EXAMPLES)]
    RetryRun(RetryArgs),
    /// Go on with whatever an earlier process left unfinished
    #[command(after_help = RESUME_EXAMPLES)]
    Resume(ResumeArgs),
    /// Stop an export; its complete files stay
    #[command(after_help = STOP_EXAMPLES)]
    Stop(StopArgs),
    /// Show an account's settings, or change those that are the operator's
    #[command(after_help = ACCOUNT_EXAMPLES)]
    Account(AccountArgs),
    /// Make another key for the vault, where the one under which keys are sealed is lost
    #[command(after_help = NEW_VAULT_KEY_EXAMPLES)]
    NewVaultKey,
    /// What the engine would do at sizes that no laptop holds
    #[command(after_help = simulate::EXAMPLES)]
    Simulate(SimulateArgs),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

const SERVE_EXAMPLES: &str = "\
Examples:
  spillway serve --sample
  spillway serve --port 9000 --account 1

The dashboard needs no login and is for this machine only. Ctrl-C ends it; the next start goes on.";

const INGEST_EXAMPLES: &str = "\
Examples:
  spillway ingest --account 1 events.jsonl
  zcat old.jsonl.gz | spillway ingest --account 1 --time-zone Asia/Kolkata --shards 3 -

A line is one JSON object, as the upload API takes it:
  {\"type\":\"event\",\"identity\":\"u1\",\"ts\":1749623187,\"evtName\":\"Charged\",\"evtData\":{\"Amount\":5}}
  {\"type\":\"profile\",\"identity\":\"u1\",\"profileData\":{\"Name\":\"Ada\",\"Email\":\"ada@example.org\"}}
Bad lines are reported by number and left out; the exit status is then 1.";

const RESUME_EXAMPLES: &str = "\
Examples:
  spillway resume
  spillway resume --lake gs://platform-lake/prod --gcs-endpoint https://storage.googleapis.com

Give --lake and --gcs-endpoint as they were given to the export.";

const RETRY_EXAMPLES: &str = "\
Example:
  spillway retry-run --account 1 1749623187-1749623187";

const STOP_EXAMPLES: &str = "\
Example:
  spillway stop --account 1 1749623187";

const ACCOUNT_EXAMPLES: &str = "\
Examples:
  spillway account 1
  spillway account 1 --exports off
  spillway account 1 --max-days none

What is under way goes on; with exports off, the dashboard says whom to ask.";

const NEW_VAULT_KEY_EXAMPLES: &str = "\
Example:
  spillway new-vault-key

What was sealed under the lost key stays shut: each bucket needs its service account key again.";

const VERIFY_EXAMPLES: &str = "\
Examples:
  spillway verify --bucket my-bucket
  spillway verify --bucket my-bucket --run 1749623187-1749623187 --json

The exit status is 0 only if every object is there with the right bytes, CRC32C and rows.";

#[derive(Debug, clap::Args)]
pub(crate) struct ServeArgs {
    /// The port on 127.0.0.1; 0 takes any that is free
    #[arg(long, default_value_t = 8080)]
    pub(crate) port: u16,
    /// Bring the shipped data, and a bucket with a key to connect
    #[arg(long)]
    pub(crate) sample: bool,
    /// Whose dashboard it is; made where it is new [default: the sample's, or the only account of this home]
    #[arg(long)]
    pub(crate) account: Option<AccountId>,
    /// The time zone of a new account [default: UTC]
    #[arg(long)]
    pub(crate) time_zone: Option<ZoneName>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct IngestArgs {
    /// The account that the data belongs to; made on first use
    #[arg(long)]
    pub(crate) account: AccountId,
    /// The account's time zone; fixed once it has data [default: UTC]
    #[arg(long)]
    pub(crate) time_zone: Option<ZoneName>,
    /// How many shards (database ids) the account's users are spread over; fixed once it has data [default: 1]
    #[arg(long, value_parser = clap::value_parser!(u8).range(1..=24))]
    pub(crate) shards: Option<u8>,
    /// Files of JSON lines, plain or gzip; `-` is standard input
    #[arg(required = true, value_hint = ValueHint::FilePath)]
    pub(crate) files: Vec<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct VerifyArgs {
    /// The bucket's name
    #[arg(long)]
    pub(crate) bucket: String,
    /// Only this run: <request id>-<run timestamp>, as object names begin
    #[arg(long, value_parser = parse_run)]
    pub(crate) run: Option<(RequestId, RunTimestamp)>,
    /// The account whose key is used, where several know the bucket
    #[arg(long)]
    pub(crate) account: Option<AccountId>,
    /// Where the bucket is; the built-in emulator if absent
    #[arg(long, value_name = "URL", value_parser = parse_endpoint)]
    pub(crate) gcs_endpoint: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct RetryArgs {
    /// The run's account
    #[arg(long)]
    pub(crate) account: AccountId,
    /// <request id>-<run timestamp>
    #[arg(value_parser = parse_run)]
    pub(crate) run: (RequestId, RunTimestamp),
    /// The lake that the run reads; it is known, and another one is refused
    #[arg(long, value_name = "URL")]
    pub(crate) lake: Option<String>,
    /// Where the run's bucket is; it is known, and another place is refused
    #[arg(long, value_name = "URL", value_parser = parse_endpoint)]
    pub(crate) gcs_endpoint: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ResumeArgs {
    /// The lake that the unfinished exports read: a folder or gs://bucket/prefix; the home's lake if absent
    #[arg(long, value_name = "URL")]
    pub(crate) lake: Option<String>,
    /// Where their buckets are; the built-in emulator if absent
    #[arg(long, value_name = "URL", value_parser = parse_endpoint)]
    pub(crate) gcs_endpoint: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct StopArgs {
    /// The export's account
    #[arg(long)]
    pub(crate) account: AccountId,
    /// The export's request id
    pub(crate) request: RequestId,
}

#[derive(Debug, clap::Args)]
pub(crate) struct AccountArgs {
    /// The account
    pub(crate) account: AccountId,
    /// The operator's switch: whether it may create and edit exports
    #[arg(long, value_name = "on|off", value_parser = parse_switch)]
    pub(crate) exports: Option<bool>,
    /// How many days back a one-time export that a customer creates may reach: 1 to 36500, or none for any
    #[arg(long, value_name = "N|none", value_parser = parse_days)]
    pub(crate) max_days: Option<DaysLimit>,
}

/// How far back one-time exports may reach, in days; none: any.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DaysLimit(pub(crate) Option<u32>);

fn parse_days(text: &str) -> Result<DaysLimit, String> {
    match (text, text.parse()) {
        ("none", _) => Ok(DaysLimit(None)),
        (_, Ok(days @ 1..=36_500)) => Ok(DaysLimit(Some(days))),
        _ => Err("give a number of days from 1 to 36500, or none".to_owned()),
    }
}

fn parse_switch(text: &str) -> Result<bool, String> {
    match text {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err("say on or off".to_owned()),
    }
}

/// The address of a server. What is no address would look like a fault of the bucket later.
pub(crate) fn parse_endpoint(text: &str) -> Result<String, String> {
    let is_url = text.parse::<http::Uri>().is_ok_and(|uri| {
        matches!(uri.scheme_str(), Some("https" | "http")) && uri.host().is_some_and(|host| !host.is_empty())
    });
    if is_url {
        Ok(text.to_owned())
    } else {
        Err("give an address like https://storage.googleapis.com".to_owned())
    }
}

fn parse_run(text: &str) -> Result<(RequestId, RunTimestamp), String> {
    let parts =
        text.split_once('-').and_then(|(request, run)| Some((request.parse().ok()?, run.parse().ok()?)));
    parts.ok_or_else(|| "a run is <request id>-<run timestamp>, like 1749623187-1749623187".to_owned())
}

/// Runs the command line of this process.
#[must_use]
pub fn main() -> ExitCode {
    crate::allocator::settle();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(refused) => return tell(&refused),
    };
    let output = Output::new(cli.json);
    if let Command::Completions { shell } = cli.command {
        // Through memory, since clap panics where its writer fails.
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut Cli::command(), "spillway", &mut script);
        return std::io::stdout().write_all(&script).map_or(ExitCode::FAILURE, |()| crate::SUCCESS);
    }
    crate::output::start_logging(matches!(cli.command, Command::Simulate(_)));
    let result = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(anyhow::Error::from)
        .and_then(|runtime| {
            let code = runtime.block_on(run(cli, &output));
            // Threads that wait for standard input, or for a lake that does not answer, must not hold the exit.
            runtime.shutdown_background();
            code
        });
    result.unwrap_or_else(|error| {
        if is_broken_pipe(&error) {
            return ExitCode::FAILURE;
        }
        output.error(&told(&error));
        ExitCode::FAILURE
    })
}

/// What is wrong with the arguments, or the help that was asked for; the exit status is clap's.
fn tell(refused: &clap::Error) -> ExitCode {
    // Where nobody reads any more, there is no reason to complain.
    drop(refused.print());
    let wants_json = std::env::args_os().take_while(|arg| arg != "--").any(|arg| arg == "--json");
    if refused.use_stderr() && wants_json {
        let text = refused.to_string();
        // Usage and hints come below it, and are for people.
        let wrong = text.split("\n\n").next().unwrap_or_default();
        let wrong = wrong.strip_prefix("error: ").unwrap_or(wrong);
        drop(Output::new(true).result(&serde_json::json!({ "error": wrong })));
    }
    ExitCode::from(u8::try_from(refused.exit_code()).unwrap_or(1))
}

/// An error and its causes in one line, each said once: some errors tell their cause themselves.
fn told(error: &anyhow::Error) -> String {
    let mut told = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if told.is_empty() {
            told = cause;
        } else if !told.contains(&cause) {
            told = format!("{told}: {cause}");
        }
    }
    told
}

/// Whoever read our output has gone, as `head` does: no reason to complain.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let io = error.chain().find_map(|cause| cause.downcast_ref::<std::io::Error>());
    io.is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

async fn run(cli: Cli, output: &Output) -> anyhow::Result<ExitCode> {
    let home = &cli.home;
    match cli.command {
        Command::Demo => commands::demo::run(home, output).await,
        Command::Serve(args) => crate::serve::run(home, output, args).await,
        Command::Ingest(args) => commands::ingest::run(home, output, args).await,
        Command::Export(args) => commands::export::run(home, output, *args).await,
        Command::Verify(args) => commands::verify::run(home, output, args).await,
        Command::RetryRun(args) => commands::retry_run::run(home, output, args).await,
        Command::Resume(args) => commands::resume::run(home, output, args).await,
        Command::Stop(args) => commands::stop::run(home, output, args).await,
        Command::Account(args) => commands::account::run(home, output, &args).await,
        Command::NewVaultKey => commands::new_vault_key::run(home, output).await,
        Command::Simulate(args) => crate::simulate::run(home, output, args).await,
        Command::Completions { .. } => Ok(crate::SUCCESS),
    }
}
