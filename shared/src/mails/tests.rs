//! Tests of the mails.

#![allow(clippy::unwrap_used, reason = "tests")]

use jiff::Timestamp;

use super::*;
use crate::domain::{
    AccountId, BucketFailure, BucketId, BucketState, FailureClass, Incident, KeyFacts, Opening,
    PartnerBucket, RequestId, SealedKey, ZoneName,
};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn facts(kind: NoticeKind, exports: usize) -> MailFacts {
    let bucket = PartnerBucket {
        account: AccountId(7),
        id: BucketId("Lake & <sons>/é".to_owned()),
        bucket_name: "acme-lake".to_owned(),
        key: SealedKey(String::new()),
        key_facts: KeyFacts {
            client_email: String::new(),
            key_id: String::new(),
            added_at: at("2026-01-01T00:00:00Z"),
        },
        state: BucketState::Ready,
        opening: Opening::default(),
    };
    let failure = BucketFailure {
        class: FailureClass::BucketMissing,
        http_status: Some(404),
        message: "The specified <b>bucket</b>\r\ndoes not exist.".to_owned(),
    };
    let since = at("2026-03-10T12:00:00Z");
    MailFacts {
        kind,
        incident: Incident::begin(&bucket, since, &failure, since, 0),
        client_email: None,
        zone: ZoneName::new("Asia/Kolkata").unwrap(),
        exports: (0..exports)
            .map(|n| ExportLine {
                request: RequestId(1_770_000_000 - n as i64),
                what: "<script>alert(1)</script>, csv, every 4 hours".to_owned(),
                owed_windows: 2,
                owed_since: Some(at("2026-03-10T08:00:00Z")),
                delivered_until: Some(at("2026-03-10T08:00:00Z")),
            })
            .collect(),
        exports_left_out: 0,
        public_url: Some("https://exports.platform.example/".to_owned()),
        now: at("2026-03-10T13:00:00Z"),
    }
}

const KINDS: [NoticeKind; 4] =
    [NoticeKind::Detected, NoticeKind::StillFailing, NoticeKind::Stopped, NoticeKind::Recovered];

#[test]
fn each_mail_tells_what_it_is_for() {
    let detected = write(&facts(NoticeKind::Detected, 1));
    assert_eq!(detected.subject, "Exports to acme-lake fail: the bucket does not exist");
    for part in [&detected.text, &detected.html] {
        for told in [
            "404 bucket-missing",
            "does not exist.",
            "13 March 2026, 17:30 (Asia/Kolkata)",
            "2 deliveries are owed, the oldest since 10 March 2026, 13:30 (Asia/Kolkata).",
            "https://exports.platform.example/help/failures/bucket-missing",
            "https://exports.platform.example/partners/google-cloud/buckets/Lake%20%26%20%3Csons%3E%2F%C3%A9",
            "As of 10 March 2026, 18:30 (Asia/Kolkata)",
            "1770000000",
        ] {
            assert!(part.contains(told), "{told} in {part}");
        }
    }
    let reminder = write(&facts(NoticeKind::StillFailing, 2));
    assert_eq!(
        reminder.subject,
        "Exports to acme-lake still fail, and stop on 13 March 2026, 17:30 (Asia/Kolkata)"
    );
    let stopped = write(&facts(NoticeKind::Stopped, 2));
    let follows = "4 deliveries are owed, the oldest since 10 March 2026, 13:30 (Asia/Kolkata); what they hold follows \
                   once the exports are started again.";
    assert!(stopped.text.contains(follows) && stopped.html.contains(follows), "{}", stopped.text);
    assert!(
        stopped.text.contains("choose Start again") && stopped.text.contains("delivered until"),
        "{}",
        stopped.text
    );
    let recovered = write(&facts(NoticeKind::Recovered, 2));
    assert!(
        recovered.text.contains("4 deliveries are still owed") && !recovered.text.contains("404"),
        "{}",
        recovered.text
    );
}

#[test]
fn nothing_of_others_is_taken_for_markup_or_loaded_from_elsewhere() {
    for kind in KINDS {
        let html = write(&facts(kind, 3)).html;
        assert!(!html.contains("<script") && !html.contains("<b>") && !html.contains("<sons>"), "{html}");
        for loading in ["<img", "url(", "@import", "<link", "src=", "srcset"] {
            assert!(!html.contains(loading), "{loading} in {html}");
        }
        assert!(html.contains("prefers-color-scheme: dark") && html.contains("width=\"600\""), "{html}");
    }
}

#[test]
fn thousands_of_exports_are_one_mail() {
    let mut many = facts(NoticeKind::Detected, TEXT_EXPORTS);
    let written = write(&many);
    assert!(written.html.len() < 100_000, "{}", written.html.len());
    assert!(written.html.contains("and 4900 more; the plain text of this mail lists all"));
    assert_eq!(written.text.matches("every 4 hours").count(), TEXT_EXPORTS);
    assert!(written.text.len() < 1_000_000, "{}", written.text.len());
    assert!(written.text.contains("5000 exports cannot deliver"));
    many.exports_left_out = 3;
    let written = write(&many);
    assert!(written.text.contains("and 3 more") && written.html.contains("lists the first 5000"));
}

#[test]
fn a_relapse_says_that_it_comes_and_goes() {
    let mut again = facts(NoticeKind::Detected, 1);
    again.incident.relapses = 1;
    let written = write(&again);
    assert!(
        written.text.contains("failed again") && written.text.contains("a whole day"),
        "{}",
        written.text
    );
}

#[test]
fn texts_have_no_holes() {
    for kind in KINDS {
        for (exports, url) in [(0, true), (1, true), (3, false)] {
            let mut facts = facts(kind, exports);
            facts.public_url = facts.public_url.filter(|_| url);
            let text = write(&facts).text;
            assert!(!text.contains("\n\n\n") && !text.starts_with('\n'), "{text}");
            assert!(text.lines().all(|line| line.trim_end() == line), "{text}");
            let links = url && (exports > 0 || kind != NoticeKind::Recovered);
            assert_eq!(text.contains("https://"), links, "{text}");
        }
    }
}
