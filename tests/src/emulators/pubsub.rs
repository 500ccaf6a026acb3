//! Google's Pub/Sub emulator, and what Terraform sets up in the cloud: topics, and subscriptions that push.

use std::fs;

use google_cloud_auth::credentials::{Credentials, anonymous};
use google_cloud_pubsub::{
    client::{BasePublisher, SubscriptionAdmin, TopicAdmin},
    model::{DeadLetterPolicy, Message, PushConfig, RetryPolicy},
};
use google_cloud_wkt::Duration;
use url::Url;

use super::{Emulator, Kind, sdk};

/// What is to be known of it.
pub const PUBSUB: Kind =
    Kind { name: "pubsub", variable: "PUBSUB_EMULATOR_HOST", command: |port| command(port) };

fn command(port: u16) -> Vec<String> {
    let files = fs::read_dir(sdk().join("platform/pubsub-emulator/lib")).into_iter().flatten().flatten();
    let jars = files.map(|file| file.path().to_string_lossy().into_owned());
    let jar = jars.into_iter().find(|path| path.ends_with("-all.jar") && path.contains("pubsub-emulator"));
    let jar =
        jar.expect("the Pub/Sub emulator is missing: apt-get install -y google-cloud-cli-pubsub-emulator");
    ["java", "-jar", &jar, "--host=127.0.0.1", &format!("--port={port}")].map(ToOwned::to_owned).into()
}

/// The one of all tests.
#[must_use]
pub fn shared() -> Emulator {
    Emulator::shared(&PUBSUB)
}

/// The topics and subscriptions of one project. Each test has a project of its own.
pub struct Topics {
    project: String,
    topics: TopicAdmin,
    subscriptions: SubscriptionAdmin,
    publisher: BasePublisher,
}

fn nobody() -> Credentials {
    anonymous::Builder::new().build()
}

impl Topics {
    /// Those of a project in the emulator at `host`; none yet.
    ///
    /// # Panics
    /// Where the clients cannot be built.
    pub async fn new(host: &str, project: &str) -> Self {
        let endpoint = format!("http://{host}");
        let topics = TopicAdmin::builder().with_endpoint(&endpoint).with_credentials(nobody());
        let subscriptions = SubscriptionAdmin::builder().with_endpoint(&endpoint).with_credentials(nobody());
        let publisher = BasePublisher::builder().with_endpoint(&endpoint).with_credentials(nobody());
        Self {
            project: project.to_owned(),
            topics: topics.build().await.expect("a client"),
            subscriptions: subscriptions.build().await.expect("a client"),
            publisher: publisher.build().await.expect("a client"),
        }
    }

    /// Makes a topic whose messages are pushed to an address. What the address does not take comes again after a
    /// second or a few, where in the cloud it is up to ten minutes.
    ///
    /// # Panics
    /// Where the emulator refuses.
    pub async fn push(&self, topic: &str, to: &Url) {
        self.subscribe(topic, to, None).await;
    }

    /// The same; what is not taken `attempts` times, 5 or more, goes to another topic, which is there already.
    ///
    /// # Panics
    /// Where the emulator refuses.
    pub async fn push_or_bury(&self, topic: &str, to: &Url, (dead_letters, attempts): (&str, i32)) {
        let dead_letters = format!("projects/{}/topics/{dead_letters}", self.project);
        let policy =
            DeadLetterPolicy::new().set_dead_letter_topic(dead_letters).set_max_delivery_attempts(attempts);
        self.subscribe(topic, to, Some(policy)).await;
    }

    async fn subscribe(&self, topic: &str, to: &Url, dead_letters: Option<DeadLetterPolicy>) {
        let project = &self.project;
        let name = format!("projects/{project}/topics/{topic}");
        self.topics.create_topic().set_name(&name).send().await.expect("a topic");
        let retry = RetryPolicy::new()
            .set_minimum_backoff(Duration::clamp(1, 0))
            .set_maximum_backoff(Duration::clamp(3, 0));
        let push = PushConfig::new().set_push_endpoint(to.as_str());
        self.subscriptions
            .create_subscription()
            .set_name(format!("projects/{project}/subscriptions/{topic}-push"))
            .set_topic(&name)
            .set_ack_deadline_seconds(600)
            .set_push_config(push)
            .set_retry_policy(retry)
            .set_or_clear_dead_letter_policy(dead_letters)
            .send()
            .await
            .expect("a subscription");
    }

    /// Publishes a message that says nothing but `mark`, in its attributes.
    ///
    /// # Panics
    /// Where the emulator refuses.
    pub async fn mark(&self, topic: &str, mark: &str) {
        let publisher = self.publisher.publisher(format!("projects/{}/topics/{topic}", self.project)).build();
        let message = Message::new().set_attributes([("mark", mark)]);
        publisher.publish(message).await.expect("the emulator takes it");
    }
}
