//! One object read back: its bytes through the checksum and, on a thread of its own, through a reader of its
//! format.

use spillway::{
    domain::{Crc32c, Format, ManifestFile},
    ports::BucketHandle,
};

use super::{Difference, VerifyError, count, difference, source};

/// What reading an object found.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) exists: bool,
    pub(super) rows: u64,
    pub(super) bytes: u64,
    pub(super) differences: Vec<Difference>,
}

impl Found {
    fn only(exists: bool, difference: Difference) -> Self {
        Self { exists, differences: vec![difference], ..Self::default() }
    }
}

/// Reads the object of a manifest's line.
///
/// # Errors
/// Failures that say nothing about this object: the bucket's, and a thread that panicked.
pub(super) async fn check(
    bucket: &dyn BucketHandle,
    line: &ManifestFile,
    format: Format,
) -> Result<Found, VerifyError> {
    let name = || line.name.clone();
    let Some(mut object) = bucket.read(&line.name).await.map_err(VerifyError::Bucket)? else {
        return Ok(Found::only(false, Difference::Missing { name: name() }));
    };
    let (pieces, reader) = source::pipe();
    let content = count::Content::of(line, format);
    let counting = tokio::task::spawn_blocking(move || count::rows(&content, reader));

    let (mut bytes, mut crc) = (0, 0);
    loop {
        match object.next().await {
            Ok(None) => break,
            Ok(Some(piece)) => {
                bytes += piece.len() as u64;
                crc = crc32c::crc32c_append(crc, &piece);
                // A counter that has given up wants no more; the checksum goes on.
                drop(pieces.send(Some(piece)).await);
            }
            Err(_) => {
                // Without the mark of the end, the counter fails instead of taking a part for the whole.
                drop(pieces);
                drop(counting.await);
                return Ok(Found::only(true, Difference::BrokeOff { name: name(), after_bytes: bytes }));
            }
        }
    }
    drop(pieces.send(None).await);
    let counted = counting.await.map_err(|_| VerifyError::Thread)?;

    let mut found = Found { exists: true, bytes, ..Found::default() };
    found.differences = difference::stored(line, bytes, Crc32c(crc));
    match counted {
        Ok(rows) => {
            found.rows = rows;
            if rows != line.rows {
                found.differences.push(Difference::Rows { name: name(), listed: line.rows, found: rows });
            }
        }
        Err(error) => {
            found.differences.push(Difference::Malformed { name: name(), reason: error.to_string() });
        }
    }
    Ok(found)
}
