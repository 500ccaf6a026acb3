//! What a mail of an incident tells.

use jiff::Timestamp;

use super::times;
use crate::domain::{DataSelection, ExportSpec, Frequency, Incident, NoticeKind, RequestId, ZoneName};

/// The most exports that the text part lists.
pub const TEXT_EXPORTS: usize = 5_000;
/// The most that the HTML part lists: mail programs cut off what is longer than 100 kB.
pub const HTML_EXPORTS: usize = 100;

/// What a mail of an incident tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailFacts {
    /// What it tells.
    pub kind: NoticeKind,
    /// The incident as it is then.
    pub incident: Incident,
    /// The service account whose key is kept, where it is known.
    pub client_email: Option<String>,
    /// The account's time zone.
    pub zone: ZoneName,
    /// The exports that it is about, newest first, up to [`TEXT_EXPORTS`].
    pub exports: Vec<ExportLine>,
    /// How many more there are.
    pub exports_left_out: u64,
    /// Where the dashboard is, without a slash at its end.
    pub public_url: Option<String>,
    /// Now.
    pub now: Timestamp,
}

/// An export, in a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportLine {
    /// Which.
    pub request: RequestId,
    /// Its data, format and frequency, as people read them.
    pub what: String,
    /// How many of its windows have not been delivered.
    pub owed_windows: u64,
    /// From when on data has not been delivered.
    pub owed_since: Option<Timestamp>,
    /// Until when data has been delivered.
    pub delivered_until: Option<Timestamp>,
}

impl MailFacts {
    /// How many exports it is about.
    #[must_use]
    pub fn export_count(&self) -> u64 {
        self.exports.len() as u64 + self.exports_left_out
    }

    pub(super) fn owed_windows(&self) -> u64 {
        self.exports.iter().map(|line| line.owed_windows).sum()
    }

    pub(super) fn owed_sentence(&self) -> Option<String> {
        let windows = self.owed_windows();
        let since = self.exports.iter().filter_map(|line| line.owed_since).min();
        let since =
            since.map_or_else(String::new, |since| format!(", the oldest since {}", self.local(since)));
        let more = if self.exports_left_out > 0 { "At least " } else { "" };
        match (windows, self.kind) {
            (0, _) => None,
            (1, NoticeKind::Recovered) => {
                Some(format!("{more}1 delivery is still owed{since}; it goes out by itself."))
            }
            (_, NoticeKind::Recovered) => Some(format!(
                "{more}{windows} deliveries are still owed{since}; they go out by themselves, in order."
            )),
            (1, NoticeKind::Stopped) => Some(format!(
                "{more}1 delivery is owed{since}; what it holds follows once the export is started again."
            )),
            (_, NoticeKind::Stopped) => Some(format!(
                "{more}{windows} deliveries are owed{since}; what they hold follows once the exports are started again."
            )),
            (1, _) => Some(format!("{more}1 delivery is owed{since}.")),
            _ => Some(format!("{more}{windows} deliveries are owed{since}.")),
        }
    }

    /// A page of the dashboard.
    pub(super) fn url(&self, path: &str) -> Option<String> {
        self.public_url
            .as_ref()
            .map(|base| format!("{}/{}", base.trim_end_matches('/'), path.trim_start_matches('/')))
    }

    /// An instant as the account's clocks show it, with the zone's name.
    #[must_use]
    pub fn local(&self, at: Timestamp) -> String {
        times::local(at, &self.zone)
    }
}

impl ExportLine {
    pub(super) fn owed(&self, facts: &MailFacts) -> String {
        let since =
            self.owed_since.map_or_else(String::new, |since| format!(" since {}", facts.local(since)));
        match self.owed_windows {
            0 => "nothing owed".to_owned(),
            1 => format!("1 delivery owed{since}"),
            windows => format!("{windows} deliveries owed{since}"),
        }
    }

    pub(super) fn delivered(&self, facts: &MailFacts) -> String {
        self.delivered_until.map_or_else(
            || "nothing delivered yet".to_owned(),
            |at| format!("delivered until {}", facts.local(at)),
        )
    }
}

/// A name as a part of an address.
pub(super) fn path_segment(name: &str) -> String {
    percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC).to_string()
}

/// At most so many characters, and no line ends.
pub(super) fn cut(text: &str, max_chars: usize) -> String {
    let clean = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let mut cut: String = clean.take(max_chars + 1).collect();
    if cut.chars().count() > max_chars {
        cut.pop();
        cut.push('…');
    }
    cut
}

/// What an export delivers, in a few words.
#[must_use]
pub fn describe(spec: &ExportSpec) -> String {
    let data = match &spec.data {
        DataSelection::AllEvents => "all events".to_owned(),
        DataSelection::SelectEvents { names } if names.len() == 1 => cut(&names[0], 60),
        DataSelection::SelectEvents { names } => format!("{} events", names.len()),
        DataSelection::AllProfiles => "all user properties".to_owned(),
    };
    let often = match &spec.frequency {
        Frequency::OneTime { .. } => "one time".to_owned(),
        Frequency::Recurring(cycle) => format!("every {} hours", u8::from(cycle.every)),
        Frequency::Live { .. } => "live".to_owned(),
    };
    format!("{data}, {}, {often}", spec.format)
}
