//! The same files through `spillway verify`, whose counters must cope with them too.

use std::path::Path;

use async_trait::async_trait;
use bytes::Bytes;
use serde::Deserialize;
use spillway::{
    domain::{
        AccountId, BucketFailure, Crc32c, DatabaseId, Format, Manifest, ManifestFile, ManifestStatus,
        ManifestWindow, RequestId, RunTimestamp, WindowKind,
    },
    ports::{BucketHandle, ByteSource, CreateObjectError, ObjectFacts, SourceError},
};
use spillway_local::verify::{VerifyReport, verify_manifest};
use spillway_tests::readers::Dataset;

/// A bucket of one object.
struct OneObject {
    facts: ObjectFacts,
    bytes: Bytes,
}

struct Pieces(Bytes);

#[async_trait]
impl ByteSource for Pieces {
    async fn next(&mut self) -> Result<Option<Bytes>, SourceError> {
        let length = self.0.len().min(100_000);
        Ok((length > 0).then(|| self.0.split_to(length)))
    }
}

#[async_trait]
impl BucketHandle for OneObject {
    async fn create(
        &self,
        _: &str,
        _: &str,
        _: Box<dyn ByteSource>,
    ) -> Result<ObjectFacts, CreateObjectError> {
        panic!("verifying creates nothing")
    }

    async fn facts(&self, name: &str) -> Result<Option<ObjectFacts>, BucketFailure> {
        Ok((name == self.facts.name).then(|| self.facts.clone()))
    }

    async fn read(&self, name: &str) -> Result<Option<Box<dyn ByteSource>>, BucketFailure> {
        Ok((name == self.facts.name).then(|| Box::new(Pieces(self.bytes.clone())) as Box<dyn ByteSource>))
    }

    async fn list(&self, prefix: &str) -> Result<Vec<ObjectFacts>, BucketFailure> {
        Ok(if self.facts.name.starts_with(prefix) { vec![self.facts.clone()] } else { vec![] })
    }
}

/// What was written, as far as it matters here.
#[derive(Deserialize)]
struct Expected {
    files: Vec<ExpectedFile>,
}

#[derive(Deserialize)]
struct ExpectedFile {
    path: String,
    dataset: String,
    format: Format,
}

/// Verifies every file that was written into `folder`; how many there are.
pub(crate) async fn verify_files(folder: &Path, datasets: &[Dataset]) -> usize {
    let expected = std::fs::read(folder.join("expected.json")).unwrap();
    let expected: Expected = serde_json::from_slice(&expected).unwrap();
    for file in &expected.files {
        let dataset = datasets.iter().find(|dataset| dataset.name == file.dataset).unwrap();
        let bytes = Bytes::from(std::fs::read(folder.join(&file.path)).unwrap());
        let name = file.path.split_once('/').unwrap().1.to_owned();
        let (length, rows) = (bytes.len() as u64, dataset.rows.len() as u64);
        let facts = ObjectFacts {
            name: name.clone(),
            bytes: length,
            crc32c: Crc32c(crc32c::crc32c(&bytes)),
            created_at: None,
        };
        let line = ManifestFile {
            name,
            event_name: dataset.event_name.clone(),
            date: dataset.event_name.as_ref().map(|_| jiff::civil::date(2025, 6, 11)),
            database_id: DatabaseId(3),
            rows,
            bytes: length,
            crc32c: facts.crc32c,
        };
        let at = jiff::Timestamp::UNIX_EPOCH;
        let manifest = Manifest {
            version: 1,
            account: AccountId(7),
            request_id: RequestId(100),
            run_timestamp: RunTimestamp(200),
            status: ManifestStatus::Done,
            window: ManifestWindow { from: at, to: at, kind: WindowKind::EventDate },
            format: file.format,
            rows,
            bytes: length,
            deleted_profiles: 0,
            files: vec![line],
        };
        let report = verify_manifest(&OneObject { facts, bytes }, &manifest).await.unwrap();
        let clean = VerifyReport { objects: 1, rows, bytes: length, ..VerifyReport::default() };
        assert_eq!(report, clean, "{}", file.path);
    }
    expected.files.len()
}
