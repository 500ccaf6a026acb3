//! Listening on this machine's loopback, and ending in peace.

use std::{io::ErrorKind, net::Ipv4Addr};

use anyhow::{Context, bail};
use axum::Router;
use rand::{RngExt, distr::Alphanumeric};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Binds the port on the loopback; nobody else's machine can reach it.
pub(super) async fn on(port: u16) -> anyhow::Result<TcpListener> {
    match TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            bail!("port {port} is in use; choose another with --port (0: any that is free)")
        }
        bound => bound.with_context(|| format!("port {port} cannot be listened on")),
    }
}

/// Serves until the process ends.
pub(super) async fn serve(
    listener: TcpListener,
    router: Router,
    ending: CancellationToken,
) -> anyhow::Result<()> {
    let serving =
        axum::serve(listener, router).with_graceful_shutdown(async move { ending.cancelled().await });
    serving.await.context("the server broke off")
}

/// What lets this process, and no other on this machine, ask its validator.
pub(super) fn secret() -> String {
    rand::rng().sample_iter(Alphanumeric).take(43).map(char::from).collect()
}
