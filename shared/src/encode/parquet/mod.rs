//! Parquet files (FORMATS, Parquet): a schema that never changes, whatever the data.

mod cost;
mod fields;
mod file;
mod properties;
mod rows;
mod schema;

pub(super) use file::ParquetFile;
pub(super) use rows::{EventRows, ProfileRows};

#[cfg(test)]
mod limit_tests;
#[cfg(test)]
mod tests;
