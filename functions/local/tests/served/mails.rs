//! The four mails of an incident as people see them: in light and in dark, on a desk and on a phone.

use std::{fs, path::Path};

use jiff::Timestamp;
use spillway::{
    domain::{
        AccountId, BucketFailure, BucketId, BucketState, FailureClass, Incident, KeyFacts, NoticeKind,
        Opening, PartnerBucket, RequestId, SealedKey, ZoneName,
    },
    mails::{self, ExportLine, MailFacts, Written},
};

use crate::support::{Browser, DESK, PHONE, Served, Window};

const EMAIL: &str = "spillway@acme.iam.gserviceaccount.com";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn facts(kind: NoticeKind) -> MailFacts {
    let since = at("2026-03-10T21:04:00Z");
    let bucket = PartnerBucket {
        account: AccountId(100_000_000),
        id: BucketId("Warehouse".to_owned()),
        bucket_name: "acme-warehouse-exports-europe-west".to_owned(),
        key: SealedKey(String::new()),
        key_facts: KeyFacts { client_email: EMAIL.to_owned(), key_id: String::new(), added_at: since },
        state: BucketState::Ready,
        opening: Opening::default(),
    };
    let permission = Some("storage.objects.create".to_owned());
    let failure = BucketFailure {
        class: FailureClass::PermissionMissing { permission },
        http_status: Some(403),
        message: format!(
            "{EMAIL} does not have storage.objects.create access to the Google Cloud Storage object. Permission \
             'storage.objects.create' denied on resource (or it may not exist)."
        ),
    };
    let line = |number: i64, what: &str, owed_windows| ExportLine {
        request: RequestId(1_770_000_000 + number),
        what: what.to_owned(),
        owed_windows,
        owed_since: (owed_windows > 0).then_some(since),
        delivered_until: Some(since),
    };
    let (hours, owed) = match kind {
        NoticeKind::Detected => (1, 1),
        NoticeKind::StillFailing => (25, 6),
        NoticeKind::Stopped => (73, 18),
        NoticeKind::Recovered => (30, 7),
    };
    MailFacts {
        kind,
        incident: Incident::begin(&bucket, since, &failure, since, 0),
        client_email: Some(EMAIL.to_owned()),
        zone: ZoneName::new("Europe/Berlin").unwrap(),
        exports: vec![
            line(2, "all events, parquet, every 4 hours", owed),
            line(1, "all user profiles, csv, every 24 hours", owed / 6),
            line(0, "AVeryLongNameOfAnEventWithoutAnySpacesThatNobodyBreaks, json, live", owed * 3),
        ],
        exports_left_out: 0,
        public_url: Some("https://exports.platform.example".to_owned()),
        now: since + jiff::SignedDuration::from_hours(hours),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_mails_are_read_in_light_and_dark_on_a_desk_and_on_a_phone() {
    let served = Served::sample();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("mails");
    fs::create_dir_all(&folder).unwrap();
    let kinds = [NoticeKind::Detected, NoticeKind::StillFailing, NoticeKind::Stopped, NoticeKind::Recovered];
    let dark = |window| Window { dark: true, ..window };
    let mut found = Vec::new();
    for (window, name) in
        [(DESK, "light"), (dark(DESK), "dark"), (PHONE, "phone"), (dark(PHONE), "dark-phone")]
    {
        let browser = Browser::open(&served, window).await;
        for (number, kind) in (1..).zip(kinds) {
            let Written { subject, html, .. } = mails::write(&facts(kind));
            let file = folder.join(format!("{number}-{}.html", kind.as_str()));
            fs::write(&file, html).unwrap();
            browser.driver.goto(format!("file://{}", file.display())).await.unwrap();
            browser.says("acme-warehouse-exports-europe-west").await;
            browser.whole_picture(&format!("mail-{name}-{number}-{}", kind.as_str())).await;
            found.extend(browser.axe().await.into_iter().map(|line| format!("{name} “{subject}”: {line}")));
            let beyond = browser.beyond(window).await;
            if beyond > 0 {
                found.push(format!("{name} “{subject}”: {beyond} px wider than the window"));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}
