//! The pieces as the upload takes them. The last one is held back until the intent is stored.

use std::sync::{Arc, atomic::Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, mpsc::Receiver};

use super::{attempt::Shared, produce::Piece, trouble::Trouble};
use crate::{
    domain::{ChunkCommand, ChunkKey, Intent, LeaseToken},
    ports::{ByteSource, Clock, SourceError, Store},
    steps::Parts,
};

/// A byte source over the encoder's pieces.
pub(super) struct UploadSource {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    key: ChunkKey,
    token: LeaseToken,
    shared: Arc<Shared>,
    /// The piece that is not yet given out: the last one, as far as we know.
    held: Option<Bytes>,
    /// What came right after it: of a small object, its end.
    second: Option<Piece>,
    pieces: Receiver<Piece>,
    _turn: Option<OwnedSemaphorePermit>,
}

impl UploadSource {
    pub(super) fn new(
        parts: &Parts,
        key: &ChunkKey,
        token: LeaseToken,
        shared: Arc<Shared>,
        (first, second): (Bytes, Piece),
        pieces: Receiver<Piece>,
        turn: Option<OwnedSemaphorePermit>,
    ) -> Self {
        let (store, clock) = (Arc::clone(&parts.store), Arc::clone(&parts.clock));
        let (key, held, second) = (key.clone(), Some(first), Some(second));
        Self { store, clock, key, token, shared, held, second, pieces, _turn: turn }
    }

    fn fail(&self, trouble: Trouble) -> SourceError {
        self.shared.put(Err(trouble));
        SourceError
    }

    async fn store_intent(&self, intent: Intent) -> Result<(), SourceError> {
        let intend = ChunkCommand::Intend { token: self.token, intent: intent.clone() };
        let stored = self.store.change_chunk(&self.key, intend, self.clock.now()).await;
        stored.map_err(|error| self.fail(error.into()))?;
        self.shared.sealed.store(true, Ordering::Release);
        self.shared.put(Ok(intent));
        Ok(())
    }
}

#[async_trait]
impl ByteSource for UploadSource {
    async fn next(&mut self) -> Result<Option<Bytes>, SourceError> {
        if self.held.is_none() {
            return Ok(None);
        }
        let piece = match self.second.take() {
            None => self.pieces.recv().await,
            second => second,
        };
        match piece {
            Some(Piece::Bytes(next)) => Ok(self.held.replace(next)),
            Some(Piece::End(intent)) => {
                self.store_intent(intent).await?;
                Ok(self.held.take())
            }
            Some(Piece::Failed(trouble)) => Err(self.fail(trouble)),
            None => Err(self.fail(Trouble::crashed(""))),
        }
    }
}
