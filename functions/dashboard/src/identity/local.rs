//! The local mode: whoever can connect to this machine's loopback is the one person that the configuration names.

use serde::Deserialize;
use spillway::domain::AccountId;

use super::{Role, Viewer};

/// Who everybody is.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LocalConfig {
    /// Their account.
    pub account: AccountId,
    /// Their address, for the exports that they create.
    #[serde(default)]
    pub email: Option<String>,
    /// What they may do.
    #[serde(default = "editor")]
    pub role: Role,
}

fn editor() -> Role {
    Role::Editor
}

impl LocalConfig {
    pub(super) fn viewer(&self) -> Viewer {
        Viewer { account: self.account, email: self.email.clone(), role: self.role }
    }
}
