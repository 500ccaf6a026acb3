//! Who may call: whoever knows the secret.

use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use axum::{
    Router,
    extract::{Request, State},
    http::header::AUTHORIZATION,
    middleware::{self, Next},
    response::Response,
};
use zeroize::Zeroizing;

use crate::problem;

/// The shortest secret, in bytes.
const MIN_BYTES: usize = 16;

/// What the dashboard and the validator share.
pub struct BearerSecret(Zeroizing<String>);

/// The text is too short for a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the validator's secret is too short; give at least {MIN_BYTES} characters, for example 32 random hexadecimal digits"
)]
pub struct WeakSecret;

impl BearerSecret {
    /// A secret out of a configuration, or made up for one process.
    ///
    /// # Errors
    /// [`WeakSecret`].
    pub fn new(text: String) -> Result<Self, WeakSecret> {
        let text = Zeroizing::new(text);
        if text.len() < MIN_BYTES { Err(WeakSecret) } else { Ok(Self(text)) }
    }

    /// Routes that only those reach who know it: `Authorization: Bearer …`.
    pub fn guard(self, routes: Router) -> Router {
        routes.layer(middleware::from_fn_with_state(Arc::new(self), require))
    }

    /// Takes as long for a near miss as for a far one.
    fn is(&self, given: &[u8]) -> bool {
        verify_slices_are_equal(self.0.as_bytes(), given).is_ok()
    }
}

impl std::fmt::Debug for BearerSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("BearerSecret(…)")
    }
}

/// Lets those through who know the secret, before anything of the request is read.
async fn require(State(secret): State<Arc<BearerSecret>>, request: Request, next: Next) -> Response {
    let given = request.headers().get(AUTHORIZATION).map(|value| value.as_bytes());
    match given.and_then(|given| given.strip_prefix(b"Bearer ")) {
        Some(given) if secret.is(given) => next.run(request).await,
        _ => problem::unauthorized(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_long_enough_and_never_shown() {
        assert_eq!(BearerSecret::new("x".repeat(15)).err(), Some(WeakSecret));
        let secret = BearerSecret::new("0123456789abcdef".to_owned()).unwrap();
        assert!(secret.is(b"0123456789abcdef"));
        assert!(!secret.is(b"0123456789abcdeF") && !secret.is(b"0123456789abcde") && !secret.is(b""));
        assert_eq!(format!("{secret:?}"), "BearerSecret(…)");
    }
}
