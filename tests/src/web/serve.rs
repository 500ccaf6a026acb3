//! A router behind an address of its own, for what is asked by HTTP.

use axum::Router;
use tokio::net::TcpListener;
use url::Url;

/// Serves on a loopback port until the test's runtime ends; gives the address.
///
/// # Panics
/// Where no port is free.
pub async fn serve(router: Router) -> Url {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}").parse().expect("an address")
}
