//! An ingest called off from outside: either nothing of it is taken in, or it was too late.

use std::sync::atomic::{AtomicU8, Ordering};

const OPEN: u8 = 0;
const CALLED_OFF: u8 = 1;
const COMMITTED: u8 = 2;

/// Between an ingest and whoever may call it off. Whichever comes first, the call or the commit, decides.
#[derive(Debug, Default)]
pub struct CallOff(AtomicU8);

impl CallOff {
    /// Calls the ingest off. Whether nothing of it is taken in; if not, it is committed already and soon done.
    pub fn call_off(&self) -> bool {
        self.decide(CALLED_OFF)
    }

    /// Whether it was called off.
    pub(super) fn is_called_off(&self) -> bool {
        self.0.load(Ordering::Relaxed) == CALLED_OFF
    }

    /// Whether it may be committed; from then on it is not called off any more.
    pub(super) fn commit(&self) -> bool {
        self.decide(COMMITTED)
    }

    fn decide(&self, fate: u8) -> bool {
        let first = self.0.compare_exchange(OPEN, fate, Ordering::AcqRel, Ordering::Acquire);
        first.is_ok() || first == Err(fate)
    }
}
