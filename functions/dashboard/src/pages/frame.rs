//! What stands around every page: who is there, where one is, what just happened.

use spillway::domain::{Account, AccountId, RequestId};

use super::{form::Fields, times::Times};
use crate::identity::{Role, Viewer};

/// A part of the dashboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Section {
    /// The exports.
    Exports,
    /// The partners and their buckets.
    Partners,
    /// How to set it up.
    Guide,
    /// The account's settings.
    Settings,
    /// The mails that were not sent.
    Mail,
    /// None of them.
    Elsewhere,
}

/// A link of the navigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Link {
    /// Where to.
    pub href: &'static str,
    /// Its text.
    pub text: &'static str,
    /// Whether one is there.
    pub is_current: bool,
}

/// The frame of a page.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    /// Whose data is shown; none where nobody is known.
    pub account: Option<AccountId>,
    /// Who looks.
    pub email: Option<String>,
    /// Whether they may change things.
    pub can_edit: bool,
    /// Whether the account has the feature.
    pub is_enabled: bool,
    /// Whether there are mails to show.
    pub has_mail: bool,
    /// The account's zone; none where no time is shown.
    pub zone: Option<String>,
    /// What forms carry.
    pub csrf: String,
    /// Where one is.
    pub section: Section,
    /// What just happened.
    pub notice: Option<Notice>,
}

impl Frame {
    /// The frame of an account's page.
    #[must_use]
    pub(crate) fn new(viewer: &Viewer, times: &Times, csrf: String, section: Section) -> Self {
        Self {
            account: Some(viewer.account),
            email: viewer.email.clone(),
            can_edit: viewer.role >= Role::Editor,
            is_enabled: true,
            has_mail: false,
            zone: Some(times.zone_text()),
            csrf,
            section,
            notice: None,
        }
    }

    /// The frame of a page about something that went wrong, perhaps before anybody was known.
    #[must_use]
    pub(crate) fn bare() -> Self {
        Self {
            account: None,
            email: None,
            can_edit: true,
            is_enabled: true,
            has_mail: false,
            zone: None,
            csrf: String::new(),
            section: Section::Elsewhere,
            notice: None,
        }
    }

    /// The account, in a sentence.
    #[must_use]
    pub(crate) fn account_text(&self) -> String {
        self.account.map_or_else(|| "this account".to_owned(), |account| format!("account {account}"))
    }

    /// The zone, in a sentence.
    #[must_use]
    pub(crate) fn zone_text(&self) -> &str {
        self.zone.as_deref().unwrap_or("the account's time zone")
    }

    /// The navigation.
    #[must_use]
    pub(crate) fn links(&self) -> Vec<Link> {
        let link = |href, text, section| Link { href, text, is_current: section == self.section };
        let mut links = vec![
            link("/exports", "Exports", Section::Exports),
            link("/partners", "Partners", Section::Partners),
            link("/guide", "Set-up guide", Section::Guide),
            link("/settings", "Settings", Section::Settings),
        ];
        links.extend(self.has_mail.then(|| link("/mail", "Mail", Section::Mail)));
        links.push(Link { href: "/api/docs", text: "API", is_current: false });
        links
    }
}

/// What just happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Notice {
    /// The style's class.
    pub class: &'static str,
    /// The icon's name.
    pub icon: &'static str,
    /// In a few words.
    pub title: &'static str,
    /// What more there is to say.
    pub lines: Vec<String>,
}

/// What a form did, as the address of the page after it says; so that loading that page again repeats nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Done {
    /// An export was created.
    Created,
    /// An export was edited.
    Edited,
    /// An export was stopped.
    Stopped,
    /// A bucket was connected.
    BucketSaved,
    /// A bucket has another key.
    KeyReplaced,
    /// A bucket was removed.
    BucketRemoved,
    /// The settings were saved.
    SettingsSaved,
    /// A bucket was looked at, and takes files.
    BucketWorks,
    /// A bucket was looked at, and takes none.
    BucketFails,
    /// An export that was stopped by failure goes on.
    StartedAgain,
}

impl Done {
    const ALL: [Self; 10] = [
        Self::Created,
        Self::Edited,
        Self::Stopped,
        Self::BucketSaved,
        Self::KeyReplaced,
        Self::BucketRemoved,
        Self::SettingsSaved,
        Self::BucketWorks,
        Self::BucketFails,
        Self::StartedAgain,
    ];

    /// As in an address: `?done=created`.
    #[must_use]
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Edited => "edited",
            Self::Stopped => "stopped",
            Self::BucketSaved => "bucket-saved",
            Self::KeyReplaced => "key-replaced",
            Self::BucketRemoved => "bucket-removed",
            Self::SettingsSaved => "settings-saved",
            Self::BucketWorks => "bucket-works",
            Self::BucketFails => "bucket-fails",
            Self::StartedAgain => "started-again",
        }
    }

    /// The product's words for it.
    #[must_use]
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Created => "Google export has initiated",
            Self::Edited => "Google Cloud data export updated",
            Self::Stopped => "Google Cloud data export stopped",
            Self::BucketSaved => "Google Cloud bucket connected",
            Self::KeyReplaced => "Service account key replaced",
            Self::BucketRemoved => "Google Cloud bucket removed",
            Self::SettingsSaved => "Settings saved",
            Self::BucketWorks => "The bucket takes files",
            Self::BucketFails => "The bucket still takes no files",
            Self::StartedAgain => "Google Cloud data export started again",
        }
    }
}

impl Notice {
    /// What the address of a page says has happened. Texts come from here; the address brings numbers and days only.
    #[must_use]
    pub(crate) fn of_query(query: &Fields, account: &Account) -> Option<Self> {
        let done = Done::ALL.into_iter().find(|done| done.as_str() == query.text("done"))?;
        let export: Option<RequestId> = query.text("export").parse().ok();
        let mut lines = Vec::new();
        match (done, export) {
            (Done::Created, Some(request)) => lines.push(format!("Its request ID is {request}.")),
            (Done::Edited, Some(request)) => {
                lines.push(format!("The changes to {request} take effect from its next run."));
            }
            (Done::Stopped, Some(request)) => {
                lines.push(format!("{request} writes no further files; complete ones stay in the bucket."));
            }
            (Done::StartedAgain, Some(request)) => {
                lines.push(format!("It goes on where {request} ended, without a gap."));
            }
            (Done::BucketWorks, _) => lines.push("What is owed goes out now, in order.".to_owned()),
            _ => {}
        }
        if let (Ok(first), Some(limit_days)) = (query.text("clipped").parse(), account.one_time_limit_days) {
            lines.push(spillway::domain::rules::ClippedDays { first, limit_days }.to_string());
        }
        match query.text("unseen").parse::<u16>() {
            Ok(0) | Err(_) => {}
            Ok(1) => lines.push("One of its events has not been seen yet. Check the spelling.".to_owned()),
            Ok(many) => {
                lines.push(format!("{many} of its events have not been seen yet. Check the spelling."));
            }
        }
        let (class, icon) = if done == Done::BucketFails { ("bad", "alert") } else { ("good", "check") };
        Some(Self { class, icon, title: done.title(), lines })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use spillway::domain::ZoneName;

    use super::*;

    fn notice(query: &str) -> Option<Notice> {
        let account = Account::new(AccountId(1), ZoneName::default());
        Notice::of_query(&Fields::parse(query.as_bytes()), &account)
    }

    #[test]
    fn the_products_messages() {
        let created = notice("done=created&export=1749623187&clipped=2026-10-01").unwrap();
        assert_eq!(created.title, "Google export has initiated");
        assert_eq!(created.lines.len(), 2);
        assert_eq!(
            created.lines[1],
            "Days before 2026-10-01 are left out: an export reaches at most 60 days back."
        );
        let unseen = notice("done=created&unseen=2").unwrap().lines;
        assert_eq!(unseen, ["2 of its events have not been seen yet. Check the spelling."]);
        assert_eq!(notice("done=stopped").unwrap().title, "Google Cloud data export stopped");
    }

    #[test]
    fn an_address_brings_no_words_of_its_own() {
        assert_eq!(notice("done=You+won"), None);
        let forged = notice("done=created&export=Call+us&clipped=now&unseen=all").unwrap();
        assert_eq!(forged.lines, Vec::<String>::new());
    }

    #[test]
    fn one_place_is_current() {
        let frame = Frame { section: Section::Guide, ..Frame::bare() };
        let current: Vec<_> = frame.links().into_iter().filter(|link| link.is_current).collect();
        assert_eq!(current.len(), 1);
        assert_eq!(current[0].href, "/guide");
    }
}
