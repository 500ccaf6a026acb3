//! The port: chunks.

use async_trait::async_trait;
use jiff::Timestamp;

use super::super::{FirestoreStore, chunks, claims, run_files, sweep};
use crate::{
    domain::{Chunk, ChunkCommand, ChunkId, ChunkKey, PlanToken, RunKey},
    ports::{ChunkPage, ChunkStore, ChunkTally, ClaimLimits, FilePage, StoreError, WrittenSums},
};

#[async_trait]
impl ChunkStore for FirestoreStore {
    async fn add_chunks(&self, chunks: &[Chunk]) -> Result<(), StoreError> {
        self.add(chunks).await
    }

    async fn chunk(&self, key: &ChunkKey) -> Result<Option<Chunk>, StoreError> {
        self.read(|client| async move { chunks::get(&client, key).await }).await
    }

    async fn change_chunk(
        &self,
        key: &ChunkKey,
        command: ChunkCommand,
        now: Timestamp,
    ) -> Result<(Chunk, Option<Chunk>), StoreError> {
        let command = &command;
        self.write(|tx| async move { chunks::change(&tx, key, command.clone(), now).await }).await
    }

    async fn chunks(
        &self,
        run: RunKey,
        plan: &PlanToken,
        from: Option<&ChunkId>,
        limit: usize,
    ) -> Result<ChunkPage, StoreError> {
        self.read(|client| async move { chunks::page(&client, run, plan, from, limit).await }).await
    }

    async fn tally(&self, run: RunKey, plan: &PlanToken, now: Timestamp) -> Result<ChunkTally, StoreError> {
        self.read(|client| async move { chunks::tally(&client, run, plan, now).await }).await
    }

    async fn written(&self, run: RunKey, plan: &PlanToken) -> Result<WrittenSums, StoreError> {
        self.read(|client| async move { run_files::written(&client, run, plan).await }).await
    }

    async fn files(
        &self,
        run: RunKey,
        plan: &PlanToken,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<FilePage, StoreError> {
        self.read(|client| async move { run_files::page(&client, run, plan, cursor, limit).await }).await
    }

    async fn claim_messages(
        &self,
        run: RunKey,
        plan: &PlanToken,
        lost_before: Timestamp,
        limits: ClaimLimits,
        now: Timestamp,
    ) -> Result<Option<Vec<Vec<ChunkId>>>, StoreError> {
        self.write(|tx| async move { claims::claim(&tx, (run, plan), lost_before, limits, now).await }).await
    }

    async fn sweep_chunks(&self, key: RunKey) -> Result<u64, StoreError> {
        let mut swept = 0;
        loop {
            let (chunks, more) = self.write(|tx| async move { sweep::batch(&tx, key).await }).await?;
            swept += chunks;
            if !more {
                return Ok(swept);
            }
        }
    }
}
