//! `spillway serve`: the whole system in this process, for people at this machine.

mod listen;
mod scheduler;

use std::{net::Ipv4Addr, path::Path, process::ExitCode};

use anyhow::{Context, bail};
use credential_validator::BearerSecret;
use dashboard::{
    App,
    config::{Config, Limits, Secret, ValidatorConfig},
    identity::{IdentityConfig, LocalConfig, Role},
};
use spillway::domain::AccountId;
use tokio::net::TcpListener;

use crate::{cli::ServeArgs, commands::connect, origins::Places, output::Output, sample, system::System};

/// The bucket that the sample brings.
const SAMPLE_BUCKET: &str = "spillway-sample";

pub(crate) async fn run(home: &Path, output: &Output, args: ServeArgs) -> anyhow::Result<ExitCode> {
    let system = System::open(home, Places::default(), true).await?;
    if args.sample {
        bring_sample(&system, output).await?;
    }
    let account = account(&system, &args).await?;
    let pages = listen::on(args.port).await?;
    let validator = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("no port is free")?;
    let (address, secret) = (pages.local_addr()?, listen::secret());
    let config = Config {
        listen: address,
        public_url: format!("http://{address}").parse()?,
        identity: IdentityConfig::Local(LocalConfig { account, email: None, role: Role::Editor }),
        // One person at this machine, or a fuzzer, needs no rate.
        limits: Limits { reads_per_minute: 600_000, writes_per_minute: 600_000, ..Limits::default() },
        frame_ancestors: Vec::new(),
        validator: ValidatorConfig {
            url: format!("http://{}", validator.local_addr()?).parse()?,
            secret: Some(Secret::from(secret.clone())),
            timeout_secs: 120,
        },
        outgoing_ips: Vec::new(),
        operator_contact: None,
        mail_folder: Some(system.home.mail()),
    };
    let app = App::new(system.parts.clone(), config)?;

    let notifier = system.notifier(format!("http://{address}"))?;
    let (parts, ending) = (system.parts.clone(), system.parts.shutdown.clone());
    let secret = BearerSecret::new(secret)?;
    let checking = credential_validator::router(parts.clone(), |routes| secret.guard(routes));
    let all = async {
        output.line(format!(
            "Spillway is at http://{address}. Ctrl-C ends it; what is under way is resumed."
        ))?;
        tokio::try_join!(
            listen::serve(validator, checking, ending.clone()),
            listen::serve(pages, dashboard::router(app), ending.clone()),
            scheduler::tick(&parts),
            scheduler::check(&parts, &notifier, &system.origins, &system.places),
        )
    };
    system.drive_until_told(all).await?;
    Ok(ExitCode::SUCCESS)
}

/// Whose pages are shown: the account asked for (made where it is new), the sample's, or the only one there is.
async fn account(system: &System, args: &ServeArgs) -> anyhow::Result<AccountId> {
    if let Some(account) = args.account {
        return Ok(connect::account(system, account, args.time_zone.clone(), None).await?.id);
    }
    // Of an account that is there, the zone is looked at like any other flag: it must be the account's.
    let zone = args.time_zone.clone();
    if args.sample {
        return Ok(connect::account(system, sample::ACCOUNT, zone, None).await?.id);
    }
    // More than two need not be counted: one has to be named.
    match system.store().account_ids(None, 10).await?.as_slice() {
        [] => Ok(connect::account(system, AccountId(1), zone, None).await?.id),
        [account] => Ok(connect::account(system, *account, zone, None).await?.id),
        several => {
            let ids: Vec<_> = several.iter().map(ToString::to_string).collect();
            bail!("this home has the accounts {}; name one with --account", ids.join(", "))
        }
    }
}

/// The shipped data, and a bucket with a key that is not connected yet: that is what the pages are for.
async fn bring_sample(system: &System, output: &Output) -> anyhow::Result<()> {
    sample::account(system, output).await?;
    let key_file = connect::local_bucket(system, SAMPLE_BUCKET).await?;
    output.line(format!(
        "Connect the bucket `{SAMPLE_BUCKET}` with the key in {} (paste it, or choose the file).",
        key_file.display()
    ))
}
