//! The line to an emulator, which can be cut, as while the service at its other end is being started again, or be silent, as
//! when packets get lost.

use std::{net::SocketAddr, sync::Arc};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// How the line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Line {
    /// It carries.
    Open,
    /// Open connections break and new ones are refused.
    Cut,
    /// Connections stay and new ones are taken, and nothing is carried; when it is open again, they break.
    Silent,
}

/// The line.
pub(crate) struct Gate {
    address: SocketAddr,
    line: Arc<watch::Sender<Line>>,
}

impl Gate {
    /// A line to this address (`host:port`).
    pub(crate) async fn to(target: &str) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let line = Arc::new(watch::Sender::new(Line::Open));
        let (target, state) = (target.to_owned(), Arc::clone(&line));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // Dropped at once, it is closed before anything is answered.
                if *state.borrow() != Line::Cut {
                    tokio::spawn(carry(stream, target.clone(), state.subscribe()));
                }
            }
        });
        Self { address, line }
    }

    /// `host:port`
    pub(crate) fn host(&self) -> String {
        self.address.to_string()
    }

    pub(crate) fn set(&self, line: Line) {
        self.line.send_replace(line);
    }
}

async fn carry(mut near: TcpStream, target: String, mut state: watch::Receiver<Line>) {
    let carried = async {
        let Ok(mut far) = TcpStream::connect(target).await else { return };
        drop(copy_bidirectional(&mut near, &mut far).await);
    };
    tokio::select! {
        biased;
        _ = state.wait_for(|line| *line != Line::Open) => {}
        () = carried => return,
    }
    // Held, it says nothing.
    drop(state.wait_for(|line| *line != Line::Silent).await);
}
