//! The sentences of the mails.

use super::facts::{MailFacts, cut};
use crate::domain::{Known, NoticeKind, failure_words::in_sentence};

/// What is said of the failure itself.
pub(super) struct Words {
    /// In a few words.
    pub(super) title: String,
    /// The code by which people ask for help.
    pub(super) code: String,
    /// Google's own words, or ours.
    pub(super) quoted: Option<String>,
    /// What happened and what to do.
    pub(super) sentence: String,
}

impl Words {
    /// The words of the pages and of the API.
    pub(super) fn of(facts: &MailFacts) -> Self {
        let failure = &facts.incident.failure;
        let known = Known {
            bucket_name: Some(&facts.incident.bucket_name),
            client_email: facts.client_email.as_deref(),
        };
        let words = failure.words(known);
        Self {
            title: in_sentence(&words.title),
            code: failure.code(),
            quoted: failure.quoted().map(|quoted| cut(&quoted, 500)),
            sentence: words.sentence(),
        }
    }
}

/// The line at the top.
pub(super) fn heading(facts: &MailFacts) -> String {
    let again = if facts.incident.relapses > 0 { " again" } else { "" };
    match facts.kind {
        NoticeKind::Detected => format!("Your exports do not reach their bucket{again}"),
        NoticeKind::StillFailing => "Your exports have not reached their bucket for a day".to_owned(),
        NoticeKind::Stopped => "Your exports were stopped".to_owned(),
        NoticeKind::Recovered => "Your exports work again".to_owned(),
    }
}

/// What has happened, and what will.
pub(super) fn lead(facts: &MailFacts) -> Vec<String> {
    let incident = &facts.incident;
    let (since, stop) = (facts.local(incident.failing_since), facts.local(incident.stop_at));
    let exports = match facts.export_count() {
        1 => "1 export".to_owned(),
        count => format!("{count} exports"),
    };
    let safe = "Nothing is lost: what could not be delivered is kept, and goes out in order as soon as the bucket \
                works. We look again every hour.";
    let stops = format!(
        "If nothing changes, {} on {stop}.",
        if facts.export_count() == 1 { "the export stops" } else { "the exports stop" }
    );
    let place = format!("the Google Cloud Storage bucket {}", incident.bucket_name);
    match facts.kind {
        NoticeKind::Detected if incident.relapses > 0 => vec![
            format!("{place} worked for a while, and has failed again since {since}. {exports} cannot deliver into it.")
                .replacen("the", "The", 1),
            format!("{safe} {stops}"),
            "It comes and goes, so you will not hear of each time: we write again when it has worked for a whole day, \
             or before the exports stop."
                .to_owned(),
        ],
        NoticeKind::Detected => vec![
            format!("Since {since}, {exports} cannot deliver into {place}."),
            format!("{safe} {stops}"),
        ],
        NoticeKind::StillFailing => vec![
            format!("Since {since}, {exports} cannot deliver into {place}."),
            format!("{safe} {stops} This is the last reminder before that."),
        ],
        NoticeKind::Stopped => vec![
            format!("Since {since}, nothing could be delivered into {place}. After three days, {exports} stopped."),
            "What was delivered until then stays where it is. Once the bucket works, open the export and choose Start \
             again: it goes on where the last delivery ended, without a gap, as long as the data is kept (90 days)."
                .to_owned(),
        ],
        NoticeKind::Recovered => vec![
            format!("Files arrive in {place} again. It had failed since {since}."),
            "You have nothing to do.".to_owned(),
        ],
    }
}
