//! The calls of Firestore's protocol that this store makes.

use std::{collections::HashMap, sync::Arc, time::Duration};

use firestore::{
    FirestoreDb,
    gcloud_sdk::{
        google::firestore::v1::{
            BatchGetDocumentsRequest, BatchWriteRequest, CommitRequest, RunAggregationQueryRequest,
            RunQueryRequest, Value, Write, batch_get_documents_response, run_aggregation_query_request,
            run_query_request, value::ValueType,
        },
        prost_types::Timestamp as Instant,
        tonic::{Code, Response, Status},
    },
};

use super::{
    documents::Stored,
    faults::{CommitFaults, Fault},
    operations::Counters,
    paths::DocPath,
    query::Query,
};

/// How long one call may take.
const CALL: Duration = Duration::from_secs(30);

/// A connection.
#[derive(Clone)]
pub(super) struct Client {
    db: FirestoreDb,
    pub(super) counters: Arc<Counters>,
    pub(super) faults: Option<Arc<dyn CommitFaults>>,
}

/// Documents, and the instant of which they are.
pub(super) struct Found {
    pub(super) documents: Vec<Stored>,
    pub(super) read_at: Option<Instant>,
}

/// Counted and added up, by alias, and the instant of which it is.
pub(super) struct Sums {
    values: HashMap<String, Value>,
    pub(super) read_at: Option<Instant>,
}

impl Sums {
    pub(super) fn get(&self, alias: &str) -> u64 {
        match self.values.get(alias).and_then(|value| value.value_type.as_ref()) {
            Some(ValueType::IntegerValue(number)) => number.cast_unsigned(),
            // What is more than an i64 comes so.
            Some(ValueType::DoubleValue(number)) => *number as u64,
            _ => 0,
        }
    }
}

impl Client {
    pub(super) fn new(db: FirestoreDb) -> Self {
        Self { db, counters: Arc::default(), faults: None }
    }

    /// The name of a document.
    pub(super) fn name(&self, path: &DocPath) -> String {
        format!("{}/{path}", self.root())
    }

    fn root(&self) -> &str {
        self.db.get_documents_path()
    }

    /// Documents, in the order of their paths here.
    pub(super) async fn get(&self, paths: &[DocPath]) -> Result<Vec<Option<Stored>>, Fault> {
        if paths.is_empty() {
            return Ok(vec![]);
        }
        let request = BatchGetDocumentsRequest {
            database: self.db.get_database_path().clone(),
            documents: paths.iter().map(|path| self.name(path)).collect(),
            ..Default::default()
        };
        let mut found = HashMap::new();
        read(async {
            let mut answers = self.db.client().get().batch_get_documents(request).await?.into_inner();
            while let Some(answer) = answers.message().await? {
                if let Some(batch_get_documents_response::Result::Found(document)) = answer.result {
                    let stored = Stored::new(document, self.root());
                    found.insert(stored.path.clone(), stored);
                }
            }
            Ok(())
        })
        .await?;
        self.counters.called(paths.len());
        Ok(paths.iter().map(|path| found.get(path).cloned()).collect())
    }

    /// A document.
    pub(super) async fn get_one(&self, path: &DocPath) -> Result<Option<Stored>, Fault> {
        Ok(self.get(std::slice::from_ref(path)).await?.pop().flatten())
    }

    /// What a query finds; of the instant `at`, where that is given.
    pub(super) async fn query(&self, query: Query, at: Option<Instant>) -> Result<Found, Fault> {
        let request = RunQueryRequest {
            parent: query.parent(self.root()),
            query_type: Some(run_query_request::QueryType::StructuredQuery(query.build())),
            consistency_selector: at.map(run_query_request::ConsistencySelector::ReadTime),
            ..Default::default()
        };
        let mut found = Found { documents: vec![], read_at: None };
        read(async {
            let mut answers = self.db.client().get().run_query(request).await?.into_inner();
            while let Some(answer) = answers.message().await? {
                found.read_at = answer.read_time.or(found.read_at);
                found.documents.extend(answer.document.map(|document| Stored::new(document, self.root())));
            }
            Ok(())
        })
        .await?;
        // A query that finds nothing is one read.
        self.counters.called(found.documents.len().max(1));
        Ok(found)
    }

    /// Counts what a query finds, and adds up its shape's sums.
    pub(super) async fn sums(&self, query: Query, at: Option<Instant>) -> Result<Sums, Fault> {
        let parent = query.parent(self.root());
        let query = run_aggregation_query_request::QueryType::StructuredAggregationQuery(query.build_sums());
        let request = RunAggregationQueryRequest {
            parent,
            query_type: Some(query),
            consistency_selector: at.map(run_aggregation_query_request::ConsistencySelector::ReadTime),
            ..Default::default()
        };
        let mut sums = Sums { values: HashMap::new(), read_at: None };
        read(async {
            let mut answers = self.db.client().get().run_aggregation_query(request).await?.into_inner();
            while let Some(answer) = answers.message().await? {
                sums.read_at = answer.read_time.or(sums.read_at);
                sums.values.extend(answer.result.into_iter().flat_map(|result| result.aggregate_fields));
            }
            Ok(())
        })
        .await?;
        self.counters.called(usize::try_from(sums.get("count") / 1_000 + 1).unwrap_or(usize::MAX));
        Ok(sums)
    }

    /// All writes, or none.
    pub(super) async fn commit(&self, writes: Vec<Write>) -> Result<(), Fault> {
        if self.faults.as_ref().is_some_and(|faults| faults.aborts()) {
            return Err(Fault::of_commit(&Status::aborted("as a test wants it")));
        }
        self.counters.committed(writes.len());
        let request =
            CommitRequest { database: self.db.get_database_path().clone(), writes, ..Default::default() };
        timed(async { self.db.client().get().commit(request).await.map(Response::into_inner) })
            .await
            .map_err(|status| Fault::of_commit(&status))?;
        if self.faults.as_ref().is_some_and(|faults| faults.loses_answer()) {
            return Err(Fault::of_commit(&Status::unavailable("as a test wants it")));
        }
        Ok(())
    }

    /// Each write for itself; gives the code of each.
    pub(super) async fn write_each(&self, writes: Vec<Write>) -> Result<Vec<Code>, Status> {
        if self.faults.as_ref().is_some_and(|faults| faults.aborts()) {
            return Err(Status::aborted("as a test wants it"));
        }
        self.counters.committed(writes.len());
        let database = self.db.get_database_path().clone();
        let request = BatchWriteRequest { database, writes, ..Default::default() };
        let answer =
            timed(async { self.db.client().get().batch_write(request).await.map(Response::into_inner) })
                .await?;
        Ok(answer.status.iter().map(|status| Code::from_i32(status.code)).collect())
    }
}

async fn read(call: impl Future<Output = Result<(), Status>>) -> Result<(), Fault> {
    timed(call).await.map_err(|status| Fault::of_read(&status))
}

async fn timed<T>(call: impl Future<Output = Result<T, Status>>) -> Result<T, Status> {
    tokio::time::timeout(CALL, call)
        .await
        .unwrap_or_else(|_| Err(Status::deadline_exceeded("Firestore did not answer in time")))
}
