//! CSV, counted with the `csv` crate.

use std::io::BufRead;

use csv::{ByteRecord, ReaderBuilder};

use super::CountError;

/// Counts the records below the header; all must be as wide as it.
pub(super) fn rows(raw: &mut dyn BufRead) -> Result<u64, CountError> {
    let malformed = |error: csv::Error| CountError::Malformed(error.to_string());
    let mut reader = ReaderBuilder::new().has_headers(true).flexible(false).from_reader(raw);
    let header = reader.headers().map_err(malformed)?;
    if !matches!(header.get(0), Some("ts" | "identity")) {
        return Err(CountError::Malformed("it does not begin with the header row".to_owned()));
    }
    let (mut record, mut rows) = (ByteRecord::new(), 0);
    while reader.read_byte_record(&mut record).map_err(malformed)? {
        rows += 1;
    }
    Ok(rows)
}
