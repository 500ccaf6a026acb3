//! A document that is damaged holds up nobody else.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use spillway::{
    domain::{
        Account, AccountId, BucketFailure, BucketId, EmailAddress, FailureClass, Format, Incident, Mailing,
        MailingId, Notice, NoticeId, NoticeKind, NoticeTask, RunStatus, WebhookUrl,
    },
    ports::{IncidentChange, Mail, MailError, Mailer, StoreError, Work},
    steps::{self, Handled, Notifier, StepError},
};
use spillway_tests::harness::{ACCOUNT, BUCKET, TestApp, assert_rows};

use crate::{DAY, damage, live, rows};

const OTHER: AccountId = AccountId(7);

/// Keeps whom it was sent to.
#[derive(Clone, Default)]
struct Recipients(Arc<Mutex<Vec<String>>>);

#[async_trait]
impl Mailer for Recipients {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        self.0.lock().unwrap().push(mail.to.to_string());
        Ok(())
    }
}

/// Two accounts with a bucket that fails, an incident, a mail and a delivery to a webhook each; those of the other one are
/// damaged, and older. So is an export that goes into this one's bucket.
async fn half_damaged() -> TestApp {
    let app = TestApp::new().await;
    app.connect(OTHER, BUCKET, "their-bucket", "{}").await;
    app.buckets.fail_with(Some(FailureClass::BucketMissing));
    let failure = BucketFailure {
        class: FailureClass::BucketMissing,
        http_status: Some(404),
        message: "The specified bucket does not exist.".to_owned(),
    };
    let export = app.recurring(live(&app)).await;
    app.advance_secs(1);
    let damaged = app.recurring(live(&app)).await;
    assert!(damaged.request > export.request, "it is listed first");
    for account in [OTHER, ACCOUNT] {
        app.advance_secs(1);
        let settings = app.store.account(account).await.unwrap().unwrap();
        let notify = vec![EmailAddress::new("ops@customer.example").unwrap()];
        let webhook = WebhookUrl::new("https://hooks.example.com/").ok();
        app.store.put_account(&Account { notify, webhook, ..settings }).await.unwrap();
        steps::renew_webhook_secret(&app.parts(), account).await.unwrap();
        let id = BucketId(BUCKET.to_owned());
        let bucket = app.store.bucket(account, &id).await.unwrap().unwrap();
        app.store.block_bucket(&bucket, &failure, app.now()).await.unwrap();
        let incident = Incident::begin(&bucket, app.now(), &failure, app.now(), 0);
        let id = MailingId::of(&[&account.to_string()]);
        let mailing = Mailing {
            account,
            id: id.clone(),
            incident: incident.id.clone(),
            kind: NoticeKind::Detected,
            subject: "An older one".to_owned(),
            text: String::new(),
            html: String::new(),
            created_at: app.now(),
        };
        let tasks = [
            NoticeTask::Mail { to: EmailAddress::new("older@customer.example").unwrap(), mailing: id },
            NoticeTask::Webhook { payload: "{\"event\":\"test\"}".to_owned() },
        ];
        let notices: Vec<_> = tasks
            .into_iter()
            .map(|task| {
                let id = NoticeId::of(&[&account.to_string(), task.channel().as_str()]);
                Notice::new(account, id, task, app.now())
            })
            .collect();
        let change = IncidentChange {
            expected: None,
            incident: &incident,
            mailing: Some(&mailing),
            notices: &notices,
        };
        app.store.put_incident(change).await.unwrap();
    }
    // Still JSON, so that what finds it by a field does.
    damage(&app, "UPDATE buckets SET doc = json_remove(doc, '$.bucket_name') WHERE account = 7");
    damage(&app, "UPDATE incidents SET doc = json_remove(doc, '$.stop_at') WHERE account = 7");
    damage(&app, "UPDATE notices SET doc = json_remove(doc, '$.task') WHERE account = 7");
    damage(&app, &format!("UPDATE exports SET doc = '{{' WHERE request = {}", damaged.request));
    app
}

#[tokio::test]
async fn damaged_documents_of_one_account_do_not_end_the_round_of_another() {
    let app = half_damaged().await;
    let mailer = Recipients::default();
    let notifier = Notifier { mailer: Some(Arc::new(mailer.clone())), public_url: None };
    let checked = steps::check(&app.parts(), &notifier, |_| true).await.unwrap();
    let told: Vec<_> = checked.told.iter().map(|(incident, kind)| (incident.account, *kind)).collect();
    assert_eq!(told, [(ACCOUNT, NoticeKind::Detected)]);
    assert_eq!(*mailer.0.lock().unwrap(), ["older@customer.example", "ops@customer.example"]);
    assert_eq!((checked.mails.sent, checked.webhooks.sent), (2, 2), "{checked:?}");
    assert!(checked.troubled.is_empty() && checked.unsent.is_empty(), "{checked:?}");
    let listed = app.store.list_exports(ACCOUNT, &Default::default(), None, 1).await.unwrap();
    assert!(listed.exports.is_empty() && listed.next.is_some(), "the next page goes on: {listed:?}");
}

#[tokio::test]
async fn a_fault_of_one_accounts_webhook_delays_neither_mails_nor_others() {
    let app = half_damaged().await;
    // Its seal does not open, and neither can its settings be read any more.
    damage(&app, "UPDATE accounts SET doc = '{' WHERE account = 7");
    let id = NoticeId::of(&["theirs"]);
    let task = NoticeTask::Webhook { payload: "{}".to_owned() };
    app.store.put_notices(&[Notice::new(OTHER, id.clone(), task, app.now())]).await.unwrap();
    let mailer = Recipients::default();
    let notifier = Notifier { mailer: Some(Arc::new(mailer.clone())), public_url: None };
    let checked = steps::check(&app.parts(), &notifier, |_| true).await.unwrap();
    assert_eq!((checked.mails.sent, checked.webhooks.sent, checked.webhooks.later), (2, 2, 1));
    let [(account, _)] = &checked.webhooks.troubled[..] else { panic!("{checked:?}") };
    assert_eq!(*account, OTHER);
    let theirs = app.store.notices(OTHER, 1).await.unwrap().remove(0);
    assert_eq!((theirs.id, theirs.attempts, theirs.next_attempt_at > app.now()), (id, 1, true));
}

#[tokio::test]
async fn a_damaged_run_is_reported_and_the_others_go_on() {
    let app = TestApp::new().await;
    let all = rows("a", "Viewed");
    app.lake.write_events(&app.file(50), &all);
    let spec = || app.spec(Format::Json, DAY, DAY);
    let broken = app.export(spec()).await.1;
    app.advance_secs(1);
    let good = app.export(spec()).await.1;
    damage(&app, &format!("UPDATE runs SET doc = '{{' WHERE run = {}", broken.key.run.0));
    // Its own message is given up, for no delivery helps.
    let handled = steps::handle(&app.parts(), &Work::Run { run: broken.key }).await.unwrap();
    assert_eq!(handled, Handled::Done);
    app.queue.lose_all();
    app.advance_secs(901);
    let ticked = steps::tick(&app.parts()).await.unwrap();
    assert_eq!(ticked.woken, [good.key]);
    let [(account, request, error)] = &ticked.failed[..] else { panic!("{ticked:?}") };
    assert_eq!((*account, *request), (ACCOUNT, broken.key.request));
    assert!(matches!(error, StepError::Store(StoreError::Unreadable { .. })), "{error}");
    app.drain().await.unwrap();
    assert_eq!(app.run(good.key).await.status, RunStatus::Done);
    assert_rows(&app.delivered(good.key).await, &all);
    let open = app.store.open_runs().await.unwrap();
    assert_eq!(open, [], "what a start looks through");
    assert_eq!(app.store.open_run_keys().await.unwrap(), [broken.key]);
}
