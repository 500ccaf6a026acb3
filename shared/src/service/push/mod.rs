//! `POST /push`: Pub/Sub delivers a message, and the answer says whether it is done with.
//!
//! | Answer | When |
//! |---|---|
//! | 204 | what the message asks for is done, was done already, or will never be: the store is safe |
//! | 503 and `Retry-After` | somebody else is at it, something passes, a step broke off, or the process ends |
//! | 400 | it cannot be read, or is work of another function: after its last attempt it lies with the dead letters |
//!
//! The work goes on where its caller goes away: a chunk that is half written would else keep its lease until that ends.

mod envelope;

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::Bytes,
    extract::{State, rejection::BytesRejection},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::post,
};
use tokio::sync::Semaphore;
use tracing::Instrument;

use super::{
    Invokers, Running,
    problem::{internal, later, problem},
};
use crate::{
    domain::{REQUEST_TIMEOUT_SECS, STEP_TIMEOUT_SECS},
    ports::Work,
    steps::{self, Handled, Parts, StepError},
};

/// The longest body of a push that is read, in bytes: our longest message has 50 chunks.
pub const BODY_MAX_BYTES: usize = 65_536;

/// After how long a message that is not done with gives back what it holds, to come again.
const GIVE_BACK_AFTER: Duration = Duration::from_secs(STEP_TIMEOUT_SECS + 40);
/// How long that may take.
const GIVING_BACK: Duration = Duration::from_secs(20);
// All before the request is given up from outside, which would leave leases behind.
const _: () = assert!(GIVE_BACK_AFTER.as_secs() + GIVING_BACK.as_secs() < REQUEST_TIMEOUT_SECS);

/// How long a message waits after a step broke off.
const AFTER_ERROR: Duration = Duration::from_secs(10);

/// Which work a function takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// [`Work::Run`].
    Runs,
    /// [`Work::Chunks`].
    Chunks,
}

impl Takes {
    fn fits(self, work: &Work) -> bool {
        self == match work {
            Work::Run { .. } => Self::Runs,
            Work::Chunks { .. } => Self::Chunks,
        }
    }
}

/// Handles pushes.
struct Push {
    parts: Parts,
    running: Running,
    takes: Takes,
    /// One place for each message that is worked on at once.
    places: Arc<Semaphore>,
}

/// `POST /push` for one kind of work, at most so many messages at once, of those who may call.
pub fn router(
    parts: Parts,
    running: &Running,
    invokers: &Arc<Invokers>,
    takes: Takes,
    at_once: usize,
) -> Router {
    let places = Arc::new(Semaphore::new(at_once));
    let push = Arc::new(Push { parts, running: running.clone(), takes, places });
    invokers.guard(Router::new().route("/push", post(pushed)).with_state(push))
}

async fn pushed(State(push): State<Arc<Push>>, body: Result<Bytes, BytesRejection>) -> Response {
    let body = match body {
        Ok(body) => body,
        Err(rejection) => {
            tracing::error!(reason = rejection.body_text(), "a message that nobody can read");
            return problem(rejection.status(), "malformed", &rejection.body_text());
        }
    };
    let delivered = match envelope::open(&body, push.parts.options.plan.message_chunks) {
        Ok(delivered) if push.takes.fits(&delivered.work) => delivered,
        Ok(delivered) => {
            tracing::error!(message_id = delivered.id, "a message that is another function's");
            return malformed("The work is another function's.");
        }
        Err(reason) => {
            tracing::error!(%reason, "a message that nobody can read");
            return malformed(&reason.to_string());
        }
    };
    let Ok(place) = Arc::clone(&push.places).try_acquire_owned() else {
        return later("busy", "As much is under way here as may be.", Duration::from_secs(1));
    };
    let work = Arc::clone(&push);
    let task = async move {
        let answer = work.answer(&delivered.work, &delivered.id).await;
        drop(place);
        answer
    };
    // A panic is in the log already.
    push.running.tasks.spawn(task.in_current_span()).await.unwrap_or_else(|_| internal())
}

impl Push {
    async fn answer(&self, work: &Work, message_id: &str) -> Response {
        let is_run = matches!(work, Work::Run { .. });
        // Fifty chunks may take longer than a request: then this message ends as if the process did.
        let ending = self.running.shutdown.child_token();
        let parts = Parts { shutdown: ending.clone(), ..self.parts.clone() };
        let time_is_up = async {
            tokio::time::sleep(GIVE_BACK_AFTER).await;
            ending.cancel();
            tokio::time::sleep(GIVING_BACK).await;
        };
        // A chunk gives its lease back by itself. Planning a large lake would go on until it is done, and is cut off: it
        // may be, anywhere, and the next delivery plans anew.
        let handled = tokio::select! {
            handled = steps::handle(&parts, work) => handled,
            () = ending.cancelled(), if is_run => Ok(Handled::Again(Duration::ZERO)),
            () = time_is_up => Ok(Handled::Again(Duration::ZERO)),
        };
        match handled {
            Ok(Handled::Done) => StatusCode::NO_CONTENT.into_response(),
            Ok(Handled::Again(after)) => {
                tracing::info!(message_id, after_secs = after.as_secs(), "a message has to come again");
                later("again", "It has to be delivered again.", after)
            }
            Err(error) => {
                tell(work, message_id, &error);
                later("broke-off", "A step broke off. It is in the log.", AFTER_ERROR)
            }
        }
    }
}

fn tell(work: &Work, message_id: &str, error: &StepError) {
    let (Work::Run { run } | Work::Chunks { run, .. }) = work;
    tracing::warn!(message_id, account = run.account.0, %run, %error, "a step broke off; it is tried again");
}

fn malformed(reason: &str) -> Response {
    problem(StatusCode::BAD_REQUEST, "malformed", reason)
}
