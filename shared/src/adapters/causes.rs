//! What lies behind a client's error.

use std::error::Error;

/// Whether one of the causes of an error is of this kind.
pub(super) fn has_cause<C: Error + 'static>(error: &dyn Error) -> bool {
    let mut cause = error.source();
    while let Some(inner) = cause {
        if inner.is::<C>() {
            return true;
        }
        cause = inner.source();
    }
    false
}
