//! The flags of `spillway export`.

use std::path::PathBuf;

use clap::{ValueEnum, ValueHint, builder::NonEmptyStringValueParser};
use jiff::civil::Date;
use spillway::domain::{AccountId, Format, IdentityKind, Packaging, ZoneName};

pub(crate) const EXAMPLES: &str = "\
Examples:
  spillway export --account 1 --bucket my-bucket --create-bucket --data all-events --format parquet \\
      --from 2025-06-01 --to 2025-06-30 --packaging plain
  spillway export --account 1 --bucket my-bucket --data select-events --event Charged --event 'App Launched' \\
      --format json --from 2025-06-01 --to 2025-06-01 --no-header-line --dry-run
  spillway export --account 1 --bucket my-bucket --data all-profiles --format csv --identity-priority email,phone
  spillway export --account 1 --bucket real-bucket --key key.json --gcs-endpoint https://storage.googleapis.com \\
      --lake gs://platform-lake/prod --data all-events --format csv --from 2025-06-01 --to 2025-06-02";

/// Which data goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Data {
    /// Every event of the account
    AllEvents,
    /// The events named by --event
    SelectEvents,
    /// All user profiles, as they are now
    AllProfiles,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FormatArg {
    /// One object a line
    Json,
    /// RFC 4180 with a header row
    Csv,
    /// One element a line below <root>
    Xml,
    /// Apache Parquet
    Parquet,
}

impl From<FormatArg> for Format {
    fn from(format: FormatArg) -> Self {
        match format {
            FormatArg::Json => Self::Json,
            FormatArg::Csv => Self::Csv,
            FormatArg::Xml => Self::Xml,
            FormatArg::Parquet => Self::Parquet,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PackagingArg {
    /// gzip around every file
    Default,
    /// No gzip; Parquet compresses its own columns
    Plain,
}

impl From<PackagingArg> for Packaging {
    fn from(packaging: PackagingArg) -> Self {
        match packaging {
            PackagingArg::Default => Self::Gzip,
            PackagingArg::Plain => Self::Plain,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum IdentityArg {
    /// The platform's own identity
    Identity,
    /// The e-mail address
    Email,
    /// The phone number
    Phone,
}

impl From<IdentityArg> for IdentityKind {
    fn from(identity: IdentityArg) -> Self {
        match identity {
            IdentityArg::Identity => Self::Identity,
            IdentityArg::Email => Self::Email,
            IdentityArg::Phone => Self::Phone,
        }
    }
}

/// An operator's tool: the limit on how far back a customer's one-time export may reach does not apply.
#[derive(Debug, clap::Args)]
pub(crate) struct ExportArgs {
    /// The account whose data is exported
    #[arg(long)]
    pub(crate) account: AccountId,
    /// The name of the bucket that takes the files
    #[arg(long)]
    pub(crate) bucket: String,
    /// The service account key, a JSON file; needed once, then the sealed one is used
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) key: Option<PathBuf>,
    /// Make the bucket in the built-in emulator if it is missing, with a key of its own unless --key is given
    #[arg(long, conflicts_with = "gcs_endpoint")]
    pub(crate) create_bucket: bool,
    /// Which data
    #[arg(long)]
    pub(crate) data: Data,
    /// An event to export, as captured; may be given several times
    #[arg(long = "event", value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) events: Vec<String>,
    /// The format of the files
    #[arg(long)]
    pub(crate) format: FormatArg,
    /// The first day of events, in the account's time zone
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub(crate) from: Option<Date>,
    /// The last day of events, included
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub(crate) to: Option<Date>,
    /// Which identity stands in `identity`: the first of these that a user has [default: identity]
    #[arg(long, value_delimiter = ',')]
    pub(crate) identity_priority: Vec<IdentityArg>,
    /// Write every property value as a string
    #[arg(long)]
    pub(crate) as_string: bool,
    /// How files are packed
    #[arg(long, default_value = "default")]
    pub(crate) packaging: PackagingArg,
    /// JSON: leave out the first line with the event's name
    #[arg(long)]
    pub(crate) no_header_line: bool,
    /// Write no manifest
    #[arg(long)]
    pub(crate) no_manifest: bool,
    /// The account's time zone, where its lake was not filled by `spillway ingest` [default: UTC]
    #[arg(long)]
    pub(crate) time_zone: Option<ZoneName>,
    /// The lake: a folder or gs://bucket/prefix; the home's lake if absent
    #[arg(long, value_name = "URL")]
    pub(crate) lake: Option<String>,
    /// Where the bucket is, e.g. https://storage.googleapis.com; the built-in emulator if absent
    #[arg(long, value_name = "URL", value_parser = super::parse_endpoint)]
    pub(crate) gcs_endpoint: Option<String>,
    /// Show the chunks, rows and bytes, and write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}
