//! What a name leads to, as far as it may be called.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use async_trait::async_trait;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// What names lead to.
#[async_trait]
pub trait Names: Send + Sync {
    /// A name's addresses.
    ///
    /// # Errors
    /// Where it cannot be found out.
    async fn look_up(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}

/// What the system says.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemNames;

#[async_trait]
impl Names for SystemNames {
    async fn look_up(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        Ok(tokio::net::lookup_host((name, 0)).await?.map(|address| address.ip()).collect())
    }
}

/// An address that must not be called.
#[derive(Debug, thiserror::Error)]
#[error("the name leads to a private address")]
pub(super) struct PrivateAddress;

/// No address at all.
#[derive(Debug, thiserror::Error)]
#[error("the name leads to no address")]
pub(super) struct NoAddress;

/// The resolver of a client that must not be led inward: a name of which one address is private is refused whole, so
/// that nothing depends on which one is tried first.
pub(super) struct PublicOnly {
    pub(super) names: Arc<dyn Names>,
    pub(super) may_call: fn(IpAddr) -> bool,
}

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        let (names, may_call) = (Arc::clone(&self.names), self.may_call);
        Box::pin(async move {
            let found = names.look_up(name.as_str()).await.map_err(|_| NoAddress)?;
            if found.is_empty() {
                return Err(NoAddress.into());
            }
            if !found.iter().all(|address| may_call(*address)) {
                return Err(PrivateAddress.into());
            }
            // The port is that of the URL.
            let addresses: Addrs = Box::new(found.into_iter().map(|address| SocketAddr::new(address, 0)));
            Ok(addresses)
        })
    }
}
