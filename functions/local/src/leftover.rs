//! Leases that a killed process left behind, given back in its name.
//!
//! Every process that works on chunks holds a shared lock on one file of the home; the system takes it away with
//! the process, however that ends. So a process that gets the lock for itself alone knows that every lease of this
//! home belongs to a dead one, and gives it back under its own token: no lease is taken from somebody alive.

use std::{
    fs::{File, TryLockError},
    path::Path,
};

use anyhow::Context;
use spillway::{
    domain::{ChunkCommand, ChunkState},
    ports::StoreError,
    steps::Parts,
};

use crate::home::Home;

/// How many chunks are looked at in one page.
const PAGE: usize = 1_000;

/// Says that this process works on chunks, until it is dropped.
pub(crate) struct Working {
    /// Whether nobody else was at work: only then is every unfinished run a dead process's. A live one's messages
    /// would be taken over, and be lost to it when this process ends.
    pub(crate) is_alone: bool,
    #[expect(dead_code, reason = "the lock is held by the open file")]
    file: File,
}

/// Gives back what dead processes left, if no other one is at work, and joins those who are.
pub(crate) async fn join(parts: &Parts, home: &Home) -> anyhow::Result<Working> {
    let (lock_file, joining_file) = (home.workers_lock(), home.joining_lock());
    // One after the other: a lock of one's own cannot be made a shared one without being nobody's in between, in
    // which another process would think itself alone.
    let fault = || format!("the lock {} cannot be used", joining_file.display());
    let joining = open(&joining_file).with_context(fault)?;
    let _joining =
        tokio::task::spawn_blocking(move || joining.lock().map(|()| joining)).await?.with_context(fault)?;
    let fault = || format!("the lock {} cannot be used", lock_file.display());
    let file = open(&lock_file).with_context(fault)?;
    let is_alone = match file.try_lock() {
        Ok(()) => true,
        Err(TryLockError::WouldBlock) => false,
        Err(TryLockError::Error(error)) => return Err(error).with_context(fault),
    };
    if is_alone {
        give_back(parts).await?;
        file.unlock().with_context(fault)?;
    }
    // At once: whoever holds it alone holds the other one too.
    file.lock_shared().with_context(fault)?;
    Ok(Working { is_alone, file })
}

fn open(file: &Path) -> std::io::Result<File> {
    File::options().create(true).truncate(false).write(true).open(file)
}

async fn give_back(parts: &Parts) -> anyhow::Result<()> {
    for run in parts.store.open_runs().await? {
        let Some(plan) = &run.plan else { continue };
        let mut from = None;
        loop {
            let page = parts.store.chunks(run.key, &plan.token, from.as_ref(), PAGE).await?;
            for chunk in &page.chunks {
                let ChunkState::Leased(lease) = chunk.state() else { continue };
                // Its worker died over it, so that the attempt counts: a chunk that kills each process is given up.
                let abandon = ChunkCommand::Abandon { token: lease.token() };
                match parts.store.change_chunk(chunk.key(), abandon, parts.clock.now()).await {
                    // One that has ended by itself is free already.
                    Ok(_) | Err(StoreError::Refused(_)) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            from = page.next;
            if from.is_none() {
                break;
            }
        }
    }
    Ok(())
}
