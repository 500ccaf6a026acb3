//! The sentences of the mails.

use super::facts::{MailFacts, cut};
use crate::domain::{FailureClass, NoticeKind};

/// What is said of the failure itself.
pub(super) struct Words {
    /// In a few words.
    pub(super) title: String,
    /// The code by which people ask for help.
    pub(super) code: String,
    /// Google's own words.
    pub(super) said: String,
    /// What happened and what to do.
    pub(super) sentence: String,
    /// The part of the address of the page with the steps.
    pub(super) slug: &'static str,
}

impl Words {
    pub(super) fn of(facts: &MailFacts) -> Self {
        let failure = &facts.incident.failure;
        let (title, slug) = class(&failure.class);
        let code = match failure.http_status {
            Some(status) => format!("{status} {slug}"),
            None => slug.to_owned(),
        };
        Self {
            title: title.to_owned(),
            code,
            said: cut(&failure.message, 500),
            sentence: failure.sentence(),
            slug,
        }
    }
}

fn class(class: &FailureClass) -> (&'static str, &'static str) {
    match class {
        FailureClass::KeyUnusable => ("the key cannot be used", "key-unusable"),
        FailureClass::CredentialsRejected => {
            ("the credentials are incorrect or expired", "credentials-rejected")
        }
        FailureClass::PermissionMissing { .. } => ("a permission is missing", "permission-missing"),
        FailureClass::BucketMissing => ("the bucket is missing", "bucket-missing"),
        FailureClass::RetentionPolicy => ("a retention policy is in the way", "retention-policy"),
        FailureClass::Hold => ("a hold is in the way", "hold"),
        FailureClass::BillingDisabled => ("billing is off", "billing-disabled"),
        FailureClass::OrganisationPolicy => {
            ("a policy of your organisation forbids it", "organisation-policy")
        }
        FailureClass::Throttled => ("Google asks to slow down", "throttled"),
        FailureClass::Unavailable => ("Google cannot be reached", "unavailable"),
        FailureClass::NameTaken => ("an object has the name", "name-taken"),
        FailureClass::Ours => ("our request was refused", "ours"),
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
