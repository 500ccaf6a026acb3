//! How fast SQLite lists and creates exports where an account has a hundred thousand of them:
//! `cargo run --release -p spillway-tests --example exports_bench [EXPORTS]`.
#![allow(clippy::unwrap_used, reason = "a tool for developers")]

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use spillway::{
    adapters::sqlite::SqliteStore,
    domain::{AccountId, ExportFilter, Format, RequestId},
    ports::{AccountStore, BucketStore, ExportStore, NewExport, Origin},
};
use spillway_tests::contract::store::fixtures::{ACME, at, bucket, recurring, spec};

const CALLERS: usize = 8;
const CALLS: usize = 4_000;

fn main() {
    let exports = std::env::args().nth(1).map_or(100_000, |count| count.parse().unwrap());
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap().block_on(bench(exports));
}

async fn bench(exports: i64) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.sqlite");
    let store = Arc::new(SqliteStore::open(&file).unwrap());
    store.put_account(&spillway::domain::Account::new(ACME, Default::default())).await.unwrap();
    store.put_bucket(&bucket(ACME, "main", "acme-main")).await.unwrap();
    let first = store.create_export(&new(ACME, 0)).await.unwrap().request;
    fill(&file, first, exports);
    println!("{exports} exports of one account, {CALLERS} callers, {CALLS} calls each");

    let newest = at(exports).as_second();
    let list = move |store: Arc<SqliteStore>, n: usize, filter: ExportFilter| async move {
        // Pages from all over the list.
        let cursor = RequestId(newest - (n as i64 * 7_919) % exports);
        let page = store.list_exports(ACME, &filter, Some(cursor), 20).await.unwrap();
        assert!(page.exports.len() <= 20);
    };
    measure("list, any page of 20", &store, move |store, n| list(store, n, ExportFilter::default())).await;
    let rare = ExportFilter { format: Some(Format::Xml), ..ExportFilter::default() };
    measure("list, filtered by a format of one in a thousand", &store, move |store, n| {
        list(store, n, rare.clone())
    })
    .await;
    measure("create", &store, |store, n| async move {
        let now = 10_000_000 + n as i64;
        store.create_export(&new(ACME, now)).await.unwrap();
    })
    .await;
}

fn new(account: AccountId, now: i64) -> NewExport {
    let (spec, next_due_at) = (spec("main", recurring()), Some(at(now)));
    NewExport { account, spec, now: at(now), next_due_at, origin: Origin::default() }
}

/// Copies the first export a second later, and again, straight in SQL: created one by one they would take minutes.
fn fill(file: &std::path::Path, first: RequestId, exports: i64) {
    let mut raw = rusqlite::Connection::open(file).unwrap();
    let transaction = raw.transaction().unwrap();
    let copy = "
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?2)
        INSERT INTO exports (account, request, bucket, active, doc, data, format, status, frequency, due_at)
          SELECT account, request + i, bucket, active,
            json_set(doc, '$.request', request + i, '$.spec.format', iif(i % 1000 = 7, 'xml', 'json')),
            data, iif(i % 1000 = 7, 'xml', 'json'), status, frequency, due_at
          FROM exports, n WHERE request = ?1";
    assert_eq!(transaction.execute(copy, [first.0, exports]).unwrap() as i64, exports - 1);
    transaction.commit().unwrap();
}

async fn measure<F, C>(what: &str, store: &Arc<SqliteStore>, call: C)
where
    F: Future<Output = ()> + Send + 'static,
    C: Fn(Arc<SqliteStore>, usize) -> F + Clone + Send + 'static,
{
    let begin = Instant::now();
    let callers: Vec<_> = (0..CALLERS)
        .map(|caller| {
            let (store, call) = (Arc::clone(store), call.clone());
            tokio::spawn(async move {
                let mut times = Vec::with_capacity(CALLS);
                for n in 0..CALLS {
                    let begin = Instant::now();
                    call(Arc::clone(&store), n * CALLERS + caller).await;
                    times.push(begin.elapsed());
                }
                times
            })
        })
        .collect();
    let mut times: Vec<Duration> = Vec::new();
    for caller in callers {
        times.extend(caller.await.unwrap());
    }
    times.sort();
    let (per_second, at) = (times.len() as f64 / begin.elapsed().as_secs_f64(), |share: f64| {
        times[(times.len() as f64 * share) as usize]
    });
    println!("{what}: {per_second:.0} a second, median {:.1?}, p99 {:.1?}", at(0.5), at(0.99));
}
