//! Between the Pub/Sub emulator and the functions: signs what it forwards and keeps to the retry policy, as Pub/Sub does
//! and its emulator does not, and makes the weather: messages that come twice, late, in another order, or never.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::{Path, State},
    routing::post,
};
use http::StatusCode;
use rand::{RngExt, seq::IndexedRandom};
use serde_json::Value;
use spillway::ports::Clock;
use spillway_tests::{fakes::Issuer, web::serve};
use url::Url;

use crate::clock::WorldClock;

/// How long a delivery may take; more than a function gives itself.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(600);
/// After how long a message comes again that was not taken, in milliseconds. The emulator lets its fifth attempt wait for
/// minutes, whatever the policy of the subscription is.
const AGAIN_MILLIS: std::ops::Range<u64> = 1_000..3_000;

/// What becomes of messages on their way, each in so many of a hundred cases.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Weather {
    /// Said to be delivered, and was not.
    pub(crate) lost: u32,
    /// Delivered twice, at about the same time.
    pub(crate) doubled: u32,
    /// Delivered up to two seconds later than the ones behind it.
    pub(crate) late: u32,
}

/// What has happened so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Book {
    /// By message: whether it was taken. One that is not comes again.
    pub(crate) messages: BTreeMap<String, bool>,
    /// How often each answer was given.
    pub(crate) answers: BTreeMap<u16, usize>,
    /// How often each kind of weather struck.
    pub(crate) lost: usize,
    pub(crate) doubled: usize,
    pub(crate) late: usize,
    /// Marks that came through, by their text.
    marks: Vec<String>,
}

impl Book {
    /// How many messages were taken.
    pub(crate) fn taken(&self) -> usize {
        self.messages.values().filter(|taken| **taken).count()
    }

    /// Whether a message is here for the first time; it is under way from then on.
    fn is_new(&mut self, id: &str) -> bool {
        let is_new = !self.messages.contains_key(id);
        if is_new {
            self.messages.insert(id.to_owned(), false);
        }
        is_new
    }

    /// Messages that are under way, or come again.
    pub(crate) fn open(&self) -> usize {
        self.messages.len() - self.taken()
    }
}

/// The proxy. Clones are the same.
#[derive(Clone)]
pub(crate) struct Proxy {
    /// Where subscriptions push to: the topic's name is put behind it.
    pub(crate) url: Url,
    shared: Arc<Shared>,
}

struct Shared {
    issuer: Issuer,
    email: String,
    clock: WorldClock,
    client: reqwest::Client,
    /// The instances that take a topic's messages.
    targets: Mutex<BTreeMap<&'static str, Vec<Url>>>,
    weather: Mutex<Weather>,
    book: Mutex<Book>,
}

impl Proxy {
    /// Starts it. Its tokens are of this service account, each for the instance that it is sent to.
    pub(crate) async fn start(
        issuer: Issuer,
        email: &str,
        clock: WorldClock,
        targets: BTreeMap<&'static str, Vec<Url>>,
    ) -> Self {
        let client = reqwest::Client::builder().timeout(DELIVERY_TIMEOUT).build().unwrap();
        let (targets, weather, book) = (Mutex::new(targets), Mutex::default(), Mutex::default());
        let shared =
            Arc::new(Shared { issuer, email: email.to_owned(), clock, client, targets, weather, book });
        let routes = Router::new().route("/{topic}", post(pushed)).with_state(Arc::clone(&shared));
        Self { url: serve(routes).await, shared }
    }

    pub(crate) fn set_weather(&self, weather: Weather) {
        *lock(&self.shared.weather) = weather;
    }

    /// Other instances take a topic's messages from now on.
    pub(crate) fn send_to(&self, topic: &'static str, instances: Vec<Url>) {
        lock(&self.shared.targets).insert(topic, instances);
    }

    /// Delivers a message to this instance, whoever else has it, and tells what it is answered.
    pub(crate) async fn deliver(&self, target: &Url, body: Bytes) -> StatusCode {
        self.shared.deliver(target, body).await
    }

    pub(crate) fn book(&self) -> Book {
        lock(&self.shared.book).clone()
    }

    /// Whether a mark that was published has come through.
    pub(crate) fn has_seen(&self, mark: &str) -> bool {
        lock(&self.shared.book).marks.iter().any(|seen| seen == mark)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn pushed(State(shared): State<Arc<Shared>>, Path(topic): Path<String>, body: Bytes) -> StatusCode {
    let envelope: Value = serde_json::from_slice(&body).unwrap();
    let message = &envelope["message"];
    if let Some(mark) = message["attributes"]["mark"].as_str() {
        lock(&shared.book).marks.push(mark.to_owned());
        return StatusCode::NO_CONTENT;
    }
    let id = format!("{topic}/{}", message["messageId"].as_str().unwrap());
    // One that the emulator sends again, having hung up, is on its way here already, or was taken.
    let is_new = lock(&shared.book).is_new(&id);
    if is_new {
        tokio::spawn(shared.carry_until_taken(topic, id, body));
    }
    StatusCode::NO_CONTENT
}

impl Shared {
    async fn carry_until_taken(self: Arc<Self>, topic: String, id: String, body: Bytes) {
        loop {
            let status = self.carry(&topic, body.clone()).await;
            let again = {
                let mut book = lock(&self.book);
                *book.answers.entry(status.as_u16()).or_default() += 1;
                if status.is_success() {
                    book.messages.insert(id, true);
                    return;
                }
                rand::rng().random_range(AGAIN_MILLIS)
            };
            tokio::time::sleep(Duration::from_millis(again)).await;
        }
    }

    async fn carry(self: &Arc<Self>, topic: &str, body: Bytes) -> StatusCode {
        let weather = *lock(&self.weather);
        let strikes = |percent: u32| rand::rng().random_range(0..100) < percent;
        if strikes(weather.lost) {
            lock(&self.book).lost += 1;
            return StatusCode::NO_CONTENT;
        }
        if strikes(weather.late) {
            lock(&self.book).late += 1;
            let millis = rand::rng().random_range(0..2_000);
            tokio::time::sleep(Duration::from_millis(millis)).await;
        }
        if strikes(weather.doubled) {
            lock(&self.book).doubled += 1;
            // Nobody hears what the other one is answered.
            let (this, topic, body) = (Arc::clone(self), topic.to_owned(), body.clone());
            tokio::spawn(async move { this.deliver_to_any(&topic, body).await });
        }
        self.deliver_to_any(topic, body).await
    }

    async fn deliver_to_any(&self, topic: &str, body: Bytes) -> StatusCode {
        let target = lock(&self.targets)[topic].choose(&mut rand::rng()).unwrap().clone();
        self.deliver(&target, body).await
    }

    async fn deliver(&self, target: &Url, body: Bytes) -> StatusCode {
        let audience = target.as_str().trim_end_matches('/');
        let token = self.issuer.id_token(&self.email, audience, self.clock.now().as_second());
        let push = self.client.post(target.join("push").unwrap()).bearer_auth(token);
        let sent = push.header("content-type", "application/json").body(body).send().await;
        // Nobody is there: killed just now.
        sent.map_or(StatusCode::BAD_GATEWAY, |answer| answer.status())
    }
}
