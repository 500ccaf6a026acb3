//! The listening side: connections that can be cut, and the server's life from start to shutdown.

use std::{
    future::Future,
    io,
    net::{Ipv4Addr, SocketAddr},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    extract::connect_info::Connected,
    serve::{IncomingStream, Listener},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
    time,
};
use tokio_util::sync::CancellationToken;

use crate::{Clocks, Emulator, api, error::Error};

/// How long open requests may take to end after a shutdown.
const GRACE: Duration = Duration::from_secs(5);

/// The means to reset a connection.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    cut: Arc<AtomicBool>,
}

impl Peer {
    /// From now on nothing goes through: the next byte either way resets the connection.
    pub(crate) fn cut(&self) {
        self.cut.store(true, Ordering::Release);
    }
}

impl Connected<IncomingStream<'_, Cuttable<TcpListener>>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Cuttable<TcpListener>>) -> Self {
        stream.remote_addr().clone()
    }
}

/// A listener or a stream of it, whose connections a [`Peer`] can cut.
pub(crate) struct Cuttable<T> {
    inner: T,
    cut: Arc<AtomicBool>,
}

impl Listener for Cuttable<TcpListener> {
    type Io = Cuttable<TcpStream>;
    type Addr = Peer;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let (stream, _) = Listener::accept(&mut self.inner).await;
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "small replies may be slower");
        }
        let cut = Arc::new(AtomicBool::new(false));
        (Cuttable { inner: stream, cut: Arc::clone(&cut) }, Peer { cut })
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        Ok(Peer { cut: Arc::clone(&self.cut) })
    }
}

impl Cuttable<TcpStream> {
    /// Fails once the connection is cut; closing with linger 0 makes it an RST, not an orderly end.
    fn check(&self) -> io::Result<()> {
        if self.cut.load(Ordering::Acquire) {
            self.inner.set_zero_linger()?;
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        Ok(())
    }
}

impl AsyncRead for Cuttable<TcpStream> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check()?;
        Pin::new(&mut self.inner).poll_read(cx, buf)
    }
}

impl AsyncWrite for Cuttable<TcpStream> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut self.inner).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check()?;
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

impl Emulator {
    /// Serves on `listener` until `shutdown` resolves and open requests have ended.
    ///
    /// # Errors
    /// If the listener has no address or fails for good.
    pub async fn serve(
        self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> io::Result<()> {
        let base_url = base_url(listener.local_addr()?);
        let router = api::router(self, base_url);
        let listener = Cuttable { inner: listener, cut: Arc::default() };
        axum::serve(listener, router.into_make_service_with_connect_info::<Peer>())
            .with_graceful_shutdown(shutdown)
            .await
    }

    /// Opens the folder and serves it on a free port of the loopback interface.
    ///
    /// # Errors
    /// If the folder cannot be used, or no port is to be had.
    pub async fn start(
        root: impl Into<std::path::PathBuf>,
        clocks: impl Into<Clocks>,
    ) -> Result<Running, Error> {
        Self::open(root, clocks)?.start_here().await
    }

    /// Serves an opened emulator on a free port of the loopback interface.
    ///
    /// # Errors
    /// If no port is to be had.
    pub async fn start_here(self) -> Result<Running, Error> {
        let failed = |source| Error::Io { path: self.root().to_owned(), source };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(failed)?;
        let base_url = base_url(listener.local_addr().map_err(failed)?);
        let stop = CancellationToken::new();
        let server = tokio::spawn(self.clone().serve(listener, stop.clone().cancelled_owned()));
        Ok(Running { emulator: self, base_url, stop, server })
    }
}

/// The address that clients use; one that listens everywhere is reached by the loopback interface.
fn base_url(address: SocketAddr) -> String {
    if address.ip().is_unspecified() {
        format!("http://127.0.0.1:{}", address.port())
    } else {
        format!("http://{address}")
    }
}

/// An emulator that is being served. Dropped, it stops by itself.
#[derive(Debug)]
pub struct Running {
    emulator: Emulator,
    base_url: String,
    stop: CancellationToken,
    server: JoinHandle<io::Result<()>>,
}

impl Running {
    /// Where it listens, e.g. `http://127.0.0.1:40123`, without a slash at the end.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Its buckets, keys and faults.
    pub fn emulator(&self) -> &Emulator {
        &self.emulator
    }

    /// Stops listening and waits up to 5 seconds for open requests.
    pub async fn shutdown(mut self) {
        self.stop.cancel();
        match time::timeout(GRACE, &mut self.server).await {
            Ok(Ok(Ok(()))) => {}
            Ok(ended) => tracing::warn!(?ended, "the emulator did not end well"),
            Err(_) => self.server.abort(),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
