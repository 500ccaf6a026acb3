//! Faults, as Google's client lives through them.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use common::*;
use gcs_emulator::{Fault, FaultRule, Operation};
use google_cloud_gax::{
    retry_policy::{RetryPolicy, RetryPolicyExt},
    retry_result::RetryResult,
    retry_state::RetryState,
};
use google_cloud_storage::retry_policy::RetryableErrors;
use serde_json::json;

const BUFFER: usize = 256 << 10;

/// How the client is told to upload.
#[derive(Clone, Copy, Debug)]
enum Way {
    /// From a stream that cannot be read twice, buffer by buffer.
    Buffered,
    /// From a source that can be read again from any byte.
    Seekable,
}

/// Uploads three buffers and a bit under the rule, and reads them back.
async fn survives(way: Way, rule: FaultRule) {
    let world = World::new().await;
    world.emulator().faults().add(rule.clone());
    let data = noise(3 * BUFFER + 5);
    let object = match way {
        Way::Buffered => world.create("o", data.clone()).await,
        Way::Seekable => {
            let storage = world.storage().await;
            let upload = storage.write_object(PARENT, "o", data.clone()).set_if_generation_match(0_i64);
            upload.send_unbuffered().await
        }
    };
    assert_eq!(object.unwrap().size, i64::try_from(data.len()).unwrap(), "{rule:?}");
    assert_eq!(world.emulator().faults().pending(), [], "every fault struck");
    assert_eq!(world.read("o").await, data, "{rule:?}");
}

#[tokio::test]
async fn breaks_and_resumes() {
    for after_bytes in [0, 1, 300_000, 10_000_000] {
        let rule = FaultRule::next(1, Fault::Break { after_bytes }).on(Operation::Finish);
        survives(Way::Seekable, rule).await;
    }
}

#[tokio::test]
async fn breaks_again_and_again() {
    let rule = FaultRule::next(2, Fault::Break { after_bytes: 300_000 }).on(Operation::Finish);
    survives(Way::Seekable, rule).await;
}

#[tokio::test]
async fn answered_faults_are_retried() {
    for fault in [Fault::Unavailable, Fault::TooManyRequests] {
        for operation in [Operation::Start, Operation::UploadPart, Operation::Finish] {
            survives(Way::Buffered, FaultRule::next(1, fault).on(operation)).await;
        }
        survives(Way::Seekable, FaultRule::next(2, fault).on(Operation::Finish)).await;
    }
}

#[tokio::test]
async fn resets_are_retried() {
    for fault in [Fault::Reset, Fault::LoseResponse] {
        survives(Way::Buffered, FaultRule::next(1, fault).on(Operation::Start)).await;
        survives(Way::Seekable, FaultRule::next(1, fault).on(Operation::Start)).await;
        survives(Way::Seekable, FaultRule::next(1, fault).on(Operation::Finish)).await;
    }
}

/// Retries what the server answered, never a connection that broke.
#[derive(Debug)]
struct OnlyAnswered;

impl RetryPolicy for OnlyAnswered {
    fn on_error(&self, state: &RetryState, error: google_cloud_storage::Error) -> RetryResult {
        if error.http_status_code().is_none() {
            return RetryResult::Permanent(error);
        }
        RetryableErrors.with_attempt_limit(4).on_error(state, error)
    }
}

/// `send_buffered` of google-cloud-storage 1.21 drops the buffer in flight when a connection breaks and it is
/// allowed to retry: it asks nothing and goes on with the next buffer. Hence the policy without such retries,
/// under which nothing is created.
#[tokio::test]
async fn a_buffered_upload_whose_connection_breaks_creates_nothing() {
    for fault in [Fault::Reset, Fault::LoseResponse, Fault::Break { after_bytes: 100_000 }] {
        let world = World::new().await;
        world.emulator().faults().add(FaultRule::next(1, fault).on(Operation::UploadPart).after(1));
        let source = Pieces { data: noise(3 * BUFFER + 5), piece_bytes: 100_000 };
        let upload = world.storage().await.write_object(PARENT, "o", source);
        let upload = upload.with_retry_policy(OnlyAnswered).set_if_generation_match(0_i64);
        let error = upload.send_buffered().await.unwrap_err();
        assert_eq!(error.http_status_code(), None, "{error:?}");
        assert_eq!(world.emulator().faults().pending(), []);
        assert!(!world.emulator().object_path(BUCKET, "o").exists());
        world.create("o", noise(9)).await.unwrap();
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
        (Fault::ApiDisabled, 403, "accessNotConfigured"),
        (Fault::RequesterPays, 400, "UserProjectMissing"),
        (Fault::EncryptionKey, 403, "forbidden"),
        (Fault::Retained, 403, "retentionPolicyNotMet"),
        (Fault::Held, 403, "forbidden"),
        (Fault::OrgPolicy, 403, "forbidden"),
        (Fault::OrgConstraint, 412, "conditionNotMet"),
        (Fault::DiskFull, 507, "insufficientStorage"),
        (Fault::ReadOnly, 507, "readOnlyStorage"),
        (Fault::RevokedKey, 401, "authError"),
        (Fault::MissingBucket, 404, "notFound"),
        (Fault::RemovedPermission, 403, "forbidden"),
    ] {
        world.emulator().faults().add(FaultRule::always(fault).in_bucket(BUCKET).for_objects("o"));
        for len in [1, 3 * BUFFER] {
            let error = world.create("o", noise(len)).await.unwrap_err();
            assert_eq!(refusal(&error), (status, reason.into()), "{fault:?}");
        }
        assert!(world.create(&format!("x-{status}-{reason}-{fault:?}"), noise(1)).await.is_ok());
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

/// Only who runs the emulator breaks it.
#[tokio::test]
async fn faults_are_not_switched_over_http() {
    let world = World::new().await;
    world.emulator().faults().add(FaultRule::always(Fault::Reset).in_bucket("elsewhere"));
    let url = world.url("/_emulator/faults");
    for http in [reqwest::Client::new(), world.http().await] {
        let rule = json!({"kind": "unavailable", "operation": "insert", "times": 1});
        assert_eq!(http.post(&url).json(&rule).send().await.unwrap().status(), 404);
        assert_eq!(http.get(&url).send().await.unwrap().status(), 404);
        assert_eq!(http.delete(&url).send().await.unwrap().status(), 404);
    }
    assert_eq!(world.emulator().faults().pending().len(), 1);
}
