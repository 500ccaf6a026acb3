//! Pub/Sub's pushes: each message comes to its end, whatever it holds, and nothing that is not safe is said to be done.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_STANDARD};
use http::StatusCode;
use jiff::civil::{Date, date};
use rand::{SeedableRng, rngs::StdRng};
use serde_json::{Value, json};
use spillway::{
    domain::{
        AccountId, ChunkId, Format, PlanToken, RequestId, Run, RunKey, RunStatus, RunTimestamp, StopReason,
    },
    ports::Work,
    steps,
};
use spillway_tests::harness::{ACCOUNT, BUCKET, EventRow, Strike, assert_rows};

use crate::support::{Cloud, envelope, kind};

const DAY: Date = date(2026, 3, 9);

fn rows(file: &str, count: usize) -> Vec<EventRow> {
    let mut rng = StdRng::seed_from_u64(count as u64);
    (0..count).map(|row| EventRow::random(&mut rng, format!("{file}-{row}"), "Charged", DAY, 0)).collect()
}

/// An export of some files, created and not yet planned.
async fn export(cloud: &Cloud) -> (Run, Vec<EventRow>) {
    let mut all = Vec::new();
    for file in ["a", "b", "c"] {
        let rows = rows(file, 40);
        cloud.app.lake.write_events(&cloud.app.file(10), &rows);
        all.extend(rows);
    }
    let (_, run) = cloud.app.export(cloud.app.spec(Format::Json, DAY, DAY)).await;
    (run, all)
}

/// The same, planned: the messages of its chunks wait.
async fn planned(cloud: &Cloud) -> (Run, Vec<EventRow>) {
    let (run, rows) = export(cloud).await;
    let answer = cloud.push(cloud.scheduler(), &cloud.app.queue.pop().unwrap()).await;
    assert_eq!(answer.status, 204);
    (cloud.app.run(run.key).await, rows)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_goes_through_by_pushes_alone() {
    let cloud = Cloud::new().await;
    let (run, rows) = export(&cloud).await;
    let statuses = cloud.drain().await;
    assert!(statuses.len() > 3, "{statuses:?}");
    assert_eq!(cloud.app.run(run.key).await.status, RunStatus::Done);
    assert_rows(&cloud.app.delivered(run.key).await, &rows);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_comes_twice_is_done_twice() {
    let cloud = Cloud::new().await;
    let (run, rows) = planned(&cloud).await;
    let first = cloud.app.queue.all();
    cloud.drain().await;
    let written = cloud.app.buckets.objects(BUCKET);
    for work in first.iter().chain([&Work::Run { run: run.key }]) {
        let router = if matches!(work, Work::Run { .. }) { cloud.scheduler() } else { cloud.encoder() };
        assert_eq!(cloud.push(router, work).await.status, 204);
    }
    assert_eq!(cloud.app.buckets.objects(BUCKET), written);
    assert_rows(&cloud.app.delivered(run.key).await, &rows);
    cloud.drain().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_somebody_else_is_at_comes_again() {
    let cloud = Cloud::new().await;
    let (_, _) = planned(&cloud).await;
    let work = cloud.app.queue.pop().unwrap();
    cloud.app.buckets.hold_after(Some(0));
    let (router, bearer) = (cloud.encoder(), cloud.bearer());
    let held = tokio::spawn({
        let body = envelope(&work);
        async move {
            let person = spillway_tests::web::Person::new(router);
            person.ask(http::Method::POST, "/push", &[("authorization", &bearer)], body).await
        }
    });
    cloud.app.buckets.until_held().await;
    let answer = cloud.push(cloud.encoder(), &work).await;
    assert_eq!((answer.status.as_u16(), kind(&answer)), (503, "again".to_owned()));
    let after: u64 = answer.header("retry-after").parse().unwrap();
    assert!((1..=520).contains(&after), "until the lease ends: {after}");
    cloud.app.buckets.hold_after(None);
    assert_eq!(held.await.unwrap().status, 204);
    cloud.app.queue.put(work);
    cloud.drain().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_step_that_breaks_off_is_never_said_to_be_done() {
    let cloud = Cloud::new().await;
    let (run, rows) = planned(&cloud).await;
    let work = cloud.app.queue.pop().unwrap();
    let mut statuses = Vec::new();
    // Each await on a port fails once, before it or after it took effect.
    for point in 0..200 {
        cloud.worker.gate.arm(point, Strike::Fail);
        let answer = cloud.push(cloud.encoder(), &work).await;
        let is_over = cloud.worker.gate.disarm();
        statuses.push(answer.status.as_u16());
        match answer.status {
            StatusCode::NO_CONTENT => {}
            StatusCode::SERVICE_UNAVAILABLE => assert!(!answer.header("retry-after").is_empty()),
            other => panic!("{other}: {}", answer.text()),
        }
        if is_over {
            break;
        }
        // What a release that failed has left leased ends by itself.
        cloud.app.advance_secs(521);
    }
    assert!(statuses.contains(&503) && statuses.last() == Some(&204), "{statuses:?}");
    cloud.app.queue.put(work);
    cloud.drain().await;
    assert_eq!(cloud.app.recover(run.key).await.status, RunStatus::Done);
    assert_rows(&cloud.app.delivered(run.key).await, &rows);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_stopped_or_is_gone_is_done_with() {
    let cloud = Cloud::new().await;
    let (run, _) = planned(&cloud).await;
    steps::stop_export(&cloud.parts(), ACCOUNT, run.key.request, &StopReason::User).await.unwrap();
    cloud.drain().await;
    assert_eq!(cloud.app.run(run.key).await.status, RunStatus::Stopped);
    let gone = RunKey { request: RequestId(1), ..run.key };
    assert_eq!(cloud.push(cloud.scheduler(), &Work::Run { run: gone }).await.status, 204);
    let chunks =
        Work::Chunks { run: gone, plan: PlanToken("00".to_owned()), chunks: vec![ChunkId("00".to_owned())] };
    assert_eq!(cloud.push(cloud.encoder(), &chunks).await.status, 204);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forged_names_do_no_harm() {
    let cloud = Cloud::new().await;
    let (run, rows) = planned(&cloud).await;
    let plan = run.plan.clone().unwrap().token;
    let waiting = cloud.app.queue.all();
    let other = AccountId(7);
    cloud.app.connect(other, "b", "other-bucket", "{}").await;
    let chunks = |run: RunKey, plan: &PlanToken, ids: &[&str]| Work::Chunks {
        run,
        plan: plan.clone(),
        chunks: ids.iter().map(|id| ChunkId((*id).to_owned())).collect(),
    };
    let wrong_plan = PlanToken("0123456789abcdef".to_owned());
    let Work::Chunks { chunks: ids, .. } = &waiting[0] else { panic!("messages of chunks") };
    let ids: Vec<_> = ids.iter().map(|id| id.0.as_str()).collect();
    let theirs = RunKey { account: other, ..run.key };
    for work in [
        chunks(theirs, &plan, &ids),
        chunks(run.key, &wrong_plan, &ids),
        chunks(RunKey { run: RunTimestamp(1), ..run.key }, &plan, &ids),
        chunks(RunKey { request: RequestId(i64::MIN), run: RunTimestamp(i64::MAX), ..run.key }, &plan, &ids),
        chunks(RunKey { account: AccountId(u64::MAX), ..run.key }, &plan, &ids),
        // Of the right plan, but no chunk of it.
        chunks(run.key, &plan, &["00ff", "00ff", "00ff"]),
        // Nothing to do, where something is unfinished.
        chunks(run.key, &plan, &[]),
    ] {
        let answer = cloud.push(cloud.encoder(), &work).await;
        assert_eq!(answer.status, 204, "{work:?}: {}", answer.text());
    }
    for run in [theirs, RunKey { account: AccountId(u64::MAX), ..run.key }] {
        assert_eq!(cloud.push(cloud.scheduler(), &Work::Run { run }).await.status, 204);
    }
    assert!(cloud.app.buckets.objects(BUCKET).is_empty());
    assert_eq!(cloud.app.run(run.key).await, run, "the run is as it was");
    cloud.drain().await;
    assert_eq!(cloud.app.run(run.key).await.status, RunStatus::Done);
    assert_rows(&cloud.app.delivered(run.key).await, &rows);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nobody_can_read_is_refused_for_good() {
    let cloud = Cloud::new().await;
    let key = RunKey { account: ACCOUNT, request: RequestId(1), run: RunTimestamp(1) };
    let data = |value: Value| json!({ "message": { "data": BASE64_STANDARD.encode(value.to_string()) } });
    for body in [
        String::new(),
        "{".to_owned(),
        json!({ "message": { "data": "%" } }).to_string(),
        data(json!({ "work": "drop" })).to_string(),
        data(json!({ "work": "chunks", "run": key, "plan": "../x", "chunks": [] })).to_string(),
    ] {
        for router in [cloud.encoder(), cloud.scheduler()] {
            let answer = cloud.post(router, "/push", body.clone()).await;
            assert_eq!((answer.status.as_u16(), kind(&answer)), (400, "malformed".to_owned()), "{body}");
        }
    }
    // Of another function: an encoder does not plan, nor a scheduler encode.
    let answer = cloud.push(cloud.encoder(), &Work::Run { run: key }).await;
    assert_eq!((answer.status.as_u16(), kind(&answer)), (400, "malformed".to_owned()));
    let chunks = Work::Chunks { run: key, plan: PlanToken("00".to_owned()), chunks: vec![] };
    assert_eq!(cloud.push(cloud.scheduler(), &chunks).await.status, 400);
    let many = vec![ChunkId("00".to_owned()); 4];
    let many = Work::Chunks { run: key, plan: PlanToken("00".to_owned()), chunks: many };
    assert_eq!(cloud.push(cloud.encoder(), &many).await.status, 400, "three are the most here");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_ends_gives_back_what_it_holds() {
    let cloud = Cloud::new().await;
    let (run, rows) = planned(&cloud).await;
    let work = cloud.app.queue.pop().unwrap();
    cloud.app.buckets.hold_after(Some(0));
    let (router, bearer, body) = (cloud.encoder(), cloud.bearer(), envelope(&work));
    let held = tokio::spawn(async move {
        let person = spillway_tests::web::Person::new(router);
        person.ask(http::Method::POST, "/push", &[("authorization", &bearer)], body).await
    });
    cloud.app.buckets.until_held().await;
    let leased = async || {
        let plan = &run.plan.as_ref().unwrap().token;
        cloud.app.store.tally(run.key, plan, cloud.app.now()).await.unwrap().leased
    };
    assert_eq!(leased().await, 1);
    cloud.running.shutdown.cancel();
    let answer = tokio::time::timeout(Duration::from_secs(5), held).await.expect("at once").unwrap();
    assert_eq!(answer.status, 503);
    assert_eq!(leased().await, 0, "nobody waits for a lease to end");
    // Planning is cut off too.
    assert_eq!(cloud.push(cloud.scheduler(), &Work::Run { run: run.key }).await.status, 503);
    cloud.running.tasks.close();
    cloud.running.tasks.wait().await;
    cloud.app.buckets.hold_after(None);
    cloud.app.queue.put(work);
    cloud.app.drain().await.unwrap();
    assert_eq!(cloud.app.run(run.key).await.status, RunStatus::Done);
    assert_rows(&cloud.app.delivered(run.key).await, &rows);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_that_goes_away_does_not_end_the_work() {
    let cloud = Cloud::new().await;
    let (run, rows) = planned(&cloud).await;
    let work = cloud.app.queue.pop().unwrap();
    cloud.app.buckets.hold_after(Some(0));
    let (router, bearer, body) = (cloud.encoder(), cloud.bearer(), envelope(&work));
    let caller = tokio::spawn(async move {
        let person = spillway_tests::web::Person::new(router);
        person.ask(http::Method::POST, "/push", &[("authorization", &bearer)], body).await
    });
    cloud.app.buckets.until_held().await;
    caller.abort();
    assert!(caller.await.unwrap_err().is_cancelled());
    cloud.app.buckets.hold_after(None);
    cloud.running.tasks.close();
    cloud.running.tasks.wait().await;
    cloud.drain().await;
    assert_eq!(cloud.app.run(run.key).await.status, RunStatus::Done);
    assert_rows(&cloud.app.delivered(run.key).await, &rows);
}
