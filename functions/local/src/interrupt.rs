//! Ctrl-C and SIGTERM, which ask for the same: to end soon, in a state that the next start resumes.

use anyhow::Context;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Hears the signals. From the first of these on, the system no longer ends the process by itself.
pub(crate) struct Interrupts {
    interrupt: Signal,
    terminate: Signal,
}

impl Interrupts {
    pub(crate) fn listen() -> anyhow::Result<Self> {
        let hear = |kind| signal(kind).context("Ctrl-C cannot be heard");
        Ok(Self { interrupt: hear(SignalKind::interrupt())?, terminate: hear(SignalKind::terminate())? })
    }

    /// Waits for the next one.
    pub(crate) async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }

    /// From now on the next one ends the process where it stands, as if nobody listened.
    pub(crate) fn end_process(mut self) {
        tokio::spawn(async move {
            self.next().await;
            std::process::exit(INTERRUPTED);
        });
    }
}

/// What shells say of a process that Ctrl-C ended.
const INTERRUPTED: i32 = 130;
