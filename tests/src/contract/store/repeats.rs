//! Creation under a key: once, however often it is asked for.

use std::{collections::BTreeSet, sync::Arc};

use futures::future::join_all;
use spillway::{
    domain::{AccountId, Fingerprint, IDEMPOTENCY_SECS, Window, ZoneName},
    ports::{NewExport, Origin, Repeatable, Repeated, Store, StoreError},
};

use super::{Stores, fixtures::*};

fn under_key(account: AccountId, key: &str, now: i64) -> NewExport {
    let repeatable = Repeatable { key: key.to_owned(), fingerprint: Fingerprint("f1".to_owned()) };
    let origin = Origin { created_by: Some("anna@example.com".to_owned()), repeatable: Some(repeatable) };
    NewExport { account, spec: spec("main", recurring()), now: at(now), next_due_at: None, origin }
}

async fn known(store: &dyn Store, account: AccountId, key: &str, now: i64) -> Option<Repeated> {
    store.repeated(account, key, at(now)).await.unwrap()
}

pub async fn a_key_names_what_it_created_for_a_day(stores: Stores) {
    with_account(&*stores.one, ACME).await;
    assert_eq!(known(&*stores.one, ACME, "k", 0).await, None);
    let export = stores.one.create_export(&under_key(ACME, "k", 0)).await.unwrap();
    assert_eq!(export.created_by.as_deref(), Some("anna@example.com"));
    assert_eq!(stores.two.export(ACME, export.request).await.unwrap(), Some(export.clone()));
    let first = Repeated { request: export.request, fingerprint: Fingerprint("f1".to_owned()) };
    for now in [0, 1, IDEMPOTENCY_SECS] {
        assert_eq!(known(&*stores.two, ACME, "k", now).await, Some(first.clone()));
        let again = stores.two.create_export(&under_key(ACME, "k", now)).await;
        assert!(matches!(again, Err(StoreError::Conflict(_))), "{again:?}");
        let (once, window) = (under_key(ACME, "k", now), Window::Committed { after: at(0), upto: at(1) });
        let again = stores.two.create_one_time(&once, window, &ZoneName::default()).await;
        assert!(matches!(again, Err(StoreError::Conflict(_))), "{again:?}");
    }
    assert_eq!(known(&*stores.two, ACME, "K", 0).await, None);
    let over = IDEMPOTENCY_SECS + 1;
    assert_eq!(known(&*stores.two, ACME, "k", over).await, None);
    let next = stores.one.create_export(&under_key(ACME, "k", over)).await.unwrap();
    assert_eq!(known(&*stores.two, ACME, "k", over).await.unwrap().request, next.request);
    assert_ne!(next.request, export.request);
}

pub async fn a_creation_that_fails_keeps_no_key(stores: Stores) {
    with_account(&*stores.one, ACME).await;
    let nowhere = NewExport { spec: spec("none", recurring()), ..under_key(ACME, "k", 0) };
    assert!(matches!(stores.one.create_export(&nowhere).await, Err(StoreError::NotFound(_))));
    assert_eq!(known(&*stores.two, ACME, "k", 0).await, None);
    stores.one.create_export(&under_key(ACME, "k", 0)).await.unwrap();
}

pub async fn keys_are_their_accounts_own(stores: Stores) {
    with_account(&*stores.one, ACME).await;
    with_account(&*stores.one, OTHER).await;
    stores.one.create_export(&under_key(ACME, "k", 0)).await.unwrap();
    assert_eq!(known(&*stores.two, OTHER, "k", 0).await, None);
    let theirs = stores.one.create_export(&under_key(OTHER, "k", 9)).await.unwrap();
    assert_eq!(known(&*stores.two, OTHER, "k", 9).await.unwrap().request, theirs.request);
    assert_ne!(known(&*stores.two, ACME, "k", 9).await.unwrap().request, theirs.request);
}

pub async fn one_of_many_creators_under_a_key_creates(stores: Stores) {
    with_account(&*stores.one, ACME).await;
    let tasks = (0..20).map(|n| {
        let store = Arc::clone(if n % 2 == 0 { &stores.one } else { &stores.two });
        tokio::spawn(async move {
            match store.create_export(&under_key(ACME, "k", n)).await {
                Ok(export) => Some(export.request),
                Err(StoreError::Conflict(_)) => None,
                Err(error) => panic!("{error}"),
            }
        })
    });
    let created: BTreeSet<_> = join_all(tasks).await.into_iter().filter_map(Result::unwrap).collect();
    assert_eq!(created.len(), 1);
    let page = stores.two.list_exports(ACME, &Default::default(), None, 50).await.unwrap();
    assert_eq!(page.exports.len(), 1);
}
