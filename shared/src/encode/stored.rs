//! The stored side of a file: bare or inside gzip, counted as stored (FORMATS, The size limit).

use super::GzipLevel;
use super::gzip::GzipStream;
use crate::domain::Packaging;

/// A unit ends with the write that brings it to this. Nothing that gzip could say shorter is found across two units.
pub(super) const UNIT_BYTES: usize = 1024 * 1024;

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
    pub(super) fn new(packaging: Packaging, level: GzipLevel) -> Self {
        match packaging {
            Packaging::Plain => Self::Plain { bytes: 0 },
            Packaging::Gzip => Self::Gzip(Box::new(GzipStream::new(level))),
        }
    }

    /// Takes what stands behind `from` in a unit of which the bytes before were taken already.
    pub(super) fn write(&mut self, unit: &[u8], from: usize, out: &mut Vec<u8>) {
        match self {
            Self::Plain { bytes } => {
                out.extend_from_slice(&unit[from..]);
                *bytes += (unit.len() - from) as u64;
            }
            Self::Gzip(stream) => stream.write(unit, from, out),
        }
    }

    /// Ends the unit, which is emptied; the next write begins another.
    pub(super) fn end_unit(&mut self, unit: &mut Vec<u8>, out: &mut Vec<u8>) {
        match self {
            Self::Plain { .. } => unit.clear(),
            Self::Gzip(stream) => stream.end_unit(unit, out),
        }
    }

    /// Makes the count exact, so that [`Self::worst_bytes`] says no more than it must.
    pub(super) fn settle(&mut self, unit: &[u8], out: &mut Vec<u8>) {
        if let Self::Gzip(stream) = self {
            stream.settle(unit, out);
        }
    }

    /// Takes bytes of any number in units of their own.
    pub(super) fn write_units(&mut self, raw: &[u8], out: &mut Vec<u8>) {
        match self {
            Self::Plain { .. } => self.write(raw, 0, out),
            Self::Gzip(_) => {
                for unit in raw.chunks(UNIT_BYTES) {
                    self.write(unit, 0, out);
                    self.end_unit(&mut unit.to_vec(), out);
                }
            }
        }
    }

    /// The most bytes that the file can have in the end when only `more_raw_bytes` are still taken, in units of
    /// their own or in at most eight writes.
    pub(super) fn worst_bytes(&self, more_raw_bytes: u64) -> u64 {
        match self {
            Self::Plain { bytes } => bytes + more_raw_bytes,
            Self::Gzip(stream) => stream.worst_bytes(more_raw_bytes),
        }
    }

    /// Ends the file, of which `unit` is the last; the number of its bytes.
    pub(super) fn finish(self, unit: &[u8], out: &mut Vec<u8>) -> u64 {
        match self {
            Self::Plain { bytes } => bytes,
            Self::Gzip(stream) => stream.finish(unit, out),
        }
    }
}
