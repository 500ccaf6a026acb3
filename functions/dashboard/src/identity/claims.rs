//! What a token says about a person, under names that the operator chooses.

use serde::Deserialize;
use serde_json::{Map, Value};
use spillway::domain::AccountId;

use super::{Role, Viewer};

/// The names of claims. A name that begins with `/` is a JSON pointer, for claims inside of others.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClaimNames {
    /// The account's number.
    pub account: String,
    /// The e-mail address.
    pub email: String,
    /// The role, or a list with it.
    pub role: String,
    /// What the role is called that may change things.
    pub editor: String,
    /// What the role is called that may look.
    pub viewer: String,
    /// The account of tokens without that claim, where everybody is of one account.
    pub default_account: Option<AccountId>,
    /// The role of tokens without that claim.
    pub default_role: Option<Role>,
}

impl Default for ClaimNames {
    fn default() -> Self {
        let [account, email, role, editor, viewer] =
            ["account", "email", "role", "editor", "viewer"].map(ToOwned::to_owned);
        Self { account, email, role, editor, viewer, default_account: None, default_role: None }
    }
}

/// Why a token that is genuine lets nobody in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadClaims {
    #[error("Your login is for no account. Ask an administrator to put the account into the claim `{0}`.")]
    NoAccount(String),
    #[error("Your login has no role here. Ask an administrator to put a role into the claim `{0}`.")]
    NoRole(String),
}

/// The claims of a token that is genuine, for us and of now.
pub(super) struct Claims(pub(super) Map<String, Value>);

impl Claims {
    pub(super) fn viewer(self, names: &ClaimNames) -> Result<Viewer, BadClaims> {
        let Self(claims) = self;
        let claims = Value::Object(claims);
        let account = match find(&claims, &names.account) {
            None => names.default_account,
            Some(claim) => as_account(claim),
        };
        let account = account.ok_or_else(|| BadClaims::NoAccount(names.account.clone()))?;
        let role = match find(&claims, &names.role) {
            None => names.default_role,
            Some(claim) => as_role(claim, names),
        };
        let role = role.ok_or_else(|| BadClaims::NoRole(names.role.clone()))?;
        let email = find(&claims, &names.email).and_then(Value::as_str).map(ToOwned::to_owned);
        Ok(Viewer { account, email, role })
    }
}

fn find<'c>(claims: &'c Value, name: &str) -> Option<&'c Value> {
    let claim = if name.starts_with('/') { claims.pointer(name) } else { claims.get(name) };
    claim.filter(|claim| !claim.is_null())
}

/// Numbers of accounts come as numbers or as text. A claim that is neither is not passed over for the default.
fn as_account(claim: &Value) -> Option<AccountId> {
    let text = claim.as_str().and_then(|text| text.parse().ok());
    claim.as_u64().map(AccountId).or(text)
}

fn as_role(claim: &Value, names: &ClaimNames) -> Option<Role> {
    let has = |role: &str| match claim {
        Value::Array(roles) => roles.iter().any(|claim| claim == role),
        claim => claim == role,
    };
    if has(&names.editor) {
        return Some(Role::Editor);
    }
    has(&names.viewer).then_some(Role::Viewer)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use serde_json::json;

    use super::*;

    fn viewer(claims: Value, names: &ClaimNames) -> Result<Viewer, BadClaims> {
        let Value::Object(claims) = claims else { panic!("claims are an object") };
        Claims(claims).viewer(names)
    }

    #[test]
    fn a_person_is_read_from_the_claims_that_are_configured() {
        let names = ClaimNames {
            account: "/app/tenant".to_owned(),
            role: "https://example.com/roles".to_owned(),
            editor: "exports-admin".to_owned(),
            ..ClaimNames::default()
        };
        let claims = json!({"app": {"tenant": "7"}, "https://example.com/roles": ["x", "exports-admin"], "email": "a@b.c"});
        let expected = Viewer { account: AccountId(7), email: Some("a@b.c".to_owned()), role: Role::Editor };
        assert_eq!(viewer(claims, &names), Ok(expected));
    }

    #[test]
    fn who_has_no_account_or_role_stays_out() {
        let names = ClaimNames::default();
        let no_account = Err(BadClaims::NoAccount("account".to_owned()));
        for account in [json!(null), json!(-1), json!(1.5), json!("x"), json!([7])] {
            assert_eq!(viewer(json!({"account": account, "role": "editor"}), &names), no_account);
        }
        for role in [json!(null), json!("root"), json!([]), json!({"editor": true})] {
            let refused = viewer(json!({"account": 7, "role": role}), &names);
            assert_eq!(refused, Err(BadClaims::NoRole("role".to_owned())));
        }
        let defaults = ClaimNames {
            default_account: Some(AccountId(3)),
            default_role: Some(Role::Viewer),
            ..ClaimNames::default()
        };
        let known = viewer(json!({}), &defaults).unwrap();
        assert_eq!((known.account, known.role), (AccountId(3), Role::Viewer));
        // A claim that makes no sense is not as good as none.
        assert_eq!(viewer(json!({"account": "x"}), &defaults), no_account);
        let strange = viewer(json!({"role": "root"}), &defaults);
        assert_eq!(strange, Err(BadClaims::NoRole("role".to_owned())));
    }
}
