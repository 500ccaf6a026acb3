//! What customers do, from connecting a bucket on.

use std::{io::Write, process::Command};

use gcs_emulator::{Fault, FaultRule};
use http::{Method, StatusCode};
use jiff::SignedDuration;
use serde_json::{Value, json};
use spillway::domain::{RequestId, RunStatus, Window};
use spillway_tests::{binary, harness::EventRow};

use crate::{
    customer::{Customer, again, once},
    data::Batch,
    world::World,
};

/// Takes rows in by `spillway ingest`, as a platform does.
fn ingest(world: &World, customer: &Customer, rows: &[EventRow]) {
    let (home, clock) = world.home();
    let file = home.with_extension("jsonl");
    let mut lines = std::fs::File::create(&file).unwrap();
    for row in rows {
        let props: Value = serde_json::from_str(&row.event_props()).unwrap();
        let line = json!({
            "type": "event", "identity": "u1", "ts": row.ts_micros() / 1_000_000,
            "evtName": row.event, "evtData": props,
        });
        writeln!(lines, "{line}").unwrap();
    }
    let ran = Command::new(binary("spillway"))
        .envs(clock.environment())
        .args(["--home", home.to_str().unwrap(), "ingest", "--account", &customer.account.to_string()])
        .arg(&file)
        .output()
        .unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    world.data.remember(customer.account, world.now(), rows.to_vec());
}

fn simple(world: &World, number: usize) -> EventRow {
    let (id, note) = (format!("ingested-{number}"), format!("note {number}"));
    EventRow { id, event: "Charged".to_owned(), date: world.day(1), database: 0, note, more: json!({}) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_accounts_export_every_format_at_once() {
    let world = World::start().await;
    let (mara, jo) = (world.connected(1).await, world.connected(2).await);
    let committed = world.now() - SignedDuration::from_secs(300);
    let days = [world.day(2), world.day(1)];
    world.data.write(&Batch {
        account: mara.account,
        committed,
        events: &["Charged", "App Launched", "a/b"],
        days: &days,
        databases: 2,
        rows: 30,
    });
    let rows: Vec<_> = (0..200).map(|number| simple(&world, number)).collect();
    ingest(&world, &jo, &rows);
    let (mut of_mara, mut of_jo) = (Vec::new(), Vec::new());
    for format in ["json", "csv", "xml", "parquet"] {
        let (one, two) = tokio::join!(async { mara.create(&once(format, days)).await }, async {
            jo.create(&once(format, days)).await
        });
        of_mara.push(one);
        of_jo.push(two);
    }
    world.settle().await;
    for (customer, requests) in [(&mara, of_mara), (&jo, of_jo)] {
        for request in requests {
            world.check_done(customer, request).await;
        }
    }
    // Neither sees what is the other's.
    let request = mara.create(&once("csv", days)).await;
    let (status, _) = jo.ask(Method::GET, &format!("exports/{request}"), &[], &Value::Null).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    world.settle().await;
    world.check_done(&mara, request).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn recurring_windows_take_late_events_and_edits_and_live_goes_on() {
    let world = World::start().await;
    let mara = world.connected(1).await;
    let batch = |committed, day| {
        world.data.write(&Batch {
            account: mara.account,
            committed,
            events: &["Charged", "App Launched"],
            days: &[day],
            databases: 1,
            rows: 20,
        });
    };
    let (today, yesterday) = (world.day(0), world.day(1));
    batch(world.now() - SignedDuration::from_mins(30), today);
    let recurring = mara.create(&again("csv", json!({ "kind": "recurring", "every_hours": 4 }))).await;
    let live = mara.create(&again("json", json!({ "kind": "live" }))).await;
    let due = async |request: RequestId| -> jiff::Timestamp {
        mara.export(request).await["next_run_at"].as_str().unwrap().parse().unwrap()
    };
    for round in 0..3 {
        // In the first window; late, of the day before; and just before the tick, which leaves it to the next one.
        let next = due(recurring).await;
        batch(next - SignedDuration::from_mins(90), today);
        batch(next - SignedDuration::from_mins(60), yesterday);
        batch(next - SignedDuration::from_secs(60), today);
        world.advance_to(next + SignedDuration::from_secs(30));
        world.tick().await;
        world.settle().await;
        if round == 0 {
            mara.edit(recurring, &json!({ "format": "parquet", "packaging": "plain" })).await;
        }
        // Live, five minutes later.
        world.advance_to(due(live).await + SignedDuration::from_secs(1));
        world.tick().await;
        world.settle().await;
    }
    for request in [recurring, live] {
        let runs = world.check(&mara, request).await;
        let mut end = None;
        for delivered in &runs {
            let Window::Committed { after, upto } = delivered.run.window else { panic!("a window of days") };
            assert!(end.is_none_or(|end| end == after), "the windows meet");
            end = Some(upto);
        }
        assert!(runs.iter().filter(|one| one.run.status == RunStatus::Done).count() >= 3);
        assert_eq!(mara.export(request).await["status"], "PENDING");
    }
    let runs = world.check(&mara, recurring).await;
    let formats: Vec<_> = runs.iter().map(|one| one.run.spec.format.to_string()).collect();
    assert_eq!(formats[..3], ["csv", "parquet", "parquet"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_in_mid_run_keeps_what_is_complete() {
    let world = World::start().await;
    let mara = world.connected(1).await;
    let days = [world.day(1), world.day(1)];
    world.data.write(&Batch {
        account: mara.account,
        committed: world.now() - SignedDuration::from_secs(300),
        events: &["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"],
        days: &days[..1],
        databases: 6,
        rows: 10,
    });
    // Some bytes a second, so that it is under way for long.
    world.google.emulator().faults().add(FaultRule::always(Fault::Slow { bytes_per_sec: 4_000 }));
    let request = mara.create(&once("json", days)).await;
    let run = loop {
        let runs = world.runs(&mara, request).await;
        if let [run] = runs.as_slice()
            && let Some(plan) = &run.plan
            && world.store.written(run.key, &plan.token).await.unwrap().files > 2
        {
            break run.key;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    };
    mara.stop(request).await;
    world.google.emulator().faults().clear();
    world.settle().await;
    let objects = world.objects();
    let limit = spillway::encode::FILE_LIMIT_BYTES;
    let left = spillway_tests::harness::delivered(&*world.store, world.now(), limit, run, &objects).await;
    assert_eq!(left.run.status, RunStatus::Stopped);
    let files = left.manifest.as_ref().expect("a stopped run has a manifest").files.len();
    assert_eq!(files, left.objects.len(), "what is there is listed");
    assert!((3..60).contains(&files), "{files} files");
    // What is there is whole: each file is all that the lake has for its chunk.
    let ids: Vec<_> = left.all_rows().map(|row| row.id.clone()).collect();
    let mut expected = world.data.of(mara.account, left.run.window);
    expected.retain(|row| ids.contains(&row.id));
    spillway_tests::harness::assert_rows(&left, &expected);
    assert_eq!(ids.len(), files * 10);
    assert_eq!(mara.export(request).await["status"], "STOPPED");
}
