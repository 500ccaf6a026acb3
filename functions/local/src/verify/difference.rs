//! What may differ between a run's manifest and its bucket, each with a sentence that names the object.

use serde::{Serialize, Serializer, ser::SerializeSeq};
use spillway::domain::{AccountId, Crc32c, ManifestFile};

/// One difference. Its `Display` is a sentence for a person; as JSON it carries that sentence as `message`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "difference", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Difference {
    /// An object is not in the bucket.
    Missing {
        /// The object.
        name: String,
    },
    /// An object has another size.
    Bytes {
        /// The object.
        name: String,
        /// By the manifest.
        listed: u64,
        /// In the bucket.
        found: u64,
    },
    /// An object has other bytes.
    Checksum {
        /// The object.
        name: String,
        /// By the manifest.
        listed: Crc32c,
        /// Of the bytes in the bucket.
        found: Crc32c,
    },
    /// An object holds another number of rows.
    Rows {
        /// The object.
        name: String,
        /// By the manifest.
        listed: u64,
        /// Counted.
        found: u64,
    },
    /// A reader of the format cannot read the object.
    Malformed {
        /// The object.
        name: String,
        /// What the reader says.
        reason: String,
    },
    /// Reading an object broke off, or Google's checksum and the bytes that came do not agree.
    BrokeOff {
        /// The object.
        name: String,
        /// How many bytes had come.
        after_bytes: u64,
    },
    /// An object carries the run's name, but the manifest does not list it.
    NotListed {
        /// The object.
        name: String,
        /// Its size.
        bytes: u64,
    },
    /// The manifest lists an object twice.
    ListedTwice {
        /// The object.
        name: String,
    },
    /// The manifest's files are not ordered by name.
    OutOfOrder {
        /// The object.
        name: String,
        /// What it stands behind.
        after: String,
    },
    /// The manifest's rows are not the sum of its files' rows.
    TotalRows {
        /// The manifest.
        name: String,
        /// Its total.
        listed: u64,
        /// Of its files.
        sum: u64,
    },
    /// The manifest's bytes are not the sum of its files' bytes.
    TotalBytes {
        /// The manifest.
        name: String,
        /// Its total.
        listed: u64,
        /// Of its files.
        sum: u64,
    },
    /// The manifest lists an object of which our records know nothing.
    NotRecorded {
        /// The object.
        name: String,
    },
    /// The manifest itself cannot be read.
    Manifest {
        /// The manifest.
        name: String,
        /// A sentence that names it.
        reason: String,
    },
    /// The run could not deliver everything.
    Incomplete {
        /// The run.
        name: String,
        /// Whose it is.
        account: AccountId,
    },
    /// Our records have an object that the manifest does not list.
    RecordedOnly {
        /// The object.
        name: String,
    },
    /// The manifest and our records tell different things of an object.
    RecordedOtherwise {
        /// The object.
        name: String,
        /// Which of the line's fields.
        field: &'static str,
        /// By the manifest.
        listed: String,
        /// By our records.
        recorded: String,
    },
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Missing { name } => write!(f, "{name} is listed but not in the bucket"),
            Self::Bytes { name, listed, found } => {
                write!(f, "{name} has {found} bytes; the manifest says {listed}")
            }
            Self::Checksum { name, listed, found } => {
                write!(f, "{name} has the CRC32C {found}; the manifest says {listed}")
            }
            Self::Rows { name, listed, found } => {
                write!(f, "{name} holds {found} rows; the manifest says {listed}")
            }
            Self::Malformed { name, reason } => write!(f, "{name} cannot be read: {reason}"),
            Self::BrokeOff { name, after_bytes } => write!(
                f,
                "{name}: reading broke off after {after_bytes} bytes, or they do not match Google's checksum; \
                 verify again"
            ),
            Self::NotListed { name, bytes } => {
                write!(f, "{name} ({bytes} bytes) carries the run's name, but the manifest does not list it")
            }
            Self::ListedTwice { name } => write!(f, "{name} is listed twice"),
            Self::OutOfOrder { name, after } => write!(f, "{name} is listed behind {after}, out of order"),
            Self::TotalRows { name, listed, sum } => {
                write!(f, "{name} says {listed} rows in all; its files have {sum}")
            }
            Self::TotalBytes { name, listed, sum } => {
                write!(f, "{name} says {listed} bytes in all; its files have {sum}")
            }
            Self::Manifest { reason, .. } => f.write_str(reason),
            Self::Incomplete { name, account } => write!(
                f,
                "the run is INCOMPLETE, so rows are missing; mend what it failed on, then \
                 `spillway retry-run --account {account} {name}`"
            ),
            Self::NotRecorded { name } => write!(f, "{name} is listed, but our records know nothing of it"),
            Self::RecordedOnly { name } => {
                write!(f, "{name} was delivered by our records, but the manifest does not list it")
            }
            Self::RecordedOtherwise { name, field, listed, recorded } => {
                write!(f, "{name}: the manifest says {field} {listed}; our records say {recorded}")
            }
        }
    }
}

/// How an object's size and checksum differ from its line.
pub(super) fn stored(line: &ManifestFile, bytes: u64, crc32c: Crc32c) -> Vec<Difference> {
    let name = || line.name.clone();
    let mut differences = Vec::new();
    if bytes != line.bytes {
        differences.push(Difference::Bytes { name: name(), listed: line.bytes, found: bytes });
    }
    if crc32c != line.crc32c {
        differences.push(Difference::Checksum { name: name(), listed: line.crc32c, found: crc32c });
    }
    differences
}

/// Differences as JSON, each with its sentence.
pub(super) fn told<S: Serializer>(differences: &[Difference], serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Told<'a> {
        #[serde(flatten)]
        difference: &'a Difference,
        message: String,
    }
    let mut sequence = serializer.serialize_seq(Some(differences.len()))?;
    for difference in differences {
        sequence.serialize_element(&Told { difference, message: difference.to_string() })?;
    }
    sequence.end()
}
