//! What can keep a chunk from being finished, by what has to happen then.

use crate::{
    domain::{BucketFailure, ChunkRefusal},
    ports::{LakeError, StoreError},
    steps::StepError,
};

/// Why an attempt ended.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The rows cannot be exported, now or later: the chunk fails, with the file and row named where it can be.
    Broken(String),
    /// It passes: give the chunk back and try again.
    Passing(String),
    /// The bucket failed.
    Bucket(BucketFailure),
    /// The bucket was blocked by somebody else.
    Blocked,
    /// The export was stopped.
    Stopped,
    /// The process ends.
    Shutdown,
    /// Another chunk of the message takes long to encode, or the message is left; nothing was begun.
    NoTurn,
    /// The lease has ended; the chunk is somebody else's.
    LeaseLost,
    /// A part of ours does not work.
    Step(StepError),
}

impl Trouble {
    /// The encoder's thread panicked: on the same rows it would again, so that the chunk fails.
    pub(super) fn crashed(panic: &str) -> Self {
        Self::Broken(format!("the encoder crashed on the rows of this chunk; report it as a bug. {panic}"))
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Refused(ChunkRefusal::LeaseLost | ChunkRefusal::Done | ChunkRefusal::Failed) => {
                Self::LeaseLost
            }
            error => Self::Step(error.into()),
        }
    }
}

impl From<StepError> for Trouble {
    fn from(error: StepError) -> Self {
        Self::Step(error)
    }
}

impl From<LakeError> for Trouble {
    fn from(error: LakeError) -> Self {
        if error.is_passing() { Self::Passing(error.to_string()) } else { Self::Broken(error.to_string()) }
    }
}
