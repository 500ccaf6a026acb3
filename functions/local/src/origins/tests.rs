//! Announced, created, settled: wherever a process is killed, no run forgets its places.
#![allow(clippy::unwrap_used, reason = "tests")]

use spillway::{
    adapters::sqlite::SqliteStore,
    domain::{
        Account, BucketId, BucketState, DataSelection, ExportSpec, Format, Frequency, IdentityPriority,
        KeyFacts, Opening, Packaging, PartnerBucket, SealedKey, Window, ZoneName,
    },
    ports::{AccountStore, BucketStore, ExportStore, NewExport},
};

use super::*;

const ACCOUNT: AccountId = AccountId(1);

fn now() -> Timestamp {
    Timestamp::from_second(1_750_000_000).unwrap()
}

async fn store(folder: &Path) -> SqliteStore {
    let store = SqliteStore::open(&folder.join("state.sqlite")).unwrap();
    store.put_account(&Account::new(ACCOUNT, ZoneName::default())).await.unwrap();
    let key_facts = KeyFacts { client_email: "a@b".to_owned(), key_id: "1".to_owned(), added_at: now() };
    let bucket = PartnerBucket {
        account: ACCOUNT,
        id: BucketId("files".to_owned()),
        bucket_name: "files".to_owned(),
        key: SealedKey("sealed".to_owned()),
        key_facts,
        state: BucketState::Ready,
        opening: Opening::default(),
    };
    store.put_bucket(&bucket).await.unwrap();
    store
}

async fn create(store: &SqliteStore, origin: Origin) -> RunKey {
    let spec = ExportSpec {
        bucket: BucketId("files".to_owned()),
        data: DataSelection::AllProfiles,
        identities: IdentityPriority::default(),
        frequency: Frequency::OneTime { days: None },
        format: Format::Json,
        packaging: Packaging::Gzip,
        as_string: false,
        header_line: true,
        manifest: true,
    };
    let new = NewExport { account: ACCOUNT, spec, now: now(), next_due_at: None, origin };
    let window = Window::Committed { after: Timestamp::UNIX_EPOCH, upto: now() };
    store.create_one_time(&new, window, &ZoneName::default()).await.unwrap().1.key
}

fn lake(name: &str) -> Places {
    Places { lake: Some(name.to_owned()), gcs_endpoint: None }
}

fn files(folder: &Path) -> usize {
    std::fs::read_dir(folder).unwrap().count()
}

/// Two processes have announced and created, in turns; both are killed before they settle.
#[tokio::test]
async fn killed_after_the_creation_a_run_has_its_places() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path()).await;
    let (one, two) =
        (Origins::new(folder.path().join("origins")), Origins::new(folder.path().join("origins")));
    let (first, second) = (
        one.announce(ACCOUNT, &lake("/a"), now()).unwrap(),
        two.announce(ACCOUNT, &lake("/b"), now()).unwrap(),
    );
    let own = create(&store, one.announce(ACCOUNT, &Places::default(), now()).unwrap()).await;
    let (second, first) = (create(&store, second).await, create(&store, first).await);
    // A long time later: nothing is repeated under the keys any more.
    let later = now() + jiff::SignedDuration::from_hours(1_000);
    one.settle(&store, later).await.unwrap();
    for origins in [&one, &two] {
        assert_eq!(origins.of(first).unwrap(), lake("/a"));
        assert_eq!(origins.of(second).unwrap(), lake("/b"));
        assert_eq!(origins.of(own).unwrap(), Places::default());
    }
    assert_eq!(files(&one.0), 2, "a record for each");
    two.settle(&store, later).await.unwrap();
    assert_eq!(two.of(first).unwrap(), lake("/a"));
}

/// Somebody else settles while the creation is still to come; what never comes is forgotten.
#[tokio::test]
async fn an_announcement_waits_for_its_run() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path()).await;
    let origins = Origins::new(folder.path().join("origins"));
    let origin = origins.announce(ACCOUNT, &lake("/a"), now()).unwrap();
    origins.settle(&store, now()).await.unwrap();
    let run = create(&store, origin).await;
    origins.settle(&store, now()).await.unwrap();
    assert_eq!(origins.of(run).unwrap(), lake("/a"));
    origins.announce(ACCOUNT, &lake("/b"), now()).unwrap();
    origins.settle(&store, now() + jiff::SignedDuration::from_hours(25)).await.unwrap();
    assert_eq!(files(&origins.0), 1);
}

#[test]
fn flags_that_contradict_a_run_are_refused() {
    let run = RunKey { account: ACCOUNT, request: spillway::domain::RequestId(5), run: RunTimestamp(5) };
    let told = |own: &Places, given: &Places| own.check_given(run, given).unwrap_err().to_string();
    lake("/a").check_given(run, &lake("/a")).unwrap();
    lake("/a").check_given(run, &Places::default()).unwrap();
    assert_eq!(told(&lake("/a"), &lake("/b")), "run 5-5 reads another lake than /b: /a; leave --lake out");
    let there = Places { lake: None, gcs_endpoint: Some("http://a".to_owned()) };
    assert_eq!(
        told(&Places::default(), &there),
        "run 5-5 writes elsewhere than to http://a: to the built-in emulator; leave --gcs-endpoint out"
    );
}
