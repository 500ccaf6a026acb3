//! The line to an emulator, which can be cut: then open connections break and new ones are refused, as while the service
//! at its other end is being started again.

use std::{net::SocketAddr, sync::Arc};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// The line.
pub(crate) struct Gate {
    address: SocketAddr,
    is_open: Arc<watch::Sender<bool>>,
}

impl Gate {
    /// A line to this address (`host:port`).
    pub(crate) async fn to(target: &str) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let is_open = Arc::new(watch::Sender::new(true));
        let (target, state) = (target.to_owned(), Arc::clone(&is_open));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // Dropped at once, it is closed before anything is answered.
                if *state.borrow() {
                    tokio::spawn(carry(stream, target.clone(), state.subscribe()));
                }
            }
        });
        Self { address, is_open }
    }

    /// `host:port`
    pub(crate) fn host(&self) -> String {
        self.address.to_string()
    }

    pub(crate) fn set_open(&self, is_open: bool) {
        self.is_open.send_replace(is_open);
    }
}

async fn carry(mut near: TcpStream, target: String, mut state: watch::Receiver<bool>) {
    let Ok(mut far) = TcpStream::connect(target).await else { return };
    tokio::select! {
        _ = copy_bidirectional(&mut near, &mut far) => {}
        _ = state.wait_for(|is_open| !is_open) => {}
    }
}
