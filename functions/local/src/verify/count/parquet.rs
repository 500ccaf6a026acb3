//! Parquet, counted by its footer. The footer stands at the end, so the file goes through a temporary one.

use std::io::{self, BufRead};

use parquet::file::reader::{FileReader, SerializedFileReader};

use super::CountError;

/// The rows that the footer tells; its row groups must add up to them.
pub(super) fn rows(raw: &mut dyn BufRead) -> Result<u64, CountError> {
    let malformed = |error: parquet::errors::ParquetError| CountError::Malformed(error.to_string());
    let mut file = tempfile::tempfile()?;
    io::copy(raw, &mut file)?;
    let reader = SerializedFileReader::new(file).map_err(malformed)?;
    let metadata = reader.metadata();
    let (rows, groups) = (metadata.file_metadata().num_rows(), metadata.row_groups());
    let sum: i64 = groups.iter().map(|group| group.num_rows()).sum();
    match u64::try_from(rows) {
        Ok(told) if rows == sum => Ok(told),
        _ => Err(CountError::Malformed(format!("the footer says {rows} rows, its row groups {sum}"))),
    }
}
