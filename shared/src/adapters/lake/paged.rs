//! A Parquet file read page by page: small windows that move along the columns, never whole column chunks, so
//! that memory depends neither on the file's size nor on a row group's.

use std::io::Read;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use parquet::errors::{ParquetError, Result};
use parquet::file::reader::{ChunkReader, Length};

use super::pages::MAX_PAGE_BYTES;
use super::source::Ranges;
use crate::ports::LakeError;

/// Nothing larger is read in one piece.
const MAX_READ_BYTES: u64 = MAX_PAGE_BYTES + 1024 * 1024;

/// A file as the Parquet crate reads it.
#[derive(Clone)]
pub(super) struct PagedFile {
    source: Arc<dyn Ranges>,
    read_ahead_bytes: u64,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// One a column chunk in use, ordered by their begin.
    windows: Vec<Window>,
    /// What the source said last: Parquet's errors pass through several types and lose it.
    fault: Option<LakeError>,
}

struct Window {
    chunk: Range<u64>,
    start: u64,
    bytes: Bytes,
}

impl PagedFile {
    /// A file of which the tail and the indexes are read so far.
    pub(super) fn new(source: Arc<dyn Ranges>) -> Self {
        Self { source, read_ahead_bytes: 0, state: Arc::default() }
    }

    /// The same file with windows of its own for some column chunks.
    pub(super) fn with_windows(&self, mut chunks: Vec<Range<u64>>, read_ahead_bytes: u64) -> Self {
        chunks.sort_unstable_by_key(|chunk| chunk.start);
        let empty = |chunk: Range<u64>| Window { start: chunk.start, chunk, bytes: Bytes::new() };
        let windows = chunks.into_iter().map(empty).collect();
        let state = Arc::new(Mutex::new(State { windows, fault: None }));
        Self { source: Arc::clone(&self.source), read_ahead_bytes, state }
    }

    /// What the source last failed with, if it did.
    pub(super) fn take_fault(&self) -> Option<LakeError> {
        self.lock().fault.take()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A window is replaced whole, so a panic elsewhere cannot have left it half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `wanted` bytes from `start` on, or fewer at the file's end.
    pub(super) fn upto(&self, start: u64, wanted: u64) -> Result<Bytes> {
        let end = start.saturating_add(wanted).min(self.source.bytes());
        if start >= end {
            return Ok(Bytes::new());
        }
        let mut state = self.lock();
        let State { windows, fault } = &mut *state;
        let at = windows.partition_point(|window| window.chunk.start <= start);
        let window = at.checked_sub(1).map(|at| &mut windows[at]).filter(|window| start < window.chunk.end);
        let fetch = |range: Range<u64>, fault: &mut Option<LakeError>| {
            self.source.read(range).map_err(|error| {
                let told = ParquetError::General(error.to_string());
                *fault = Some(error);
                told
            })
        };
        let Some(window) = window else { return fetch(start..end, fault) };
        let held = window.start..window.start + window.bytes.len() as u64;
        if !(held.start <= start && end <= held.end) {
            let ahead = start.saturating_add(self.read_ahead_bytes).min(window.chunk.end);
            window.bytes = Bytes::new();
            window.bytes = fetch(start..end.max(ahead).min(self.source.bytes()), fault)?;
            window.start = start;
        }
        let from = usize::try_from(start - window.start)?;
        Ok(window.bytes.slice(from..from + usize::try_from(end - start)?))
    }
}

impl Length for PagedFile {
    fn len(&self) -> u64 {
        self.source.bytes()
    }
}

impl ChunkReader for PagedFile {
    type T = Sequential;

    fn get_read(&self, start: u64) -> Result<Sequential> {
        Ok(Sequential { file: self.clone(), at: start })
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        // Footers and indexes of honest files are far smaller; what a hostile one claims must not be reserved.
        if length as u64 > MAX_READ_BYTES {
            return Err(ParquetError::General(format!(
                "a part of {length} bytes, which is too large to be read"
            )));
        }
        let bytes = self.upto(start, length as u64)?;
        if bytes.len() == length {
            return Ok(bytes);
        }
        let size = self.source.bytes();
        Err(ParquetError::EOF(format!("{length} bytes at {start} reach beyond its {size} bytes")))
    }
}

/// Reads on from a place; the Parquet crate reads page headers with it.
pub(super) struct Sequential {
    file: PagedFile,
    at: u64,
}

impl Read for Sequential {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let bytes = self.file.upto(self.at, buffer.len() as u64).map_err(std::io::Error::other)?;
        buffer[..bytes.len()].copy_from_slice(&bytes);
        self.at += bytes.len() as u64;
        Ok(bytes.len())
    }
}
