//! Live progress: streams of events that send a part of a page again whenever it has changed.

use std::{convert::Infallible, sync::Arc, time::Duration};

use askama::Template;
use axum::{
    extract::{Path, State},
    response::{
        IntoResponse, Response, Sse,
        sse::{Event, KeepAlive},
    },
};
use futures::stream;
use tokio::{
    sync::OwnedSemaphorePermit,
    time::{Interval, MissedTickBehavior},
};

use super::{export_of, list, show};
use crate::{
    App,
    pages::visit::Visit,
    problem::{Problem, ProblemKind},
};

/// How often one looks.
const EVERY: Duration = Duration::from_secs(1);
/// After so many looks a stream ends, and the browser asks again: so that whoever may not look any more does not.
const LOOKS: u32 = 600;

/// What a look found.
enum Look {
    /// The part of the page.
    Part(String),
    /// The part, and that nothing more will change.
    Last(String),
}

/// What a stream goes on with.
struct Watch {
    app: Arc<App>,
    visit: Visit,
    request: Option<String>,
    interval: Interval,
    looks: u32,
    sent: Option<String>,
    /// Given back when the stream ends, however it does.
    _permit: OwnedSemaphorePermit,
}

/// The list of exports of an address.
pub(super) async fn list(State(app): State<Arc<App>>, visit: Visit) -> Result<Response, Problem> {
    watch(app, visit, None)
}

/// An export's troubles, progress and runs.
pub(super) async fn export(
    State(app): State<Arc<App>>,
    visit: Visit,
    Path(request): Path<String>,
) -> Result<Response, Problem> {
    export_of(&app, &visit, &request).await?;
    watch(app, visit, Some(request))
}

fn watch(app: Arc<App>, visit: Visit, request: Option<String>) -> Result<Response, Problem> {
    let permit = Arc::clone(&app.streams).try_acquire_owned().map_err(|_| {
        let detail = "Too many people watch just now. The page shows what it is when it is loaded again.";
        Problem { retry_after_secs: Some(60), ..Problem::new(ProblemKind::Unavailable, detail) }
    })?;
    let mut interval = tokio::time::interval(EVERY);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let watch = Watch { app, visit, request, interval, looks: 0, sent: None, _permit: permit };
    let events = stream::unfold(Some(watch), next);
    Ok(Sse::new(events).keep_alive(KeepAlive::default()).into_response())
}

/// The next event: the part as soon as it is another one than was sent.
async fn next(watch: Option<Watch>) -> Option<(Result<Event, Infallible>, Option<Watch>)> {
    let mut watch = watch?;
    loop {
        if watch.looks >= LOOKS {
            return None;
        }
        watch.looks += 1;
        let shutdown = watch.app.parts.shutdown.clone();
        tokio::select! {
            _ = watch.interval.tick() => {}
            () = shutdown.cancelled() => return None,
        }
        watch.visit.look_again(&watch.app);
        // What does not work is logged; the next look may work again.
        let Ok(look) = look(&watch).await else { continue };
        match look {
            Look::Part(part) if watch.sent.as_ref() == Some(&part) => {}
            Look::Part(part) => {
                let event = Event::default().event("part").data(part.clone());
                watch.sent = Some(part);
                return Some((Ok(event), Some(watch)));
            }
            Look::Last(part) => {
                // The page that is shown may have been made after the end.
                return Some((Ok(Event::default().event("end").data(part)), None));
            }
        }
    }
}

async fn look(watch: &Watch) -> Result<Look, Problem> {
    let rendered = |text: Result<String, askama::Error>| text.map_err(|error| Problem::internal(&error));
    let Some(request) = &watch.request else {
        let results = list::results(&watch.app, &watch.visit).await?;
        return Ok(Look::Part(rendered(results.render())?));
    };
    let export = export_of(&watch.app, &watch.visit, request).await?;
    let shown = show::shown(&watch.app, &watch.visit, export).await?;
    let part = rendered(shown.live.render())?;
    Ok(if shown.is_settled { Look::Last(part) } else { Look::Part(part) })
}
