//! What a customer may change of an account's settings.

use crate::domain::{Account, EmailAddress, IdentityKind, WebhookUrl, ZoneName};

/// The most addresses that are told.
pub const MAX_NOTIFIED: usize = 20;

/// What is to change; what is not given stays. The operator's settings (shards, the limit of days, the switch) are not
/// the customer's to change.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AccountChange {
    /// The time zone, where there is no data yet.
    pub time_zone: Option<ZoneName>,
    /// The identities that the account uses, at least one.
    pub identities: Option<Vec<IdentityKind>>,
    /// Who is told by e-mail.
    pub notify: Option<Vec<EmailAddress>>,
    /// The webhook; `Some(None)` takes it away.
    pub webhook: Option<Option<WebhookUrl>>,
}

/// One thing that is wrong with a change.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AccountRefusal {
    /// The lake's folders depend on the zone.
    #[error(
        "The time zone stays {0}: there is data already, whose days were counted in it. Leave the time zone as it is."
    )]
    ZoneOfData(ZoneName),
    /// None is left.
    #[error("No identity is chosen. Choose at least one of Identity, Email, Phone.")]
    NoIdentities,
    /// Too many.
    #[error(
        "{0} notification addresses are given. Give at most {MAX_NOTIFIED}; a mailing list reaches more people."
    )]
    TooManyNotified(usize),
}

/// All that is wrong with a change, at least one thing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))]
pub struct AccountRefused(pub Vec<AccountRefusal>);

/// The settings after a change. What is named twice counts once. Exports keep the priorities that they were created or
/// last edited with, so an identity may always be taken away.
///
/// # Errors
/// All that is wrong.
pub fn check_account(
    account: &Account,
    change: AccountChange,
    has_data: bool,
) -> Result<Account, AccountRefused> {
    let (mut changed, mut refusals) = (account.clone(), Vec::new());
    if let Some(zone) = change.time_zone.filter(|zone| *zone != account.time_zone) {
        if has_data {
            refusals.push(AccountRefusal::ZoneOfData(account.time_zone.clone()));
        }
        changed.time_zone = zone;
    }
    if let Some(identities) = change.identities {
        changed.identities = once_each(identities, |a, b| a == b);
        if changed.identities.is_empty() {
            refusals.push(AccountRefusal::NoIdentities);
        }
    }
    if let Some(notify) = change.notify {
        changed.notify = once_each(notify, EmailAddress::is_same_as);
        if changed.notify.len() > MAX_NOTIFIED {
            refusals.push(AccountRefusal::TooManyNotified(changed.notify.len()));
        }
    }
    if let Some(webhook) = change.webhook {
        changed.webhook = webhook;
    }
    if refusals.is_empty() { Ok(changed) } else { Err(AccountRefused(refusals)) }
}

fn once_each<T>(items: Vec<T>, is_same: impl Fn(&T, &T) -> bool) -> Vec<T> {
    let mut kept: Vec<T> = Vec::new();
    for item in items {
        if !kept.iter().any(|known| is_same(known, &item)) {
            kept.push(item);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::domain::AccountId;

    fn berlin() -> ZoneName {
        ZoneName::new("Europe/Berlin").unwrap()
    }

    fn account() -> Account {
        Account::new(AccountId(1), berlin())
    }

    #[test]
    fn what_is_given_changes_and_the_rest_stays() {
        let notify = ["ops@example.com", "OPS@example.com", "b@example.com"];
        let change = AccountChange {
            time_zone: Some(ZoneName::default()),
            identities: Some(vec![IdentityKind::Email, IdentityKind::Email]),
            notify: Some(notify.map(|text| EmailAddress::new(text).unwrap()).to_vec()),
            webhook: Some(Some(WebhookUrl::new("https://example.com/hook").unwrap())),
        };
        let changed = check_account(&account(), change, false).unwrap();
        assert_eq!(changed.time_zone, ZoneName::default());
        assert_eq!(changed.identities, [IdentityKind::Email]);
        let told: Vec<_> = changed.notify.iter().map(EmailAddress::as_str).collect();
        assert_eq!(told, ["ops@example.com", "b@example.com"]);
        assert_eq!(changed.webhook.as_ref().unwrap().as_str(), "https://example.com/hook");
        assert_eq!(check_account(&changed, AccountChange::default(), true).unwrap(), changed);
        let off = AccountChange { webhook: Some(None), ..AccountChange::default() };
        assert_eq!(check_account(&changed, off, true).unwrap().webhook, None);
    }

    #[test]
    fn the_time_zone_is_read_only_once_there_is_data() {
        let zone = |zone| AccountChange { time_zone: Some(zone), ..AccountChange::default() };
        check_account(&account(), zone(berlin()), true).unwrap();
        let refused = check_account(&account(), zone(ZoneName::default()), true).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "The time zone stays Europe/Berlin: there is data already, whose days were counted in it. Leave the \
             time zone as it is."
        );
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        let many = (0..21).map(|n| EmailAddress::new(format!("a{n}@example.com")).unwrap()).collect();
        let change =
            AccountChange { identities: Some(vec![]), notify: Some(many), ..AccountChange::default() };
        assert_eq!(
            check_account(&account(), change, true).unwrap_err().to_string(),
            "No identity is chosen. Choose at least one of Identity, Email, Phone. 21 notification addresses are \
             given. Give at most 20; a mailing list reaches more people."
        );
    }
}
