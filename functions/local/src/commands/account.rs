//! `spillway account`: an account's settings, and the operator's own among them.

use std::{path::Path, process::ExitCode};

use anyhow::bail;
use spillway::{
    domain::Account,
    steps::{self, AccountSettings},
};

use crate::{
    cli::{AccountArgs, DaysLimit},
    origins::Places,
    output::{Output, counted},
    system::System,
};

pub(crate) async fn run(home: &Path, output: &Output, args: &AccountArgs) -> anyhow::Result<ExitCode> {
    let system = System::open(home, Places::default(), true).await?;
    if system.store().account(args.account).await?.is_none() {
        bail!("there is no account {0}; `spillway ingest --account {0}` makes it", args.account);
    }
    let one_time_limit_days = args.max_days.map(|DaysLimit(days)| days);
    let settings =
        AccountSettings { exports_enabled: args.exports, one_time_limit_days, ..AccountSettings::default() };
    let account = steps::put_account(&system.parts, args.account, settings).await?;
    output.table(&["setting", "value"], 0, rows(&account))?;
    output.result(&account)?;
    Ok(ExitCode::SUCCESS)
}

fn rows(account: &Account) -> Vec<Vec<String>> {
    let words = |words: Vec<String>| if words.is_empty() { "none".to_owned() } else { words.join(", ") };
    let limit =
        account.one_time_limit_days.map_or_else(|| "any".to_owned(), |days| counted(days.into(), "day"));
    let switch = if account.exports_enabled { "on" } else { "off" };
    let setting = |name: &str, value: String| vec![name.to_owned(), value];
    vec![
        setting("account", account.id.to_string()),
        setting("time zone", account.time_zone.to_string()),
        setting(
            "identities",
            words(account.identities.iter().map(|kind| kind.as_str().to_owned()).collect()),
        ),
        setting("shards", account.shards.to_string()),
        setting("one-time exports reach back", limit),
        setting("notified", words(account.notify.iter().map(ToString::to_string).collect())),
        setting("exports", switch.to_owned()),
    ]
}
