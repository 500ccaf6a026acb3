//! The shipped data and the account that it belongs to.

use anyhow::bail;
use spillway::domain::{Account, AccountId, ZoneName};

use crate::{
    commands::ingest,
    ingest::Source,
    output::{Output, grouped},
    system::System,
};

/// The account that the shipped data belongs to.
pub(crate) const ACCOUNT: AccountId = AccountId(100_000_000);

/// Real records; where they come from and their licences stand in `tests/data/README.md`.
const DATA: [(&str, &[u8]); 3] = [
    ("chinook_invoices.jsonl.gz", include_bytes!("../../../tests/data/chinook_invoices.jsonl.gz")),
    ("chinook_profiles.jsonl.gz", include_bytes!("../../../tests/data/chinook_profiles.jsonl.gz")),
    ("github_webhooks.jsonl.gz", include_bytes!("../../../tests/data/github_webhooks.jsonl.gz")),
];

/// Takes the shipped data in, once. The account is stored after it, so that an interrupted start begins anew.
pub(crate) async fn account(system: &System, output: &Output) -> anyhow::Result<Account> {
    if let Some(account) = system.store().account(ACCOUNT).await? {
        output.line(format!("The data of account {ACCOUNT} is in the lake already."))?;
        return Ok(account);
    }
    let mut account = Account::new(ACCOUNT, ZoneName::new("Europe/Berlin")?);
    // The data is historical: no limit on how far back an export may reach.
    account.one_time_limit_days = None;
    account.shards = 3;
    let leftover = system.home.lake().join(format!("account={ACCOUNT}"));
    if leftover.exists() {
        std::fs::remove_dir_all(leftover)?;
    }
    let sources = DATA.map(|(name, bytes)| Source::Stream(name.to_owned(), Box::new(bytes))).into();
    let total = DATA.iter().map(|(_, bytes)| bytes.len() as u64).sum();
    let report =
        ingest::take_in(account.clone(), system.home.lake(), sources, Some(total), output.is_json()).await?;
    if report.bad_lines > 0 {
        bail!("{} lines of the shipped data were not taken; this build is broken", report.bad_lines);
    }
    system.store().put_account(&account).await?;
    ingest::keep_catalogue(system, account.id).await?;
    output.line(format!(
        "Took in {} events and {} profiles.",
        grouped(report.events),
        grouped(report.profiles)
    ))?;
    Ok(account)
}
