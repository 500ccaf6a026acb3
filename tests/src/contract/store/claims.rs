//! Taking messages.

use jiff::Timestamp;
use spillway::{
    domain::{CLOCK_SKEW_SECS, ChunkCommand, ChunkId, ChunkKey, EndCursor, PlanToken, RowCursor, Written},
    ports::{ClaimLimits, Store},
};

use super::{Stores, fixtures::*};

async fn claim(store: &dyn Store, key: &ChunkKey, lost_before: Timestamp, now: i64) -> Vec<ChunkId> {
    claim_of(store, key, lost_before, 100, now).await
}

async fn claim_of(
    store: &dyn Store,
    key: &ChunkKey,
    lost_before: Timestamp,
    most: usize,
    now: i64,
) -> Vec<ChunkId> {
    let mut claimed = claim_one(store, key.run, &key.plan, lost_before, most, at(now)).await;
    claimed.sort();
    claimed
}

pub async fn messages_come_in_order(stores: Stores) {
    let run = with_run(&*stores.one, ACME).await;
    let keys = with_chunks(&*stores.one, &run, "p", &[12, 2, 100, 2, 12]).await;
    with_chunks(&*stores.one, &run, "other", &[0]).await;
    let next = async |store: &dyn Store| claim(store, &keys[0], Timestamp::MIN, 9).await;
    assert_eq!(next(&*stores.one).await, ids(&[keys[1].clone(), keys[3].clone()]));
    assert_eq!(next(&*stores.two).await, ids(&[keys[0].clone(), keys[4].clone()]));
    assert_eq!(next(&*stores.one).await, ids(&keys[2..3]));
    assert_eq!(next(&*stores.two).await, []);
    for key in &keys {
        assert_eq!(stores.two.chunk(key).await.unwrap().unwrap().published_at(), Some(at(9)));
    }
    let none = PlanToken("none".to_owned());
    assert_eq!(claim_one(&*stores.one, run.key, &none, Timestamp::MAX, 9, at(9)).await, []);
}

/// One write of the plan for many messages, where there is room for as many as are wanted at once.
pub async fn several_messages_are_taken_at_once(stores: Stores) {
    let run = with_run(&*stores.one, ACME).await;
    let keys = with_chunks(&*stores.one, &run, "p", &[0, 1, 1, 2, 3, 4, 5, 6]).await;
    let take = async |most: usize, now: i64| {
        let (plan, limits) = (&keys[0].plan, ClaimLimits::new(most));
        let claimed =
            stores.one.claim_messages(run.key, plan, Timestamp::MIN, limits, at(now)).await.unwrap();
        let sorted = |mut message: Vec<ChunkId>| {
            message.sort();
            message
        };
        claimed.map(|claimed| claimed.into_iter().map(sorted).collect::<Vec<_>>())
    };
    let of = |keys: &[ChunkKey]| ids(keys);
    assert_eq!(take(4, 0).await, Some(vec![of(&keys[..1]), of(&keys[1..3])]));
    assert_eq!(take(4, 0).await, Some(vec![of(&keys[3..4]), of(&keys[4..5])]));
    assert_eq!(take(4, 0).await, None, "as many are out as may be");
    let finish = async |key: &ChunkKey| {
        stores.two.change_chunk(key, lease(1, 50), at(1)).await.unwrap();
        stores.two.change_chunk(key, complete(1), at(1)).await.unwrap();
    };
    finish(&keys[0]).await;
    assert_eq!(take(4, 2).await, None, "one place is not worth a write");
    finish(&keys[3]).await;
    assert_eq!(take(4, 2).await, Some(vec![of(&keys[5..6]), of(&keys[6..7])]));
    finish(&keys[4]).await;
    finish(&keys[5]).await;
    assert_eq!(take(4, 3).await, Some(vec![of(&keys[7..])]), "what is left");
    assert_eq!(take(4, 3).await, Some(vec![]), "there is room, and nothing waits");
}

/// However many are wanted: a commit must not outgrow what the store takes.
pub async fn fifty_chunks_are_enough_for_one_claim(stores: Stores) {
    let run = with_run(&*stores.one, ACME).await;
    let messages: Vec<u32> = (0..120).map(|n| n / 30).collect();
    let keys = with_chunks(&*stores.one, &run, "p", &messages).await;
    let mut sizes = Vec::new();
    for _ in 0..3 {
        let limits = ClaimLimits { most: 100, at_once: 10 };
        let claimed =
            stores.one.claim_messages(run.key, &keys[0].plan, Timestamp::MIN, limits, at(0)).await.unwrap();
        sizes.push(claimed.unwrap().iter().map(Vec::len).collect::<Vec<_>>());
    }
    assert_eq!(sizes, [vec![30, 30], vec![30, 30], vec![]]);
}

pub async fn a_message_has_up_to_fifty_chunks(stores: Stores) {
    let run = with_run(&*stores.one, ACME).await;
    let keys = with_chunks(&*stores.one, &run, "p", &[1; 120]).await;
    let mut claimed = vec![];
    for expected in [50, 50, 20] {
        let message = claim(&*stores.one, &keys[0], Timestamp::MIN, 0).await;
        assert_eq!(message.len(), expected);
        assert_eq!(claim(&*stores.two, &keys[0], Timestamp::MIN, 0).await, [], "it is out");
        for id in &message {
            let key = ChunkKey { id: id.clone(), ..keys[0].clone() };
            stores.one.change_chunk(&key, lease(1, 50), at(0)).await.unwrap();
            stores.one.change_chunk(&key, complete(1), at(0)).await.unwrap();
        }
        claimed.extend(message);
    }
    assert_eq!(claim(&*stores.one, &keys[0], Timestamp::MIN, 0).await, []);
    claimed.sort();
    assert_eq!(claimed, ids(&keys));
}

pub async fn what_was_lost_is_claimed_again(stores: Stores) {
    let run = with_run(&*stores.one, ACME).await;
    let keys = with_chunks(&*stores.one, &run, "p", &[1, 1, 2]).await;
    assert_eq!(claim(&*stores.one, &keys[0], at(-900), 0).await, ids(&keys[..2]));
    assert_eq!(claim(&*stores.one, &keys[0], at(-890), 10).await, ids(&keys[2..]));
    assert_eq!(claim(&*stores.one, &keys[0], at(0), 900).await, [], "not yet lost");
    assert_eq!(claim(&*stores.two, &keys[0], at(1), 901).await, ids(&keys[..2]));
    assert_eq!(claim(&*stores.two, &keys[0], at(1), 901).await, [], "published again just now");
    // Both are lost: the lower message goes first.
    assert_eq!(claim(&*stores.one, &keys[0], at(1_000), 1_900).await, ids(&keys[..2]));
    assert_eq!(claim(&*stores.one, &keys[0], at(1_000), 1_900).await, ids(&keys[2..]));
}

pub async fn leased_and_finished_chunks_are_not_claimed(stores: Stores) {
    let run = with_run(&*stores.one, ACME).await;
    let keys = with_chunks(&*stores.one, &run, "p", &[1, 1, 1, 2]).await;
    for key in &keys[..3] {
        stores.one.change_chunk(key, lease(1, 50), at(0)).await.unwrap();
    }
    stores.one.change_chunk(&keys[0], complete(1), at(1)).await.unwrap();
    let fail = ChunkCommand::Fail { token: token(1), reason: "broken".to_owned() };
    stores.one.change_chunk(&keys[1], fail, at(1)).await.unwrap();
    assert_eq!(claim(&*stores.two, &keys[0], Timestamp::MAX, 49).await, ids(&keys[3..]));
    // The lease has ended, so its message is the lowest.
    assert_eq!(claim(&*stores.two, &keys[0], at(40), 50).await, ids(&keys[2..3]));
    assert_eq!(claim(&*stores.two, &keys[0], at(40), 51).await, []);
}

pub async fn a_retried_chunk_is_claimed_again(stores: Stores) {
    let run = with_run(&*stores.one, ACME).await;
    let keys = with_chunks(&*stores.one, &run, "p", &[1]).await;
    assert_eq!(claim(&*stores.one, &keys[0], Timestamp::MIN, 0).await, ids(&keys));
    stores.one.change_chunk(&keys[0], lease(1, 50), at(0)).await.unwrap();
    let fail = ChunkCommand::Fail { token: token(1), reason: "broken".to_owned() };
    stores.one.change_chunk(&keys[0], fail, at(1)).await.unwrap();
    assert_eq!(claim(&*stores.one, &keys[0], Timestamp::MAX, 2).await, []);
    stores.one.change_chunk(&keys[0], ChunkCommand::Retry { columns: 0, naming: None }, at(3)).await.unwrap();
    assert_eq!(claim(&*stores.two, &keys[0], Timestamp::MIN, 4).await, ids(&keys));
}

pub async fn a_successor_waits_for_its_message(stores: Stores) {
    let run = with_run(&*stores.one, ACME).await;
    let keys = with_chunks(&*stores.one, &run, "p", &[1, 1, 2]).await;
    assert_eq!(claim_of(&*stores.one, &keys[0], Timestamp::MIN, 1, 0).await, ids(&keys[..2]));
    stores.one.change_chunk(&keys[0], lease(1, 50), at(0)).await.unwrap();
    let end = EndCursor::Row(RowCursor { file: 0, row: 5 });
    let written = Written { object: Some(intent(1, end)), deleted_profiles: 0 };
    let command = ChunkCommand::Complete { token: token(1), written };
    let (_, successor) = stores.one.change_chunk(&keys[0], command, at(10)).await.unwrap();
    let successor = successor.unwrap().key().clone();
    // The other chunk of the message is not finished.
    assert_eq!(claim_of(&*stores.two, &keys[0], Timestamp::MIN, 1, 11).await, []);
    stores.one.change_chunk(&keys[1], lease(1, 50), at(11)).await.unwrap();
    assert_eq!(claim_of(&*stores.two, &keys[0], Timestamp::MIN, 1, 12).await, []);
    stores.one.change_chunk(&keys[1], complete(1), at(12)).await.unwrap();
    assert_eq!(claim_of(&*stores.two, &keys[0], Timestamp::MIN, 1, 13).await, [successor.id]);
}

pub async fn no_more_messages_are_out_than_may_be(stores: Stores) {
    let run = with_run(&*stores.one, ACME).await;
    let keys = with_chunks(&*stores.one, &run, "p", &[1, 1, 2, 3, 4]).await;
    let next = async |lost_before, now| claim_of(&*stores.one, &keys[0], at(lost_before), 2, now).await;
    assert_eq!(next(-900, 0).await, ids(&keys[..2]));
    assert_eq!(next(-900, 0).await, ids(&keys[2..3]));
    assert_eq!(next(-900, 0).await, []);
    // One chunk of a message that is unfinished holds its place, leased or not; a message that is finished does not.
    stores.two.change_chunk(&keys[0], lease(1, 50), at(1)).await.unwrap();
    stores.two.change_chunk(&keys[0], complete(1), at(1)).await.unwrap();
    stores.two.change_chunk(&keys[1], lease(1, 50), at(1)).await.unwrap();
    assert_eq!(next(-899, 1).await, []);
    let fail = ChunkCommand::Fail { token: token(1), reason: "broken".to_owned() };
    stores.two.change_chunk(&keys[1], fail, at(2)).await.unwrap();
    assert_eq!(next(-898, 2).await, ids(&keys[3..4]));
    assert_eq!(next(-898, 2).await, []);
    // Message 2 is lost: it goes out again in its own place.
    assert_eq!(next(1, 901).await, ids(&keys[2..3]));
    assert_eq!(next(1, 901).await, []);
    assert_eq!(claim_of(&*stores.two, &keys[0], at(1), 3, 901).await, ids(&keys[4..]));
}

pub async fn what_was_published_before_the_clock_went_back_is_lost(stores: Stores) {
    let run = with_run(&*stores.one, ACME).await;
    let keys = with_chunks(&*stores.one, &run, "p", &[1, 1, 2, 3]).await;
    let (year, skew) = (31_536_000, CLOCK_SKEW_SECS);
    assert_eq!(claim(&*stores.one, &keys[0], at(year - 900), year).await, ids(&keys[..2]));
    // They are of the future: they hold no place, and go out again, once.
    assert_eq!(claim_of(&*stores.two, &keys[0], at(-900), 1, skew).await, ids(&keys[..2]));
    assert_eq!(claim_of(&*stores.two, &keys[0], at(-900), 1, skew).await, []);
    // The clocks of two workers may differ a little: that is no future.
    assert_eq!(claim_of(&*stores.one, &keys[0], at(-900), 1, 0).await, []);
    assert_eq!(claim_of(&*stores.one, &keys[0], at(-900), 2, 0).await, ids(&keys[2..3]));
    assert_eq!(claim_of(&*stores.two, &keys[0], at(-900), 2, 1).await, []);
    assert_eq!(claim_of(&*stores.two, &keys[0], at(-900), 3, 1).await, ids(&keys[3..]));
    assert_eq!(
        claim_of(&*stores.two, &keys[0], Timestamp::MAX, 9, 2).await,
        ids(&keys[..2]),
        "each chunk once"
    );
}
