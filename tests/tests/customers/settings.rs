//! Settings change by the rules, and never over somebody else's change.

use jiff::civil::date;
use spillway::{
    domain::{
        Account, AccountId, EmailAddress, Format, IdentityKind, StopReason, ZoneName, rules::AccountChange,
    },
    steps::{self, AccountError, CreateError, EditError},
};
use spillway_tests::harness::{ACCOUNT, TestApp};

use super::{at, commit};

fn zone(name: &str) -> AccountChange {
    AccountChange { time_zone: Some(ZoneName::new(name).unwrap()), ..AccountChange::default() }
}

async fn settings(app: &TestApp) -> Account {
    app.store.account(ACCOUNT).await.unwrap().unwrap()
}

#[tokio::test]
async fn the_time_zone_changes_until_there_is_data() {
    let app = TestApp::new().await;
    let parts = app.parts();
    steps::update_account(&parts, ACCOUNT, None, zone("Europe/Berlin")).await.unwrap();
    assert_eq!(settings(&app).await.time_zone.as_str(), "Europe/Berlin");
    // The lake has it before the catalogue does, and the catalogue when the lake is not looked at.
    commit(&app, at("2026-03-10T09:00:00Z"), "Charged", date(2026, 3, 8), 5);
    for _ in 0..2 {
        let refused = steps::update_account(&parts, ACCOUNT, None, zone("UTC")).await.unwrap_err();
        assert!(matches!(refused, AccountError::Refused(_)), "{refused:?}");
        assert!(refused.to_string().starts_with("The time zone stays Europe/Berlin"), "{refused}");
        steps::keep_catalogue(&parts, ACCOUNT).await.unwrap();
    }
    // The same zone is no change, and the rest may change.
    let change = AccountChange { identities: Some(vec![IdentityKind::Email]), ..zone("Europe/Berlin") };
    let changed = steps::update_account(&super::without_lake(&app), ACCOUNT, None, change).await.unwrap();
    assert_eq!(
        (changed.identities.clone(), changed.clone()),
        (vec![IdentityKind::Email], settings(&app).await)
    );
    let nobody = steps::update_account(&parts, AccountId(9), None, zone("UTC")).await.unwrap_err();
    assert!(matches!(nobody, AccountError::NoAccount(AccountId(9))), "{nobody}");
}

#[tokio::test]
async fn nobody_changes_what_he_has_not_seen() {
    let app = TestApp::new().await;
    let parts = app.parts();
    let seen = settings(&app).await;
    let notify = |text: &str| AccountChange {
        notify: Some(vec![EmailAddress::new(text).unwrap()]),
        ..AccountChange::default()
    };
    let changed = steps::update_account(&parts, ACCOUNT, Some(&seen), notify("a@example.com")).await.unwrap();
    assert_ne!(changed.revision(), seen.revision());
    let late =
        steps::update_account(&parts, ACCOUNT, Some(&seen), notify("b@example.com")).await.unwrap_err();
    assert_eq!(
        late.to_string(),
        "the settings of account 100000000 were changed meanwhile; look at them again, and change them anew"
    );
    assert_eq!(settings(&app).await, changed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_who_saw_the_same_one_changes_it() {
    let app = TestApp::new().await;
    let seen = settings(&app).await;
    let tasks: Vec<_> = (0..20)
        .map(|n| {
            let (parts, seen) = (app.parts(), seen.clone());
            let address = EmailAddress::new(format!("a{n}@example.com")).unwrap();
            let change = AccountChange { notify: Some(vec![address]), ..AccountChange::default() };
            tokio::spawn(async move { steps::update_account(&parts, ACCOUNT, Some(&seen), change).await })
        })
        .collect();
    let mut changed = Vec::new();
    for task in tasks {
        match task.await.unwrap() {
            Ok(account) => changed.push(account),
            Err(AccountError::Changed(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }
    let [account] = &changed[..] else { panic!("{changed:?}") };
    assert_eq!(*account, settings(&app).await);
}

#[tokio::test]
async fn switched_off_nothing_is_created_or_edited_but_all_can_be_stopped() {
    let app = TestApp::new().await;
    let parts = app.parts();
    let once = app.spec(Format::Json, date(2026, 3, 8), date(2026, 3, 9));
    let frequency = spillway::domain::Frequency::Live { start: date(2026, 3, 10) };
    let live = spillway::domain::ExportSpec { frequency, ..once.clone() };
    let export = steps::create_export(&parts, ACCOUNT, live.clone()).await.unwrap().export;
    steps::enable_exports(&parts, ACCOUNT, false).await.unwrap();
    let expected = "Exports to Google Cloud are switched off for this account. Ask the support of your platform to \
                    switch them on; what was created before goes on, and can be stopped.";
    for spec in [once.clone(), live.clone()] {
        let refused = steps::create_export(&parts, ACCOUNT, spec).await.unwrap_err();
        assert!(matches!(refused, CreateError::Refused(_)));
        assert_eq!(refused.to_string(), expected);
    }
    let wanted = spillway::domain::ExportSpec { format: Format::Csv, ..live };
    let refused = steps::edit_export(&parts, ACCOUNT, export.request, None, &wanted).await.unwrap_err();
    assert!(matches!(refused, EditError::Refused(_)));
    assert_eq!(refused.to_string(), expected);
    steps::stop_export(&parts, ACCOUNT, export.request, &StopReason::User).await.unwrap();
    steps::enable_exports(&parts, ACCOUNT, true).await.unwrap();
    steps::create_export(&parts, ACCOUNT, once).await.unwrap();
    app.drain().await.unwrap();
}
