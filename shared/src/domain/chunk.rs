//! A chunk: one slice of the lake that becomes exactly one object, and the transitions of its state.
//!
//! The state is private: a chunk changes only by [`Chunk::apply`], so a leased one changes only for whoever
//! presents its lease token.

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{
    Crc32c, DatabaseId, EndCursor, FileEventName, Format, Lease, LeaseToken, ManifestFile, Packaging, RunKey,
    Slice, names,
};

/// A chunk whose worker died this often is given up: it would kill the next one too.
pub const MAX_ATTEMPTS: u32 = 10;

/// One planning of a run. Chunks of other plannings are never worked.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PlanToken(pub String);

/// A chunk of a plan: a hash, so that writes spread over a data base's key space.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ChunkId(pub String);

/// Which chunk.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ChunkKey {
    /// Its run.
    pub run: RunKey,
    /// The planning that made it.
    pub plan: PlanToken,
    /// Its id within the plan.
    pub id: ChunkId,
}

/// What the object holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "holds", rename_all = "lowercase")]
pub enum ChunkContent {
    /// Events of one name and day.
    Events {
        /// As captured.
        event_name: String,
        /// In the account's time zone.
        date: Date,
    },
    /// User profiles.
    Profiles,
}

/// What is decided when a chunk is planned, and never changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChunkPlan {
    /// What the object holds.
    pub content: ChunkContent,
    /// The shard.
    pub database: DatabaseId,
    /// The file index in the object's name.
    pub index: u32,
    /// How many chunks the group was planned as; the successor's index is this much higher.
    pub stride: u32,
    /// The format and how it is packed.
    pub files: (Format, Packaging),
    /// What is read.
    pub slice: Slice,
    /// CSV: how many columns of the event's list the run froze.
    pub columns: usize,
    /// How large the object is thought to become.
    pub estimated_bytes: u64,
    /// Which message of the plan it travels in.
    pub message: u32,
    /// By which name the object goes, where that is not the event's: of a file that was broken when the run was
    /// planned, only the begin of a long name was known then, and its own name is in use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub named_as: Option<String>,
}

/// What a chunk's event is really called, once its mended file tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventNaming {
    /// The event's name.
    pub event_name: String,
    /// By which name the object goes, where that is another one.
    pub named_as: Option<String>,
}

impl ChunkPlan {
    /// The object's name.
    #[must_use]
    pub fn object_name(&self, run: RunKey) -> String {
        match &self.content {
            ChunkContent::Events { event_name, date } => {
                let event = self.file_event_name(event_name);
                names::event_object(run, &event, *date, self.index, self.database, self.files)
            }
            ChunkContent::Profiles => names::profile_object(run, self.index, self.database, self.files),
        }
    }

    /// Whether the objects of two chunks of a run, or those of their successors, can come to have one name.
    #[must_use]
    pub fn may_meet(&self, other: &Self) -> bool {
        let group = |plan: &Self| match &plan.content {
            ChunkContent::Events { event_name, date } => Some((plan.file_event_name(event_name), *date)),
            ChunkContent::Profiles => None,
        };
        // Their indexes are i, i + N, i + 2N, … and j, j + M, j + 2M, …
        let step = greatest_common_divisor(self.stride, other.stride).max(1);
        self.database == other.database
            && self.index.abs_diff(other.index).is_multiple_of(step)
            && group(self) == group(other)
    }

    fn file_event_name(&self, event_name: &str) -> FileEventName {
        FileEventName::new(self.named_as.as_deref().unwrap_or(event_name))
    }

    /// Takes the event's own name; of profiles, nothing.
    pub fn rename(&mut self, naming: EventNaming) {
        if let ChunkContent::Events { event_name, .. } = &mut self.content {
            (*event_name, self.named_as) = (naming.event_name, naming.named_as);
        }
    }
}

fn greatest_common_divisor(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

/// What an attempt is about to finish; stored before the upload's last bytes are sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// Of the stored bytes.
    pub crc32c: Crc32c,
    /// As stored.
    pub bytes: u64,
    /// Rows in it.
    pub rows: u64,
    /// Deleted profiles met on the way.
    pub deleted_profiles: u64,
    /// Where the object ends.
    pub end: EndCursor,
}

/// What a chunk became.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    /// The object's facts; none where there were no rows, so that no file is written.
    pub object: Option<Intent>,
    /// Deleted profiles met on the way.
    pub deleted_profiles: u64,
}

/// Where a chunk stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "lowercase")]
pub enum ChunkState {
    /// Waits for a worker.
    Ready,
    /// Somebody works on it, while the lease holds.
    Leased(Lease),
    /// Finished.
    Done(Written),
    /// Given up for a reason of ours.
    Failed {
        /// What is wrong, with file and row.
        reason: String,
    },
}

/// A chunk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chunk {
    key: ChunkKey,
    plan: ChunkPlan,
    #[serde(flatten)]
    state: ChunkState,
    attempts: u32,
    intents: Vec<Intent>,
    published_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    completed_at: Option<Timestamp>,
}

/// What may be done to a chunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChunkCommand {
    /// Take it, until `expires_at`.
    Lease {
        /// The new holder's token.
        token: LeaseToken,
        /// When the lease ends.
        expires_at: Timestamp,
    },
    /// Note what is about to be finished.
    Intend {
        /// The holder's token.
        token: LeaseToken,
        /// What is about to be finished.
        intent: Intent,
    },
    /// The object is in the bucket, or there is none to write.
    Complete {
        /// The holder's token.
        token: LeaseToken,
        /// What it became.
        written: Written,
    },
    /// Give it back for somebody else; the attempt does not count.
    Release {
        /// The holder's token.
        token: LeaseToken,
    },
    /// Its holder is known to have died: free at once, and the attempt counts.
    Abandon {
        /// The dead holder's token.
        token: LeaseToken,
    },
    /// Give it up for a reason of ours.
    Fail {
        /// The holder's token.
        token: LeaseToken,
        /// What is wrong, with file and row.
        reason: String,
    },
    /// The operator has mended the cause: a failed chunk is ready again. One that is ready counts as not published,
    /// since the message that named it may have been taken while the run was closed.
    Retry {
        /// CSV: how many columns of the event's list it needs now; never fewer than before.
        columns: usize,
        /// The event's own name, where it was not known.
        naming: Option<EventNaming>,
    },
    /// It has been put on the queue.
    Publish,
}

/// Why a chunk does not change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ChunkRefusal {
    /// Nothing is left to do.
    #[error("the chunk is done")]
    Done,
    /// It was given up.
    #[error("the chunk has failed")]
    Failed,
    /// Somebody else works on it.
    #[error("the chunk is leased until {until}")]
    Busy {
        /// When that lease ends.
        until: Timestamp,
    },
    /// The lease is not the caller's, or no longer.
    #[error("the lease has been lost")]
    LeaseLost,
}

impl Chunk {
    /// A new chunk, ready and not yet on the queue.
    #[must_use]
    pub fn new(run: RunKey, plan_token: &PlanToken, plan: ChunkPlan) -> Self {
        let digest = Sha256::digest(format!("{}/{}", plan_token.0, plan.object_name(run)));
        let id = digest[..12].iter().map(|byte| format!("{byte:02x}")).collect();
        let key = ChunkKey { run, plan: plan_token.clone(), id: ChunkId(id) };
        Self {
            key,
            plan,
            state: ChunkState::Ready,
            attempts: 0,
            intents: vec![],
            published_at: None,
            completed_at: None,
        }
    }

    /// Which chunk it is.
    #[must_use]
    pub fn key(&self) -> &ChunkKey {
        &self.key
    }

    /// What was planned.
    #[must_use]
    pub fn plan(&self) -> &ChunkPlan {
        &self.plan
    }

    /// Where it stands.
    #[must_use]
    pub fn state(&self) -> &ChunkState {
        &self.state
    }

    /// Every intent that an attempt has stored.
    #[must_use]
    pub fn intents(&self) -> &[Intent] {
        &self.intents
    }

    /// How often it was leased and not given back.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// When it was last put on the queue.
    #[must_use]
    pub fn published_at(&self) -> Option<Timestamp> {
        self.published_at
    }

    /// When it was done; none also where an earlier version did it.
    #[must_use]
    pub fn completed_at(&self) -> Option<Timestamp> {
        self.completed_at
    }

    /// The object's name.
    #[must_use]
    pub fn object_name(&self) -> String {
        self.plan.object_name(self.key.run)
    }

    /// Whether something is left to do.
    #[must_use]
    pub fn is_unfinished(&self) -> bool {
        matches!(self.state, ChunkState::Ready | ChunkState::Leased(_))
    }

    /// The line of the manifest, where the chunk has become an object.
    #[must_use]
    pub fn manifest_file(&self) -> Option<ManifestFile> {
        let ChunkState::Done(Written { object: Some(object), .. }) = &self.state else { return None };
        let (event_name, date) = match &self.plan.content {
            ChunkContent::Events { event_name, date } => (Some(event_name.clone()), Some(*date)),
            ChunkContent::Profiles => (None, None),
        };
        Some(ManifestFile {
            name: self.object_name(),
            event_name,
            date,
            database_id: self.plan.database,
            rows: object.rows,
            bytes: object.bytes,
            crc32c: object.crc32c,
        })
    }

    /// Does what `command` says, or says why not. A completed chunk that ends before its slice gives its
    /// successor, which must be stored in the same transaction.
    ///
    /// # Errors
    /// [`ChunkRefusal`]; the chunk is then as it was.
    pub fn apply(&mut self, command: ChunkCommand, now: Timestamp) -> Result<Option<Self>, ChunkRefusal> {
        match command {
            ChunkCommand::Lease { token, expires_at } => self.lease(Lease::new(token, expires_at), now)?,
            ChunkCommand::Intend { token, intent } => {
                self.check(token, now)?;
                if !self.intents.contains(&intent) {
                    self.intents.push(intent);
                }
            }
            ChunkCommand::Complete { token, written } => {
                self.check(token, now)?;
                let successor = written.object.as_ref().and_then(|object| self.successor(&object.end));
                (self.state, self.completed_at) = (ChunkState::Done(written), Some(now));
                return Ok(successor);
            }
            ChunkCommand::Release { token } => {
                self.check(token, now)?;
                self.attempts = self.attempts.saturating_sub(1);
                self.state = ChunkState::Ready;
            }
            ChunkCommand::Abandon { token } => {
                self.check(token, now)?;
                self.state = ChunkState::Ready;
            }
            ChunkCommand::Fail { token, reason } => {
                self.check(token, now)?;
                self.state = ChunkState::Failed { reason };
            }
            ChunkCommand::Retry { columns, naming } => {
                if matches!(self.state, ChunkState::Failed { .. }) {
                    self.plan.columns = self.plan.columns.max(columns);
                    naming.into_iter().for_each(|naming| self.plan.rename(naming));
                    self.attempts = 0;
                    self.state = ChunkState::Ready;
                } else {
                    self.refuse_unless_free(now)?;
                }
                self.published_at = None;
            }
            ChunkCommand::Publish => {
                self.refuse_unless_free(now)?;
                self.published_at = Some(now);
            }
        }
        Ok(None)
    }

    fn lease(&mut self, lease: Lease, now: Timestamp) -> Result<(), ChunkRefusal> {
        self.refuse_unless_free(now)?;
        if self.attempts >= MAX_ATTEMPTS {
            let reason = format!(
                "{MAX_ATTEMPTS} workers ended without a word on it; look for crashes or memory limits"
            );
            self.state = ChunkState::Failed { reason };
            // Not an error: the change to `Failed` is to be stored.
            return Ok(());
        }
        self.attempts += 1;
        self.state = ChunkState::Leased(lease);
        Ok(())
    }

    fn refuse_unless_free(&self, now: Timestamp) -> Result<(), ChunkRefusal> {
        match &self.state {
            ChunkState::Done(_) => Err(ChunkRefusal::Done),
            ChunkState::Failed { .. } => Err(ChunkRefusal::Failed),
            ChunkState::Leased(lease) if lease.is_valid(now) => {
                Err(ChunkRefusal::Busy { until: lease.expires_at() })
            }
            ChunkState::Leased(_) | ChunkState::Ready => Ok(()),
        }
    }

    fn check(&self, token: LeaseToken, now: Timestamp) -> Result<(), ChunkRefusal> {
        match &self.state {
            ChunkState::Leased(lease) if lease.admits(token, now) => Ok(()),
            ChunkState::Done(_) => Err(ChunkRefusal::Done),
            _ => Err(ChunkRefusal::LeaseLost),
        }
    }

    /// The successor is published once its message has been worked, like any other chunk.
    fn successor(&self, end: &EndCursor) -> Option<Self> {
        let slice = self.plan.slice.rest(end)?;
        let plan = ChunkPlan { index: self.plan.index + self.plan.stride, slice, ..self.plan.clone() };
        Some(Self::new(self.key.run, &self.key.plan, plan))
    }
}
