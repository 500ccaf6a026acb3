//! The pieces as the upload takes them. The last one is held back until the intent is stored.

use std::sync::{Arc, atomic::Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::mpsc::Receiver;

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
    pieces: Receiver<Piece>,
}

impl UploadSource {
    pub(super) fn new(
        parts: &Parts,
        key: &ChunkKey,
        token: LeaseToken,
        shared: Arc<Shared>,
        first: Bytes,
        pieces: Receiver<Piece>,
    ) -> Self {
        let (store, clock) = (Arc::clone(&parts.store), Arc::clone(&parts.clock));
        Self { store, clock, key: key.clone(), token, shared, held: Some(first), pieces }
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
        match self.pieces.recv().await {
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
