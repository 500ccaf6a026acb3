//! Candidates that become buckets, and buckets that are removed.

use futures::future::join_all;
use spillway::{
    domain::{
        AccountId, BucketCandidate, BucketId, BucketState, CandidateId, FailureClass, KeyFacts, Opening,
        PartnerBucket, RunStatus, SealedKey, StopReason,
    },
    ports::{BucketRemoval, StoreError},
};

use super::{Stores, fixtures::*};

/// A candidate of number `number`, proposed at `now`.
#[must_use]
pub fn candidate(account: AccountId, number: u128, nickname: &str, now: i64) -> BucketCandidate {
    BucketCandidate {
        account,
        id: CandidateId::from_random(number),
        nickname: BucketId(nickname.to_owned()),
        bucket_name: "acme-lake".to_owned(),
        key: SealedKey(format!("v1:{number}")),
        replaces: false,
        created_at: at(now),
    }
}

/// What is shown of the key that candidates have.
#[must_use]
pub fn facts(key_id: &str) -> KeyFacts {
    KeyFacts {
        client_email: "new@acme.iam.gserviceaccount.com".to_owned(),
        key_id: key_id.to_owned(),
        added_at: at(0),
    }
}

fn id(nickname: &str) -> BucketId {
    BucketId(nickname.to_owned())
}

fn is_conflict<T>(answer: Result<T, StoreError>) -> bool {
    matches!(answer, Err(StoreError::Conflict(_)))
}

fn is_not_found<T>(answer: Result<T, StoreError>) -> bool {
    matches!(answer, Err(StoreError::NotFound(_)))
}

pub async fn a_candidate_is_kept_for_a_quarter_of_an_hour(stores: Stores) {
    let new = candidate(ACME, 1, "new", 0);
    stores.one.put_candidate(&new).await.unwrap();
    stores.one.put_candidate(&candidate(ACME, 2, "newer", 1)).await.unwrap();
    let found = |now| stores.two.candidate(ACME, &new.id, at(now));
    assert_eq!(found(0).await.unwrap(), Some(new.clone()));
    assert_eq!(found(899).await.unwrap(), Some(new.clone()));
    assert_eq!(found(900).await.unwrap(), None);
    assert_eq!(stores.two.sweep_candidates(at(899)).await.unwrap(), 0);
    assert_eq!(stores.two.sweep_candidates(at(900)).await.unwrap(), 1);
    assert_eq!(found(0).await.unwrap(), None, "swept");
    let newer = CandidateId::from_random(2);
    assert!(stores.one.candidate(ACME, &newer, at(900)).await.unwrap().is_some());
    assert_eq!(stores.one.buckets(ACME).await.unwrap(), [], "a candidate is no bucket");
}

pub async fn a_candidate_becomes_a_bucket_once(stores: Stores) {
    let new = candidate(ACME, 1, "new", 0);
    stores.one.put_candidate(&new).await.unwrap();
    let bucket = stores.two.promote_candidate(ACME, &new.id, &facts("k")).await.unwrap();
    let wanted = PartnerBucket {
        account: ACME,
        id: id("new"),
        bucket_name: "acme-lake".to_owned(),
        key: new.key.clone(),
        key_facts: facts("k"),
        state: BucketState::Ready,
        opening: Opening::first(facts("k").added_at),
    };
    assert_eq!(bucket, wanted);
    assert_eq!(stores.one.bucket(ACME, &id("new")).await.unwrap(), Some(wanted));
    assert_eq!(stores.one.candidate(ACME, &new.id, at(0)).await.unwrap(), None);
    assert!(is_not_found(stores.one.promote_candidate(ACME, &new.id, &facts("k")).await));
}

pub async fn a_nickname_that_was_taken_meanwhile_is_not_overwritten(stores: Stores) {
    with_account(&*stores.one, ACME).await;
    // As another person sees it, the same nickname.
    let late = candidate(ACME, 1, "MAIN", 0);
    stores.one.put_candidate(&late).await.unwrap();
    assert!(is_conflict(stores.two.promote_candidate(ACME, &late.id, &facts("k")).await));
    assert_eq!(stores.one.buckets(ACME).await.unwrap().len(), 2);
    assert!(stores.one.candidate(ACME, &late.id, at(0)).await.unwrap().is_some(), "it stays");
}

pub async fn another_key_unblocks_its_bucket(stores: Stores) {
    with_account(&*stores.one, ACME).await;
    let failure = failure(FailureClass::CredentialsRejected);
    let old = stores.one.bucket(ACME, &id("main")).await.unwrap().unwrap();
    stores.one.block_bucket(&old, &failure, at(0)).await.unwrap();
    let bucket_name = "1-main".to_owned();
    let new = BucketCandidate { replaces: true, bucket_name, ..candidate(ACME, 1, "main", 0) };
    stores.one.put_candidate(&new).await.unwrap();
    let old = stores.two.bucket(ACME, &id("main")).await.unwrap().unwrap();
    assert_ne!(old.key, new.key, "the old key stays until the new one has passed");
    assert!(matches!(old.state, BucketState::Blocked { .. }));
    stores.two.promote_candidate(ACME, &new.id, &facts("new")).await.unwrap();
    let bucket = stores.one.bucket(ACME, &id("main")).await.unwrap().unwrap();
    assert_eq!((bucket.key, bucket.key_facts, bucket.state), (new.key, facts("new"), BucketState::Ready));
    assert_eq!(bucket.opening, old.opening.next());
    assert_eq!(bucket.bucket_name, "1-main");
    // Who still works with the old key does not block the new one.
    stores.one.block_bucket(&old, &failure, at(1)).await.unwrap();
    assert_eq!(stores.two.bucket(ACME, &id("main")).await.unwrap().unwrap().state, BucketState::Ready);
}

pub async fn a_key_is_not_replaced_where_the_bucket_has_changed(stores: Stores) {
    with_account(&*stores.one, ACME).await;
    for (number, nickname, bucket_name) in [(1, "gone", "1-main"), (2, "main", "elsewhere")] {
        let bucket_name = bucket_name.to_owned();
        let new = BucketCandidate { replaces: true, bucket_name, ..candidate(ACME, number, nickname, 0) };
        stores.one.put_candidate(&new).await.unwrap();
        assert!(is_conflict(stores.two.promote_candidate(ACME, &new.id, &facts("k")).await), "{nickname}");
    }
    let main = stores.one.bucket(ACME, &id("main")).await.unwrap().unwrap();
    assert_eq!((main, stores.one.buckets(ACME).await.unwrap().len()), (bucket(ACME, "main", "1-main"), 2));
}

pub async fn one_of_many_candidates_gets_the_nickname(stores: Stores) {
    for number in 0..20 {
        stores.one.put_candidate(&candidate(ACME, number, "wanted", 0)).await.unwrap();
    }
    let promotions = (0..20).map(|number| {
        let store = if number % 2 == 0 { &stores.one } else { &stores.two };
        async move { store.promote_candidate(ACME, &CandidateId::from_random(number), &facts("k")).await }
    });
    let promoted: Vec<_> = join_all(promotions).await.into_iter().filter_map(Result::ok).collect();
    assert_eq!(promoted.len(), 1);
    assert_eq!(stores.one.buckets(ACME).await.unwrap(), promoted);
}

pub async fn a_bucket_in_use_stays(stores: Stores) {
    let export = with_export(&*stores.one, ACME, recurring(), 0).await;
    let run = next_run(&*stores.one, &export, window(-100, 0), 0).await.unwrap();
    let remove = |nickname| {
        let (nickname, store) = (id(nickname), std::sync::Arc::clone(&stores.two));
        async move { store.remove_bucket(ACME, &nickname).await.unwrap() }
    };
    let in_use = BucketRemoval::InUse(vec![export.request]);
    assert_eq!(remove("main").await, in_use);
    assert_eq!(remove("spare").await, BucketRemoval::Removed);
    assert_eq!(stores.one.bucket(ACME, &id("spare")).await.unwrap(), None);
    // Stopped, but what its run has begun is still to be finished.
    stores.one.open_run(run.key, &opening("p", &run.spec, 1)).await.unwrap();
    stores.one.stop_export(ACME, export.request, None, &StopReason::User, at(2)).await.unwrap();
    assert_eq!(remove("main").await, in_use);
    stores.one.close_run(run.key, &closing(RunStatus::Stopped, 3)).await.unwrap();
    assert_eq!(remove("main").await, BucketRemoval::Removed);
    assert_eq!(stores.one.buckets(ACME).await.unwrap(), []);
    assert!(is_not_found(stores.one.remove_bucket(ACME, &id("main")).await));
    assert!(stores.one.export(ACME, export.request).await.unwrap().is_some(), "the history stays");
}

pub async fn a_bucket_of_a_run_that_may_be_retried_stays(stores: Stores) {
    let export = with_export(&*stores.one, ACME, recurring(), 0).await;
    let run = next_run(&*stores.one, &export, window(-100, 0), 0).await.unwrap();
    stores.one.open_run(run.key, &opening("p", &run.spec, 1)).await.unwrap();
    stores.one.close_run(run.key, &closing(RunStatus::Incomplete, 2)).await.unwrap();
    // Another account's run of the same nickname holds nothing here.
    with_export(&*stores.one, OTHER, recurring(), 0).await;
    // The export goes on elsewhere; what its run has not delivered still goes here.
    let elsewhere = spec("spare", recurring());
    stores.one.edit_export(ACME, export.request, &export.spec, &elsewhere, None).await.unwrap();
    let in_use = BucketRemoval::InUse(vec![export.request]);
    assert_eq!(stores.two.remove_bucket(ACME, &id("main")).await.unwrap(), in_use);
    // Runs of a stopped export are not retried.
    stores.one.stop_export(ACME, export.request, None, &StopReason::User, at(3)).await.unwrap();
    assert_eq!(stores.two.remove_bucket(ACME, &id("main")).await.unwrap(), BucketRemoval::Removed);
    let kept = stores.two.run(run.key).await.unwrap().unwrap();
    assert_eq!(kept.bucket_name.as_deref(), Some("main-at-google"), "where its files are");
}
