//! A thread that owns one connection and works what it is given, in order.
//!
//! A caller that goes away (a future that is dropped) takes nothing with it: its step runs to its end on this thread,
//! whole or not at all.
//!
//! Steps that write and wait at the same time are committed together, since a commit's wait for the disk costs the same
//! for one as for many. Each has a savepoint of its own, so that one which fails takes nothing of the others back; none
//! is answered, and no other connection sees anything of it, before all of them are on the disk.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::mpsc::{self, Receiver},
    thread,
};

use rusqlite::{Connection, Savepoint, Transaction, TransactionBehavior};
use tokio::sync::oneshot;

use crate::ports::StoreError;

/// The most steps in one commit, so that the first of them is answered soon.
const COMMITTED_TOGETHER: usize = 64;

enum Job {
    Read(Box<dyn FnOnce(&Connection) + Send>),
    Write(Write),
}

struct Write {
    /// Whether it has to be on the disk when it is answered.
    is_lasting: bool,
    /// Works in the transaction, or is told why there is none; gives what is left to do once that has ended.
    work: Box<Work>,
}

type Work = dyn FnOnce(Result<&mut Transaction<'_>, StoreError>) -> Answer + Send;

/// Tells the caller, given how the commit went.
type Answer = Box<dyn FnOnce(Result<(), StoreError>)>;

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
                let mut next = None;
                while let Some(job) = next.take().or_else(|| mailbox.recv().ok()) {
                    match job {
                        Job::Read(read) => drop(guarded(|| read(&connection))),
                        Job::Write(first) => {
                            let mut writes = vec![first];
                            next = gather(&mailbox, &mut writes);
                            let mut writes = writes.into_iter();
                            while writes.len() > 0 {
                                commit_together(&mut connection, &mut writes);
                            }
                        }
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
        let (answer, answered) = oneshot::channel();
        self.give(Job::Read(Box::new(move |connection| drop(answer.send(job(connection))))), answered).await
    }

    /// Works under a savepoint of a transaction that holds the write lock from its beginning, so that what it reads stays
    /// true until it commits. Any error rolls it back. What was done is on the disk.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Savepoint<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.commit(true, job).await
    }

    /// As [`Worker::write`], but what was done is on the disk only with the next write. The end of a process takes nothing
    /// of it; a power failure may take the last ones, from some one on.
    pub(super) async fn write_passing<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Savepoint<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.commit(false, job).await
    }

    async fn commit<T: Send + 'static>(
        &self,
        is_lasting: bool,
        job: impl FnOnce(&Savepoint<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        let work = move |group: Result<&mut Transaction<'_>, StoreError>| -> Answer {
            let done = group.and_then(|group| under_savepoint(group, job));
            Box::new(move |committed| {
                // Nobody may be waiting any more; what was done stays done.
                drop(answer.send(done.and_then(|done| committed.map(|()| done))));
            })
        };
        self.give(Job::Write(Write { is_lasting, work: Box::new(work) }), answered).await
    }

    async fn give<T>(
        &self,
        job: Job,
        answered: oneshot::Receiver<Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let ended = || StoreError::Unavailable("its thread gave no answer; see the log".to_owned());
        self.jobs.send(job).map_err(|_| ended())?;
        answered.await.map_err(|_| ended())?
    }
}

/// Adds the writes that wait already; gives the read that came behind them.
fn gather(mailbox: &Receiver<Job>, writes: &mut Vec<Write>) -> Option<Job> {
    while writes.len() < COMMITTED_TOGETHER {
        match mailbox.try_recv() {
            Ok(Job::Write(write)) => writes.push(write),
            Ok(read) => return Some(read),
            Err(_) => return None,
        }
    }
    None
}

/// Works writes in one transaction and answers them: all, but where the transaction ends early, which leaves the rest.
///
/// In WAL mode a commit waits for the disk where `synchronous` is FULL, and brings along all commits before it. Each
/// transaction says which it needs, so that none depends on what another one left.
fn commit_together(connection: &mut Connection, writes: &mut std::vec::IntoIter<Write>) {
    let synchronous = if writes.as_slice().iter().any(|write| write.is_lasting) { "FULL" } else { "NORMAL" };
    let begun = connection.pragma_update(None, "synchronous", synchronous);
    let begun = begun.and_then(|()| connection.transaction_with_behavior(TransactionBehavior::Immediate));
    let mut group = match begun {
        Ok(group) => group,
        Err(error) => {
            for write in writes {
                let answer = guarded(|| (write.work)(Err(StoreError::from(&error))));
                answer.into_iter().for_each(|answer| answer(Ok(())));
            }
            return;
        }
    };
    let mut answers = Vec::new();
    for write in writes {
        answers.extend(guarded(|| (write.work)(Ok(&mut group))));
        // A full disk, among others, makes SQLite roll the whole transaction back. What came after would stand alone.
        if group.is_autocommit() {
            let told = "it was rolled back together with another step; try again";
            for answer in answers {
                answer(Err(StoreError::Unavailable(told.to_owned())));
            }
            return;
        }
    }
    let committed = group.commit();
    for answer in answers {
        answer(committed.as_ref().copied().map_err(StoreError::from));
    }
}

fn under_savepoint<T>(
    group: &mut Transaction<'_>,
    job: impl FnOnce(&Savepoint<'_>) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    // Dropped without a commit, by a panic, it is rolled back.
    let mut savepoint = group.savepoint()?;
    match job(&savepoint) {
        Ok(done) => {
            savepoint.commit()?;
            Ok(done)
        }
        Err(error) => {
            let undone = savepoint.rollback();
            drop(savepoint);
            if undone.is_err() && !group.is_autocommit() {
                // Half of a step is not to be committed with the others: all of them are rolled back.
                group.execute_batch("ROLLBACK")?;
            }
            Err(error)
        }
    }
}

/// A step that panics must not end the store: it rolls back while unwinding, its caller is told since its answer is gone,
/// and the connection is as it was before.
fn guarded<T>(step: impl FnOnce() -> T) -> Option<T> {
    let done = catch_unwind(AssertUnwindSafe(step)).ok();
    if done.is_none() {
        tracing::error!("a step of the store panicked; it was rolled back");
    }
    done
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use futures::future::{join, join_all};
    use tempfile::TempDir;

    use super::*;

    const FULL: i64 = 2;
    const NORMAL: i64 = 1;

    struct Store {
        worker: Worker,
        folder: TempDir,
    }

    impl Store {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let connection = Connection::open(folder.path().join("state")).unwrap();
            connection.pragma_update(None, "journal_mode", "WAL").unwrap();
            connection.busy_timeout(std::time::Duration::ZERO).unwrap();
            connection.execute_batch("CREATE TABLE steps (name TEXT NOT NULL)").unwrap();
            Self { worker: Worker::start("test", connection).unwrap(), folder }
        }

        /// What another process sees.
        fn seen(&self) -> Vec<String> {
            names(&Connection::open(self.folder.path().join("state")).unwrap())
        }

        /// Holds the thread up until the other steps wait in its mailbox, so that these are committed together.
        async fn together<T>(&self, steps: impl Future<Output = T>) -> T {
            let (go, gone) = mpsc::channel::<()>();
            let busy = self
                .worker
                .read(move |_| gone.recv().map_err(|_| StoreError::Unavailable("gone".to_owned())));
            let (busy, (done, ())) = join(busy, join(steps, async { go.send(()).unwrap() })).await;
            busy.unwrap();
            done
        }
    }

    fn names(connection: &Connection) -> Vec<String> {
        let mut statement = connection.prepare("SELECT name FROM steps ORDER BY rowid").unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
    }

    fn add(connection: &Connection, name: &str) -> Result<(), StoreError> {
        Ok(connection.execute("INSERT INTO steps VALUES (?1)", [name]).map(drop)?)
    }

    fn synchronous(step: &Savepoint<'_>) -> Result<i64, StoreError> {
        Ok(step.pragma_query_value(None, "synchronous", |row| row.get(0))?)
    }

    #[tokio::test]
    async fn a_write_waits_for_the_disk_whatever_came_before_it() {
        let Store { worker, folder: _folder } = Store::new();
        assert_eq!(worker.write(synchronous).await.unwrap(), FULL);
        assert_eq!(worker.write_passing(synchronous).await.unwrap(), NORMAL);
        assert_eq!(worker.write(synchronous).await.unwrap(), FULL);
        worker.write_passing(|_| -> Result<(), _> { panic!("in the test") }).await.unwrap_err();
        assert_eq!(worker.write(synchronous).await.unwrap(), FULL);
    }

    #[tokio::test]
    async fn one_that_must_last_makes_all_that_are_committed_with_it_wait_for_the_disk() {
        let store = Store::new();
        let steps = join(store.worker.write_passing(synchronous), store.worker.write(synchronous));
        let (passing, lasting) = store.together(steps).await;
        assert_eq!((passing.unwrap(), lasting.unwrap()), (FULL, FULL));
        let passing = store.worker.write_passing(synchronous);
        assert_eq!(store.together(passing).await.unwrap(), NORMAL);
    }

    #[tokio::test]
    async fn steps_are_committed_together_and_seen_by_nobody_before() {
        let store = Store::new();
        let path = store.folder.path().join("state");
        let steps = (0..10).map(|at| {
            let path = path.clone();
            store.worker.write(move |step| {
                add(step, &at.to_string())?;
                Ok((names(step).len(), names(&Connection::open(path).unwrap()).len()))
            })
        });
        let seen = store.together(join_all(steps)).await;
        let seen: Vec<_> = seen.into_iter().map(Result::unwrap).collect();
        assert_eq!(seen, (1..=10).map(|within| (within, 0)).collect::<Vec<_>>());
        assert_eq!(store.seen().len(), 10);
    }

    #[tokio::test]
    async fn a_step_that_fails_or_panics_takes_nothing_of_the_others_along() {
        let store = Store::new();
        let step = |name: &'static str| {
            store.worker.write(move |step| {
                add(step, name)?;
                match name {
                    "fails" => Err(StoreError::NotFound(name.to_owned())),
                    "panics" => panic!("in the test"),
                    name => Ok(name),
                }
            })
        };
        let done = store.together(join_all(["a", "fails", "b", "panics", "c"].map(step))).await;
        let [Ok("a"), Err(StoreError::NotFound(_)), Ok("b"), Err(StoreError::Unavailable(_)), Ok("c")] =
            &done[..]
        else {
            panic!("{done:?}");
        };
        assert_eq!(store.seen(), ["a", "b", "c"]);
    }

    #[tokio::test]
    async fn where_the_whole_transaction_is_rolled_back_those_before_are_told_and_those_behind_go_on() {
        let store = Store::new();
        let step = |name: &'static str| {
            store.worker.write(move |step| {
                add(step, name)?;
                if name == "all" {
                    // As SQLite does by itself where a disk is full.
                    step.execute_batch("ROLLBACK")?;
                }
                Ok(name)
            })
        };
        let done = store.together(join_all(["a", "all", "b", "c"].map(step))).await;
        let [Err(StoreError::Unavailable(told)), Err(_), Ok("b"), Ok("c")] = &done[..] else {
            panic!("{done:?}")
        };
        assert!(told.contains("rolled back"), "{told}");
        assert_eq!(store.seen(), ["b", "c"]);
    }

    #[tokio::test]
    async fn where_there_is_no_transaction_every_step_is_told_why() {
        let store = Store::new();
        let mut other = Connection::open(store.folder.path().join("state")).unwrap();
        let writing = other.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
        let begun = store.together(join_all((0..3).map(|_| store.worker.write(|step| add(step, "x"))))).await;
        assert!(begun.iter().all(|done| matches!(done, Err(StoreError::Unavailable(_)))), "{begun:?}");
        drop(writing);
        store.worker.write(|step| add(step, "y")).await.unwrap();
        assert_eq!(store.seen(), ["y"]);
    }
}
