//! A bucket in memory, a run in it, and each difference once.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    io::Write,
};

use async_trait::async_trait;
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use spillway::{
    domain::{
        AccountId, Crc32c, DatabaseId, ManifestStatus, ManifestWindow, RequestId, RunTimestamp, WindowKind,
    },
    ports::{ByteSource, CreateObjectError, SourceError},
};

use super::*;

const FIRST: &str = "100-200-Charged-20250611-0-3.json.gz";
const SECOND: &str = "100-200-Charged-20250611-1-3.json.gz";
const MANIFEST: &str = "100-200.manifest";

/// A bucket; what it forbids and breaks is set by the test.
#[derive(Default)]
struct Memory {
    objects: BTreeMap<String, Vec<u8>>,
    forbids_reading: bool,
    forbids_listing: bool,
    breaks: BTreeSet<String>,
}

struct Pieces(VecDeque<Result<Bytes, SourceError>>);

#[async_trait]
impl ByteSource for Pieces {
    async fn next(&mut self) -> Result<Option<Bytes>, SourceError> {
        self.0.pop_front().transpose()
    }
}

fn forbidden(permission: &str) -> BucketFailure {
    let class = FailureClass::PermissionMissing { permission: Some(permission.to_owned()) };
    BucketFailure { class, http_status: Some(403), message: "denied".to_owned() }
}

#[async_trait]
impl BucketHandle for Memory {
    async fn create(
        &self,
        _: &str,
        _: &str,
        _: Box<dyn ByteSource>,
    ) -> Result<ObjectFacts, CreateObjectError> {
        panic!("verifying creates nothing")
    }

    async fn facts(&self, _: &str) -> Result<Option<ObjectFacts>, BucketFailure> {
        panic!("verifying reads or lists")
    }

    async fn read(&self, name: &str) -> Result<Option<Box<dyn ByteSource>>, BucketFailure> {
        if self.forbids_reading {
            return Err(forbidden("storage.objects.get"));
        }
        let Some(bytes) = self.objects.get(name) else { return Ok(None) };
        // In pieces of an odd size, so that nothing depends on where they end.
        let mut pieces: VecDeque<_> =
            bytes.chunks(7).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
        if self.breaks.contains(name) {
            pieces.truncate(2);
            pieces.push_back(Err(SourceError));
        }
        Ok(Some(Box::new(Pieces(pieces))))
    }

    async fn list(&self, prefix: &str) -> Result<Vec<ObjectFacts>, BucketFailure> {
        if self.forbids_listing {
            return Err(forbidden("storage.objects.list"));
        }
        let found = self.objects.iter().filter(|(name, _)| name.starts_with(prefix));
        let facts = found.map(|(name, bytes)| ObjectFacts {
            name: name.clone(),
            bytes: bytes.len() as u64,
            crc32c: Crc32c(crc32c::crc32c(bytes)),
            created_at: None,
        });
        Ok(facts.collect())
    }
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

fn line(name: &str, rows: u64, bytes: &[u8]) -> ManifestFile {
    ManifestFile {
        name: name.to_owned(),
        event_name: Some("Charged".to_owned()),
        date: Some("2025-06-11".parse().unwrap()),
        database_id: DatabaseId(3),
        rows,
        bytes: bytes.len() as u64,
        crc32c: Crc32c(crc32c::crc32c(bytes)),
    }
}

/// A run of two files with five rows, as it should be.
fn run() -> (Memory, Manifest) {
    let first = gzip("Charged\n{\"ts\":1}\n{\"ts\":2}\n{\"ts\":3}\n");
    let second = gzip("Charged\n{\"ts\":4}\n{\"ts\":5}\n");
    let files = vec![line(FIRST, 3, &first), line(SECOND, 2, &second)];
    let at = "2025-06-11T00:00:00Z".parse().unwrap();
    let manifest = Manifest {
        version: 1,
        account: AccountId(7),
        request_id: RequestId(100),
        run_timestamp: RunTimestamp(200),
        status: ManifestStatus::Done,
        window: ManifestWindow { from: at, to: at, kind: WindowKind::EventDate },
        format: Format::Json,
        rows: 5,
        bytes: (first.len() + second.len()) as u64,
        deleted_profiles: 0,
        files,
    };
    let mut bucket = Memory::default();
    bucket.objects.insert(FIRST.to_owned(), first);
    bucket.objects.insert(SECOND.to_owned(), second);
    (bucket, manifest)
}

/// What `verify` reports of a run, whose manifest is put into the bucket.
async fn report((mut bucket, manifest): (Memory, Manifest)) -> VerifyReport {
    bucket.objects.insert(MANIFEST.to_owned(), manifest.to_bytes());
    verify(&bucket, MANIFEST).await.unwrap()
}

/// The only difference.
async fn difference(run: (Memory, Manifest)) -> Difference {
    let mut report = report(run).await;
    assert_eq!(report.differences.len(), 1, "{:?}", report.differences);
    assert!(!report.is_clean());
    report.differences.pop().unwrap()
}

#[tokio::test]
async fn a_run_as_it_should_be() {
    let (mut bucket, manifest) = run();
    // Of other runs, of the customer, and of a run whose number begins alike.
    for name in ["100-2000-Charged-20250611-0-3.json.gz", "notes.txt", "8-100-200-0-csv.gz", "x-100-200-"] {
        bucket.objects.insert(name.to_owned(), vec![0]);
    }
    let bytes = manifest.bytes;
    let report = report((bucket, manifest)).await;
    assert_eq!(report, VerifyReport { objects: 2, rows: 5, bytes, ..VerifyReport::default() });
    assert!(report.is_clean());
}

#[tokio::test]
async fn a_missing_object() {
    let (mut bucket, manifest) = run();
    bucket.objects.remove(SECOND);
    assert_eq!(difference((bucket, manifest)).await, Difference::Missing { name: SECOND.into() });
}

#[tokio::test]
async fn other_bytes_of_the_same_rows() {
    let (mut bucket, mut manifest) = run();
    let longer = gzip("Charged\n{\"ts\":44444}\n{\"ts\":55555}\n");
    let (found, crc) = (longer.len() as u64, Crc32c(crc32c::crc32c(&longer)));
    bucket.objects.insert(SECOND.into(), longer);
    let (listed, listed_crc) = (manifest.files[1].bytes, manifest.files[1].crc32c);
    let name = || SECOND.to_owned();
    let size = Difference::Bytes { name: name(), listed, found };
    let checksum = Difference::Checksum { name: name(), listed: listed_crc, found: crc };
    let both = report((bucket, manifest.clone())).await;
    assert_eq!(both.differences, [size, checksum]);

    let (bucket, _) = run();
    manifest.files[0].crc32c = Crc32c(1);
    let found = difference((bucket, manifest)).await;
    assert!(matches!(found, Difference::Checksum { name, listed: Crc32c(1), .. } if name == FIRST));
}

#[tokio::test]
async fn another_number_of_rows() {
    let (bucket, mut manifest) = run();
    manifest.files[0].rows = 4;
    manifest.rows = 6;
    let found = difference((bucket, manifest)).await;
    assert_eq!(found, Difference::Rows { name: FIRST.into(), listed: 4, found: 3 });
}

#[tokio::test]
async fn an_object_that_no_reader_can_read() {
    let (mut bucket, mut manifest) = run();
    let mut cut = bucket.objects[FIRST].clone();
    cut.truncate(cut.len() - 9);
    manifest.bytes -= 9;
    manifest.files[0] = line(FIRST, 3, &cut);
    bucket.objects.insert(FIRST.into(), cut);
    let found = difference((bucket, manifest)).await;
    assert!(matches!(found, Difference::Malformed { name, .. } if name == FIRST));
}

#[tokio::test]
async fn reading_that_breaks_off() {
    let (mut bucket, manifest) = run();
    bucket.breaks.insert(FIRST.into());
    let found = difference((bucket, manifest)).await;
    assert_eq!(found, Difference::BrokeOff { name: FIRST.into(), after_bytes: 14 });
}

#[tokio::test]
async fn objects_that_are_not_listed() {
    for name in ["100-200-Charged-20250611-2-3.json.gz", "7-100-200-0-json.gz", "100-200-notes.txt"] {
        let (mut bucket, manifest) = run();
        bucket.objects.insert(name.into(), vec![1, 2]);
        assert_eq!(
            difference((bucket, manifest)).await,
            Difference::NotListed { name: name.into(), bytes: 2 }
        );
    }
}

#[tokio::test]
async fn a_manifest_in_disorder() {
    let (bucket, mut manifest) = run();
    manifest.files.swap(0, 1);
    let found = difference((bucket, manifest)).await;
    assert_eq!(found, Difference::OutOfOrder { name: FIRST.into(), after: SECOND.into() });

    let (bucket, mut manifest) = run();
    let again = manifest.files[1].clone();
    (manifest.rows, manifest.bytes) = (manifest.rows + again.rows, manifest.bytes + again.bytes);
    manifest.files.push(again);
    assert_eq!(difference((bucket, manifest)).await, Difference::ListedTwice { name: SECOND.into() });
}

#[tokio::test]
async fn totals_that_are_no_sums() {
    let (bucket, mut manifest) = run();
    manifest.rows = 50;
    let found = difference((bucket, manifest)).await;
    assert_eq!(found, Difference::TotalRows { name: MANIFEST.into(), listed: 50, sum: 5 });

    let (bucket, mut manifest) = run();
    let sum = std::mem::replace(&mut manifest.bytes, 1);
    let found = difference((bucket, manifest)).await;
    assert_eq!(found, Difference::TotalBytes { name: MANIFEST.into(), listed: 1, sum });
}

#[tokio::test]
async fn a_key_that_may_not_read() {
    let (mut bucket, manifest) = run();
    bucket.forbids_reading = true;
    bucket.objects.insert(MANIFEST.into(), manifest.to_bytes());
    let report = verify(&bucket, MANIFEST).await.unwrap();
    assert_eq!(report, VerifyReport { unreadable: true, ..VerifyReport::default() });
    assert!(!report.is_clean());

    // The list still tells names, sizes and Google's checksums.
    bucket.objects.insert(FIRST.into(), vec![1]);
    bucket.objects.insert("100-200-more".into(), vec![1]);
    let recorded = records::verify_recorded(&bucket, run_of(&manifest), &manifest.files).await.unwrap();
    assert!(recorded.unreadable && !recorded.unlistable);
    assert_eq!((recorded.objects, recorded.rows), (2, 5));
    let kinds: Vec<_> = recorded.differences.iter().map(ToString::to_string).collect();
    assert_eq!(kinds.len(), 3, "{kinds:?}");
    assert_eq!(verify_manifest(&bucket, &manifest).await.unwrap(), recorded);

    bucket.objects.remove(FIRST);
    let report = verify_manifest(&bucket, &manifest).await.unwrap();
    assert_eq!(report.differences[0], Difference::Missing { name: FIRST.into() });
}

#[tokio::test]
async fn a_key_that_may_not_list() {
    let (mut bucket, manifest) = run();
    bucket.forbids_listing = true;
    let report = report((bucket, manifest)).await;
    assert!(report.unlistable && report.is_clean());
    assert_eq!(report.rows, 5);
}

#[test]
fn lines_against_our_records() {
    let (_, manifest) = run();
    let recorded = manifest.files.clone();
    assert_eq!(compare_lines(&manifest.files, &recorded), []);
    assert_eq!(
        compare_lines(&manifest.files, &recorded[..1]),
        [Difference::NotRecorded { name: SECOND.into() }]
    );
    assert_eq!(
        compare_lines(&manifest.files[1..], &recorded),
        [Difference::RecordedOnly { name: FIRST.into() }]
    );
    let mut other = recorded.clone();
    other[0].rows = 30;
    let (listed, recorded) = ("3".to_owned(), "30".to_owned());
    let expected = Difference::RecordedOtherwise { name: FIRST.into(), field: "rows", listed, recorded };
    assert_eq!(compare_lines(&manifest.files, &other), [expected]);
}

#[tokio::test]
async fn the_manifests_of_a_bucket() {
    let mut bucket = Memory::default();
    for name in [MANIFEST, "1-2-x.manifest", "300-400.manifest", "a.manifest", "-.manifest", "1-.manifest"] {
        bucket.objects.insert(name.into(), b"{}".to_vec());
    }
    assert_eq!(manifest_names(&bucket).await.unwrap(), [MANIFEST, "300-400.manifest"]);

    let reason = |error: VerifyError| error.to_string();
    let absent = read_manifest(&bucket, "5-6.manifest").await.map_err(reason).unwrap_err();
    assert!(absent.starts_with("there is no object 5-6.manifest"), "{absent}");
    let empty = read_manifest(&bucket, MANIFEST).await.map_err(reason).unwrap_err();
    assert!(empty.starts_with("100-200.manifest is not a manifest"), "{empty}");
    bucket.objects.insert("300-400.manifest".into(), run().1.to_bytes());
    let other = read_manifest(&bucket, "300-400.manifest").await.map_err(reason).unwrap_err();
    assert!(other.ends_with("it is that of run 100-200"), "{other}");
}

#[tokio::test]
async fn the_report_as_json() {
    let (mut bucket, manifest) = run();
    bucket.objects.remove(SECOND);
    let bytes = manifest.files[0].bytes;
    let report = serde_json::to_value(report((bucket, manifest)).await).unwrap();
    let message = format!("{SECOND} is listed but not in the bucket");
    let expected = serde_json::json!({
        "objects": 1, "rows": 3, "bytes": bytes, "unreadable": false, "unlistable": false,
        "differences": [{"difference": "missing", "name": SECOND, "message": message}],
    });
    assert_eq!(report, expected);
}

/// The binary spawns it.
#[test]
fn verifying_may_move_between_threads() {
    fn is_send<T: Send>(_: &T) {}
    let (bucket, manifest) = run();
    is_send(&verify_manifest(&bucket, &manifest));
    is_send(&verify(&bucket, MANIFEST));
}
