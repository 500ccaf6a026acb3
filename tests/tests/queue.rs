//! The local queue.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::{
    pin::pin,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use futures::{FutureExt, future::join_all};
use spillway::{
    adapters::local_queue::{LocalQueue, QueueCounts},
    domain::{AccountId, RequestId, RunKey, RunTimestamp},
    ports::{ChunkQueue, Work},
};
use spillway_tests::contract;

struct Worker(LocalQueue);

#[async_trait]
impl contract::queue::Receiver for Worker {
    async fn next(&mut self) -> Work {
        let delivery = self.0.receive().await.unwrap();
        let work = delivery.work().clone();
        delivery.ack();
        work
    }
}

#[tokio::test]
async fn it_keeps_the_contract() {
    let queue = LocalQueue::new();
    contract::queue::keeps_its_contract(&queue, &mut Worker(queue.clone())).await;
    queue.close();
    contract::queue::says_that_it_does_not_take(&queue).await;
}

fn message(number: i64) -> Work {
    Work::Run { run: RunKey { account: AccountId(1), request: RequestId(1), run: RunTimestamp(number) } }
}

fn counts(queued: usize, delayed: usize, in_flight: usize) -> QueueCounts {
    QueueCounts { queued, delayed, in_flight }
}

#[tokio::test]
async fn messages_come_in_the_order_of_sending() {
    let queue = LocalQueue::new();
    assert!(queue.counts().is_empty());
    for number in 0..3 {
        queue.send(message(number)).await.unwrap();
    }
    assert_eq!(queue.counts(), counts(3, 0, 0));
    for number in 0..3 {
        let delivery = queue.receive().await.unwrap();
        assert_eq!(delivery.work(), &message(number));
        assert_eq!(queue.counts(), counts(2 - number as usize, 0, 1));
        delivery.ack();
    }
    assert!(queue.counts().is_empty());
    queue.settled().await;
}

#[tokio::test]
async fn a_message_that_is_given_back_comes_again_not_before_its_time() {
    let queue = LocalQueue::new();
    queue.send(message(1)).await.unwrap();
    let (before, after) = (Instant::now(), Duration::from_millis(60));
    queue.receive().await.unwrap().nack(after);
    assert_eq!(queue.counts(), counts(0, 1, 0));
    queue.send(message(2)).await.unwrap();
    let other = queue.receive().await.unwrap();
    assert_eq!(other.work(), &message(2), "others do not wait for it");
    let again = queue.receive().await.unwrap();
    assert!(before.elapsed() >= after);
    assert_eq!(again.work(), &message(1));
    again.nack(Duration::ZERO);
    assert_eq!(queue.counts(), counts(1, 0, 1));
    queue.receive().await.unwrap().ack();
    other.ack();
    queue.settled().await;
}

#[tokio::test]
async fn a_worker_that_dies_leaves_its_message_to_others() {
    let queue = LocalQueue::new();
    queue.send(message(1)).await.unwrap();
    let worker = queue.clone();
    let died = tokio::spawn(async move {
        let _delivery = worker.receive().await.unwrap();
        panic!("killed by the test");
    });
    assert!(died.await.is_err());
    assert_eq!(queue.counts(), counts(1, 0, 0));
    queue.receive().await.unwrap().ack();
}

#[tokio::test]
async fn a_delayed_message_finds_the_worker_that_is_free() {
    let queue = LocalQueue::new();
    queue.send(message(1)).await.unwrap();
    let first = queue.receive().await.unwrap();
    // Both wait with nothing in sight; then one of them gets something that keeps it busy.
    let (mut one, mut two) = (pin!(queue.receive()), pin!(queue.receive()));
    assert!((&mut one).now_or_never().is_none() && (&mut two).now_or_never().is_none());
    first.nack(Duration::from_millis(30));
    queue.send(message(2)).await.unwrap();
    let (busy, waiting) = tokio::select! {
        biased;
        delivery = &mut one => (delivery.unwrap(), two),
        delivery = &mut two => (delivery.unwrap(), one),
    };
    assert_eq!(busy.work(), &message(2));
    let delayed = tokio::time::timeout(Duration::from_secs(20), waiting).await.unwrap().unwrap();
    assert_eq!(delayed.work(), &message(1));
    busy.ack();
    delayed.ack();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_workers_get_each_message_once_however_often_they_give_up_waiting() {
    let queue = LocalQueue::new();
    let workers = (0..8).map(|worker| {
        let queue = queue.clone();
        tokio::spawn(async move {
            let mut done = vec![];
            loop {
                // A wait that is broken off must lose nothing.
                if let Some(Some(delivery)) = queue.receive().now_or_never() {
                    delivery.nack(Duration::from_micros(worker * 100));
                }
                let Some(delivery) = queue.receive().await else { return done };
                done.push(delivery.work().clone());
                delivery.ack();
            }
        })
    });
    let workers: Vec<_> = workers.collect();
    for number in 0..500 {
        queue.send(message(number)).await.unwrap();
    }
    queue.settled().await;
    queue.close();
    let done = join_all(workers).await.into_iter().flat_map(Result::unwrap);
    let mut numbers: Vec<i64> = done
        .map(|work| match work {
            Work::Run { run } => run.run.0,
            Work::Chunks { .. } => panic!("none was sent"),
        })
        .collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..500).collect::<Vec<_>>());
}

#[tokio::test]
async fn closing_ends_all_waiting_and_forgets_what_waits() {
    let queue = LocalQueue::new();
    for number in 0..3 {
        queue.send(message(number)).await.unwrap();
    }
    let held = queue.receive().await.unwrap();
    queue.receive().await.unwrap().nack(Duration::from_secs(3_600));
    queue.receive().await.unwrap().nack(Duration::from_secs(3_600));
    let waiting: Vec<_> = (0..5)
        .map(|_| {
            let queue = queue.clone();
            tokio::spawn(async move { queue.receive().await.is_none() })
        })
        .collect();
    tokio::task::yield_now().await;
    queue.close();
    assert!(join_all(waiting).await.into_iter().all(Result::unwrap));
    assert!(queue.receive().await.is_none());
    assert!(queue.send(message(9)).await.is_err());
    assert_eq!(queue.counts(), counts(0, 0, 1));
    held.nack(Duration::ZERO);
    queue.settled().await;
}
