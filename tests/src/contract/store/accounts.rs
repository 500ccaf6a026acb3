//! Accounts and buckets.

use spillway::{
    domain::{Account, AccountId, BlockOutcome, BucketId, BucketState, FailureClass, SealedKey, ZoneName},
    ports::StoreError,
};

use super::{Stores, fixtures::*};

pub async fn settings_are_created_and_replaced(stores: Stores) {
    assert_eq!(stores.one.account(ACME).await.unwrap(), None);
    let mut account = Account::new(ACME, ZoneName::new("Europe/Berlin").unwrap());
    stores.one.put_account(&account).await.unwrap();
    assert_eq!(stores.two.account(ACME).await.unwrap(), Some(account.clone()));
    account.shards = 24;
    account.one_time_limit_days = None;
    stores.two.put_account(&account).await.unwrap();
    assert_eq!(stores.one.account(ACME).await.unwrap(), Some(account));
}

pub async fn an_account_may_have_any_number(stores: Stores) {
    for id in [0, 1, i64::MAX as u64, 1 << 63, u64::MAX] {
        with_account(&*stores.one, AccountId(id)).await;
        let found = stores.two.account(AccountId(id)).await.unwrap().unwrap();
        assert_eq!(found.id, AccountId(id));
        assert_eq!(stores.two.buckets(AccountId(id)).await.unwrap().len(), 2);
    }
}

pub async fn settings_are_replaced_where_they_are_as_expected(stores: Stores) {
    let account = Account::new(ACME, ZoneName::default());
    let off = Account { exports_enabled: false, ..account.clone() };
    let unknown = stores.one.replace_account(&account, &off).await;
    assert!(matches!(unknown, Err(StoreError::NotFound(name)) if name == "account 1"));
    stores.one.put_account(&account).await.unwrap();
    stores.two.replace_account(&account, &off).await.unwrap();
    assert_eq!(stores.one.account(ACME).await.unwrap(), Some(off.clone()));
    let late = stores.one.replace_account(&account, &account).await;
    assert!(matches!(late, Err(StoreError::Conflict(name)) if name == "account 1"));
    assert_eq!(stores.two.account(ACME).await.unwrap(), Some(off));
}

pub async fn accounts_are_listed_by_number(stores: Stores) {
    let ids = [0, 7, i64::MAX as u64, 1 << 63, u64::MAX].map(AccountId);
    for id in ids.iter().rev() {
        stores.one.put_account(&Account::new(*id, ZoneName::default())).await.unwrap();
    }
    assert_eq!(stores.two.account_ids(None, 9).await.unwrap(), ids);
    let (mut listed, mut after) = (Vec::new(), None);
    loop {
        let page = stores.two.account_ids(after, 2).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(*last);
        listed.extend(page);
    }
    assert_eq!(listed, ids);
}

pub async fn buckets_are_created_replaced_and_ordered_by_nickname(stores: Stores) {
    for id in ["é", "b", "a\0b", "a", "B", "'; DROP TABLE buckets; --", ""] {
        stores.one.put_bucket(&bucket(ACME, id, "acme-lake")).await.unwrap();
    }
    let names = |buckets: &[spillway::domain::PartnerBucket]| {
        buckets.iter().map(|bucket| bucket.id.0.clone()).collect::<Vec<_>>()
    };
    let all = stores.two.buckets(ACME).await.unwrap();
    assert_eq!(names(&all), ["", "'; DROP TABLE buckets; --", "B", "a", "a\0b", "b", "é"]);
    let replaced = bucket(ACME, "a", "acme-lake-2");
    stores.two.put_bucket(&replaced).await.unwrap();
    assert_eq!(stores.one.bucket(ACME, &replaced.id).await.unwrap(), Some(replaced));
    assert_eq!(stores.one.buckets(ACME).await.unwrap().len(), 7);
    assert_eq!(stores.one.bucket(ACME, &BucketId("A".to_owned())).await.unwrap(), None);
}

pub async fn buckets_are_found_by_their_name_at_google(stores: Stores) {
    let named = [bucket(OTHER, "theirs", "lake"), bucket(ACME, "b", "lake"), bucket(ACME, "a", "lake")];
    for bucket in named.iter().chain([&bucket(ACME, "lake", "Lake"), &bucket(ACME, "c", "lake-2")]) {
        stores.one.put_bucket(bucket).await.unwrap();
    }
    let found = stores.two.buckets_named("lake").await.unwrap();
    assert_eq!(found, [&named[2], &named[1], &named[0]].map(Clone::clone));
    assert_eq!(stores.two.buckets_named("' OR 1=1 --").await.unwrap(), []);
}

pub async fn a_blocked_bucket_keeps_its_first_since(stores: Stores) {
    with_account(&*stores.one, ACME).await;
    let main = BucketId("main".to_owned());
    let (rejected, missing) =
        (failure(FailureClass::CredentialsRejected), failure(FailureClass::BucketMissing));
    let seen = bucket(ACME, "main", "");
    let outcome = stores.one.block_bucket(&seen, &rejected, at(10)).await.unwrap();
    assert_eq!(outcome, BlockOutcome::Blocked);
    let outcome = stores.two.block_bucket(&seen, &rejected, at(5)).await.unwrap();
    assert_eq!(outcome, BlockOutcome::AlreadyBlocked);
    let state = |bucket: Option<spillway::domain::PartnerBucket>| bucket.unwrap().state;
    let blocked = BucketState::Blocked { since: at(10), failure: rejected };
    assert_eq!(state(stores.one.bucket(ACME, &main).await.unwrap()), blocked);
    // Another failure is what the customer has to mend now; the time of failing goes on.
    let outcome = stores.one.block_bucket(&seen, &missing, at(20)).await.unwrap();
    assert_eq!(outcome, BlockOutcome::AlreadyBlocked);
    let missing_again = missing.clone();
    let blocked = BucketState::Blocked { since: at(10), failure: missing };
    assert_eq!(state(stores.two.bucket(ACME, &main).await.unwrap()), blocked);

    assert!(stores.two.unblock_bucket(&seen).await.unwrap());
    assert!(!stores.one.unblock_bucket(&seen).await.unwrap());
    let opened = stores.one.bucket(ACME, &main).await.unwrap().unwrap();
    assert_eq!((&opened.state, opened.opening), (&BucketState::Ready, seen.opening.next()));
    // What was met, or asked, before that says nothing of it now.
    let outcome = stores.two.block_bucket(&seen, &missing_again, at(30)).await.unwrap();
    assert_eq!(outcome, BlockOutcome::Outdated);
    stores.one.block_bucket(&opened, &missing_again, at(40)).await.unwrap();
    assert!(!stores.two.unblock_bucket(&seen).await.unwrap());
    let blocked = BucketState::Blocked { since: at(40), failure: missing_again };
    assert_eq!(state(stores.one.bucket(ACME, &main).await.unwrap()), blocked);
    let spare = stores.one.bucket(ACME, &BucketId("spare".to_owned())).await.unwrap();
    assert_eq!(state(spare), BucketState::Ready);
}

pub async fn a_failure_under_another_key_blocks_nothing(stores: Stores) {
    with_account(&*stores.one, ACME).await;
    let mut mended = bucket(ACME, "main", "1-main");
    let (old, rejected) = (mended.clone(), failure(FailureClass::CredentialsRejected));
    mended.key = SealedKey("v1:given again".to_owned());
    stores.one.put_bucket(&mended).await.unwrap();
    // By somebody who opened the bucket before that.
    let outcome = stores.two.block_bucket(&old, &rejected, at(10)).await.unwrap();
    assert_eq!(outcome, BlockOutcome::Outdated);
    assert_eq!(stores.one.bucket(ACME, &mended.id).await.unwrap(), Some(mended.clone()));
    let outcome = stores.two.block_bucket(&mended, &rejected, at(10)).await.unwrap();
    assert_eq!(outcome, BlockOutcome::Blocked);
}

pub async fn unknown_buckets_are_not_found(stores: Stores) {
    let none = BucketId("none".to_owned());
    let failure = failure(FailureClass::Hold);
    assert_eq!(stores.one.bucket(ACME, &none).await.unwrap(), None);
    assert_eq!(stores.one.buckets(ACME).await.unwrap(), []);
    let blocked = stores.one.block_bucket(&bucket(ACME, "none", ""), &failure, at(0)).await;
    assert!(matches!(blocked, Err(StoreError::NotFound(name)) if name.contains("none")));
    let unblocked = stores.one.unblock_bucket(&bucket(ACME, "none", "")).await;
    assert!(matches!(unblocked, Err(StoreError::NotFound(_))));
}
