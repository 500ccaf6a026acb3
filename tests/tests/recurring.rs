//! Recurring and live exports from their creation through their ticks to the files: every window once, nothing lost,
//! nothing twice, whatever comes late, jumps, blocks or is edited.
#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "recurring/created.rs"]
mod created;
#[path = "recurring/flow.rs"]
mod flow;

use std::collections::BTreeSet;

use jiff::{SignedDuration, civil::date};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use spillway::{
    domain::{
        BucketFailure, DataSelection, ExportSpec, ExportStatus, FailureClass, Format, RunStatus, StopReason,
    },
    ports::Work,
    steps::{self, EditError},
};
use spillway_tests::harness::{ACCOUNT, BUCKET, Strike};

use flow::{Flow, at, live, recurring};

#[tokio::test]
async fn three_windows_with_late_events() {
    let mut flow = Flow::new("UTC", "2026-03-10T09:10:00Z").await;
    // Before the start date: nobody asked for it.
    flow.commit_at("2026-03-09T23:59:00Z", date(2026, 3, 9));
    flow.commit_at("2026-03-10T08:00:00Z", date(2026, 3, 10));
    let export = flow.create(recurring(4, date(2026, 3, 10))).await;
    assert_eq!(
        (export.next_due_at, &export.status),
        (Some(at("2026-03-10T12:00:00Z")), &ExportStatus::Pending)
    );
    assert!(flow.tick_at("2026-03-10T11:59:59Z").await.created.is_empty(), "not due yet");

    flow.commit_at("2026-03-10T11:57:00Z", date(2026, 3, 8));
    // Committed within the settle lag: the next run's.
    flow.commit_at("2026-03-10T11:59:00Z", date(2026, 3, 10));
    assert_eq!(flow.tick_at("2026-03-10T12:00:00Z").await.created.len(), 1);
    assert!(flow.tick_at("2026-03-10T12:00:01Z").await.created.is_empty(), "once");
    flow.app.drain().await.unwrap();
    // Late, by days. And the cut of 16:00 has whole microseconds, whatever the lake's clock has.
    flow.commit_at("2026-03-10T13:00:00Z", date(2026, 2, 1));
    flow.commit_at("2026-03-10T15:57:59Z", date(2026, 3, 10));
    flow.tick_at("2026-03-10T16:00:00.000000999Z").await;
    flow.app.drain().await.unwrap();
    // The tick of 20:00 comes late; its window is the longer.
    flow.commit_at("2026-03-10T20:30:00Z", date(2026, 3, 9));
    flow.tick_at("2026-03-10T21:07:00Z").await;
    flow.app.drain().await.unwrap();

    let runs = flow.check(&export, "2026-03-10T00:00:00Z").await;
    let cuts: Vec<_> = runs.iter().map(|run| run.window.cut().to_string()).collect();
    assert_eq!(cuts, ["2026-03-10T11:58:00Z", "2026-03-10T15:58:00Z", "2026-03-10T21:05:00Z"]);
    assert!(runs.iter().all(|run| run.status == RunStatus::Done));
    let export = flow.export(&export).await;
    assert_eq!(export.next_due_at, Some(at("2026-03-11T00:00:00Z")));
    assert_eq!(
        (export.status, export.delivered_cut),
        (ExportStatus::Pending, Some(at("2026-03-10T21:05:00Z")))
    );
}

#[tokio::test]
async fn the_night_in_which_clocks_go_forward_and_the_one_back() {
    for (start, begin, dues) in [
        // 28 to 29 March 2026: 02:00 becomes 03:00.
        (
            date(2026, 3, 28),
            "2026-03-27T23:00:00Z",
            ["2026-03-28T19:00:00Z", "2026-03-28T23:00:00Z", "2026-03-29T02:00:00Z", "2026-03-29T06:00:00Z"],
        ),
        // 24 to 25 October 2026: 03:00 becomes 02:00.
        (
            date(2026, 10, 24),
            "2026-10-23T22:00:00Z",
            ["2026-10-24T18:00:00Z", "2026-10-24T22:00:00Z", "2026-10-25T03:00:00Z", "2026-10-25T07:00:00Z"],
        ),
    ] {
        let first = at(dues[0]);
        let mut flow = Flow::new("Europe/Berlin", &(first - SignedDuration::from_hours(3)).to_string()).await;
        let export = flow.create(recurring(4, start)).await;
        let mut created = Vec::new();
        // A tick every half hour, with a file just before each.
        while flow.app.now() < at(dues[3]) {
            flow.app.advance_secs(1_740);
            flow.commit(start);
            flow.app.advance_secs(60);
            if !flow.tick().await.created.is_empty() {
                created.push(flow.app.now().to_string());
            }
            flow.app.drain().await.unwrap();
        }
        assert_eq!(created, dues, "at 20:00, 00:00, 04:00 and 08:00 of Berlin");
        flow.check(&export, begin).await;
    }
}

#[tokio::test]
async fn an_edit_between_runs_takes_effect_from_the_next_run() {
    let mut flow = Flow::new("Europe/Berlin", "2026-03-10T07:10:00Z").await;
    let export = flow.create(recurring(6, date(2026, 3, 10))).await;
    flow.commit(date(2026, 3, 10));
    // 12:00 of Berlin.
    flow.tick_at("2026-03-10T11:00:00Z").await;
    let parts = flow.app.parts();
    let wanted =
        ExportSpec { format: Format::Csv, frequency: recurring(8, date(2026, 3, 10)), ..export.spec.clone() };
    // The run of 12:00 is owed and has not been opened: it takes the edit; a running one would not.
    flow.app.drain().await.unwrap();
    let edited =
        steps::edit_export(&parts, ACCOUNT, export.request, Some(&export.spec), &wanted).await.unwrap();
    assert_eq!(edited.spec, wanted);
    // The cycle restarts at midnight of Berlin.
    assert_eq!(edited.next_due_at, Some(at("2026-03-10T23:00:00Z")));
    flow.commit(date(2026, 3, 10));
    assert!(flow.tick_at("2026-03-10T19:00:00Z").await.created.is_empty(), "not in the old cycle");
    flow.tick_at("2026-03-10T23:00:00Z").await;
    flow.app.drain().await.unwrap();
    flow.commit(date(2026, 3, 11));
    flow.tick_at("2026-03-11T07:00:00Z").await;
    flow.app.drain().await.unwrap();
    let runs = flow.check(&export, "2026-03-09T23:00:00Z").await;
    let formats: Vec<_> = runs.iter().map(|run| run.spec.format).collect();
    assert_eq!(formats, [Format::Json, Format::Csv, Format::Csv]);

    // Whoever edits what he saw before that edit is told.
    let late = steps::edit_export(&parts, ACCOUNT, export.request, Some(&export.spec), &export.spec).await;
    assert!(matches!(late, Err(EditError::Changed(request)) if request == export.request));
    steps::stop_export(&parts, ACCOUNT, export.request, &StopReason::User).await.unwrap();
    let ended = steps::edit_export(&parts, ACCOUNT, export.request, None, &wanted).await.unwrap_err();
    assert!(ended.to_string().contains("was stopped on"), "{ended}");
    let none = steps::edit_export(&parts, ACCOUNT, export.request.next(), None, &wanted).await.unwrap_err();
    assert!(none.to_string().contains("has no export"), "{none}");
    // And nothing is due any more.
    assert!(flow.tick_at("2026-03-20T07:00:00Z").await.created.is_empty());
}

#[tokio::test]
async fn a_run_that_is_owed_takes_an_edit() {
    let mut flow = Flow::new("UTC", "2026-03-10T09:10:00Z").await;
    let export = flow.create(recurring(4, date(2026, 3, 10))).await;
    flow.commit(date(2026, 3, 10));
    flow.tick_at("2026-03-10T12:00:00Z").await;
    let wanted = ExportSpec { format: Format::Xml, ..export.spec.clone() };
    steps::edit_export(&flow.app.parts(), ACCOUNT, export.request, None, &wanted).await.unwrap();
    flow.app.drain().await.unwrap();
    let runs = flow.check(&export, "2026-03-10T00:00:00Z").await;
    assert_eq!(runs[0].spec, wanted);
}

#[tokio::test]
async fn owed_runs_go_out_in_order_after_a_blocked_bucket() {
    let mut flow = Flow::new("UTC", "2026-03-10T09:10:00Z").await;
    let export = flow.create(recurring(4, date(2026, 3, 10))).await;
    let class = FailureClass::CredentialsRejected;
    let failure = BucketFailure { class, http_status: Some(401), message: "revoked".to_owned() };
    flow.app.store.block_bucket(&flow.app.bucket().await, &failure, flow.app.now()).await.unwrap();
    for due in ["2026-03-10T12:00:00Z", "2026-03-10T16:00:00Z", "2026-03-10T20:00:00Z"] {
        flow.commit(date(2026, 3, 10));
        flow.commit(date(2026, 3, 1));
        let ticked = flow.tick_at(due).await;
        assert_eq!((ticked.created.len(), ticked.failed.len()), (1, 0), "also while blocked");
        flow.app.drain().await.unwrap();
    }
    let runs = flow.runs(&export).await;
    assert!(runs.iter().all(|run| run.status == RunStatus::Owed), "{runs:#?}");
    assert_eq!(flow.export(&export).await.delivered_cut, None);
    assert!(flow.app.buckets.objects(BUCKET).is_empty());

    flow.app.store.unblock_bucket(&flow.app.bucket().await).await.unwrap();
    let ticked = flow.tick_at("2026-03-10T21:00:00Z").await;
    assert_eq!(ticked.woken, [runs[0].key], "the oldest; each that ends wakes the next");
    let parts = flow.app.parts();
    let mut closed = Vec::new();
    while let Some(work) = flow.app.queue.pop() {
        steps::handle(&parts, &work).await.unwrap();
        let runs = flow.runs(&export).await;
        let open = runs.iter().filter(|run| run.status == RunStatus::Running).count();
        assert!(open <= 1, "one run of an export is open at a time");
        for run in runs.iter().filter(|run| run.status.is_closed()) {
            if !closed.contains(&run.key) {
                closed.push(run.key);
            }
        }
    }
    assert_eq!(closed, runs.iter().map(|run| run.key).collect::<Vec<_>>(), "in order");
    flow.check(&export, "2026-03-10T00:00:00Z").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ticks_at_once_create_each_run_once() {
    let mut flow = Flow::new("UTC", "2026-03-10T09:10:00Z").await;
    let mut exports = Vec::new();
    for _ in 0..10 {
        exports.push(flow.create(recurring(4, date(2026, 3, 10))).await);
    }
    flow.commit(date(2026, 3, 10));
    flow.app.clock.set(at("2026-03-10T12:00:00Z"));
    let ticks: Vec<_> = (0..8)
        .map(|_| {
            let parts = flow.app.parts();
            tokio::spawn(async move { steps::tick(&parts).await.unwrap() })
        })
        .collect();
    let mut created = Vec::new();
    for tick in ticks {
        let ticked = tick.await.unwrap();
        assert!(ticked.failed.is_empty() && ticked.waiting.is_empty(), "{ticked:?}");
        created.extend(ticked.created);
    }
    assert_eq!(created.len(), 10);
    let sent: BTreeSet<_> = flow.app.queue.all().into_iter().map(|work| format!("{work:?}")).collect();
    assert_eq!((sent.len(), flow.app.queue.len()), (10, 10), "each has one message");
    flow.app.drain().await.unwrap();
    for export in exports {
        assert_eq!(flow.check(&export, "2026-03-10T00:00:00Z").await.len(), 1);
    }
}

#[tokio::test]
async fn live_runs_every_five_minutes() {
    let mut flow = Flow::new("UTC", "2026-03-10T09:11:00Z").await;
    let export = flow.create(live(date(2026, 3, 10))).await;
    assert_eq!(export.next_due_at, Some(at("2026-03-10T09:15:00Z")));
    flow.app.clock.set(at("2026-03-10T09:12:30Z"));
    for _ in 0..6 {
        flow.commit(date(2026, 3, 10));
        // At 09:14 and so on: committed after the cut of the tick that follows.
        flow.app.advance_secs(90);
        flow.commit(date(2026, 3, 9));
        flow.app.advance_secs(60);
        assert_eq!(flow.tick().await.created.len(), 1, "{}", flow.app.now());
        flow.app.drain().await.unwrap();
        flow.app.advance_secs(150);
    }
    let runs = flow.check(&export, "2026-03-10T00:00:00Z").await;
    let cuts: Vec<_> = runs.iter().map(|run| run.window.cut().strftime("%H:%M:%S").to_string()).collect();
    assert_eq!(cuts, ["09:13:00", "09:18:00", "09:23:00", "09:28:00", "09:33:00", "09:38:00"]);
}

#[tokio::test]
async fn a_clock_that_jumps_back_creates_no_window_twice() {
    let mut flow = Flow::new("UTC", "2026-03-10T09:10:00Z").await;
    let export = flow.create(recurring(4, date(2026, 3, 10))).await;
    flow.commit(date(2026, 3, 10));
    flow.tick_at("2026-03-10T12:00:00Z").await;
    flow.app.drain().await.unwrap();
    for back in ["2026-03-10T11:30:00Z", "2026-03-10T11:59:59Z", "2026-03-10T12:00:00Z"] {
        assert!(flow.tick_at(back).await.created.is_empty(), "{back}");
    }
    // Even where it is due: its cut would not advance, so it is left for the next tick.
    let (request, spec) = (export.request, &export.spec);
    let due = at("2026-03-10T10:00:00Z");
    flow.app.store.edit_export(ACCOUNT, request, spec, spec, Some(due)).await.unwrap();
    for back in ["2026-03-10T11:00:00Z", "2026-03-10T12:00:00Z"] {
        let ticked = flow.tick_at(back).await;
        assert_eq!((ticked.created.len(), ticked.waiting), (0, vec![(ACCOUNT, request)]), "{back}");
    }
    flow.commit_at("2026-03-10T12:01:00Z", date(2026, 3, 10));
    assert_eq!(flow.tick_at("2026-03-10T12:03:00Z").await.created.len(), 1);
    flow.app.drain().await.unwrap();
    assert_eq!(flow.check(&export, "2026-03-10T00:00:00Z").await.len(), 2);
}

#[tokio::test]
async fn runs_whose_message_was_lost_are_woken_again() {
    let mut flow = Flow::new("UTC", "2026-03-10T09:10:00Z").await;
    let export = flow.create(recurring(4, date(2026, 3, 10))).await;
    flow.commit(date(2026, 3, 10));
    let run = flow.tick_at("2026-03-10T12:00:00Z").await.created[0];
    assert_eq!(flow.app.queue.lose_all(), 1);
    assert!(flow.tick_at("2026-03-10T12:14:59Z").await.woken.is_empty(), "it may still come");
    assert_eq!(flow.tick_at("2026-03-10T11:59:00Z").await.woken, [run], "created in what is the future now");
    assert_eq!(flow.tick_at("2026-03-10T12:15:00Z").await.woken, [run]);
    // Twice does no harm.
    assert_eq!(flow.app.queue.all(), [Work::Run { run }, Work::Run { run }]);
    flow.app.drain().await.unwrap();
    assert!(flow.tick_at("2026-03-10T13:00:00Z").await.woken.is_empty());
    assert_eq!(flow.check(&export, "2026-03-10T00:00:00Z").await[0].status, RunStatus::Done);
}

#[tokio::test]
async fn an_export_that_fails_holds_up_nobody() {
    let mut flow = Flow::new("UTC", "2026-03-10T09:10:00Z").await;
    let lost = spillway::domain::AccountId(7);
    flow.app.connect(lost, BUCKET, "another", "{}").await;
    let spec = flow.spec(recurring(4, date(2026, 3, 10)));
    let parts = flow.app.parts();
    let theirs = steps::create_export(&parts, lost, spec).await.unwrap().export;
    let ours = flow.create(recurring(4, date(2026, 3, 10))).await;
    flow.commit(date(2026, 3, 10));
    flow.damage_account(lost);
    let ticked = flow.tick_at("2026-03-10T12:00:00Z").await;
    assert_eq!(ticked.created.len(), 1);
    let [(account, request, _)] = &ticked.failed[..] else { panic!("{ticked:?}") };
    assert_eq!((*account, *request), (lost, theirs.request));
    flow.app.drain().await.unwrap();
    flow.check(&ours, "2026-03-10T00:00:00Z").await;
}

#[tokio::test]
async fn storms_lose_nothing_and_deliver_nothing_twice() {
    for seed in 0..8_u64 {
        let mut rng = StdRng::seed_from_u64(seed);
        let zone = ["UTC", "Europe/Berlin", "Asia/Kathmandu", "America/St_Johns"][(seed % 4) as usize];
        // The night of 28 March, in which Berlin's clocks go forward, is among the days.
        let mut flow = Flow::new(zone, "2026-03-27T15:00:00Z").await;
        let frequency = if seed % 3 == 0 { live(date(2026, 3, 27)) } else { recurring(4, date(2026, 3, 27)) };
        let export = flow.create(frequency).await;
        for _ in 0..90 {
            match rng.random_range(0..12) {
                0..4 => flow.app.advance_secs(rng.random_range(1..7_200)),
                4..7 => flow.commit(date(2026, 3, rng.random_range(20..30))),
                7 => drop(flow.tick().await),
                8 => {
                    let (one, two) = (flow.app.parts(), flow.app.parts());
                    let (one, two) = tokio::join!(steps::tick(&one), steps::tick(&two));
                    assert!(one.unwrap().failed.is_empty() && two.unwrap().failed.is_empty());
                }
                9 => {
                    // Back, and on again before anything is committed.
                    let now = flow.app.now();
                    flow.app.clock.set(now - SignedDuration::from_secs(rng.random_range(1..20_000)));
                    flow.tick().await;
                    flow.app.clock.set(now);
                }
                10 => drop(flow.app.queue.lose_all()),
                _ if rng.random() => {
                    let failure = BucketFailure {
                        class: FailureClass::BillingDisabled,
                        http_status: Some(403),
                        message: String::new(),
                    };
                    let (bucket, now) = (flow.app.bucket().await, flow.app.now());
                    flow.app.store.block_bucket(&bucket, &failure, now).await.unwrap();
                }
                _ => {
                    flow.app.store.unblock_bucket(&flow.app.bucket().await).await.unwrap();
                    let known = flow.export(&export).await.spec;
                    let format = Format::ALL[rng.random_range(0..3_usize)];
                    let wanted = ExportSpec { format, ..known };
                    let parts = flow.app.parts();
                    steps::edit_export(&parts, ACCOUNT, export.request, None, &wanted).await.unwrap();
                    flow.app.drain().await.unwrap();
                }
            }
        }
        flow.app.store.unblock_bucket(&flow.app.bucket().await).await.unwrap();
        flow.app.advance_secs(4 * 3_600);
        flow.tick().await;
        flow.app.advance_secs(901);
        flow.tick().await;
        for run in flow.runs(&export).await {
            flow.app.recover(run.key).await;
        }
        let begin = spillway::domain::start_of_day(date(2026, 3, 27), &flow.zone().time_zone()).to_string();
        let runs = flow.check(&export, &begin).await;
        let last = runs.last().unwrap().window.cut();
        assert!(flow.committed().all(|committed| committed <= last), "seed {seed}: all was cut");
        assert_eq!(flow.export(&export).await.delivered_cut, Some(last));
    }
}

#[tokio::test]
async fn a_tick_may_end_or_fail_at_any_point() {
    let mut struck = 0;
    for strike in [Strike::Kill, Strike::Fail] {
        for nth in 0..1_000 {
            let mut flow = Flow::new("UTC", "2026-03-10T09:10:00Z").await;
            let exports = [
                flow.create(recurring(4, date(2026, 3, 10))).await,
                flow.create(live(date(2026, 3, 10))).await,
            ];
            flow.commit(date(2026, 3, 10));
            flow.app.clock.set(at("2026-03-10T12:00:00Z"));
            let worker = flow.app.worker();
            worker.gate.arm(nth, strike);
            drop(worker.gate.run(steps::tick(&worker.parts)).await);
            let is_over = worker.gate.disarm();
            // The next ticks make up for it, the last one for lost messages too.
            flow.tick().await;
            flow.app.advance_secs(901);
            flow.tick().await;
            flow.app.drain().await.unwrap();
            for export in &exports {
                flow.check(export, "2026-03-10T00:00:00Z").await;
            }
            assert_eq!(flow.runs(&exports[0]).await.len(), 1, "one due time, one run");
            if is_over {
                break;
            }
            struck += 1;
        }
    }
    assert!(struck > 20, "{struck}");
}

#[tokio::test]
async fn the_selection_is_kept_by_every_run() {
    let mut flow = Flow::new("UTC", "2026-03-10T09:10:00Z").await;
    let names = vec!["Charged".to_owned()];
    let spec = ExportSpec {
        data: DataSelection::SelectEvents { names },
        ..flow.spec(recurring(12, date(2026, 3, 10)))
    };
    let export = steps::create_export(&flow.app.parts(), ACCOUNT, spec).await.unwrap().export;
    flow.commit_event("Charged", date(2026, 3, 10));
    flow.commit_event("App Launched", date(2026, 3, 10));
    flow.tick_at("2026-03-10T12:00:00Z").await;
    flow.app.drain().await.unwrap();
    flow.commit_event("App Launched", date(2026, 3, 10));
    flow.tick_at("2026-03-11T00:00:00Z").await;
    flow.app.drain().await.unwrap();
    let runs = flow.check(&export, "2026-03-10T00:00:00Z").await;
    let statuses: Vec<_> = runs.iter().map(|run| run.status).collect();
    assert_eq!(statuses, [RunStatus::Done, RunStatus::Empty]);
}
