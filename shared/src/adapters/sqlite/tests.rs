//! What only SQLite can get wrong: the file, its versions, damaged rows, and queries that no index serves.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf, sync::Barrier, thread};

use jiff::{Timestamp, civil::Date};
use rusqlite::Connection;

use super::{
    SqliteStore, buckets, catalogue, chunks, claims, export_lists, exports, run_files, runs, schema,
};
use crate::{
    domain::{
        AccountId, BucketId, BucketState, Chunk, ChunkCommand, ChunkContent, ChunkPlan, Crc32c, DataKind,
        DataSelection, DatabaseId, EndCursor, ExportFilter, ExportSpec, Format, Frequency, FrequencyKind,
        IdentityPriority, Intent, KeyFacts, LeaseToken, Opening, Packaging, PartnerBucket, PlanToken,
        RequestId, Run, SealedKey, Slice, StatusKind, Window, Written, ZoneName,
    },
    ports::{
        AccountStore, BucketStore, ChunkStore, ClaimLimits, ExportStore, NewExport, NewRun, Origin, RunStore,
        StoreError,
    },
};

fn file() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("spillway.db");
    (folder, path)
}

fn at(secs: i64) -> Timestamp {
    Timestamp::from_second(secs).unwrap()
}

fn bucket() -> PartnerBucket {
    let key_facts = KeyFacts { client_email: String::new(), key_id: String::new(), added_at: at(0) };
    PartnerBucket {
        account: AccountId(1),
        id: BucketId("main".to_owned()),
        bucket_name: "acme-lake".to_owned(),
        key: SealedKey(String::new()),
        key_facts,
        state: BucketState::Ready,
        opening: Opening::default(),
    }
}

fn new_run(request: RequestId, window: Window, now: i64) -> NewRun {
    let (account, zone, now) = (AccountId(1), ZoneName::default(), at(now));
    NewRun { account, request, window, zone, expected_cut: None, next_due_at: None, now }
}

async fn run_with_chunk(store: &SqliteStore) -> (Run, Chunk) {
    let account = AccountId(1);
    store.put_bucket(&bucket()).await.unwrap();
    let spec = ExportSpec {
        bucket: BucketId("main".to_owned()),
        data: DataSelection::AllProfiles,
        identities: IdentityPriority::default(),
        frequency: Frequency::Live { start: Date::constant(2026, 8, 1) },
        format: Format::Json,
        packaging: Packaging::Gzip,
        as_string: false,
        header_line: false,
        manifest: true,
    };
    let new = NewExport { account, spec, now: at(1), next_due_at: None, origin: Origin::default() };
    let request = store.create_export(&new).await.unwrap().request;
    let window = Window::Committed { after: at(0), upto: at(1) };
    let run = store.create_run(&new_run(request, window, 2)).await.unwrap();
    let plan = ChunkPlan {
        content: ChunkContent::Profiles,
        database: DatabaseId(0),
        index: 0,
        stride: 1,
        files: (Format::Json, Packaging::Gzip),
        slice: Slice::Profiles { files: crate::domain::ProfileFiles::Named(vec![]), after: None, upto: None },
        columns: 0,
        estimated_bytes: 1,
        message: 0,
        named_as: None,
    };
    let chunk = Chunk::new(run.key, &PlanToken("p".to_owned()), plan);
    store.add_chunks(std::slice::from_ref(&chunk)).await.unwrap();
    (run, chunk)
}

#[test]
fn a_new_file_is_its_owners_only() {
    let (folder, path) = file();
    let _store = SqliteStore::open(&path).unwrap();
    for entry in fs::read_dir(folder.path()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode() & 0o7777;
        assert_eq!(mode, 0o600, "{:?}", entry.file_name());
    }
}

#[test]
fn many_may_open_a_new_file_at_once() {
    for _ in 0..5 {
        let (_folder, path) = file();
        let barrier = Barrier::new(8);
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    barrier.wait();
                    drop(SqliteStore::open(&path).unwrap());
                });
            }
        });
    }
}

#[test]
fn every_connection_is_set_as_the_protocol_needs() {
    let (_folder, path) = file();
    let connection = schema::open(&path).unwrap();
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(
        (pragma("synchronous"), pragma("foreign_keys"), pragma("user_version")),
        (2, 1, schema::VERSION)
    );
    let mode: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap();
    assert_eq!(mode, "wal");
}

#[test]
fn files_of_others_and_of_newer_versions_are_refused_and_left_alone() {
    let (folder, path) = file();
    drop(SqliteStore::open(&path).unwrap());
    let connection = Connection::open(&path).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    let error = SqliteStore::open(&path).err().unwrap().to_string();
    assert!(error.contains("newer version") && error.contains("spillway.db"), "{error}");
    connection.pragma_update(None, "user_version", schema::VERSION).unwrap();
    drop(SqliteStore::open(&path).unwrap());

    let foreign = folder.path().join("foreign.db");
    Connection::open(&foreign).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
    let error = SqliteStore::open(&foreign).err().unwrap().to_string();
    assert!(error.contains("another program"), "{error}");
    let text = folder.path().join("text.db");
    fs::write(&text, "A text, longer than a page's header of one hundred bytes. ".repeat(10)).unwrap();
    let error = SqliteStore::open(&text).err().unwrap().to_string();
    assert!(error.contains("text.db"), "{error}");
    let nowhere = folder.path().join("none").join("spillway.db");
    let error = SqliteStore::open(&nowhere).err().unwrap().to_string();
    assert!(error.contains("none/spillway.db"), "{error}");
}

#[tokio::test]
async fn a_damaged_document_is_named() {
    let (_folder, path) = file();
    let store = SqliteStore::open(&path).unwrap();
    let (run, chunk) = run_with_chunk(&store).await;
    let raw = Connection::open(&path).unwrap();
    let damaged = |error: StoreError, name: &str| {
        let named = matches!(&error, StoreError::Unreadable { document, .. } if document.contains(name));
        assert!(named, "{error}");
    };
    for wrong in ["{", "", "null", "{\"state\":\"unknown\"}"] {
        for table in ["chunks", "runs", "exports", "buckets"] {
            raw.execute(&format!("UPDATE {table} SET doc = ?1"), [wrong]).unwrap();
        }
        let chunk_name = format!("chunk {} of run {}", chunk.key().id.0, run.key);
        let run_name = format!("run {} in account 1", run.key);
        let (key, plan) = (chunk.key(), &chunk.key().plan);
        damaged(store.chunk(key).await.unwrap_err(), &chunk_name);
        damaged(store.chunks(run.key, plan, None, 9).await.unwrap_err(), &chunk_name);
        damaged(
            store.claim_messages(run.key, plan, at(0), ClaimLimits::new(9), at(9)).await.unwrap_err(),
            &chunk_name,
        );
        let token = LeaseToken::from_random(9);
        let lease = ChunkCommand::Lease { token, expires_at: at(50) };
        damaged(store.change_chunk(key, lease, at(9)).await.unwrap_err(), &chunk_name);
        damaged(store.run(run.key).await.unwrap_err(), &run_name);
        assert_eq!(store.open_runs().await.unwrap(), [], "it is left out");
        assert_eq!(store.open_run_keys().await.unwrap(), [run.key]);
        damaged(store.runs(AccountId(1), run.key.request).await.unwrap_err(), &run_name);
        damaged(store.export(AccountId(1), run.key.request).await.unwrap_err(), "export 1 in account 1");
        let new = new_run(run.key.request, run.window, 3);
        damaged(store.create_run(&new).await.unwrap_err(), "export 1 in account 1");
        damaged(store.buckets(AccountId(1)).await.unwrap_err(), "bucket `main` in account 1");
    }
    // What is no text at all is not taken for a document either, and the store goes on.
    raw.execute("UPDATE chunks SET doc = CAST(x'ff00' AS TEXT)", []).unwrap();
    damaged(store.chunk(chunk.key()).await.unwrap_err(), "chunk");
    assert_eq!(store.account(AccountId(1)).await.unwrap(), None);
}

#[tokio::test]
async fn a_step_that_panics_is_rolled_back_and_ends_nothing() {
    let (_folder, path) = file();
    let store = SqliteStore::open(&path).unwrap();
    store.put_bucket(&bucket()).await.unwrap();
    let answer: Result<(), _> = store
        .writer
        .write(|transaction| {
            transaction.execute("DELETE FROM buckets", [])?;
            panic!("by the test");
        })
        .await;
    assert!(matches!(answer, Err(StoreError::Unavailable(_))));
    assert_eq!(store.buckets(AccountId(1)).await.unwrap(), [bucket()]);
    store.unblock_bucket(&bucket()).await.unwrap();
}

#[test]
fn indexes_serve_the_queries_over_chunks() {
    let (_folder, path) = file();
    let connection = schema::open(&path).unwrap();
    for (sql, index) in [
        (
            claims::OUTSTANDING,
            "COVERING INDEX chunks_claim (account=? AND request=? AND run=? AND plan=? AND published_at>? AND published_at<?)",
        ),
        (
            claims::LOWEST_MESSAGE,
            "COVERING INDEX chunks_claim (account=? AND request=? AND run=? AND plan=? AND published_at=?)",
        ),
        (
            claims::LOWEST_MESSAGE,
            "COVERING INDEX chunks_claim (account=? AND request=? AND run=? AND plan=? AND published_at<?)",
        ),
        (
            claims::OF_MESSAGE,
            "INDEX chunks_claim (account=? AND request=? AND run=? AND plan=? AND published_at=? AND message=? AND free_at<?)",
        ),
        (
            claims::LOWEST_MESSAGE,
            "COVERING INDEX chunks_claim (account=? AND request=? AND run=? AND plan=? AND published_at>?)",
        ),
        (
            claims::OF_MESSAGE,
            "INDEX chunks_claim (account=? AND request=? AND run=? AND plan=? AND published_at<?)",
        ),
        (
            claims::OF_MESSAGE,
            "INDEX chunks_claim (account=? AND request=? AND run=? AND plan=? AND published_at>?)",
        ),
        (
            chunks::TALLY,
            "COVERING INDEX chunks_leased (account=? AND request=? AND run=? AND plan=? AND free_at>?)",
        ),
        (
            chunks::PAGE,
            "INDEX sqlite_autoindex_chunks_1 (account=? AND request=? AND run=? AND plan=? AND id>?)",
        ),
    ] {
        let plan = plan(&connection, sql);
        assert!(plan.iter().any(|step| step.contains(index)), "{index}\n{plan:#?}");
        assert!(!plan.iter().any(|step| step.starts_with("SCAN chunks")), "{plan:#?}");
    }
}

#[test]
fn indexes_serve_the_open_runs_of_an_export() {
    let (_folder, path) = file();
    let connection = schema::open(&path).unwrap();
    for (sql, index) in [
        (runs::OPEN_KEYS, "SEARCH runs USING INDEX runs_open_of_export (account=? AND request=?)"),
        (runs::ALL_OPEN_KEYS, "SCAN runs USING INDEX runs_open"),
        (runs::OPEN_DOCUMENTS, "SEARCH runs USING INDEX runs_open_of_export (account=? AND request=?)"),
    ] {
        assert_eq!(plan(&connection, sql), [index]);
    }
}

fn plan(connection: &Connection, sql: &str) -> Vec<String> {
    let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let count = statement.parameter_count();
    let rows = statement.query_map(rusqlite::params_from_iter(vec![1; count]), |row| row.get::<_, String>(3));
    rows.unwrap().map(Result::unwrap).collect()
}

#[test]
fn indexes_tell_whether_a_bucket_is_in_use() {
    let (_folder, path) = file();
    let connection = schema::open(&path).unwrap();
    let plan = plan(&connection, buckets::IN_USE);
    for index in ["exports_of_bucket (account=? AND bucket=?", "runs_incomplete (account=?"] {
        assert!(plan.iter().any(|step| step.contains(index)), "{index}\n{plan:#?}");
    }
    assert!(!plan.iter().any(|step| step.starts_with("SCAN runs")), "{plan:#?}");
}

#[test]
fn indexes_serve_the_lists_of_exports() {
    let (_folder, path) = file();
    let connection = schema::open(&path).unwrap();
    for (sql, index) in [
        (export_lists::PAGE, "SEARCH exports USING INDEX exports_listed (account=? AND request<?)"),
        (
            export_lists::PAGE,
            "SEARCH runs USING COVERING INDEX sqlite_autoindex_runs_1 (account=? AND request=? AND run>? AND run<?)",
        ),
        (
            export_lists::DUE,
            "SEARCH exports USING INDEX exports_due ((due_at,account,request)>(?,?,?) AND due_at<?)",
        ),
        (export_lists::PROFILES_FLOW, "INDEX exports_profiles_flow (account=?)"),
    ] {
        let plan = plan(&connection, sql);
        assert!(plan.iter().any(|step| step.contains(index)), "{index}\n{plan:#?}");
        let is_slow = |step: &String| step.starts_with("SCAN") && step.contains("exports");
        assert!(!plan.iter().any(is_slow), "{plan:#?}");
        assert!(!plan.iter().any(|step| step.contains("TEMP B-TREE")), "{plan:#?}");
    }
}

/// Copies the documents of a file into one that version 1 would have written.
fn as_version_1(path: &std::path::Path, to: &std::path::Path) {
    let raw = Connection::open(to).unwrap();
    raw.execute_batch(include_str!("schema_1.sql")).unwrap();
    raw.execute("ATTACH ?1 AS now", [path.to_str().unwrap()]).unwrap();
    raw.execute_batch(
        "INSERT INTO buckets SELECT account, id, doc FROM now.buckets;
         INSERT INTO exports SELECT account, request, bucket, active, doc FROM now.exports;
         INSERT INTO request_ids SELECT bucket_name, request, account FROM now.request_ids;
         INSERT INTO runs SELECT account, request, run, cut, status, open, doc FROM now.runs;
         INSERT INTO chunks SELECT account, request, run, plan, id, state, free_at, published_at, message, doc
           FROM now.chunks;
         PRAGMA application_id = 1397771351; PRAGMA user_version = 1;",
    )
    .unwrap();
}

#[tokio::test]
async fn a_file_of_version_1_keeps_its_files() {
    let (_folder, path) = file();
    let store = SqliteStore::open(&path).unwrap();
    let (run, chunk) = run_with_chunk(&store).await;
    let token = LeaseToken::from_random(9);
    let lease = ChunkCommand::Lease { token, expires_at: at(50) };
    store.change_chunk(chunk.key(), lease, at(9)).await.unwrap();
    let object =
        Some(Intent { crc32c: Crc32c(7), bytes: 10, rows: 2, deleted_profiles: 0, end: EndCursor::End });
    let complete = ChunkCommand::Complete { token, written: Written { object, deleted_profiles: 0 } };
    store.change_chunk(chunk.key(), complete, at(9)).await.unwrap();
    let plan = &chunk.key().plan;
    let (files, sums) =
        (store.files(run.key, plan, None, 9).await.unwrap(), store.written(run.key, plan).await.unwrap());
    assert_eq!((files.files.len(), sums.rows, sums.bytes), (1, 2, 10));
    drop(store);
    let (_other_folder, of_version_1) = file();
    as_version_1(&path, &of_version_1);
    let store = SqliteStore::open(&of_version_1).unwrap();
    assert_eq!(store.written(run.key, plan).await.unwrap(), sums);
    assert_eq!(store.files(run.key, plan, None, 9).await.unwrap(), files);
}

#[tokio::test]
async fn a_file_of_version_1_keeps_its_exports() {
    let (_folder, path) = file();
    let store = SqliteStore::open(&path).unwrap();
    let (run, _) = run_with_chunk(&store).await;
    let known = store.export(AccountId(1), run.key.request).await.unwrap().unwrap();
    drop(store);
    let (_other_folder, of_version_1) = file();
    as_version_1(&path, &of_version_1);
    let raw = Connection::open(&of_version_1).unwrap();
    raw.execute_batch(
        "INSERT INTO exports (account, request, bucket, active, doc) VALUES (1, 99, 'main', 0, '{damaged')",
    )
    .unwrap();
    drop(raw);
    let store = SqliteStore::open(&of_version_1).unwrap();
    let filter = ExportFilter {
        bucket: Some(BucketId("main".to_owned())),
        data: Some(DataKind::AllProfiles),
        format: Some(Format::Json),
        status: Some(StatusKind::Pending),
        frequency: Some(FrequencyKind::Live),
        exported_on: None,
    };
    assert_eq!(store.list_exports(AccountId(1), &filter, None, 9).await.unwrap().exports, [known]);
    assert_eq!(store.profiles_flow(AccountId(1)).await.unwrap(), Some(run.key.request));
    // The damaged one, number 99, is the last of all, and holds up no other.
    let page = store.list_exports(AccountId(1), &ExportFilter::default(), None, 9).await.unwrap();
    assert!(!page.exports.is_empty() && page.next.is_none(), "{page:?}");
    let damaged = store.export(AccountId(1), RequestId(99)).await.unwrap_err();
    assert!(damaged.to_string().contains("export 99 in account 1"), "{damaged}");
}

#[test]
fn indexes_serve_what_pages_of_customers_ask_for() {
    let (_folder, path) = file();
    let connection = schema::open(&path).unwrap();
    for (sql, index) in [
        (
            run_files::SUMS,
            "COVERING INDEX chunks_written (account=? AND request=? AND run=? AND plan=? AND object>?)",
        ),
        (run_files::PAGE, "INDEX chunks_written (account=? AND request=? AND run=? AND plan=? AND object>?)"),
        (runs::PAGE, "INDEX sqlite_autoindex_runs_1 (account=? AND request=? AND run<?)"),
        (catalogue::DAYS, "PRIMARY KEY (account=? AND settled=? AND date>? AND date<?)"),
    ] {
        let plan = plan(&connection, sql);
        assert!(plan.iter().any(|step| step.contains(index)), "{index}\n{plan:#?}");
        assert!(!plan.iter().any(|step| step.starts_with("SCAN")), "{plan:#?}");
    }
    // The names that are asked for are a list to look through; the table is not.
    let plan = plan(&connection, catalogue::SUMS);
    let index = "SEARCH catalogue_days USING PRIMARY KEY (account=? AND settled=? AND date>? AND date<?)";
    assert!(plan.iter().any(|step| step.contains(index)), "{plan:#?}");
}

#[tokio::test]
async fn a_hundred_thousand_exports_are_listed_in_no_time() {
    let (_folder, path) = file();
    let store = SqliteStore::open(&path).unwrap();
    store.put_bucket(&bucket()).await.unwrap();
    let spec = ExportSpec {
        bucket: BucketId("main".to_owned()),
        data: DataSelection::AllEvents,
        identities: IdentityPriority::default(),
        frequency: Frequency::Live { start: Date::constant(2026, 8, 1) },
        format: Format::Json,
        packaging: Packaging::Gzip,
        as_string: false,
        header_line: false,
        manifest: true,
    };
    let create = move |transaction: &rusqlite::Savepoint<'_>| {
        for second in 0..100_000 {
            let format = if second == 7 { Format::Xml } else { Format::Json };
            let spec = ExportSpec { format, ..spec.clone() };
            let (now, next_due_at) = (at(second), Some(at(second)));
            let new = NewExport { account: AccountId(1), spec, now, next_due_at, origin: Origin::default() };
            exports::create(transaction, &new)?;
        }
        Ok(())
    };
    store.writer.write(create).await.unwrap();
    let begin = std::time::Instant::now();
    for _ in 0..20 {
        // The last of the list, behind all that it is filtered from; and a page of it all.
        let rare = ExportFilter { format: Some(Format::Xml), ..ExportFilter::default() };
        let page = store.list_exports(AccountId(1), &rare, None, 20).await.unwrap();
        assert_eq!(page.exports.iter().map(|export| export.request.0).collect::<Vec<_>>(), [7]);
        let page = store.list_exports(AccountId(1), &ExportFilter::default(), None, 20).await.unwrap();
        assert_eq!((page.exports.len(), page.next.map(|next| next.0)), (20, Some(99_980)));
        assert_eq!(store.due_exports(at(50_000), None, 500).await.unwrap().len(), 500);
    }
    // Far more than it takes, far less than without the index.
    assert!(begin.elapsed() < std::time::Duration::from_secs(10), "{:?}", begin.elapsed());
}

#[tokio::test]
async fn a_full_disk_is_told_from_what_passes() {
    let (_folder, path) = file();
    let store = SqliteStore::open(&path).unwrap();
    let limit = |pages: i64| {
        store.writer.read(move |connection| Ok(connection.pragma_update(None, "max_page_count", pages)?))
    };
    limit(1).await.unwrap();
    let mut full = bucket();
    full.bucket_name = "x".repeat(100_000);
    let answer = store.put_bucket(&full).await;
    assert!(matches!(&answer, Err(StoreError::Full(told)) if told.contains("full")), "{answer:?}");
    assert_eq!(store.buckets(AccountId(1)).await.unwrap(), []);
    limit(1_000_000).await.unwrap();
    store.put_bucket(&full).await.unwrap();
}
