//! What the functions withstand: being killed, a queue that does as it likes, a store that is gone for a while, clocks
//! that disagree, callers who are not who they say, and much at once.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use gcs_emulator::{Fault, FaultRule};
use http::StatusCode;
use jiff::SignedDuration;
use rand::{RngExt, seq::IndexedRandom};
use serde_json::{Value, json};
use spillway::{
    domain::{AccountId, Chunk, ChunkId, PlanToken, RequestId, RunKey, RunTimestamp},
    ports::Work,
};

use crate::{
    customer::{Customer, again, once},
    data::Batch,
    functions::{PUSHER, TIMER},
    gate::Line,
    process::Process,
    proxy::Weather,
    world::World,
};

const FORMATS: [&str; 4] = ["json", "csv", "xml", "parquet"];

/// How long the load lasts: `SPILLWAY_LOAD_SECS=300 cargo nextest run -p spillway-tests --test cloud killed`.
fn load_secs() -> u64 {
    std::env::var("SPILLWAY_LOAD_SECS").ok().and_then(|secs| secs.parse().ok()).unwrap_or(30)
}

/// Some dozens of files.
fn fill(world: &World, customer: &Customer) {
    world.data.write(&Batch {
        account: customer.account,
        committed: world.now() - SignedDuration::from_secs(300),
        events: &["Charged", "App Launched", "a/b", "💧"],
        days: &[world.day(2), world.day(1)],
        databases: 3,
        rows: 20,
    });
}

fn wish(world: &World) -> Value {
    once(FORMATS.choose(&mut rand::rng()).unwrap(), [world.day(2), world.day(1)])
}

async fn check_all(world: &World, customer: &Customer, requests: &[RequestId]) {
    world.settle().await;
    for request in requests {
        world.check_done(customer, *request).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn functions_that_are_killed_at_any_moment_lose_and_double_nothing() {
    let mut world = World::start().await;
    let mara = world.connected(1).await;
    fill(&world, &mara);
    let ends = Arc::new(AtomicBool::new(false));
    let load = {
        let (mara, ends, wishes) = (
            mara.clone(),
            Arc::clone(&ends),
            FORMATS.map(|format| once(format, [world.day(2), world.day(1)])),
        );
        tokio::spawn(async move {
            let mut requests = Vec::new();
            while !ends.load(Ordering::Relaxed) {
                let wish = wishes[requests.len() % wishes.len()].clone();
                requests.push(mara.create(&wish).await);
                tokio::time::sleep(Duration::from_secs(2)).await;
            }
            requests
        })
    };
    let (began, mut kills) = (Instant::now(), std::collections::BTreeMap::<&str, usize>::new());
    let names: Vec<_> = world.functions.keys().copied().collect();
    while began.elapsed() < Duration::from_secs(load_secs()) {
        let millis = rand::rng().random_range(100..1_200);
        tokio::time::sleep(Duration::from_millis(millis)).await;
        let name = names.choose(&mut rand::rng()).copied().unwrap();
        let process = world.functions.get_mut(name).unwrap();
        process.kill();
        process.start();
        *kills.entry(name).or_default() += 1;
        // Their timers call too, whether they are there or not.
        world.timer("scheduler-2", "tick").await;
        world.timer("checker", "check").await;
    }
    ends.store(true, Ordering::Relaxed);
    world.ready().await;
    let requests = load.await.unwrap();
    check_all(&world, &mara, &requests).await;
    println!("{} exports; killed {kills:?}; {:?}", requests.len(), world.proxy.book().answers);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queue_that_doubles_delays_shuffles_and_loses_does_no_harm() {
    let world = World::start().await;
    let mara = world.connected(1).await;
    fill(&world, &mara);
    world.proxy.set_weather(Weather { lost: 25, doubled: 40, late: 50 });
    let mut requests = Vec::new();
    for _ in 0..6 {
        requests.push(mara.create(&wish(&world)).await);
    }
    check_all(&world, &mara, &requests).await;
    let book = world.proxy.book();
    assert!(book.lost > 0 && book.doubled > 0 && book.late > 0, "{book:?}");
    println!("{} lost, {} doubled, {} late; {:?}", book.lost, book.doubled, book.late, book.answers);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_is_gone_for_a_while_is_waited_for() {
    let mut world = World::start().await;
    let mara = world.connected(1).await;
    fill(&world, &mara);
    let mut requests = Vec::new();
    // Shorter, and longer than anybody is patient: then messages come again.
    for (line, outage_secs) in [(Line::Cut, 2), (Line::Cut, 25), (Line::Silent, 35)] {
        requests.push(mara.create(&wish(&world)).await);
        // In the middle of it.
        let taken = world.proxy.book().messages.len();
        while world.proxy.book().messages.len() == taken {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        world.firestore.set(line);
        tokio::time::sleep(Duration::from_secs(outage_secs)).await;
        world.firestore.set(Line::Open);
        requests.push(mara.create(&wish(&world)).await);
    }
    check_all(&world, &mara, &requests).await;
    let answers = world.proxy.book().answers;
    assert!(answers.get(&503).is_some_and(|count| *count > 1), "nobody noticed: {answers:?}");
    // SIGTERM, as Cloud Run sends it to each instance in the end.
    for (name, process) in &mut world.functions {
        let (status, took) = process.terminate().await;
        assert!(status.success(), "{name}: {status}");
        assert!(took < Duration::from_secs(10), "{name} took {took:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn encoders_that_are_asked_to_end_give_back_what_they_work_on() {
    let mut world = World::start().await;
    let mara = world.connected(1).await;
    fill(&world, &mara);
    // None of the uploads would end before the test does.
    slow_uploads(&world, 40);
    let request = mara.create(&wish(&world)).await;
    while leased(&world, &mara, request).await == 0 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    for name in ["encoder-1", "encoder-2"] {
        let (status, took) = world.functions.get_mut(name).unwrap().terminate().await;
        assert!(status.success(), "{name}: {status}");
        assert!(took < Duration::from_secs(10), "{name} took {took:?}");
    }
    assert_eq!(leased(&world, &mara, request).await, 0, "leases are left");
    world.google.emulator().faults().clear();
    world.functions.values_mut().filter(|process| !process.runs()).for_each(Process::start);
    world.ready().await;
    check_all(&world, &mara, &[request]).await;
}

/// Exports' objects, whose names begin with their request ids, pass slowly.
fn slow_uploads(world: &World, bytes_per_sec: u64) {
    let slow = FaultRule::always(Fault::Slow { bytes_per_sec });
    world.google.emulator().faults().add(slow.for_objects("1"));
}

/// How many chunks somebody holds.
async fn leased(world: &World, customer: &Customer, request: RequestId) -> u64 {
    let runs = world.runs(customer, request).await;
    let Some((run, plan)) = runs.first().and_then(|run| Some((run, run.plan.as_ref()?))) else { return 0 };
    world.store.tally(run.key, &plan.token, world.now()).await.unwrap().leased
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clocks_that_are_minutes_apart_do_no_harm() {
    let mut world = World::start().await;
    let mara = world.connected(1).await;
    fill(&world, &mara);
    // One encoder is ahead of the other by more than a lease holds; Google goes with it, so that its tokens are taken. A
    // scheduler that is behind refuses tokens of what is its future, and its messages go to the others.
    world.google_ahead(660);
    let skews = [("encoder-1", 660), ("scheduler-2", 240), ("checker", 300), ("scheduler-1", -240)];
    for (name, skew_secs) in skews {
        let process = world.functions.get_mut(name).unwrap();
        process.clock.skew_secs = skew_secs;
        process.clock.follow(&world.clock);
    }
    let requests = taken_from_a_holder(&world, &mara, "encoder-2", "encoder-1").await;
    check_all(&world, &mara, &requests).await;
    // Now as it comes, each message twice.
    world.proxy.set_weather(Weather { doubled: 100, ..Weather::default() });
    let live = mara.create(&again("csv", json!({ "kind": "live" }))).await;
    // Windows whose cuts are taken by schedulers minutes apart.
    for round in 0..3 {
        world.data.write(&Batch {
            account: mara.account,
            committed: world.now(),
            events: &["Charged"],
            days: &[world.day(1)],
            databases: 1,
            rows: 5,
        });
        world.advance(400);
        let instance = if round % 2 == 0 { "scheduler-2" } else { "scheduler-1" };
        // The one that is behind refuses tokens of its future.
        world.timer(instance, "tick").await;
        world.settle().await;
        // A folder has no clock of its own as a store has, so that cuts are taken by the schedulers' clocks: nothing may be
        // committed before one that lies ahead.
        world.advance(240);
    }
    let delivered: u64 = world.check(&mara, live).await.iter().map(|one| one.run.totals.rows).sum();
    assert!(delivered > 0, "no window was delivered");
}

/// Exports whose chunks one encoder holds when their message comes to the other, whose clock is ahead of their leases.
async fn taken_from_a_holder(
    world: &World,
    customer: &Customer,
    holder: &str,
    ahead: &str,
) -> Vec<RequestId> {
    let [holder, ahead] = [holder, ahead].map(|name| world.functions[name].url.clone());
    world.proxy.send_to("chunks", vec![holder.clone()]);
    let mut requests = Vec::new();
    for _ in 0..2 {
        // Some ten seconds a file, so that both hold what they took.
        slow_uploads(world, 100);
        let request = customer.create(&wish(world)).await;
        requests.push(request);
        while leased(world, customer, request).await == 0 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let run = world.runs(customer, request).await.remove(0);
        let plan = run.plan.unwrap().token;
        let page = world.store.chunks(run.key, &plan, None, 100_000).await.unwrap();
        let chunks = page.chunks.iter().map(|chunk| chunk.key().id.clone()).collect();
        let body = envelope(&Work::Chunks { run: run.key, plan, chunks }).to_string();
        let delivered = world.proxy.deliver(&ahead, body.into());
        let taken = async {
            let began = Instant::now();
            while most_attempts(world, customer, request).await < 2 {
                assert!(
                    began.elapsed() < Duration::from_secs(60),
                    "nobody took another one's lease for ended"
                );
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            world.google.emulator().faults().clear();
        };
        let (status, ()) = tokio::join!(delivered, taken);
        assert!(!status.is_client_error(), "{status}");
    }
    world.proxy.send_to("chunks", vec![holder, ahead]);
    requests
}

/// How often the chunk that was taken most often was taken.
async fn most_attempts(world: &World, customer: &Customer, request: RequestId) -> u32 {
    let mut most = 0;
    for run in world.runs(customer, request).await {
        let Some(plan) = &run.plan else { continue };
        let page = world.store.chunks(run.key, &plan.token, None, 100_000).await.unwrap();
        most = page.chunks.iter().map(Chunk::attempts).fold(most, u32::max);
    }
    most
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_exports_due_at_once_run_once_though_two_schedulers_tick() {
    let world = World::start().await;
    let mara = world.connected(1).await;
    world.data.write(&Batch {
        account: mara.account,
        committed: world.now() + SignedDuration::from_mins(30),
        events: &["Charged"],
        days: &[world.day(1)],
        databases: 1,
        rows: 5,
    });
    let mut requests = Vec::new();
    for _ in 0..200 {
        // The next second: two of the same would look for the next free one.
        world.advance(1);
        requests.push(mara.create(&again("json", json!({ "kind": "recurring", "every_hours": 4 }))).await);
    }
    let due = mara.export(requests[0]).await["next_run_at"].as_str().unwrap().parse::<jiff::Timestamp>();
    world.advance_to(due.unwrap() + SignedDuration::from_secs(5));
    let ticks = ["scheduler-1", "scheduler-2", "scheduler-1", "scheduler-2"];
    let ticks = ticks.map(|instance| world.timer(instance, "tick"));
    for status in futures::future::join_all(ticks).await {
        assert_eq!(status, Some(StatusCode::OK));
    }
    world.settle().await;
    for request in requests {
        let runs = world.check(&mara, request).await;
        let done: Vec<_> = runs.iter().filter(|one| one.run.totals.rows > 0).collect();
        assert_eq!((done.len(), done[0].run.totals.rows), (1, 5));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forged_calls_and_strange_messages_change_nothing() {
    let world = World::start().await;
    let (mara, jo) = (world.connected(1).await, world.connected(2).await);
    fill(&world, &mara);
    let request = mara.create(&wish(&world)).await;
    check_all(&world, &mara, &[request]).await;
    let before = world.objects();
    let run = world.runs(&mara, request).await.remove(0);
    let (key, plan) = (run.key, run.plan.unwrap().token);
    let page = world.store.chunks(key, &plan, None, 3).await.unwrap();
    let chunks: Vec<_> = page.chunks.iter().map(|chunk| chunk.key().id.clone()).collect();
    let work = |run: RunKey, plan: &PlanToken, chunks: &[ChunkId]| {
        envelope(&Work::Chunks { run, plan: plan.clone(), chunks: chunks.to_vec() })
    };
    let encoder = world.functions["encoder-1"].origin();
    let now = world.now().as_second();
    let good = world.invoker.id_token(PUSHER, &encoder, now);
    let push = async |token: Option<&str>, body: &Value| {
        let call = reqwest::Client::new().post(format!("{encoder}/push")).json(body);
        let call = match token {
            Some(token) => call.bearer_auth(token),
            None => call,
        };
        call.send().await.unwrap().status()
    };

    // Of an export that is gone, of another account, of another plan, of a chunk that is no one's, and of one that is done:
    // there is nothing to do, and nothing is done.
    let gone = RunKey { request: RequestId(1), ..key };
    let foreign = RunKey { account: jo.account, ..key };
    let nobodys = RunKey { account: AccountId(99), request: RequestId(5), run: RunTimestamp(5) };
    for body in [
        work(gone, &plan, &chunks),
        work(foreign, &plan, &chunks),
        work(nobodys, &plan, &chunks),
        work(key, &PlanToken("00000000000000000000000000000000".to_owned()), &chunks),
        work(key, &plan, &[ChunkId("0".repeat(32))]),
        work(key, &plan, &chunks),
    ] {
        assert_eq!(push(Some(&good), &body).await, StatusCode::NO_CONTENT, "{body}");
    }

    // A body that is not ours.
    let path = ChunkId("../../accounts/2/buckets/main".to_owned());
    for body in [
        json!({}),
        json!({ "message": { "data": "%%", "messageId": "1" } }),
        json!({ "message": { "data": BASE64_STANDARD.encode("{\"work\":\"delete\"}"), "messageId": "1" } }),
        envelope(&Work::Run { run: key }),
        work(key, &plan, &[path]),
        work(key, &plan, &vec![ChunkId("00".to_owned()); 1_000]),
    ] {
        let status = push(Some(&good), &body).await;
        assert!(status.is_client_error(), "{status} {body}");
    }

    // A token that is not the invoker's.
    let body = work(key, &plan, &chunks);
    let other = spillway_tests::fakes::Issuer::start("https://accounts.google.com").await;
    let unverified = world.invoker.sign(&json!({
        "iss": world.invoker.name, "aud": encoder, "email": PUSHER, "email_verified": false,
        "iat": now, "exp": now + 300,
    }));
    for token in [
        None,
        Some("".to_owned()),
        Some("not.a.token".to_owned()),
        Some(good.rsplit_once('.').unwrap().0.to_owned() + "."),
        Some(other.id_token(PUSHER, &encoder, now)),
        Some(world.invoker.id_token(PUSHER, &world.functions["scheduler-1"].origin(), now)),
        Some(world.invoker.id_token("somebody@evil.iam.gserviceaccount.com", &encoder, now)),
        Some(world.invoker.id_token(TIMER, &encoder, now)),
        Some(world.invoker.id_token(PUSHER, &encoder, now - 7_200)),
        Some(world.invoker.id_token(PUSHER, &encoder, now + 7_200)),
        Some(unverified),
    ] {
        let status = push(token.as_deref(), &body).await;
        assert!([StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN].contains(&status), "{status} {token:?}");
    }
    for (instance, path) in
        [("scheduler-1", "tick"), ("scheduler-1", "push"), ("checker", "check"), ("validator", "check")]
    {
        let url = world.functions[instance].url.join(path).unwrap();
        let status = reqwest::Client::new().post(url).json(&body).send().await.unwrap().status();
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{instance} {path}");
    }

    assert_eq!(world.objects(), before);
    check_all(&world, &mara, &[request]).await;
}

fn envelope(work: &Work) -> Value {
    let data = BASE64_STANDARD.encode(serde_json::to_vec(work).unwrap());
    json!({
        "subscription": "projects/p/subscriptions/chunks-push",
        "message": { "data": data, "messageId": "1", "publishTime": "2026-03-10T12:00:00Z" },
    })
}
