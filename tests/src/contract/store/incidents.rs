//! Incidents, mailings and notices.

use spillway::{
    domain::{
        AccountId, BucketId, BucketState, ChannelKind, EmailAddress, FailureClass, Incident, IncidentPhase,
        Mailing, MailingId, NOTICE_LEASE_SECS, Notice, NoticeId, NoticeKind, NoticeState, NoticeTask,
    },
    ports::{IncidentChange, NoticeOutcome, Store, StoreError},
};

use super::{Stores, concurrency::at_once, fixtures::*};

fn incident(account: AccountId, nickname: &str, since: i64) -> Incident {
    let bucket = bucket(account, nickname, &format!("{account}-{nickname}"));
    let drawn = u32::from(nickname == "spare");
    Incident::begin(&bucket, at(since), &failure(FailureClass::BucketMissing), at(since), drawn)
}

fn mailing(incident: &Incident, kind: NoticeKind) -> Mailing {
    Mailing {
        account: incident.account,
        id: MailingId::of(&[&incident.account.to_string(), incident.id.as_str(), kind.as_str()]),
        incident: incident.id.clone(),
        kind,
        subject: "Ünïcode \"quotes\" ☃".to_owned(),
        text: "line\nline\n".repeat(3_000),
        html: "<p>&amp;</p>".repeat(3_000),
        created_at: at(0),
    }
}

fn mail(account: AccountId, to: &str, mailing: &str, now: i64) -> Notice {
    let id = NoticeId::of(&[&account.to_string(), mailing, to]);
    let to = EmailAddress::new(to).unwrap();
    Notice::new(account, id, NoticeTask::Mail { to, mailing: MailingId::of(&[mailing]) }, at(now))
}

fn hook(account: AccountId, payload: &str, now: i64) -> Notice {
    let id = NoticeId::of(&[&account.to_string(), payload]);
    Notice::new(account, id, NoticeTask::Webhook { payload: payload.to_owned() }, at(now))
}

async fn put_new(store: &dyn Store, incident: &Incident) -> Result<(), StoreError> {
    let change = IncidentChange { expected: None, incident, mailing: None, notices: &[] };
    store.put_incident(change).await
}

fn is_conflict<T>(answer: &Result<T, StoreError>) -> bool {
    matches!(answer, Err(StoreError::Conflict(_)))
}

pub async fn blocked_buckets_are_found_across_accounts(stores: Stores) {
    for account in [OTHER, ACME] {
        with_account(&*stores.one, account).await;
    }
    assert_eq!(stores.two.blocked_buckets().await.unwrap(), []);
    let failure = failure(FailureClass::BucketMissing);
    for (account, nickname) in [(OTHER, "main"), (ACME, "spare"), (ACME, "main")] {
        let id = BucketId(nickname.to_owned());
        let bucket = stores.one.bucket(account, &id).await.unwrap().unwrap();
        stores.one.block_bucket(&bucket, &failure, at(7)).await.unwrap();
    }
    let blocked = stores.two.blocked_buckets().await.unwrap();
    let found: Vec<_> = blocked.iter().map(|bucket| (bucket.account, bucket.id.0.as_str())).collect();
    assert_eq!(found, [(ACME, "main"), (ACME, "spare"), (OTHER, "main")]);
    assert_eq!(blocked[0].state, BucketState::Blocked { since: at(7), failure });
    stores.one.unblock_bucket(&blocked[0]).await.unwrap();
    assert_eq!(stores.two.blocked_buckets().await.unwrap().len(), 2);
}

pub async fn an_incident_is_kept_with_what_is_told(stores: Stores) {
    let first = incident(ACME, "main", 0);
    let mut told = first.clone();
    (told.phase, told.announced) = (IncidentPhase::Failing, true);
    put_new(&*stores.one, &first).await.unwrap();
    let (mailing, notice) = (mailing(&told, NoticeKind::Detected), mail(ACME, "ops@acme.example", "m", 1));
    let change = IncidentChange {
        expected: Some(&first),
        incident: &told,
        mailing: Some(&mailing),
        notices: std::slice::from_ref(&notice),
    };
    stores.one.put_incident(change).await.unwrap();
    assert_eq!(stores.two.incidents(ACME, 10).await.unwrap(), [told.clone()]);
    assert_eq!(stores.two.mailing(ACME, &mailing.id).await.unwrap(), Some(mailing));
    assert_eq!(stores.two.notices(ACME, 10).await.unwrap(), [notice]);
    let later = incident(ACME, "spare", 50);
    put_new(&*stores.one, &later).await.unwrap();
    assert_eq!(stores.two.incidents(ACME, 10).await.unwrap(), [later.clone(), told]);
    assert_eq!(stores.two.incidents(ACME, 1).await.unwrap(), [later]);
}

pub async fn one_of_many_checkers_moves_an_incident_on(stores: Stores) {
    let first = incident(ACME, "main", 0);
    let begun = at_once(&stores, 8, |store, _| {
        let first = first.clone();
        async move { put_new(&*store, &first).await }
    })
    .await;
    assert_eq!(begun.iter().filter(|answer| answer.is_ok()).count(), 1);
    assert!(begun.iter().all(|answer| answer.is_ok() || is_conflict(answer)));
    let later = incident(ACME, "main", 1);
    assert!(is_conflict(&put_new(&*stores.two, &later).await), "a bucket has one that is open");
    let moved = at_once(&stores, 8, |store, n| {
        let expected = first.clone();
        async move {
            let incident = Incident { relapses: 1 + n as u32, ..expected.clone() };
            let notice = mail(ACME, &format!("user{n}@acme.example"), "m", 1);
            let notices = [notice];
            let change = IncidentChange {
                expected: Some(&expected),
                incident: &incident,
                mailing: None,
                notices: &notices,
            };
            store.put_incident(change).await.map(|()| n)
        }
    })
    .await;
    let winners: Vec<usize> = moved.into_iter().filter_map(Result::ok).collect();
    assert_eq!(winners.len(), 1);
    assert_eq!(stores.two.incidents(ACME, 9).await.unwrap()[0].relapses as usize, winners[0] + 1);
    assert_eq!(stores.two.notices(ACME, 99).await.unwrap().len(), 1, "the others kept nothing");
}

pub async fn what_was_changed_meanwhile_keeps_no_notice(stores: Stores) {
    let first = incident(ACME, "main", 0);
    let unknown = Incident { relapses: 4, ..first.clone() };
    let notices = [mail(ACME, "ops@acme.example", "m", 1)];
    let change =
        IncidentChange { expected: Some(&unknown), incident: &first, mailing: None, notices: &notices };
    assert!(is_conflict(&stores.one.put_incident(change).await), "there is none");
    put_new(&*stores.one, &first).await.unwrap();
    assert!(is_conflict(&stores.two.put_incident(change).await), "it is another");
    assert!(is_conflict(&put_new(&*stores.two, &first).await), "it is there");
    assert_eq!(stores.two.notices(ACME, 9).await.unwrap(), []);
    assert_eq!(stores.two.incidents(ACME, 9).await.unwrap(), [first]);
}

pub async fn open_incidents_of_all_accounts_are_found(stores: Stores) {
    let ended = Incident { phase: IncidentPhase::Ended { at: at(5) }, ..incident(ACME, "main", 0) };
    let stopped = Incident { phase: IncidentPhase::Stopped { at: at(5) }, ..incident(ACME, "main", 1) };
    let recovered = IncidentPhase::Recovered { at: at(5), settled_at: at(6) };
    let open = [
        Incident { phase: recovered, ..incident(ACME, "main", 2) },
        Incident { phase: IncidentPhase::Stopping { at: at(9) }, ..incident(ACME, "spare", 3) },
        incident(OTHER, "main", 0),
    ];
    // What is over keeps nothing from beginning.
    for incident in [&ended, &stopped].into_iter().chain(open.iter().rev()) {
        put_new(&*stores.one, incident).await.unwrap();
    }
    assert_eq!(stores.two.open_incidents().await.unwrap(), open);
    let over = Incident { phase: IncidentPhase::Ended { at: at(9) }, ..open[0].clone() };
    let change = IncidentChange { expected: Some(&open[0]), incident: &over, mailing: None, notices: &[] };
    stores.one.put_incident(change).await.unwrap();
    assert_eq!(stores.two.open_incidents().await.unwrap(), open[1..]);
    assert_eq!(stores.two.incidents(ACME, 9).await.unwrap().len(), 4, "the story stays");
}

pub async fn a_notice_is_created_once(stores: Stores) {
    let notice = hook(ACME, "{\"a\":1}", 0);
    stores.one.put_notices(std::slice::from_ref(&notice)).await.unwrap();
    let claimed = stores.one.claim_notices(ChannelKind::Webhook, token(1), at(0), 9).await.unwrap();
    assert_eq!(claimed.len(), 1);
    stores.one.settle_notice(ACME, &notice.id, &NoticeOutcome::Sent, at(1)).await.unwrap();
    let other = hook(ACME, "{\"a\":2}", 0);
    stores.two.put_notices(&[notice.clone(), other.clone()]).await.unwrap();
    let due = stores.two.claim_notices(ChannelKind::Webhook, token(2), at(999_999), 9).await.unwrap();
    assert_eq!(
        due.iter().map(|notice| &notice.id).collect::<Vec<_>>(),
        [&other.id],
        "what was sent stays sent"
    );
}

pub async fn notices_are_claimed_oldest_first_and_once(stores: Stores) {
    let notices: Vec<_> =
        (0..12).map(|n| mail(ACME, &format!("user{n}@acme.example"), "m", 100 - n)).collect();
    stores.one.put_notices(&notices).await.unwrap();
    stores.one.put_notices(&[hook(ACME, "{}", 0)]).await.unwrap();
    let claim =
        |holder, now, limit| stores.two.claim_notices(ChannelKind::Mail, token(holder), at(now), limit);
    assert_eq!(claim(1, 88, 9).await.unwrap(), [], "none is due yet");
    let first = claim(1, 200, 5).await.unwrap();
    let created: Vec<_> = first.iter().map(|notice| notice.created_at).collect();
    assert_eq!(created, [89, 90, 91, 92, 93].map(at));
    let claimed = at_once(&stores, 6, |store, n| async move {
        store.claim_notices(ChannelKind::Mail, token(10 + n as u64), at(200), 3).await.unwrap()
    })
    .await;
    let mut ids: Vec<_> = claimed.iter().flatten().chain(&first).map(|notice| notice.id.clone()).collect();
    let all = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), all, "nobody gets the same");
    // Whoever had them has gone.
    let again = claim(3, 200 + NOTICE_LEASE_SECS, 99).await.unwrap();
    assert_eq!(again.len(), 12);
    assert!(again.is_sorted_by_key(|notice| notice.created_at));
}

pub async fn notices_are_settled_by_whoever_holds_them(stores: Stores) {
    let notice = mail(ACME, "ops@acme.example", "m", 0);
    stores.one.put_notices(std::slice::from_ref(&notice)).await.unwrap();
    let claim = |holder, now| stores.one.claim_notices(ChannelKind::Mail, token(holder), at(now), 9);
    let settle = |outcome, now| {
        let (id, store) = (notice.id.clone(), std::sync::Arc::clone(&stores.two));
        async move { store.settle_notice(ACME, &id, &outcome, at(now)).await }
    };
    let failed = |holder| NoticeOutcome::Failed {
        token: token(holder),
        reason: "451 busy".to_owned(),
        is_final: false,
    };
    assert!(is_conflict(&settle(failed(1), 0).await), "nobody holds it");
    assert_eq!(claim(1, 0).await.unwrap().len(), 1);
    assert!(is_conflict(&settle(failed(2), 1).await));
    settle(NoticeOutcome::Released { token: token(1) }, 1).await.unwrap();
    assert_eq!(claim(2, 1).await.unwrap().len(), 1);
    let waiting = settle(failed(2), 2).await.unwrap();
    assert_eq!((waiting.attempts, waiting.last_error.as_deref()), (1, Some("451 busy")));
    assert_eq!(claim(3, 3).await.unwrap(), []);
    let due = waiting.next_attempt_at.as_second() - 1_700_000_000;
    assert_eq!(claim(3, due).await.unwrap().len(), 1);
    let refused = NoticeOutcome::Failed { token: token(3), reason: "550".to_owned(), is_final: true };
    let given_up = settle(refused, due).await.unwrap();
    assert_eq!(given_up.state, NoticeState::GivenUp { at: at(due) });
    assert!(is_conflict(&settle(NoticeOutcome::Sent, due).await));
    assert_eq!(claim(4, 9_999_999).await.unwrap(), []);
    assert_eq!(stores.one.notices(ACME, 9).await.unwrap(), [given_up]);
    let unknown = NoticeId::of(&["unknown"]);
    let settled = stores.one.settle_notice(ACME, &unknown, &NoticeOutcome::Sent, at(0)).await;
    assert!(matches!(settled, Err(StoreError::NotFound(_))));
}

pub async fn a_notice_that_waits_for_another_is_found_behind_it(stores: Stores) {
    let (first, second) = (hook(ACME, "{\"a\":1}", 10), hook(ACME, "{\"a\":2}", 20));
    stores.one.put_notices(&[second.clone(), first.clone(), hook(OTHER, "{}", 1)]).await.unwrap();
    stores.one.put_notices(&[mail(ACME, "ops@acme.example", "m", 0)]).await.unwrap();
    let owed = || async { stores.two.owed_notices(ACME, ChannelKind::Webhook, 9).await.unwrap() };
    let first_owed = || async { owed().await.into_iter().next() };
    assert_eq!(owed().await, [first.clone(), second.clone()]);
    assert_eq!(stores.one.owed_notices(ACME, ChannelKind::Webhook, 1).await.unwrap().len(), 1);
    let claimed = stores.one.claim_notices(ChannelKind::Webhook, token(1), at(20), 9).await.unwrap();
    assert_eq!(claimed.len(), 3);
    assert_eq!(
        first_owed().await.map(|notice| notice.state),
        Some(NoticeState::Owed { claim: Some(token(1)) })
    );
    let held = NoticeOutcome::Held { token: token(1), until: at(500) };
    let waits = stores.one.settle_notice(ACME, &second.id, &held, at(21)).await.unwrap();
    assert_eq!((waits.attempts, waits.next_attempt_at), (0, at(500)));
    stores.one.settle_notice(ACME, &first.id, &NoticeOutcome::Sent, at(22)).await.unwrap();
    assert_eq!(first_owed().await, Some(waits));
    assert_eq!(stores.two.claim_notices(ChannelKind::Webhook, token(2), at(100), 9).await.unwrap(), []);
    let due = stores.two.claim_notices(ChannelKind::Webhook, token(2), at(500), 9).await.unwrap();
    assert!(due.iter().any(|notice| notice.id == second.id));
    stores.two.settle_notice(ACME, &second.id, &NoticeOutcome::Sent, at(501)).await.unwrap();
    assert_eq!(first_owed().await, None);
}

pub async fn a_clock_that_went_back_holds_no_notice_up(stores: Stores) {
    stores.one.put_notices(&[mail(ACME, "ops@acme.example", "m", 900_000)]).await.unwrap();
    let claimed = stores.two.claim_notices(ChannelKind::Mail, token(1), at(0), 9).await.unwrap();
    assert_eq!(claimed.len(), 1, "it waits since before the clock went back");
    assert_eq!(stores.two.claim_notices(ChannelKind::Mail, token(2), at(1), 9).await.unwrap(), []);
}

pub async fn notices_and_mailings_are_their_accounts_own(stores: Stores) {
    let mine = incident(ACME, "main", 0);
    let written = mailing(&mine, NoticeKind::Stopped);
    let notice = mail(ACME, "ops@acme.example", "m", 0);
    let notices = [notice.clone()];
    let change =
        IncidentChange { expected: None, incident: &mine, mailing: Some(&written), notices: &notices };
    stores.one.put_incident(change).await.unwrap();
    assert_eq!(stores.two.mailing(OTHER, &written.id).await.unwrap(), None);
    assert_eq!(stores.two.notices(OTHER, 9).await.unwrap(), []);
    assert_eq!(stores.two.incidents(OTHER, 9).await.unwrap(), []);
    let settled = stores.two.settle_notice(OTHER, &notice.id, &NoticeOutcome::Sent, at(1)).await;
    assert!(matches!(settled, Err(StoreError::NotFound(_))));
    assert!(stores.two.notices(ACME, 9).await.unwrap()[0].is_owed());
}
