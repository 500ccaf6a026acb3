//! An account with exports whose bucket can be broken, and a mail server.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use jiff::civil::{Date, date};
use rand::{SeedableRng, rngs::StdRng};
use spillway::{
    adapters::mail::{MailSender, SmtpMailer, SmtpOptions, SmtpSecurity},
    domain::{
        Account, EmailAddress, Export, ExportSpec, Format, Frequency, Incident, NoticeTask, Packaging,
        RequestId, ZoneName,
    },
    ports::{NewExport, Origin},
    steps::{self, Checked, NewRequest, Notifier},
};
use spillway_tests::{
    fakes::{SmtpServer, TakenMail},
    harness::{ACCOUNT, EventRow, TestApp},
};

const DAY: Date = date(2026, 3, 10);
pub(crate) const OPS: &str = "ops@customer.example";
pub(crate) const AMY: &str = "amy@customer.example";

pub(crate) struct Story {
    pub(crate) app: TestApp,
    pub(crate) smtp: SmtpServer,
    pub(crate) notifier: Notifier,
    /// How many rows are committed at once.
    pub(crate) rows: usize,
    /// By how many bytes each is longer.
    pub(crate) padding: usize,
    written: AtomicUsize,
}

/// Mails by an SMTP server on loopback.
pub(crate) fn notifier(smtp: &SmtpServer) -> Notifier {
    let options = SmtpOptions {
        host: "127.0.0.1".to_owned(),
        port: smtp.port,
        security: SmtpSecurity::Plain,
        credentials: None,
        trusted_pem: None,
    };
    let sender = MailSender {
        address: EmailAddress::new("exports@platform.example").unwrap(),
        name: "Exports".to_owned(),
        bounces: EmailAddress::new("bounces@platform.example").ok(),
    };
    let mailer = SmtpMailer::new(&options, sender).unwrap();
    Notifier {
        mailer: Some(Arc::new(mailer)),
        public_url: Some("https://exports.platform.example".to_owned()),
    }
}

impl Story {
    /// An account whose address is [`OPS`].
    pub(crate) async fn new() -> Self {
        Self::of(TestApp::new().await).await
    }

    pub(crate) async fn of(app: TestApp) -> Self {
        let known = app.store.account(ACCOUNT).await.unwrap().unwrap();
        let notify = vec![EmailAddress::new(OPS).unwrap()];
        let time_zone = ZoneName::new("Europe/Berlin").unwrap();
        app.store.put_account(&Account { notify, time_zone, ..known }).await.unwrap();
        let smtp = SmtpServer::start().await;
        let notifier = notifier(&smtp);
        Self { app, smtp, notifier, rows: 1, padding: 0, written: AtomicUsize::new(0) }
    }

    /// A live export of [`AMY`]'s: an hour has one window.
    pub(crate) async fn live(&self) -> RequestId {
        let mut spec = self.app.spec(Format::Json, DAY, DAY);
        (spec.frequency, spec.packaging, spec.header_line) =
            (Frequency::Live { start: DAY }, Packaging::Plain, false);
        let request = NewRequest { created_by: Some(AMY.to_owned()), ..NewRequest::from(spec) };
        steps::create_export(&self.app.parts(), ACCOUNT, request).await.unwrap().export.request
    }

    /// Another export of this spec, whoever is said to have made it.
    pub(crate) async fn another(&self, spec: &ExportSpec, created_by: &str) {
        let origin = Origin { created_by: Some(created_by.to_owned()), repeatable: None };
        let (spec, now) = (spec.clone(), self.app.now());
        let new = NewExport { account: ACCOUNT, spec, now, next_due_at: None, origin };
        self.app.store.create_export(&new).await.unwrap();
    }

    /// A file is committed.
    pub(crate) fn commit(&self) {
        let first = self.written.fetch_add(self.rows, Ordering::Relaxed);
        let rows = (first..first + self.rows).map(|number| {
            let mut rng = StdRng::seed_from_u64(number as u64);
            let mut row = EventRow::random(&mut rng, format!("row-{number}"), "Charged", DAY, 0);
            row.note.push_str(&"x".repeat(self.padding));
            row
        });
        self.app.lake.write_events(&self.app.file(10), &rows.collect::<Vec<_>>());
    }

    /// A row is committed, an hour passes, and the scheduler has its tick.
    pub(crate) async fn tick(&self) {
        self.commit();
        self.app.advance_secs(3_600);
        steps::tick(&self.app.parts()).await.unwrap();
        self.app.drain().await.unwrap();
    }

    /// The checker's round.
    pub(crate) async fn check(&self) -> Checked {
        let checked = steps::check(&self.app.parts(), &self.notifier, |_| true).await.unwrap();
        assert!(checked.troubled.is_empty() && checked.unfound.is_none(), "{checked:?}");
        self.app.drain().await.unwrap();
        checked
    }

    pub(crate) async fn hours(&self, hours: usize) {
        for _ in 0..hours {
            self.tick().await;
            self.check().await;
        }
    }

    pub(crate) async fn export(&self, request: RequestId) -> Export {
        self.app.store.export(ACCOUNT, request).await.unwrap().unwrap()
    }

    pub(crate) async fn incidents(&self) -> Vec<Incident> {
        self.app.store.incidents(ACCOUNT, 100).await.unwrap()
    }

    /// The mails to somebody, in order.
    pub(crate) fn mails_to(&self, to: &str) -> Vec<TakenMail> {
        self.smtp.taken().into_iter().filter(|mail| mail.to == [to]).collect()
    }

    /// Their subjects.
    pub(crate) fn subjects(&self, to: &str) -> Vec<String> {
        self.mails_to(to).iter().map(|mail| mail.header("Subject").unwrap()).collect()
    }

    /// The text of the mailing that was written last.
    pub(crate) async fn last_text(&self) -> String {
        let notice = self.app.store.notices(ACCOUNT, 1).await.unwrap().remove(0);
        let NoticeTask::Mail { mailing, .. } = notice.task else { panic!("a mail: {notice:?}") };
        self.app.store.mailing(ACCOUNT, &mailing).await.unwrap().unwrap().text
    }

    /// Every row that was committed before the last hour lies in the buckets once.
    pub(crate) fn assert_all_delivered_once(&self, buckets: &[&str]) {
        let objects: Vec<_> = buckets.iter().map(|bucket| self.app.buckets.objects(bucket)).collect();
        self.assert_delivered_once(&objects);
    }

    /// The same, of the objects of buckets elsewhere.
    pub(crate) fn assert_delivered_once(&self, buckets: &[BTreeMap<String, Bytes>]) {
        let mut times: BTreeMap<String, usize> = BTreeMap::new();
        for objects in buckets {
            for (_, bytes) in objects.iter().filter(|(name, _)| !name.ends_with(".manifest")) {
                for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
                    let row: serde_json::Value = serde_json::from_slice(line).unwrap();
                    let id = row["profile"]["objectId"].as_str().unwrap().to_owned();
                    *times.entry(id).or_default() += 1;
                }
            }
        }
        let written = self.written.load(Ordering::Relaxed);
        for number in 0..written {
            let found = times.get(&format!("user-row-{number}")).copied().unwrap_or_default();
            assert_eq!(found, 1, "row {number} of {written}");
        }
    }

    /// The bucket fails from now on, or works again.
    pub(crate) fn breaks(&self, class: Option<spillway::domain::FailureClass>) {
        self.app.buckets.fail_with(class);
    }
}
