//! A process that is told to end: within ten seconds, with its leases given back.

use std::time::{Duration, Instant};

use gcs_emulator::{BucketOptions, Fault, FaultRule, Operation};
use jiff::civil::{Date, date};
use rand::{SeedableRng, rngs::StdRng};
use spillway::{
    adapters::system_clock::SystemClock,
    domain::{Format, Run},
    ports::{Clock, Work},
    steps,
};
use spillway_tests::{
    harness::{EventRow, Google, TestApp},
    tokens::{Issuer, Signer},
};

use crate::{
    process::Process,
    support::{AUDIENCE, EMAIL, ISSUER, envelope},
};

const DAY: Date = date(2026, 3, 9);

/// A planned export whose uploads stand still, and one message of it.
async fn planned(app: &TestApp, google: &Google) -> (Run, Work) {
    let mut rng = StdRng::seed_from_u64(1);
    let rows: Vec<_> =
        (0..40).map(|row| EventRow::random(&mut rng, format!("{row}"), "Charged", DAY, 0)).collect();
    app.lake.write_events(&app.file(10), &rows);
    let (_, run) = app.export(app.spec(Format::Json, DAY, DAY)).await;
    steps::handle(&app.parts(), &app.queue.pop().unwrap()).await.unwrap();
    let stands_still = Fault::Slow { bytes_per_sec: 1 };
    google.emulator().faults().add(FaultRule::always(stands_still).on(Operation::Start));
    (app.run(run.key).await, app.queue.pop().unwrap())
}

fn token(signer: &Signer) -> String {
    let now = SystemClock.now().as_second();
    signer.sign(&serde_json::json!({
        "iss": ISSUER, "aud": AUDIENCE, "exp": now + 3_600, "iat": now, "email": EMAIL, "email_verified": true,
    }))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigterm_gives_leases_back_within_ten_seconds() {
    let mut app = TestApp::new().await;
    let google = Google::start(&mut app, BucketOptions::default()).await;
    let (run, work) = planned(&app, &google).await;
    app.abandon();
    let signer = Signer::p256("1");
    let issuer = Issuer::publishing(&[&signer]).await;
    let mut process = Process::start(app.folder(), google.base_url(), &issuer.url, &[]);
    let (url, started) = process.ready();
    println!("ready after {} ms", started.as_millis());
    let request = reqwest::Client::new().post(format!("{url}/push")).bearer_auth(token(&signer));
    let pushed = tokio::spawn(request.body(envelope(&work)).send());
    let plan = run.plan.unwrap().token;
    let leased = async || app.store.tally(run.key, &plan, SystemClock.now()).await.unwrap().leased;
    let is_leased = async {
        while leased().await == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), is_leased).await.expect("the encoder takes a lease");

    let told = Instant::now();
    process.signal("-TERM");
    let answer = pushed.await.unwrap().unwrap();
    assert_eq!(answer.status(), 503, "the message has to come again");
    assert!(process.wait().success());
    assert!(told.elapsed() < Duration::from_secs(10), "{:?}", told.elapsed());
    assert_eq!(leased().await, 0, "nobody waits for a lease to end");
    assert!(reqwest::get(format!("{url}/healthz")).await.is_err(), "nobody listens any more");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idle_process_ends_at_once() {
    let app = TestApp::new().await;
    let nowhere = "http://127.0.0.1:9".parse().unwrap();
    for signal in ["-TERM", "-INT"] {
        let mut process = Process::start(app.folder(), "http://127.0.0.1:9", &nowhere, &[]);
        let (url, _) = process.ready();
        // Its connection is kept open, and is no reason to stay.
        let client = reqwest::Client::new();
        assert_eq!(client.get(format!("{url}/healthz")).send().await.unwrap().text().await.unwrap(), "ok\n");
        let told = Instant::now();
        process.signal(signal);
        process.until_told("ended");
        assert!(process.wait().success());
        assert!(told.elapsed() < Duration::from_secs(5), "{:?}", told.elapsed());
    }
}

#[test]
fn without_its_environment_nothing_starts() {
    let run = |args: &[&str], variables: &[(&str, &str)]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_served"));
        let output = command.env_clear().args(args).envs(variables.iter().copied()).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    let (code, out, told) = run(&[], &[("SPILLWAY_TEST_HOUSE", "/tmp")]);
    assert_eq!((code, out.as_str()), (Some(2), ""));
    let wanted = "served does not start, for its environment is wrong:\n";
    assert!(told.starts_with(wanted) && told.contains("did you mean SPILLWAY_TEST_HOME?"), "{told}");
    assert!(told.contains("  SPILLWAY_PROJECT_ID: it is not set."), "{told}");
    let (code, _, again) = run(&["--print-config"], &[("SPILLWAY_TEST_HOUSE", "/tmp")]);
    assert_eq!((code, again), (Some(2), told));
    let (code, help, _) = run(&["--help"], &[]);
    assert_eq!(code, Some(0));
    assert!(help.contains("  SPILLWAY_PROJECT_ID (required)\n") && help.contains("  PORT (default: 8080)\n"));
    assert_eq!(run(&["--port", "1"], &[]).0, Some(2));
    let all = [
        ("SPILLWAY_PROJECT_ID", "p-1"),
        ("SPILLWAY_TEST_HOME", "/nowhere"),
        ("SPILLWAY_GCS_ENDPOINT", "http://user:s3cret@127.0.0.1:9"),
        ("SPILLWAY_INVOKER_AUDIENCE", AUDIENCE),
        ("SPILLWAY_INVOKER_EMAILS", EMAIL),
    ];
    let (code, config, _) = run(&["--print-config"], &all);
    assert_eq!(code, Some(0));
    assert!(
        config.contains("PORT=8080\n")
            && config.contains("SPILLWAY_GCS_ENDPOINT=http://(hidden)@127.0.0.1:9\n")
    );
    let (code, log, _) = run(&[], &all);
    let line: serde_json::Value = serde_json::from_str(log.lines().next().unwrap()).unwrap();
    assert_eq!((code, &line["severity"]), (Some(1), &"ERROR".into()), "its state cannot be opened: {log}");
}
