//! The contract of [`spillway::ports::ChunkQueue`]: what it took arrives, whole and at least once, and it says when it
//! does not take.

use std::collections::BTreeSet;

use async_trait::async_trait;
use futures::future::join_all;
use spillway::{
    domain::{AccountId, ChunkId, PlanToken, RequestId, RunKey, RunTimestamp},
    ports::{ChunkQueue, Work},
};

/// The other end of a queue.
#[async_trait]
pub trait Receiver: Send {
    /// The next message that arrives, answered for.
    async fn next(&mut self) -> Work;
}

/// All of it, on one queue with nothing in it.
pub async fn keeps_its_contract(queue: &dyn ChunkQueue, receiver: &mut dyn Receiver) {
    what_is_sent_arrives_whole(queue, receiver).await;
    of_many_at_once_none_is_lost(queue, receiver).await;
}

/// On a queue that cannot take anything.
pub async fn says_that_it_does_not_take(queue: &dyn ChunkQueue) {
    for work in works() {
        assert!(queue.send(work).await.is_err());
    }
}

fn key(number: i64) -> RunKey {
    RunKey { account: AccountId(u64::MAX), request: RequestId(1), run: RunTimestamp(number) }
}

/// One of each kind, the longest that are sent.
#[must_use]
pub fn works() -> [Work; 2] {
    let chunks = (0..50).map(|number| ChunkId(format!("{number:064}"))).collect();
    let plan = PlanToken("plan-\"☃\n".to_owned());
    [Work::Run { run: key(i64::MAX) }, Work::Chunks { run: key(i64::MIN), plan, chunks }]
}

fn text(work: &Work) -> String {
    serde_json::to_string(work).unwrap()
}

/// Takes messages until each of `sent` has come. Those of `before` may come again; others are nobody's.
async fn all_come(sent: &[Work], before: &[Work], receiver: &mut dyn Receiver) {
    let before: BTreeSet<_> = before.iter().map(text).collect();
    let sent: BTreeSet<_> = sent.iter().map(text).collect();
    let mut missing = sent.clone();
    while !missing.is_empty() {
        let came = text(&receiver.next().await);
        assert!(sent.contains(&came) || before.contains(&came), "nobody sent {came}");
        missing.remove(&came);
    }
}

async fn what_is_sent_arrives_whole(queue: &dyn ChunkQueue, receiver: &mut dyn Receiver) {
    for work in works() {
        queue.send(work.clone()).await.unwrap();
        all_come(&[work], &works(), receiver).await;
    }
}

async fn of_many_at_once_none_is_lost(queue: &dyn ChunkQueue, receiver: &mut dyn Receiver) {
    let chunks = |number: i64| {
        let plan = PlanToken("plan".to_owned());
        Work::Chunks { run: key(number), plan, chunks: vec![ChunkId("chunk".to_owned())] }
    };
    let many: Vec<_> = (0..100).flat_map(|number| [Work::Run { run: key(number) }, chunks(number)]).collect();
    for sent in join_all(many.iter().map(|work| queue.send(work.clone()))).await {
        sent.unwrap();
    }
    all_come(&many, &works(), receiver).await;
}
