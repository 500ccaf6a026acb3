//! A customer's server that takes webhooks: over TLS, with a certificate of its own, on a loopback address.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{Router, extract::State, serve::Listener};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, pki_types::PrivateKeyDer},
    server::TlsStream,
};

/// The name that its certificate is for.
pub const HOOK_HOST: &str = "hooks.example.com";

/// The server.
pub struct HookServer {
    /// Where it listens.
    pub address: SocketAddr,
    /// Whose certificates have to be trusted.
    pub authority: reqwest::Certificate,
    taken: Taken,
}

/// What it was sent.
pub type Delivery = (HeaderMap, Bytes);

type Taken = Arc<Mutex<Vec<Delivery>>>;

impl HookServer {
    /// A server that takes every delivery.
    ///
    /// # Panics
    /// Where no port is free.
    pub async fn start() -> Self {
        let taken = Taken::default();
        let routes = Router::new().fallback(take).with_state(Arc::clone(&taken));
        Self::with(([127, 0, 0, 1], 0).into(), routes, taken).await
    }

    /// A server with other routes.
    ///
    /// # Panics
    /// Where the address is in use.
    pub async fn serving(address: SocketAddr, routes: Router) -> Self {
        Self::with(address, routes, Taken::default()).await
    }

    async fn with(address: SocketAddr, routes: Router, taken: Taken) -> Self {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed([HOOK_HOST.to_owned()]).expect("a certificate");
        let key = PrivateKeyDer::Pkcs8(signing_key.serialize_der().into());
        let config =
            ServerConfig::builder().with_no_client_auth().with_single_cert(vec![cert.der().clone()], key);
        let acceptor = TlsAcceptor::from(Arc::new(config.expect("a certificate and its key")));
        let tcp = TcpListener::bind(address).await.expect("a port");
        let address = tcp.local_addr().expect("an address");
        tokio::spawn(async move { axum::serve(Tls { tcp, acceptor }, routes).await });
        let authority = reqwest::Certificate::from_der(cert.der()).expect("a certificate");
        Self { address, authority, taken }
    }

    /// What arrived, oldest first.
    #[must_use]
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn take(State(taken): State<Taken>, headers: HeaderMap, body: Bytes) -> StatusCode {
    taken.lock().unwrap_or_else(PoisonError::into_inner).push((headers, body));
    StatusCode::NO_CONTENT
}

struct Tls {
    tcp: TcpListener,
    acceptor: TlsAcceptor,
}

impl Listener for Tls {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            // Whoever does not shake hands is not served.
            if let Ok((stream, address)) = self.tcp.accept().await
                && let Ok(stream) = self.acceptor.accept(stream).await
            {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.tcp.local_addr()
    }
}
