//! What is wrong, and what to do: shown alike on the page of an export and of a bucket, in the words of the mails.

use jiff::{SignedDuration, Timestamp};
use spillway::domain::{
    BucketFailure, BucketState, FailureClass, Incident, IncidentPhase, Known, PartnerBucket, RequestId,
    STOP_AFTER_SECS,
    failure_words::{in_sentence, meanwhile},
};

use super::{exports::bucket_href, numbers, times::Times};

/// Something that is wrong, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trouble {
    /// The style's class.
    pub class: &'static str,
    /// The icon's name.
    pub icon: &'static str,
    /// In a few words.
    pub title: String,
    /// What happened and what to do.
    pub text: String,
    /// What will happen, and until when.
    pub lines: Vec<String>,
    /// The page that says it step by step.
    pub help: Option<String>,
    /// Where to do it.
    pub fix: Option<Fix>,
    /// Google's own words.
    pub said: Option<String>,
    /// What can be done here.
    pub act: Option<Act>,
}

/// A link that leads to the remedy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fix {
    /// Where.
    pub href: String,
    /// Its text.
    pub text: &'static str,
}

/// A form of one button.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Act {
    /// Where it is sent.
    pub action: String,
    /// What its button says.
    pub text: &'static str,
    /// From which export's page; none: from the bucket's.
    pub export: Option<RequestId>,
    /// The form's token.
    pub csrf: String,
}

/// What is wrong with a bucket, or was until just now; none where nothing is. `in_use`: whether an active export goes
/// into it, since only then it is looked at, and something is stopped.
#[must_use]
pub(crate) fn of_bucket(
    bucket: &PartnerBucket,
    incident: Option<&Incident>,
    in_use: bool,
    times: &Times,
) -> Option<Trouble> {
    match &bucket.state {
        BucketState::Blocked { since, failure } => {
            let words = failure.words(Known::from(bucket));
            let is_of_key =
                matches!(failure.class, FailureClass::KeyUnusable | FailureClass::CredentialsRejected);
            let key = || Fix { href: bucket_href(&bucket.id.0, "key"), text: "Replace the key" };
            let since = incident.map_or(*since, |incident| incident.failing_since);
            Some(Trouble {
                class: "bad",
                icon: "alert",
                title: format!(
                    "Bucket {} has taken no files since {}: {}",
                    bucket.id,
                    times.moment(since).text,
                    in_sentence(&words.title)
                ),
                text: words.sentence(),
                lines: if in_use {
                    vec![clock(since, incident, times), meanwhile(failure.class.side()).to_owned()]
                } else {
                    vec![UNUSED.to_owned()]
                },
                help: Some(failure.help_path(&bucket.id.0)),
                fix: is_of_key.then(key),
                said: Some(evidence(failure)),
                act: None,
            })
        }
        BucketState::Ready => {
            let incident = incident.filter(|incident| {
                matches!(incident.phase, IncidentPhase::Failing | IncidentPhase::Resumed)
            })?;
            Some(Trouble {
                class: "good",
                icon: "check",
                title: format!("Bucket {} takes files again", bucket.id),
                text: "What is owed goes out now, in order. This goes away once a run is delivered."
                    .to_owned(),
                lines: vec![format!(
                    "It had taken none since {}.",
                    times.moment(incident.failing_since).text
                )],
                help: None,
                fix: None,
                said: None,
                act: None,
            })
        }
    }
}

/// The code by which people ask for help, and the words behind it.
fn evidence(failure: &BucketFailure) -> String {
    let quoted = failure.quoted().map_or_else(String::new, |quoted| format!(". {quoted}"));
    format!("Error {}{quoted}", failure.code())
}

/// Of a blocked bucket into which nothing goes.
const UNUSED: &str = "No active export goes into it, so that it is not looked at by itself. Once it is mended, check it, \
    then start the stopped exports again or create new ones.";

/// When the exports stop: as the incident says, which takes out the time that does not count; before there is one, three
/// days after the failure.
#[must_use]
pub(crate) fn stop_at(since: Timestamp, incident: Option<&Incident>) -> Timestamp {
    let three_days = SignedDuration::from_secs(STOP_AFTER_SECS);
    incident
        .map_or_else(|| since.checked_add(three_days).unwrap_or(Timestamp::MAX), |incident| incident.stop_at)
}

/// The clock until the exports stop. One that has run out stops nothing by itself: a check does, which first takes out the
/// time that does not count.
fn clock(since: Timestamp, incident: Option<&Incident>, times: &Times) -> String {
    if incident.is_some_and(|incident| matches!(incident.phase, IncidentPhase::Stopping { .. })) {
        return "Its exports are being stopped.".to_owned();
    }
    let stop_at = stop_at(since, incident);
    let left = stop_at.duration_since(times.now());
    match u64::try_from(left.as_millis()) {
        Ok(millis) if millis > 0 => format!(
            "If nothing changes, its exports stop on {}, in {}.",
            times.moment(stop_at).text,
            numbers::duration(millis)
        ),
        _ => "If nothing changes, its exports stop soon. When exactly is told once we have looked again."
            .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use spillway::domain::{AccountId, BucketId, KeyFacts, Opening, SealedKey, ZoneName};

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn blocked(class: FailureClass) -> PartnerBucket {
        let failure =
            BucketFailure { class, http_status: Some(401), message: "Invalid Credentials".to_owned() };
        PartnerBucket {
            account: AccountId(1),
            id: BucketId("main".to_owned()),
            bucket_name: "acme".to_owned(),
            key: SealedKey(String::new()),
            key_facts: KeyFacts {
                client_email: "x@acme.iam.gserviceaccount.com".to_owned(),
                key_id: String::new(),
                added_at: at("2026-11-01T00:00:00Z"),
            },
            state: BucketState::Blocked { since: at("2026-11-25T10:00:00Z"), failure },
            opening: Opening::default(),
        }
    }

    #[test]
    fn a_bucket_that_fails_shows_the_clock_until_its_exports_stop() {
        let bucket = blocked(FailureClass::CredentialsRejected);
        let times = |now| Times::new(&ZoneName::default(), at(now));
        let trouble = of_bucket(&bucket, None, true, &times("2026-11-25T12:00:00Z")).unwrap();
        assert_eq!(
            trouble.title,
            "Bucket main has taken no files since 25 Nov, 10:00: the credentials are incorrect or expired"
        );
        assert_eq!(trouble.lines[0], "If nothing changes, its exports stop on 28 Nov, 10:00, in 2 d 22 h.");
        assert_eq!(trouble.fix.unwrap().href, "/partners/google-cloud/buckets/main/key");
        let BucketState::Blocked { failure, .. } = &bucket.state else { panic!() };
        // The incident's clock counts, which leaves out what is not the customer's.
        let mut incident =
            Incident::begin(&bucket, at("2026-11-25T10:00:00Z"), failure, at("2026-11-25T11:00:00Z"), 0);
        incident.stop_at = at("2026-11-28T16:00:00Z");
        let trouble = of_bucket(&bucket, Some(&incident), true, &times("2026-11-28T15:30:00Z")).unwrap();
        assert_eq!(trouble.lines[0], "If nothing changes, its exports stop on 28 Nov, 16:00, in 30 min.");
        // The checker may not have run for a while, which does not count: nobody stops anything yet.
        let late = times("2026-11-28T16:00:00Z");
        let trouble = of_bucket(&bucket, Some(&incident), true, &late).unwrap();
        assert_eq!(
            trouble.lines[0],
            "If nothing changes, its exports stop soon. When exactly is told once we have looked again."
        );
        let unused = of_bucket(&bucket, None, false, &late).unwrap();
        assert_eq!(unused.lines, [UNUSED]);
        incident.phase = IncidentPhase::Stopping { at: at("2026-11-28T16:00:00Z") };
        let trouble = of_bucket(&bucket, Some(&incident), true, &late).unwrap();
        assert_eq!(trouble.lines[0], "Its exports are being stopped.");
    }

    #[test]
    fn what_works_again_is_told_until_something_is_delivered() {
        let mut bucket = blocked(FailureClass::BucketMissing);
        let BucketState::Blocked { since, failure } = bucket.state.clone() else { panic!() };
        let mut incident = Incident::begin(&bucket, since, &failure, at("2026-11-25T10:30:00Z"), 0);
        bucket.state = BucketState::Ready;
        let times = Times::new(&ZoneName::default(), at("2026-11-25T12:00:00Z"));
        for phase in [IncidentPhase::Failing, IncidentPhase::Resumed] {
            incident.phase = phase;
            let trouble = of_bucket(&bucket, Some(&incident), true, &times).unwrap();
            assert_eq!((trouble.class, trouble.title.as_str()), ("good", "Bucket main takes files again"));
        }
        for phase in [
            IncidentPhase::Recovered { at: since, settled_at: since },
            IncidentPhase::Ended { at: since },
            IncidentPhase::Stopped { at: since },
        ] {
            incident.phase = phase;
            assert_eq!(of_bucket(&bucket, Some(&incident), true, &times), None);
        }
        assert_eq!(of_bucket(&bucket, None, true, &times), None);
    }
}
