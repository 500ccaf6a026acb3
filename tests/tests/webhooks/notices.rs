//! What webhooks are told of runs and of incidents: once each, in order, again where it did not arrive, and whoever does
//! not answer holds up nobody else.

use std::{collections::BTreeSet, sync::Arc};

use async_trait::async_trait;
use jiff::civil::{Date, date};
use rand::{SeedableRng, rngs::StdRng};
use serde_json::Value;
use spillway::{
    domain::{
        AccountId, ChannelKind, FailureClass, Format, Notice, NoticeId, NoticeState, NoticeTask, RunStatus,
        WebhookUrl,
    },
    ports::{WebhookCall, WebhookError, Webhooks, Work},
    steps::{self, Notifier},
};
use spillway_tests::harness::{ACCOUNT, BUCKET, EventRow, Probe, RecordedWebhooks, Strike, TestApp};
use tokio::sync::Notify;

const DAY: Date = date(2026, 3, 9);
const OTHER: AccountId = AccountId(7);

async fn with_webhook(app: &TestApp, account: AccountId, host: &str) {
    let mut settings = app.store.account(account).await.unwrap().unwrap();
    settings.webhook = Some(WebhookUrl::new(&format!("https://{host}/hook")).unwrap());
    app.store.put_account(&settings).await.unwrap();
    steps::renew_webhook_secret(&app.parts(), account).await.unwrap();
}

fn fill(app: &TestApp) {
    let mut rng = StdRng::seed_from_u64(5);
    let rows: Vec<_> =
        (0..30).map(|row| EventRow::random(&mut rng, row.to_string(), "Charged", DAY, 0)).collect();
    app.lake.write_events(&app.file(10), &rows);
}

/// The events that were sent, with what the product calls their status.
fn told(calls: &[WebhookCall]) -> Vec<(String, String)> {
    let text = |told: &Value, name: &str| told[name].as_str().unwrap().to_owned();
    let read = calls.iter().map(|call| serde_json::from_slice(&call.body).unwrap());
    read.map(|told: Value| (text(&told, "event"), text(&told, "Status"))).collect()
}

fn pair(event: &str, status: &str) -> (String, String) {
    (event.to_owned(), status.to_owned())
}

async fn fails(app: &TestApp, class: Option<FailureClass>) {
    let failure = class.clone().map(|class| spillway::domain::BucketFailure {
        class,
        http_status: Some(403),
        message: "by the test".to_owned(),
    });
    app.buckets.fail_with(class);
    app.buckets.answer_probes(Probe { upload: failure.map_or(Ok(()), Err), ..Probe::default() });
}

#[tokio::test]
async fn a_run_is_told_when_it_begins_and_when_it_ends_and_never_twice() {
    let app = TestApp::new().await;
    with_webhook(&app, ACCOUNT, "hooks.example.com").await;
    fill(&app);
    let (_, run) = app.export(app.spec(Format::Csv, DAY, DAY)).await;
    app.drain().await.unwrap();
    assert_eq!(app.run(run.key).await.status, RunStatus::Done);
    // Messages that come again, and two senders at once.
    for _ in 0..3 {
        app.queue.put(Work::Run { run: run.key });
    }
    app.drain().await.unwrap();
    let (one, two) = (app.parts(), app.parts());
    let (one, two) = tokio::join!(steps::send_webhooks(&one), steps::send_webhooks(&two));
    assert_eq!(one.unwrap().sent + two.unwrap().sent, 2);
    let calls = app.webhooks.calls();
    // In no order: this clock stands still between them.
    let both = BTreeSet::from([pair("run.started", "Initiated"), pair("run.finished", "Completed")]);
    assert_eq!(told(&calls).into_iter().collect::<BTreeSet<_>>(), both);
    let ids: BTreeSet<_> = calls.iter().map(|call| call.id.as_str()).collect();
    assert_eq!(ids.len(), 2, "each has an id of its own");
    let mut read = calls.iter().map(|call| serde_json::from_slice::<Value>(&call.body).unwrap());
    let done = read.find(|told| told["event"] == "run.finished").unwrap();
    assert_eq!((&done["run"]["rows"], &done["Export Request Id"]), (&30.into(), &run.key.request.0.into()));
}

#[tokio::test]
async fn a_run_whose_opener_dies_at_any_await_is_still_told_of() {
    for nth in 0.. {
        let app = TestApp::new().await;
        with_webhook(&app, ACCOUNT, "hooks.example.com").await;
        fill(&app);
        app.export(app.spec(Format::Csv, DAY, DAY)).await;
        let (worker, wake_up) = (app.worker(), app.queue.pop().unwrap());
        worker.gate.arm(nth, Strike::Kill);
        if !worker.gate.run(steps::handle(&worker.parts, &wake_up)).await.is_killed() {
            app.abandon();
            assert!(nth > 20, "it was killed at {nth} points");
            break;
        }
        // Nobody has acknowledged it; and what was claimed and not sent is sent again later.
        app.queue.put(wake_up);
        app.drain().await.unwrap();
        app.advance_secs(901);
        steps::sweep(&app.parts(), |_| true).await.unwrap();
        app.drain().await.unwrap();
        steps::send_webhooks(&app.parts()).await.unwrap();
        let both = BTreeSet::from([pair("run.started", "Initiated"), pair("run.finished", "Completed")]);
        let calls = app.webhooks.calls();
        assert_eq!(
            (told(&calls).into_iter().collect::<BTreeSet<_>>(), calls.len()),
            (both, 2),
            "killed at {nth}"
        );
    }
}

#[tokio::test]
async fn an_account_without_a_webhook_is_told_nothing() {
    let app = TestApp::new().await;
    fill(&app);
    app.export(app.spec(Format::Csv, DAY, DAY)).await;
    app.drain().await.unwrap();
    assert_eq!(app.store.notices(ACCOUNT, 10).await.unwrap(), []);
}

#[tokio::test]
async fn what_does_not_arrive_is_sent_again_under_the_same_id_with_backoff() {
    let app = TestApp::new().await;
    with_webhook(&app, ACCOUNT, "hooks.example.com").await;
    fill(&app);
    app.export(app.spec(Format::Csv, DAY, DAY)).await;
    app.drain().await.unwrap();
    app.webhooks.fail_with(Some(WebhookError::Refused { status: 500 }));
    let parts = app.parts();
    let first = steps::send_webhooks(&parts).await.unwrap();
    assert_eq!((first.sent, first.later), (0, 2));
    assert_eq!(app.webhooks.calls().len(), 1, "what comes after it is not tried: the server does not work");
    assert_eq!(steps::send_webhooks(&parts).await.unwrap().later, 0, "nothing is due so soon");
    let mut waited = 0;
    for _ in 0..5 {
        let before = app.webhooks.calls().len();
        while app.webhooks.calls().len() == before {
            app.advance_secs(60);
            waited += 1;
            steps::send_webhooks(&parts).await.unwrap();
        }
    }
    assert!(waited > 60, "less and less often: {waited} minutes for five attempts");
    app.webhooks.fail_with(None);
    app.advance_secs(3_700);
    let sent = steps::send_webhooks(&parts).await.unwrap();
    assert_eq!(sent.sent, 2);
    let calls = app.webhooks.calls();
    let last = &calls[calls.len() - 2..];
    let first = &calls[0];
    let again = last.iter().find(|call| call.id == first.id).expect("the same delivery");
    assert_eq!(again.body, first.body);
    assert_ne!(again.signatures, first.signatures, "signed anew, as of then");
    assert_eq!(again.timestamp, app.now().as_second());
    assert_ne!(last[0].id, last[1].id, "each once");
}

#[tokio::test]
async fn a_newer_delivery_does_not_overtake_one_that_is_tried_again_later() {
    let app = TestApp::new().await;
    with_webhook(&app, ACCOUNT, "hooks.example.com").await;
    let parts = app.parts();
    let status = |call: &WebhookCall| {
        let told: Value = serde_json::from_slice(&call.body).unwrap();
        told["Status"].as_str().unwrap().to_owned()
    };
    app.store.put_notices(&[notice(&app, ACCOUNT, 1)]).await.unwrap();
    app.webhooks.fail_with(Some(WebhookError::TimedOut { secs: 10 }));
    assert_eq!(steps::send_webhooks(&parts).await.unwrap().later, 1);
    app.webhooks.fail_with(None);
    for number in 2..4 {
        app.advance_secs(10);
        app.store.put_notices(&[notice(&app, ACCOUNT, number)]).await.unwrap();
        let delivered = steps::send_webhooks(&parts).await.unwrap();
        assert_eq!((delivered.sent, delivered.later), (0, 1), "the first one is not due yet");
    }
    app.advance_secs(120);
    assert_eq!(steps::send_webhooks(&parts).await.unwrap().sent, 3);
    let calls: Vec<_> = app.webhooks.calls().iter().map(status).collect();
    assert_eq!(calls, ["1", "1", "2", "3"]);
    let mut attempts: Vec<_> =
        app.store.notices(ACCOUNT, 9).await.unwrap().iter().map(|notice| notice.attempts).collect();
    attempts.sort_unstable();
    assert_eq!(attempts, [1, 1, 2], "what was not tried counts as no attempt");
}

/// One server hangs, and no other does.
struct OneHangs {
    recorded: RecordedWebhooks,
    /// Told when another one was called: until then it hangs. Without it a call ends by itself, as the client's do.
    other: Option<Arc<Notify>>,
}

#[async_trait]
impl Webhooks for OneHangs {
    async fn call(&self, call: &WebhookCall) -> Result<u16, WebhookError> {
        let taken = self.recorded.call(call).await;
        match (&self.other, call.url.as_str().contains("hangs")) {
            (Some(other), true) => other.notified().await,
            (Some(other), false) => other.notify_one(),
            (None, _) => {}
        }
        if call.url.as_str().contains("hangs") { Err(WebhookError::TimedOut { secs: 10 }) } else { taken }
    }
}

/// Two accounts, the webhook of the first of which hangs.
async fn one_hangs(other: Option<Arc<Notify>>) -> TestApp {
    let mut app = TestApp::new().await;
    app.connect(OTHER, "main", "their-bucket", "{}").await;
    app.other_webhooks = Some(Arc::new(OneHangs { recorded: app.webhooks.clone(), other }));
    with_webhook(&app, ACCOUNT, "hangs.example.com").await;
    with_webhook(&app, OTHER, "works.example.com").await;
    app
}

fn notice(app: &TestApp, account: AccountId, number: usize) -> Notice {
    let id = NoticeId::of(&[&account.to_string(), &number.to_string()]);
    let task = NoticeTask::Webhook { payload: format!("{{\"event\":\"test\",\"Status\":\"{number}\"}}") };
    Notice::new(account, id, task, app.now())
}

#[tokio::test]
async fn while_a_webhook_hangs_others_are_called() {
    let app = one_hangs(Some(Arc::default())).await;
    app.store.put_notices(&[notice(&app, ACCOUNT, 1), notice(&app, OTHER, 1)]).await.unwrap();
    // Were they called one after the other, this would never end.
    let delivered = steps::send_webhooks(&app.parts()).await.unwrap();
    assert_eq!((delivered.sent, delivered.later), (1, 1));
}

#[tokio::test]
async fn a_flood_for_a_webhook_that_hangs_costs_one_call() {
    let app = one_hangs(None).await;
    let flood: Vec<_> = (0..200).map(|number| notice(&app, ACCOUNT, number)).collect();
    app.store.put_notices(&flood).await.unwrap();
    app.advance_secs(1);
    app.store.put_notices(&[notice(&app, OTHER, 1)]).await.unwrap();
    let delivered = steps::send_webhooks(&app.parts()).await.unwrap();
    assert_eq!((delivered.sent, delivered.later), (1, 200));
    let calls = app.webhooks.calls();
    let hanging = calls.iter().filter(|call| call.url.as_str().contains("hangs")).count();
    assert_eq!((hanging, calls.len()), (1, 2));
}

#[tokio::test]
async fn a_webhook_that_is_taken_away_is_owed_nothing() {
    let app = TestApp::new().await;
    with_webhook(&app, ACCOUNT, "hooks.example.com").await;
    fill(&app);
    app.export(app.spec(Format::Csv, DAY, DAY)).await;
    app.drain().await.unwrap();
    let mut settings = app.store.account(ACCOUNT).await.unwrap().unwrap();
    settings.webhook = None;
    app.store.put_account(&settings).await.unwrap();
    let delivered = steps::send_webhooks(&app.parts()).await.unwrap();
    assert_eq!((delivered.sent, delivered.given_up.len()), (0, 2));
    assert!(app.webhooks.calls().is_empty());
    let notices = app.store.notices(ACCOUNT, 10).await.unwrap();
    assert!(notices.iter().all(|notice| matches!(notice.state, NoticeState::GivenUp { .. })));
}

#[tokio::test]
async fn an_incident_is_one_series_whatever_the_number_of_exports() {
    let app = TestApp::new().await;
    with_webhook(&app, ACCOUNT, "hooks.example.com").await;
    let spec = spillway::domain::ExportSpec {
        frequency: spillway::domain::Frequency::Live { start: DAY },
        ..app.spec(Format::Csv, DAY, DAY)
    };
    fill(&app);
    let mut runs = Vec::new();
    for _ in 0..3 {
        let export = app.recurring(spec.clone()).await;
        app.advance_secs(1);
        runs.push(app.next_run(export.request).await);
    }
    fails(&app, Some(FailureClass::BucketMissing)).await;
    app.drain().await.unwrap();
    let parts = app.parts();
    let notifier = Notifier { mailer: None, public_url: Some("https://exports.example.com".to_owned()) };
    let round = async || {
        steps::check(&parts, &notifier, |_| true).await.unwrap();
        app.drain().await.unwrap();
    };
    let since_blocked = app.webhooks.calls().len();
    for _ in 0..26 {
        round().await;
        app.advance_secs(3_600);
    }
    fails(&app, None).await;
    round().await;
    app.advance_secs(3_600);
    round().await;
    let calls = app.webhooks.calls().split_off(since_blocked);
    let incidents: Vec<_> =
        told(&calls).into_iter().filter(|(event, _)| event.starts_with("incident")).collect();
    assert_eq!(
        incidents,
        [
            pair("incident.opened", "Blocked"),
            pair("incident.reminder", "Blocked"),
            pair("incident.resolved", "Resumed")
        ]
    );
    let first = calls.iter().map(|call| serde_json::from_slice::<Value>(&call.body).unwrap());
    let first = first.into_iter().find(|told| told["event"] == "incident.opened").unwrap();
    let incident = &first["incident"];
    assert_eq!((&incident["exports_total"], &incident["owed_windows"]), (&3.into(), &3.into()));
    assert_eq!(incident["title"], "The bucket does not exist");
    assert_eq!(incident["cause"], format!("Google knows no bucket of the name `{BUCKET}`."));
    assert!(
        incident["help_url"]
            .as_str()
            .unwrap()
            .starts_with("https://exports.example.com/help/failures/bucket-missing")
    );
    assert_eq!(first.get("Export Request Id"), None, "it is about several");
    for run in runs {
        assert_eq!(app.run(run.key).await.status, RunStatus::Done);
    }
    // Nothing is left owed.
    let token = spillway::domain::LeaseToken::from_random(1);
    let left = app.store.claim_notices(ChannelKind::Webhook, token, app.now(), 10).await.unwrap();
    assert_eq!(left, []);
}
