//! Who may do what: roles as permission sets, granted per bucket to service accounts or to everybody.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// A permission by Google's name; only those that the emulator checks.
pub(crate) mod permission {
    pub(crate) const OBJECTS_CREATE: &str = "storage.objects.create";
    pub(crate) const OBJECTS_GET: &str = "storage.objects.get";
    pub(crate) const OBJECTS_LIST: &str = "storage.objects.list";
    pub(crate) const OBJECTS_UPDATE: &str = "storage.objects.update";
    pub(crate) const OBJECTS_DELETE: &str = "storage.objects.delete";
    pub(crate) const BUCKETS_GET: &str = "storage.buckets.get";
    pub(crate) const BUCKETS_UPDATE: &str = "storage.buckets.update";
    pub(crate) const BUCKETS_DELETE: &str = "storage.buckets.delete";
    pub(crate) const BUCKETS_CREATE: &str = "storage.buckets.create";
    pub(crate) const BUCKETS_LIST: &str = "storage.buckets.list";
    pub(crate) const BUCKETS_GET_IAM: &str = "storage.buckets.getIamPolicy";
    pub(crate) const BUCKETS_SET_IAM: &str = "storage.buckets.setIamPolicy";
}
use permission::*;

/// A predefined role. <https://cloud.google.com/storage/docs/access-control/iam-roles>
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Role {
    /// Create objects; neither see, replace nor delete them.
    #[serde(rename = "roles/storage.objectCreator")]
    ObjectCreator,
    /// Read and list objects.
    #[serde(rename = "roles/storage.objectViewer")]
    ObjectViewer,
    /// Create, read, list, change and delete objects.
    #[serde(rename = "roles/storage.objectUser")]
    ObjectUser,
    /// Everything about objects, nothing about the bucket: not even `storage.buckets.get`.
    #[serde(rename = "roles/storage.objectAdmin")]
    ObjectAdmin,
    /// Everything about the bucket and its objects.
    #[serde(rename = "roles/storage.admin")]
    Admin,
}

impl Role {
    /// The permissions that the role holds.
    pub(crate) fn permissions(self) -> &'static [&'static str] {
        const EVERYTHING: &[&str] = &[
            OBJECTS_CREATE,
            OBJECTS_GET,
            OBJECTS_LIST,
            OBJECTS_UPDATE,
            OBJECTS_DELETE,
            "storage.objects.getIamPolicy",
            "storage.objects.setIamPolicy",
            "storage.objects.setRetention",
            "storage.objects.overrideUnlockedRetention",
            "storage.objects.restore",
            "storage.objects.move",
            BUCKETS_GET,
            BUCKETS_UPDATE,
            BUCKETS_DELETE,
            BUCKETS_CREATE,
            BUCKETS_LIST,
            BUCKETS_GET_IAM,
            BUCKETS_SET_IAM,
        ];
        match self {
            Self::ObjectCreator => &[OBJECTS_CREATE],
            Self::ObjectViewer => &[OBJECTS_GET, OBJECTS_LIST],
            Self::ObjectUser => &[
                OBJECTS_CREATE,
                OBJECTS_GET,
                OBJECTS_LIST,
                OBJECTS_UPDATE,
                OBJECTS_DELETE,
                "storage.objects.restore",
                "storage.objects.move",
            ],
            Self::ObjectAdmin => EVERYTHING.split_at(11).0,
            Self::Admin => EVERYTHING,
        }
    }
}

/// A bucket's IAM policy: role → members such as `serviceAccount:a@p.iam.gserviceaccount.com` or `allUsers`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Policy {
    pub(crate) bindings: BTreeMap<Role, BTreeSet<String>>,
}

/// A member as IAM writes it: `allUsers` and what already has a prefix stay, an e-mail is a service account.
pub(crate) fn member(name: &str) -> String {
    if name.contains(':') || name == "allUsers" || name == "allAuthenticatedUsers" {
        name.to_owned()
    } else {
        format!("serviceAccount:{name}")
    }
}

impl Policy {
    pub(crate) fn grant(&mut self, who: &str, role: Role) {
        self.bindings.entry(role).or_default().insert(member(who));
    }

    pub(crate) fn revoke(&mut self, who: &str, role: Role) {
        if let Some(members) = self.bindings.get_mut(&role) {
            members.remove(&member(who));
        }
        self.bindings.retain(|_, members| !members.is_empty());
    }

    /// Whether a caller (by e-mail; `None` is anonymous) holds `permission`.
    pub(crate) fn allows(&self, caller: Option<&str>, permission: &str) -> bool {
        let account = caller.map(member);
        self.bindings.iter().any(|(role, members)| {
            role.permissions().contains(&permission)
                && (members.contains("allUsers")
                    || account.as_ref().is_some_and(|account| {
                        members.contains(account) || members.contains("allAuthenticatedUsers")
                    }))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_hold_what_google_says() {
        assert_eq!(Role::ObjectCreator.permissions(), [OBJECTS_CREATE]);
        assert!(!Role::ObjectAdmin.permissions().iter().any(|name| name.contains(".buckets.")));
        assert!(Role::ObjectAdmin.permissions().contains(&"storage.objects.setRetention"));
        assert!(Role::Admin.permissions().contains(&BUCKETS_GET));
    }

    #[test]
    fn grants_can_be_taken_back() {
        let mut policy = Policy::default();
        policy.grant("a@p", Role::ObjectCreator);
        assert!(policy.allows(Some("a@p"), OBJECTS_CREATE));
        assert!(!policy.allows(Some("b@p"), OBJECTS_CREATE));
        assert!(!policy.allows(None, OBJECTS_CREATE));
        policy.revoke("a@p", Role::ObjectCreator);
        assert_eq!(policy, Policy::default());
        policy.grant("allUsers", Role::ObjectViewer);
        assert!(policy.allows(None, OBJECTS_GET) && policy.allows(Some("b@p"), OBJECTS_LIST));
    }
}
