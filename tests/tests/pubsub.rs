//! The queue of Pub/Sub, in Google's emulator, keeps the queue's contract.
#![allow(clippy::unwrap_used, reason = "tests")]

use async_trait::async_trait;
use axum::{Json, Router, extract::State, routing::post};
use base64::{Engine, prelude::BASE64_STANDARD};
use http::StatusCode;
use serde_json::Value;
use spillway::{
    adapters::pubsub::{PubSubOptions, PubSubQueue},
    ports::{ChunkQueue, Work},
};
use spillway_tests::{
    contract::{self, queue::Receiver},
    emulators::{
        firestore::project_id,
        pubsub::{self, Topics},
    },
    web::serve,
};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// What is pushed to one address.
struct Pushed(UnboundedReceiver<Work>);

impl Pushed {
    /// Makes a topic and takes what it pushes.
    async fn from(topics: &Topics, topic: &str, into: UnboundedSender<Work>) {
        let routes = Router::new().route("/push", post(take)).with_state(into);
        topics.push(topic, &serve(routes).await.join("push").unwrap()).await;
    }
}

async fn take(State(into): State<UnboundedSender<Work>>, Json(envelope): Json<Value>) -> StatusCode {
    let data = BASE64_STANDARD.decode(envelope["message"]["data"].as_str().unwrap()).unwrap();
    into.send(serde_json::from_slice(&data).unwrap()).unwrap();
    StatusCode::NO_CONTENT
}

#[async_trait]
impl Receiver for Pushed {
    async fn next(&mut self) -> Work {
        self.0.recv().await.unwrap()
    }
}

async fn queue(project: &str, host: &str) -> PubSubQueue {
    let options = PubSubOptions {
        project_id: project.to_owned(),
        chunks_topic: "chunks".to_owned(),
        wakeups_topic: "wakeups".to_owned(),
        emulator_host: Some(host.to_owned()),
    };
    PubSubQueue::connect(options).await.unwrap()
}

#[tokio::test]
async fn it_keeps_the_contract() {
    let emulator = pubsub::shared();
    let project = project_id();
    let topics = Topics::new(emulator.address(), &project).await;
    let (into, out) = unbounded_channel();
    for topic in ["chunks", "wakeups"] {
        Pushed::from(&topics, topic, into.clone()).await;
    }
    let queue = queue(&project, emulator.address()).await;
    contract::queue::keeps_its_contract(&queue, &mut Pushed(out)).await;
}

#[tokio::test]
async fn each_kind_of_work_has_its_topic() {
    let emulator = pubsub::shared();
    let project = project_id();
    let topics = Topics::new(emulator.address(), &project).await;
    let queue = queue(&project, emulator.address()).await;
    let [run, chunks] = contract::queue::works();
    let (of_wakeups, mut wakeups) = unbounded_channel();
    let (of_chunks, mut chunked) = unbounded_channel();
    Pushed::from(&topics, "wakeups", of_wakeups).await;
    Pushed::from(&topics, "chunks", of_chunks).await;
    for work in [&run, &chunks] {
        queue.send(work.clone()).await.unwrap();
    }
    assert_eq!((wakeups.recv().await, chunked.recv().await), (Some(run), Some(chunks)));
}

/// Nobody takes it, however often it comes: then it lies where the operator finds it, whole.
#[tokio::test]
async fn what_is_never_taken_ends_among_the_dead_letters() {
    let emulator = pubsub::shared();
    let project = project_id();
    let topics = Topics::new(emulator.address(), &project).await;
    let (into, mut buried) = unbounded_channel();
    Pushed::from(&topics, "dead-letters", into).await;
    let (count, mut refused) = unbounded_channel();
    let refuse = async |State(count): State<UnboundedSender<()>>| {
        count.send(()).unwrap();
        StatusCode::SERVICE_UNAVAILABLE
    };
    let routes = Router::new().route("/push", post(refuse)).with_state(count);
    let address = serve(routes).await.join("push").unwrap();
    topics.push_or_bury("chunks", &address, ("dead-letters", 5)).await;
    let [_, chunks] = contract::queue::works();
    queue(&project, emulator.address()).await.send(chunks.clone()).await.unwrap();
    assert_eq!(buried.recv().await, Some(chunks));
    let mut attempts = 0;
    while refused.try_recv().is_ok() {
        attempts += 1;
    }
    assert_eq!(attempts, 5);
}

#[tokio::test]
async fn it_says_that_nothing_is_taken() {
    let emulator = pubsub::shared();
    contract::queue::says_that_it_does_not_take(&queue(&project_id(), emulator.address()).await).await;
}
