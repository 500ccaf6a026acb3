//! Faults, as Google's client lives through them.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use bytes::Bytes;
use common::*;
use gcs_emulator::{Fault, FaultRule, Operation};
use serde_json::json;

const BUFFER: usize = 256 << 10;

/// Uploads three buffers and a bit under the rules, and reads them back.
async fn survives(rules: impl IntoIterator<Item = FaultRule>) {
    let world = World::new().await;
    for rule in rules {
        world.emulator().faults().add(rule);
    }
    let data = noise(3 * BUFFER + 5);
    let object = world.create("o", data.clone()).await.unwrap();
    assert_eq!(object.size, i64::try_from(data.len()).unwrap());
    assert_eq!(world.emulator().faults().pending(), [], "every fault struck");
    assert_eq!(world.read("o").await, data);
}

#[tokio::test]
async fn breaks_and_resumes() {
    for after_bytes in [0, 1, 100_000, 10_000_000] {
        let fault = Fault::Break { after_bytes };
        survives([FaultRule::next(1, fault).on(Operation::UploadPart).after(1)]).await;
        survives([FaultRule::next(2, fault).on(Operation::UploadPart)]).await;
        survives([FaultRule::next(1, fault).on(Operation::Finish)]).await;
    }
}

#[tokio::test]
async fn unavailable_busy_and_reset_are_retried() {
    for fault in [Fault::Unavailable, Fault::TooManyRequests, Fault::Reset, Fault::LoseResponse] {
        for operation in [Operation::Start, Operation::UploadPart, Operation::Finish] {
            survives([FaultRule::next(1, fault).on(operation)]).await;
        }
    }
}

#[tokio::test]
async fn a_lost_reply_of_the_last_bytes_is_given_again() {
    let world = World::new().await;
    world.emulator().faults().add(FaultRule::next(1, Fault::LoseResponse).on(Operation::Finish));
    let object = world.create("o", noise(BUFFER + 1)).await.unwrap();
    assert_eq!(object.size, i64::try_from(BUFFER + 1).unwrap());
    // A single request has no session to ask: its retry finds the object there.
    world.emulator().faults().add(FaultRule::next(1, Fault::LoseResponse).on(Operation::Insert));
    let storage = world.storage().await;
    let small = storage.write_object(PARENT, "small", "x").set_if_generation_match(0_i64);
    assert_eq!(refusal(&small.send_unbuffered().await.unwrap_err()).0, 412);
    assert_eq!(world.read("small").await, b"x");
}

#[tokio::test]
async fn refusals_on_demand() {
    let world = World::new().await;
    for (fault, status, reason) in [
        (Fault::BillingDisabled, 403, "accountDisabled"),
        (Fault::OrgPolicy, 403, "forbidden"),
        (Fault::DiskFull, 507, "insufficientStorage"),
        (Fault::RevokedKey, 401, "authError"),
        (Fault::MissingBucket, 404, "notFound"),
        (Fault::RemovedPermission, 403, "forbidden"),
    ] {
        world.emulator().faults().add(FaultRule::always(fault).in_bucket(BUCKET).for_objects("o"));
        for len in [1, 3 * BUFFER] {
            let error = world.create("o", noise(len)).await.unwrap_err();
            assert_eq!(refusal(&error), (status, reason.into()), "{fault:?}");
        }
        assert!(world.create(&format!("other-{status}-{reason}-{fault:?}"), noise(1)).await.is_ok());
        world.emulator().faults().clear();
    }
    assert!(world.create("o", noise(1)).await.is_ok());
}

#[tokio::test]
async fn reads_break_and_resume() {
    let world = World::new().await;
    world.create("o", noise(500_000)).await.unwrap();
    let rule = FaultRule::next(1, Fault::Break { after_bytes: 200_000 }).on(Operation::Read);
    world.emulator().faults().add(rule);
    assert_eq!(world.read("o").await, noise(500_000));
    assert_eq!(world.emulator().faults().pending(), []);
}

#[tokio::test]
async fn slow_takes_its_time() {
    let world = World::new().await;
    world.emulator().faults().add(FaultRule::always(Fault::Slow { bytes_per_sec: 100_000 }));
    let begun = std::time::Instant::now();
    world.create("o", noise(20_000)).await.unwrap();
    assert!(begun.elapsed().as_millis() >= 200);
}

#[tokio::test]
async fn faults_are_switched_over_http() {
    let world = World::new().await;
    let (http, url) = (reqwest::Client::new(), world.url("/_emulator/faults"));
    let one = json!({"kind": "unavailable", "operation": "insert", "times": 1});
    assert_eq!(http.post(&url).json(&one).send().await.unwrap().status(), 204);
    let many = json!([{"kind": "slow", "bytes_per_sec": 5}, {"kind": "revoked-key", "bucket": "x"}]);
    assert_eq!(http.post(&url).json(&many).send().await.unwrap().status(), 204);
    let shown: serde_json::Value = http.get(&url).send().await.unwrap().json().await.unwrap();
    assert_eq!(shown.as_array().unwrap().len(), 3);
    assert_eq!(shown[0], json!({"kind": "unavailable", "operation": "insert", "skip": 0, "times": 1}));
    assert_eq!(http.post(&url).json(&json!({"kind": "meteor"})).send().await.unwrap().status(), 400);
    assert_eq!(http.delete(&url).send().await.unwrap().status(), 204);
    assert_eq!(world.emulator().faults().pending(), []);
    assert!(world.create("o", Bytes::from_static(b"x")).await.is_ok());
}
