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
use tokio::time::{Interval, MissedTickBehavior};

use super::{export_of, list, show};
use crate::{App, pages::visit::Visit, problem::Problem, security::streams::OpenStream};

/// How often one looks at an export.
const EXPORT_EVERY_SECS: u32 = 2;
/// How often at the list, which asks the store for each of its rows.
const LIST_EVERY_SECS: u32 = 3;
/// After so long a stream ends, and the browser asks again: so that whoever may not look any more does not.
const STREAM_SECS: u32 = 600;

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
    looks_left: u32,
    sent: Option<String>,
    /// Given back when the stream ends, however it does.
    _open: OpenStream,
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
    let open = app.streams.open(visit.viewer.account)?;
    let every_secs = if request.is_some() { EXPORT_EVERY_SECS } else { LIST_EVERY_SECS };
    let mut interval = tokio::time::interval(Duration::from_secs(every_secs.into()));
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let looks_left = STREAM_SECS / every_secs;
    let watch = Watch { app, visit, request, interval, looks_left, sent: None, _open: open };
    let events = stream::unfold(Some(watch), next);
    Ok(Sse::new(events).keep_alive(KeepAlive::default()).into_response())
}

/// The next event: the part as soon as it is another one than was sent.
async fn next(watch: Option<Watch>) -> Option<(Result<Event, Infallible>, Option<Watch>)> {
    let mut watch = watch?;
    loop {
        watch.looks_left = watch.looks_left.checked_sub(1)?;
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
