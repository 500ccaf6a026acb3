//! Parquet, counted by its footer. The footer stands at the end, so all of the file is kept until then.

use std::io::{self, BufRead, Read, Write};

use bytes::Bytes;
use parquet::file::reader::{ChunkReader, FileReader, SerializedFileReader};

use super::CountError;

/// A longer one waits on the disk.
pub(super) const IN_MEMORY_BYTES: usize = 4 << 20;

/// The rows that the footer tells; its row groups must add up to them.
pub(super) fn rows(raw: &mut dyn BufRead) -> Result<u64, CountError> {
    let mut start = Vec::new();
    raw.take(IN_MEMORY_BYTES as u64).read_to_end(&mut start)?;
    if start.len() < IN_MEMORY_BYTES {
        return rows_of(Bytes::from(start));
    }
    let mut file = tempfile::tempfile()?;
    file.write_all(&start)?;
    io::copy(raw, &mut file)?;
    rows_of(file)
}

fn rows_of(file: impl ChunkReader + 'static) -> Result<u64, CountError> {
    let malformed = |error: parquet::errors::ParquetError| CountError::Malformed(error.to_string());
    let reader = SerializedFileReader::new(file).map_err(malformed)?;
    let metadata = reader.metadata();
    let (rows, groups) = (metadata.file_metadata().num_rows(), metadata.row_groups());
    let sum: i64 = groups.iter().map(|group| group.num_rows()).sum();
    match u64::try_from(rows) {
        Ok(told) if rows == sum => Ok(told),
        _ => Err(CountError::Malformed(format!("the footer says {rows} rows, its row groups {sum}"))),
    }
}
