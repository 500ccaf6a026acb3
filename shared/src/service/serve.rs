//! Listening, until the process is told to end.

use std::{future::IntoFuture, net::Ipv4Addr, time::Duration};

use axum::Router;
use tokio::{
    net::TcpListener,
    signal::unix::{Signal, SignalKind, signal},
};

use super::{Running, StartError};

/// How long what is under way may take to give itself back; Cloud Run kills after 10 seconds.
const GRACE: Duration = Duration::from_secs(9);

/// Serves until SIGTERM or Ctrl-C; then nothing new is taken, leases are given back, and what has not ended in time is
/// left where it stands: every step may be cut off anywhere.
#[cfg_attr(
    feature = "lambda",
    expect(clippy::future_not_send, reason = "the process waits for it on its first thread")
)]
pub(super) async fn until_told(router: Router, port: u16, running: &Running) -> Result<(), StartError> {
    #[cfg(feature = "lambda")]
    if super::lambda::is_here() {
        return super::lambda::serve(router).await;
    }
    // Heard before the first request comes.
    let (terminate, interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).await;
    let listener = listener.map_err(|error| format!("port {port} cannot be listened on: {error}"))?;
    tracing::info!(port = listener.local_addr()?.port(), "ready");
    let ending = running.shutdown.clone().cancelled_owned();
    let mut serving = axum::serve(listener, router).with_graceful_shutdown(ending).into_future();
    tokio::select! {
        ended = &mut serving => return Ok(ended?),
        () = told(terminate, interrupt) => {}
    }
    tracing::info!("told to end; what is under way is given back");
    running.shutdown.cancel();
    running.tasks.close();
    let ended = async { (serving.await, running.tasks.wait().await) };
    match tokio::time::timeout(GRACE, ended).await {
        Ok((served, ())) => served?,
        Err(_) => tracing::warn!("something is left where it stands; its leases end by themselves"),
    }
    tracing::info!("ended");
    Ok(())
}

async fn told(mut terminate: Signal, mut interrupt: Signal) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}
