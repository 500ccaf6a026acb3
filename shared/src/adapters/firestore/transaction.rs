//! Optimistic transactions, and what is tried again.
//!
//! A job reads documents and says what it writes. Nothing is sent until it ends; then one commit writes all, on the
//! condition that every document that was read is as it was read: those that are written by their own condition,
//! those that are not by a write that changes nothing. Where a condition is not met, the whole job runs again.
//!
//! Where no answer to a commit comes, it may have been done, now or a little later. The next attempt looks at one of
//! its documents, which then bears the commit's number, and takes that document among those that it rests on: either it
//! sees that it was done, or it prevents it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use firestore::gcloud_sdk::{
    google::firestore::v1::{
        Document, DocumentMask, Precondition, Write, precondition::ConditionType, write::Operation,
    },
    prost_types::Timestamp as Instant,
};

use super::{
    FirestoreStore,
    client::Client,
    documents::{COMMIT, Fields, Stored},
    faults::{Backoff, Fault},
    paths::DocPath,
    query::Query,
};
use crate::ports::StoreError;

/// What is known of a document.
#[derive(Debug, Clone)]
struct Known {
    version: Option<Instant>,
    /// Whether the job rests on it. What a query found it takes note of only.
    counts: bool,
}

#[derive(Debug, Clone)]
enum Change {
    Put(Fields),
    /// Where it was not read, it must not be there.
    Create(Fields),
    Delete,
}

#[derive(Default)]
struct State {
    known: BTreeMap<DocPath, Known>,
    changes: BTreeMap<DocPath, Change>,
}

/// One attempt of a transaction.
#[derive(Clone)]
pub(super) struct Transaction {
    client: Client,
    state: Arc<Mutex<State>>,
    is_retry: bool,
}

impl Transaction {
    fn new(client: Client, is_retry: bool) -> Self {
        Self { client, state: Arc::default(), is_retry }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether an attempt before this one has failed.
    pub(super) fn is_retry(&self) -> bool {
        self.is_retry
    }

    /// Reads a document, on which the transaction rests from now on.
    pub(super) async fn get(&self, path: &DocPath) -> Result<Option<Stored>, Fault> {
        Ok(self.get_all(std::slice::from_ref(path)).await?.pop().flatten())
    }

    /// The same of many.
    pub(super) async fn get_all(&self, paths: &[DocPath]) -> Result<Vec<Option<Stored>>, Fault> {
        let found = self.client.get(paths).await?;
        let mut state = self.state();
        for (path, stored) in paths.iter().zip(&found) {
            let version = stored.as_ref().and_then(|stored| stored.version);
            let before = state.known.insert(path.clone(), Known { version, counts: true });
            if before.is_some_and(|before| before.counts && before.version != version) {
                return Err(Fault::Again(format!("{path} changed between two reads")));
            }
        }
        drop(state);
        Ok(found)
    }

    /// Reads documents on which the transaction does not rest.
    pub(super) async fn look_at(&self, paths: &[DocPath]) -> Result<Vec<Option<Stored>>, Fault> {
        self.client.get(paths).await
    }

    /// What a query finds. The transaction rests on those documents that it writes.
    pub(super) async fn query(&self, query: Query) -> Result<Vec<Stored>, Fault> {
        let found = self.client.query(query, None).await?.documents;
        let mut state = self.state();
        for stored in &found {
            let known = Known { version: stored.version, counts: false };
            state.known.entry(stored.path.clone()).or_insert(known);
        }
        drop(state);
        Ok(found)
    }

    pub(super) async fn count(&self, query: Query) -> Result<u64, Fault> {
        Ok(self.client.sums(query, None).await?.get("count"))
    }

    /// Writes a document: as a whole, whatever it was.
    pub(super) fn put(&self, path: DocPath, fields: Fields) {
        self.state().changes.insert(path, Change::Put(fields));
    }

    /// Writes a document that is not there.
    pub(super) fn create(&self, path: DocPath, fields: Fields) {
        self.state().changes.insert(path, Change::Create(fields));
    }

    pub(super) fn delete(&self, path: DocPath) {
        self.state().changes.insert(path, Change::Delete);
    }

    /// The writes, and a document by which the commit of this number is recognised.
    fn writes(&self, number: i64) -> (Vec<Write>, Option<DocPath>) {
        let mut state = self.state();
        let changes = std::mem::take(&mut state.changes);
        if changes.is_empty() {
            return (vec![], None);
        }
        let known = std::mem::take(&mut state.known);
        drop(state);
        // The last one lies deepest, where the fewest others write it anew meanwhile.
        let sign = changes.iter().rev().find(|(_, change)| !matches!(change, Change::Delete));
        let sign = sign.map(|(path, _)| path.clone());
        let rests_on = known.iter().filter(|(path, known)| known.counts && !changes.contains_key(path));
        let checks: Vec<Write> = rests_on.map(|(path, known)| self.check(path, known)).collect();
        let change = |(path, change)| {
            let before = known.get(&path);
            match change {
                Change::Put(fields) => {
                    self.update(&path, fields.number(COMMIT, number), before.map(condition))
                }
                Change::Create(fields) => {
                    let absent = Known { version: None, counts: true };
                    self.update(&path, fields.number(COMMIT, number), Some(condition(&absent)))
                }
                Change::Delete => {
                    self.write(Operation::Delete(self.client.name(&path)), before.map(condition))
                }
            }
        };
        (changes.into_iter().map(change).chain(checks).collect(), sign)
    }

    /// A write that changes nothing, and is done only where the document is as it was.
    fn check(&self, path: &DocPath, known: &Known) -> Write {
        let name = self.client.name(path);
        if known.version.is_none() {
            return self.write(Operation::Delete(name), Some(condition(known)));
        }
        let document = Document { name, ..Document::default() };
        let write = self.write(Operation::Update(document), Some(condition(known)));
        Write { update_mask: Some(DocumentMask::default()), ..write }
    }

    fn update(&self, path: &DocPath, fields: Fields, current_document: Option<Precondition>) -> Write {
        let document = Document { name: self.client.name(path), fields: fields.0, ..Document::default() };
        self.write(Operation::Update(document), current_document)
    }

    #[expect(clippy::unused_self, reason = "reads as the others do")]
    fn write(&self, operation: Operation, current_document: Option<Precondition>) -> Write {
        Write { operation: Some(operation), current_document, update_mask: None, update_transforms: vec![] }
    }
}

fn condition(known: &Known) -> Precondition {
    let condition_type = match known.version {
        Some(version) => ConditionType::UpdateTime(version),
        None => ConditionType::Exists(false),
    };
    Precondition { condition_type: Some(condition_type) }
}

/// A commit to which no answer came.
struct Unanswered<T> {
    sign: DocPath,
    number: i64,
    answer: T,
}

impl FirestoreStore {
    /// Runs a job until its commit is done, or it fails for another reason than that somebody else was faster.
    pub(super) async fn write<T, F, Fut>(&self, job: F) -> Result<T, StoreError>
    where
        T: Send,
        F: Fn(Transaction) -> Fut + Send + Sync,
        Fut: Future<Output = Result<T, Fault>> + Send,
    {
        let (mut backoff, mut unanswered) = (Backoff::new(), Vec::<Unanswered<T>>::new());
        let mut is_retry = false;
        loop {
            let transaction = Transaction::new(self.client.clone(), is_retry);
            let attempt = self.attempt(&transaction, &job, &mut unanswered).await;
            let why = match attempt {
                Ok(answer) => return Ok(answer),
                Err(Fault::Store(error)) => return Err(error),
                Err(Fault::Again(why) | Fault::Unknown(why)) => why,
            };
            self.client.counters.retried();
            is_retry = true;
            backoff.wait(why).await?;
        }
    }

    async fn attempt<T, F, Fut>(
        &self,
        transaction: &Transaction,
        job: &F,
        unanswered: &mut Vec<Unanswered<T>>,
    ) -> Result<T, Fault>
    where
        T: Send,
        F: Fn(Transaction) -> Fut + Send + Sync,
        Fut: Future<Output = Result<T, Fault>> + Send,
    {
        if let Some(answer) = Self::done(transaction, unanswered).await? {
            return Ok(answer);
        }
        let answer = match job(transaction.clone()).await {
            Ok(answer) => answer,
            // What the job stumbles over may be its own work, done since it was looked for.
            Err(Fault::Store(error)) => {
                let late = Transaction::new(self.client.clone(), true);
                return Self::done(&late, unanswered).await?.ok_or(Fault::Store(error));
            }
            Err(fault) => return Err(fault),
        };
        let number = rand::random::<i64>();
        let (writes, sign) = transaction.writes(number);
        if writes.is_empty() {
            return Ok(answer);
        }
        let Err(fault) = self.client.commit(writes).await else { return Ok(answer) };
        if let (Fault::Unknown(_), Some(sign)) = (&fault, sign) {
            unanswered.push(Unanswered { sign, number, answer });
        }
        Err(fault)
    }

    /// The answer of the commit, if any, that was done though no answer came.
    async fn done<T>(
        transaction: &Transaction,
        unanswered: &mut Vec<Unanswered<T>>,
    ) -> Result<Option<T>, Fault> {
        for n in 0..unanswered.len() {
            let stored = transaction.get(&unanswered[n].sign).await?;
            if stored.and_then(|stored| stored.number(COMMIT)) == Some(unanswered[n].number) {
                return Ok(Some(unanswered.swap_remove(n).answer));
            }
        }
        Ok(None)
    }

    /// Reads, until it is answered.
    pub(super) async fn read<T, F, Fut>(&self, job: F) -> Result<T, StoreError>
    where
        F: Fn(Client) -> Fut + Send + Sync,
        Fut: Future<Output = Result<T, Fault>> + Send,
    {
        let mut backoff = Backoff::new();
        loop {
            let why = match job(self.client.clone()).await {
                Ok(answer) => return Ok(answer),
                Err(Fault::Store(error)) => return Err(error),
                Err(Fault::Again(why) | Fault::Unknown(why)) => why,
            };
            self.client.counters.retried();
            backoff.wait(why).await?;
        }
    }
}
