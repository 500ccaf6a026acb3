//! A thread that owns one connection and works what it is given, in order.
//!
//! A caller that goes away (a future that is dropped) takes nothing with it: its transaction runs to its end on
//! this thread, whole or not at all.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::mpsc,
    thread,
};

use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::oneshot;

use crate::ports::StoreError;

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// The thread's mailbox. The thread ends, and closes the connection, when this is dropped and all is worked.
pub(super) struct Worker {
    jobs: mpsc::Sender<Job>,
}

impl Worker {
    pub(super) fn start(name: &str, mut connection: Connection) -> Result<Self, StoreError> {
        let (jobs, mailbox) = mpsc::channel::<Job>();
        thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                for job in mailbox {
                    // A job that panics must not end the store: its transaction rolls back while unwinding, its
                    // caller is told, and the connection is as it was before.
                    if catch_unwind(AssertUnwindSafe(|| job(&mut connection))).is_err() {
                        tracing::error!("a step of the store panicked; it was rolled back");
                    }
                }
            })
            .map_err(|error| StoreError::Unavailable(format!("no thread could be started: {error}")))?;
        Ok(Self { jobs })
    }

    /// Reads, outside a transaction of its own.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.run(move |connection| job(connection)).await
    }

    /// Works in one transaction that holds the write lock from its beginning, so that what it reads stays true
    /// until it commits. Any error rolls it back. What was done is on the disk.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.run(|connection| transact(connection, "FULL", job)).await
    }

    /// As [`Worker::write`], but what was done is on the disk only with the next write. The end of a process takes nothing
    /// of it; a power failure may take the last ones, from some one on.
    pub(super) async fn write_passing<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.run(|connection| transact(connection, "NORMAL", job)).await
    }

    async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            // Nobody may be waiting any more; what was done stays done.
            drop(answer.send(job(connection)));
        });
        let ended = || StoreError::Unavailable("its thread gave no answer; see the log".to_owned());
        self.jobs.send(job).map_err(|_| ended())?;
        answered.await.map_err(|_| ended())?
    }
}

/// In WAL mode a commit waits for the disk where `synchronous` is FULL, and brings along all commits before it. Each
/// transaction says which it needs, so that none depends on what another one left.
fn transact<T>(
    connection: &mut Connection,
    synchronous: &str,
    job: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    connection.pragma_update(None, "synchronous", synchronous)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let answer = job(&transaction)?;
    transaction.commit()?;
    Ok(answer)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[tokio::test]
    async fn a_write_waits_for_the_disk_whatever_came_before_it() {
        const FULL: i64 = 2;
        let folder = tempfile::tempdir().unwrap();
        let connection = crate::adapters::sqlite::schema::open(&folder.path().join("state")).unwrap();
        let worker = Worker::start("test", connection).unwrap();
        let synchronous = |tx: &Transaction<'_>| {
            Ok(tx.pragma_query_value(None, "synchronous", |row| row.get::<_, i64>(0)).unwrap())
        };
        assert_eq!(worker.write(synchronous).await.unwrap(), FULL);
        assert_eq!(worker.write_passing(synchronous).await.unwrap(), 1);
        assert_eq!(worker.write(synchronous).await.unwrap(), FULL);
        worker.write_passing(|_| -> Result<(), _> { panic!("in the test") }).await.unwrap_err();
        assert_eq!(worker.write(synchronous).await.unwrap(), FULL);
    }
}
