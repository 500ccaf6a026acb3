//! Progress as server-sent events: an event for each change, until nothing more will come.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::response::{
    IntoResponse, Response, Sse,
    sse::{Event, KeepAlive},
};
use futures::{Stream, stream};
use spillway::domain::{AccountId, RequestId, StatusKind};
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::{bodies::ProgressBody, progress::progress};
use crate::{App, identity::Viewer, problem::Problem, security::streams::OpenStream};

/// How often the store is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How often a line is sent so that nothing on the way takes the stream for dead.
const ALIVE_EVERY: Duration = Duration::from_secs(15);
/// After how many looks a stream ends; browsers come again by themselves, and their login is looked at again.
const LOOKS: u32 = 300;

/// A stream under way.
struct Watch {
    app: Arc<App>,
    account: AccountId,
    request: RequestId,
    told: Option<ProgressBody>,
    looks: u32,
    ticks: Interval,
    stage: Stage,
    /// Given back when the stream ends, however it does.
    _open: OpenStream,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Watching,
    Ending,
    Ended,
}

pub(super) fn answer(app: Arc<App>, viewer: Viewer, request: RequestId) -> Result<Response, Problem> {
    let open = app.streams.open(viewer.account)?;
    let mut ticks = interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let watch = Watch {
        app,
        account: viewer.account,
        request,
        told: None,
        looks: 0,
        ticks,
        stage: Stage::Watching,
        _open: open,
    };
    let alive = KeepAlive::new().interval(ALIVE_EVERY);
    Ok(Sse::new(watch.events()).keep_alive(alive).into_response())
}

impl Watch {
    fn events(self) -> impl Stream<Item = Result<Event, Infallible>> {
        stream::unfold(self, |mut watch| async move { watch.next().await.map(|event| (Ok(event), watch)) })
    }

    async fn next(&mut self) -> Option<Event> {
        let shutdown = self.app.parts.shutdown.clone();
        while self.stage == Stage::Watching {
            tokio::select! {
                _ = self.ticks.tick() => {}
                () = shutdown.cancelled() => return None,
            }
            self.looks += 1;
            if self.looks > LOOKS {
                return None;
            }
            if let Some(event) = self.look().await? {
                return Some(event);
            }
        }
        let is_ending = self.stage == Stage::Ending;
        self.stage = Stage::Ended;
        is_ending.then(|| Event::default().event("end").data("{}"))
    }

    /// The news, if there is any; none at all where the stream cannot go on.
    async fn look(&mut self) -> Option<Option<Event>> {
        // A store that does not answer for a moment is logged, and asked again by whoever comes back.
        let export =
            self.app.parts.store.export(self.account, self.request).await.map_err(Problem::from).ok()??;
        let now = progress(&self.app, &export).await.ok()?;
        let is_over = matches!(export.status.kind(), StatusKind::Done | StatusKind::Stopped)
            && now.run.as_ref().is_none_or(|run| run.closed_at.is_some());
        if is_over {
            self.stage = Stage::Ending;
        }
        let is_news = self.told.as_ref().is_none_or(|told| told.is_news(&now));
        if !is_news {
            return Some(None);
        }
        let event = Event::default().event("progress").json_data(&now).ok()?;
        self.told = Some(now);
        Some(Some(event))
    }
}

impl ProgressBody {
    /// Whether another state is worth telling: the time that is left changes every second by itself.
    fn is_news(&self, now: &Self) -> bool {
        let plain = |body: &Self| {
            let mut body = body.clone();
            if let Some(run) = &mut body.run {
                run.seconds_left = None;
            }
            body
        };
        plain(self) != plain(now)
    }
}
