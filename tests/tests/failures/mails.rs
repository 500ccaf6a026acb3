//! The mails of an incident on their way.

use spillway::{
    domain::{FailureClass, NoticeState},
    steps,
};
use spillway_tests::harness::ACCOUNT;

use crate::support::{AMY, OPS, Story};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_server_that_is_down_for_a_day_loses_and_doubles_nothing() {
    let story = Story::new().await;
    story.live().await;
    story.hours(1).await;
    story.breaks(Some(FailureClass::BucketMissing));
    story.smtp.set_down(true);
    story.hours(30).await;
    assert_eq!(story.smtp.taken(), []);
    story.smtp.set_down(false);
    // What was tried just now waits a while.
    story.app.advance_secs(3_600);
    let checked = story.check().await;
    assert_eq!(checked.mails.sent, 4);
    for to in [OPS, AMY] {
        let subjects = story.subjects(to);
        assert_eq!(subjects.len(), 2, "{subjects:#?}");
        assert!(
            subjects[0].contains("fail:") && subjects[1].contains("still fail"),
            "in order: {subjects:#?}"
        );
    }
    assert_eq!(story.check().await.mails.sent, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_told_later_does_not_overtake_what_waits_to_be_tried_again() {
    let story = Story::new().await;
    story.live().await;
    story.hours(1).await;
    story.breaks(Some(FailureClass::BucketMissing));
    story.smtp.refuse(AMY, Some("450 4.2.1 try again later"));
    story.hours(1).await;
    // A minute later it works again, and so does the mailbox.
    story.smtp.refuse(AMY, None);
    story.breaks(None);
    story.app.advance_secs(30);
    let bucket = story.app.bucket().await.id;
    steps::recheck_bucket(&story.app.parts(), ACCOUNT, &bucket).await.unwrap();
    story.app.drain().await.unwrap();
    story.app.advance_secs(30);
    story.check().await;
    assert_eq!((story.subjects(OPS).len(), story.subjects(AMY).len()), (2, 0));
    story.app.advance_secs(3_600);
    story.check().await;
    assert_eq!(story.subjects(AMY), story.subjects(OPS));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mailbox_that_is_gone_is_given_up_and_holds_nobody_up() {
    let story = Story::new().await;
    story.live().await;
    story.hours(1).await;
    story.smtp.refuse(OPS, Some("550 5.1.1 no such mailbox"));
    story.smtp.refuse(AMY, Some("451 4.7.1 greylisted"));
    story.breaks(Some(FailureClass::BucketMissing));
    story.tick().await;
    let checked = story.check().await;
    assert_eq!((checked.mails.given_up.len(), checked.mails.later, checked.mails.sent), (1, 1, 0));
    assert!(checked.mails.given_up[0].1.contains("no such mailbox"), "{checked:?}");
    story.smtp.refuse(AMY, None);
    story.hours(2).await;
    assert_eq!((story.mails_to(OPS).len(), story.mails_to(AMY).len()), (0, 1));
    let notices = story.app.store.notices(ACCOUNT, 9).await.unwrap();
    let given_up = notices.iter().filter(|notice| matches!(notice.state, NoticeState::GivenUp { .. }));
    assert_eq!(given_up.count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_on_which_the_server_hangs_up_holds_nobody_else_up() {
    let story = Story::new().await;
    let request = story.live().await;
    let spec = story.export(request).await.spec;
    for n in 0..5 {
        story.another(&spec, &format!("hangs{n}@customer.example")).await;
        story.smtp.hang_up_on(&format!("hangs{n}@customer.example"));
        story.app.advance_secs(1);
    }
    story.hours(1).await;
    story.breaks(Some(FailureClass::BucketMissing));
    let mut held_up = 0;
    for _ in 0..4 {
        story.hours(1).await;
        held_up += u64::from(story.mails_to(OPS).is_empty() || story.mails_to(AMY).is_empty());
    }
    assert!(held_up <= 1, "two rounds at the longest: {held_up}");
    // One that hangs alone is not taken for the server.
    story.hours(22).await;
    for to in [OPS, AMY] {
        assert_eq!(story.subjects(to).len(), 2, "{:?}", story.subjects(to));
    }
    let notices = story.app.store.notices(ACCOUNT, 99).await.unwrap();
    let owed: Vec<_> = notices.iter().filter(|notice| notice.is_owed()).collect();
    assert_eq!(owed.len(), 10);
    assert!(owed.iter().any(|notice| notice.attempts > 4), "they are tried on: {owed:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_whose_answer_was_lost_goes_again_as_the_same_message() {
    let story = Story::new().await;
    story.live().await;
    story.hours(1).await;
    story.breaks(Some(FailureClass::BucketMissing));
    story.tick().await;
    story.smtp.drop_next_answer();
    let mails = story.check().await.mails;
    assert_eq!((mails.sent, mails.later, mails.unavailable), (1, 1, None), "the other one is not held up");
    story.hours(1).await;
    let mails = story.smtp.taken();
    assert_eq!(mails.len(), 3, "one of two went twice, since nobody can know");
    let ids: std::collections::BTreeSet<_> =
        mails.iter().map(|mail| mail.header("Message-ID").unwrap()).collect();
    assert_eq!(ids.len(), 2, "and mail programs show it once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_with_line_ends_gets_nothing_and_adds_nobody() {
    let story = Story::new().await;
    let request = story.live().await;
    let spec = story.export(request).await.spec;
    for evil in [
        "eve@customer.example\r\nBcc: all@customer.example",
        "eve@customer.example>\r\nRCPT TO:<all@customer.example",
    ] {
        story.another(&spec, evil).await;
    }
    story.hours(1).await;
    story.breaks(Some(FailureClass::BucketMissing));
    story.hours(1).await;
    let mut to: Vec<_> = story.smtp.taken().into_iter().flat_map(|mail| mail.to).collect();
    to.sort();
    assert_eq!(to, [AMY, OPS]);
    for mail in story.smtp.taken() {
        assert!(mail.header("Bcc").is_none() && mail.header("To").is_some());
        assert_eq!(mail.from, "bounces@platform.example");
    }
}
