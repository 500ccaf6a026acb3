//! The port: chunks.

use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::Savepoint;

use super::super::{SqliteStore, chunks, claims, run_files};
use crate::{
    domain::{Chunk, ChunkCommand, ChunkId, ChunkKey, PlanToken, RunKey},
    ports::{ChunkPage, ChunkStore, ChunkTally, ClaimLimits, FilePage, StoreError, WrittenSums},
};

#[async_trait]
impl ChunkStore for SqliteStore {
    async fn add_chunks(&self, chunks: &[Chunk]) -> Result<(), StoreError> {
        for batch in chunks.chunks(chunks::BATCH_CHUNKS) {
            let batch = batch.to_vec();
            self.writer.write(move |tx| chunks::add(tx, &batch)).await?;
        }
        Ok(())
    }

    async fn chunk(&self, key: &ChunkKey) -> Result<Option<Chunk>, StoreError> {
        let key = key.clone();
        self.reader.read(move |db| chunks::get(db, &key)).await
    }

    async fn change_chunk(
        &self,
        key: &ChunkKey,
        command: ChunkCommand,
        now: Timestamp,
    ) -> Result<(Chunk, Option<Chunk>), StoreError> {
        let (key, may_pass) = (key.clone(), chunks::may_pass(&command));
        let job = move |tx: &Savepoint<'_>| chunks::change(tx, &key, command, now);
        if may_pass { self.writer.write_passing(job).await } else { self.writer.write(job).await }
    }

    async fn chunks(
        &self,
        run: RunKey,
        plan: &PlanToken,
        from: Option<&ChunkId>,
        limit: usize,
    ) -> Result<ChunkPage, StoreError> {
        let (plan, from) = (plan.clone(), from.cloned());
        self.reader.read(move |db| chunks::page(db, run, &plan, from.as_ref(), limit)).await
    }

    async fn tally(&self, run: RunKey, plan: &PlanToken, now: Timestamp) -> Result<ChunkTally, StoreError> {
        let plan = plan.clone();
        self.reader.read(move |db| chunks::tally(db, run, &plan, now)).await
    }

    async fn written(&self, run: RunKey, plan: &PlanToken) -> Result<WrittenSums, StoreError> {
        let plan = plan.clone();
        self.reader.read(move |db| run_files::written(db, run, &plan)).await
    }

    async fn files(
        &self,
        run: RunKey,
        plan: &PlanToken,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<FilePage, StoreError> {
        let (plan, cursor) = (plan.clone(), cursor.map(ToOwned::to_owned));
        self.reader.read(move |db| run_files::page(db, run, &plan, cursor.as_deref(), limit)).await
    }

    async fn claim_messages(
        &self,
        run: RunKey,
        plan: &PlanToken,
        lost_before: Timestamp,
        limits: ClaimLimits,
        now: Timestamp,
    ) -> Result<Option<Vec<Vec<ChunkId>>>, StoreError> {
        let plan = plan.clone();
        self.writer.write(move |tx| claims::claim(tx, run, &plan, lost_before, limits, now)).await
    }

    async fn sweep_chunks(&self, key: RunKey) -> Result<u64, StoreError> {
        let mut swept = 0;
        loop {
            let batch = self.writer.write(move |tx| chunks::sweep_batch(tx, key)).await?;
            swept += batch as u64;
            if batch < chunks::BATCH_CHUNKS {
                return Ok(swept);
            }
        }
    }
}
