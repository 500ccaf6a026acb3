//! Who helps: a file that is alone in its process has its units compressed by all cores, files that are many use one
//! core each. That changes no byte.

use std::collections::VecDeque;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{Builder, JoinHandle, available_parallelism};

/// How many files are being compressed in this process, and how many threads help them.
static FILES: AtomicUsize = AtomicUsize::new(0);
static HELPERS: AtomicUsize = AtomicUsize::new(0);
static CORES: LazyLock<usize> = LazyLock::new(|| available_parallelism().map_or(1, usize::from));
/// So many units of a file wait for their turn at most; it bounds its memory.
const MOST_WAITING: usize = 4;

/// A file's part in the count.
#[derive(Debug)]
pub(super) struct Counted(());

impl Counted {
    pub(super) fn new() -> Self {
        FILES.fetch_add(1, Ordering::Relaxed);
        Self(())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        FILES.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A helper's part in the count.
struct Helper(());

impl Helper {
    /// One, if a core is free for it.
    fn take() -> Option<Self> {
        let most = most_helpers();
        let one_more = |helpers| (helpers < most).then_some(helpers + 1);
        HELPERS.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more).ok().map(|_| Self(()))
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        HELPERS.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Whether somebody would help now.
pub(super) fn is_help_near() -> bool {
    HELPERS.load(Ordering::Relaxed) < most_helpers()
}

/// One more than there are free cores, if any is: it has its unit ready when another is done.
fn most_helpers() -> usize {
    match CORES.saturating_sub(FILES.load(Ordering::Relaxed)) {
        0 => 0,
        free => free + 1,
    }
}

/// Units in their order, compressed or on their way.
#[derive(Debug, Default)]
pub(super) struct Waiting(VecDeque<Unit>);

#[derive(Debug)]
enum Unit {
    Made(Vec<u8>),
    Helped { helper: JoinHandle<Vec<u8>>, raw_bytes: u64 },
}

/// A unit that came from a helper.
pub(super) struct Arrived {
    pub(super) raw_bytes: u64,
    pub(super) stored_bytes: u64,
}

impl Waiting {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes the last bytes that wait, if no helper makes them, so that more can be put behind them.
    pub(super) fn take_last(&mut self) -> Vec<u8> {
        match self.0.pop_back() {
            Some(Unit::Made(bytes)) => bytes,
            Some(helped) => {
                self.0.push_back(helped);
                Vec::new()
            }
            None => Vec::new(),
        }
    }

    /// Bytes that wait behind all others.
    pub(super) fn put_last(&mut self, bytes: Vec<u8>) {
        self.0.push_back(Unit::Made(bytes));
    }

    /// Has a unit compressed by a helper; gives the unit back where there is none.
    pub(super) fn help(
        &mut self,
        unit: Vec<u8>,
        compress: impl FnOnce(&[u8]) -> Vec<u8> + Send + 'static,
    ) -> Result<(), Vec<u8>> {
        let Some(permit) = Helper::take() else { return Err(unit) };
        let raw_bytes = unit.len() as u64;
        // Handed over by a channel, so that it comes back where no thread can be had.
        let (hand, taken) = std::sync::mpsc::sync_channel::<Vec<u8>>(1);
        let work = move || {
            let made = taken.recv().map(|unit| compress(&unit)).unwrap_or_default();
            drop(permit);
            made
        };
        match Builder::new().name("gzip".to_owned()).spawn(work) {
            Ok(helper) => {
                hand.send(unit).map_err(|error| error.0)?;
                self.0.push_back(Unit::Helped { helper, raw_bytes });
                Ok(())
            }
            Err(_) => Err(unit),
        }
    }

    /// Appends what is ready in its turn to `out`, or all where `to_the_end`; those that helpers made are told.
    pub(super) fn drain(&mut self, to_the_end: bool, out: &mut Vec<u8>, mut told: impl FnMut(Arrived)) {
        while let Some(unit) = self.0.pop_front() {
            match unit {
                Unit::Made(bytes) => out.extend_from_slice(&bytes),
                Unit::Helped { helper, raw_bytes }
                    if !to_the_end && self.0.len() < MOST_WAITING && !helper.is_finished() =>
                {
                    self.0.push_front(Unit::Helped { helper, raw_bytes });
                    return;
                }
                Unit::Helped { helper, raw_bytes } => {
                    let bytes = helper.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
                    told(Arrived { raw_bytes, stored_bytes: bytes.len() as u64 });
                    out.extend_from_slice(&bytes);
                }
            }
        }
    }
}
