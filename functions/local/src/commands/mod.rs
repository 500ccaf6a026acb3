//! What each subcommand does.

pub(crate) mod account;
pub(crate) mod connect;
pub(crate) mod demo;
pub(crate) mod export;
pub(crate) mod ingest;
pub(crate) mod new_vault_key;
mod report;
pub(crate) mod resume;
pub(crate) mod retry_run;
pub(crate) mod stop;
pub(crate) mod verify;
mod wait;
