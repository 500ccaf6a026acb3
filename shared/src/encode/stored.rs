//! The stored side of a file: bare or inside gzip, counted as stored (FORMATS, The size limit).

use super::gzip::GzipStream;
use crate::domain::Packaging;

/// Takes raw bytes, gives stored ones, and keeps the count.
#[derive(Debug)]
pub(super) enum Stored {
    /// As they are.
    Plain {
        /// All bytes so far.
        bytes: u64,
    },
    /// Inside one gzip member.
    Gzip(Box<GzipStream>),
}

impl Stored {
    pub(super) fn new(packaging: Packaging) -> Self {
        match packaging {
            Packaging::Plain => Self::Plain { bytes: 0 },
            Packaging::Gzip => Self::Gzip(Box::new(GzipStream::new())),
        }
    }

    /// Takes raw bytes.
    pub(super) fn write(&mut self, raw: &[u8], out: &mut Vec<u8>) {
        match self {
            Self::Plain { bytes } => {
                out.extend_from_slice(raw);
                *bytes += raw.len() as u64;
            }
            Self::Gzip(stream) => stream.write(raw, out),
        }
    }

    /// Makes the count exact, so that [`Self::worst_bytes`] says no more than it must.
    pub(super) fn flush(&mut self, out: &mut Vec<u8>) {
        if let Self::Gzip(stream) = self {
            stream.flush(out);
        }
    }

    /// The most bytes that the file can have in the end when only `more_raw_bytes` are still written.
    pub(super) fn worst_bytes(&self, more_raw_bytes: u64) -> u64 {
        match self {
            Self::Plain { bytes } => bytes + more_raw_bytes,
            Self::Gzip(stream) => stream.worst_bytes(more_raw_bytes),
        }
    }

    /// Ends the file; the number of its bytes.
    pub(super) fn finish(self, out: &mut Vec<u8>) -> u64 {
        match self {
            Self::Plain { bytes } => bytes,
            Self::Gzip(stream) => stream.finish(out),
        }
    }
}
