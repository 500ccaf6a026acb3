//! Which of a user's identities stands in the `identity` field.

use serde::{Deserialize, Serialize};

/// A kind of identity that an account may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IdentityKind {
    /// The platform's own identity.
    Identity,
    /// The user's e-mail address.
    Email,
    /// The user's phone number.
    Phone,
}

impl IdentityKind {
    /// All of them, in the default order of priority.
    pub const ALL: [Self; 3] = [Self::Identity, Self::Email, Self::Phone];

    /// As in documents.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Email => "email",
            Self::Phone => "phone",
        }
    }
}

/// An order of one to three different kinds; the first that a user has is the user's identity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<IdentityKind>", into = "Vec<IdentityKind>")]
pub struct IdentityPriority(Vec<IdentityKind>);

/// Why an order of priorities is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PriorityError {
    /// There is none.
    #[error("no identity is given; name one to three of identity, email, phone")]
    Empty,
    /// A kind is named twice.
    #[error("{0:?} is named twice; name each identity once")]
    Repeated(IdentityKind),
}

impl IdentityPriority {
    /// An order of one to three different kinds.
    ///
    /// # Errors
    /// When `kinds` is empty or names a kind twice.
    pub fn new(kinds: Vec<IdentityKind>) -> Result<Self, PriorityError> {
        if kinds.is_empty() {
            return Err(PriorityError::Empty);
        }
        for (at, kind) in kinds.iter().enumerate() {
            if kinds[..at].contains(kind) {
                return Err(PriorityError::Repeated(*kind));
            }
        }
        Ok(Self(kinds))
    }

    /// The kinds, first priority first.
    #[must_use]
    pub fn kinds(&self) -> &[IdentityKind] {
        &self.0
    }

    /// The identity of a user: the first kind of the order that has text. An empty text identifies nobody.
    pub fn choose<'a>(&self, of: impl Fn(IdentityKind) -> Option<&'a str>) -> Option<&'a str> {
        self.0.iter().find_map(|kind| of(*kind).filter(|text| !text.is_empty()))
    }
}

impl Default for IdentityPriority {
    /// Identity alone.
    fn default() -> Self {
        Self(vec![IdentityKind::Identity])
    }
}

impl TryFrom<Vec<IdentityKind>> for IdentityPriority {
    type Error = PriorityError;

    fn try_from(kinds: Vec<IdentityKind>) -> Result<Self, Self::Error> {
        Self::new(kinds)
    }
}

impl From<IdentityPriority> for Vec<IdentityKind> {
    fn from(priority: IdentityPriority) -> Self {
        priority.0
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn the_first_that_the_user_has() {
        let of = |kind| match kind {
            IdentityKind::Identity => None,
            IdentityKind::Email => Some(""),
            IdentityKind::Phone => Some("+49"),
        };
        let order = |kinds: &[IdentityKind]| IdentityPriority::new(kinds.to_vec()).unwrap();
        assert_eq!(order(&IdentityKind::ALL).choose(of), Some("+49"));
        assert_eq!(IdentityPriority::default().choose(of), None);
        assert_eq!(order(&[IdentityKind::Email]).choose(of), None);
    }

    #[test]
    fn an_order_names_each_kind_once() {
        use IdentityKind::{Email, Phone};
        assert_eq!(IdentityPriority::new(vec![]), Err(PriorityError::Empty));
        assert_eq!(IdentityPriority::new(vec![Email, Phone, Email]), Err(PriorityError::Repeated(Email)));
        assert!(serde_json::from_str::<IdentityPriority>("[]").is_err());
    }
}
