//! Nicknames and names.
#![allow(clippy::unwrap_used, reason = "tests")]

use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::domain::{AccountId, BucketState, KeyFacts, Opening, SealedKey};

fn id(nickname: &str) -> BucketId {
    BucketId(nickname.to_owned())
}

fn known() -> Vec<PartnerBucket> {
    let key_facts =
        KeyFacts { client_email: String::new(), key_id: String::new(), added_at: Timestamp::UNIX_EPOCH };
    let key = SealedKey(String::new());
    let bucket = |nickname, bucket_name: &str| PartnerBucket {
        account: AccountId(1),
        id: id(nickname),
        bucket_name: bucket_name.to_owned(),
        key: key.clone(),
        key_facts: key_facts.clone(),
        state: BucketState::Ready,
        opening: Opening::default(),
    };
    vec![bucket("Main", "acme-lake"), bucket("Łódź", "acme-lodz")]
}

fn refused(nickname: &str, bucket_name: &str, replaces: bool) -> String {
    check_bucket(&id(nickname), bucket_name, replaces, &known()).unwrap_err().to_string()
}

#[test]
fn nicknames_are_trimmed_and_one_bucket_may_have_several() {
    let accepted = check_bucket(&id("  second lake\t"), " acme-lake\n", false, &known());
    let wanted = AcceptedBucket { nickname: id("second lake"), bucket_name: "acme-lake".to_owned() };
    assert_eq!(accepted, Ok(wanted));
    assert!(check_bucket(&id(&"ü".repeat(64)), "abc", false, &known()).is_ok());
}

#[test]
fn nicknames_are_refused_with_what_to_do() {
    for (nickname, sentence) in [
        ("", "The nickname is missing. Give the bucket a name of your own, for example `main`."),
        (" \n", "The nickname is missing. Give the bucket a name of your own, for example `main`."),
        (&"ü".repeat(65), "The nickname has 65 characters. Choose one of at most 64."),
        (
            "a\nb",
            "The nickname has characters that cannot be seen. Type it by hand, without tabs and line breaks.",
        ),
        (
            "a\u{202e}b",
            "The nickname has characters that cannot be seen. Type it by hand, without tabs and line breaks.",
        ),
        ("..", "The nickname has neither a letter nor a digit. Add one."),
        (" main", "There is a bucket `Main` already. Choose another nickname, or replace the key of `Main`."),
        ("łÓDŹ", "There is a bucket `Łódź` already. Choose another nickname, or replace the key of `Łódź`."),
    ] {
        assert_eq!(refused(nickname, "acme-lake", false), sentence, "{nickname:?}");
    }
}

#[test]
fn names_are_refused_by_googles_rules() {
    let from = "opy it from Google Cloud's console.";
    let long = "a".repeat(64);
    let dotted = format!("{}.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", vec!["a".repeat(63); 3].join("."));
    for (name, sentence) in [
        ("", "The bucket name is missing. Copy it from Cloud Storage > Buckets in Google Cloud's console.".into()),
        ("gs://acme-lake/", "`gs://acme-lake/` is an address, and only the bucket's name is needed. Give `acme-lake`.".into()),
        ("acme-lake/2026", "`acme-lake/2026` is an address, and only the bucket's name is needed. Give `acme-lake`.".into()),
        (
            "https://console.cloud.google.com/storage/browser/acme-lake;tab=objects",
            "`https://console.cloud.google.com/storage/browser/acme-lake;tab=objects` is an address, and only the \
             bucket's name is needed. Give `acme-lake`."
                .into(),
        ),
        (
            "Acme-lake",
            format!("`Acme-lake` has capital letters, which no bucket name has. The bucket name must match exactly: c{from}"),
        ),
        (
            "acme lake",
            format!(
                "`acme lake` has the character ` `. A bucket name has only letters from a to z, digits, dashes, \
                 underscores and dots; c{from}"
            ),
        ),
        ("ab", format!("`ab` is no bucket name: those have 3 to 63 characters. C{from}")),
        (&long, format!("`{long}` is no bucket name: those have 3 to 63 characters. C{from}")),
        (
            &dotted,
            format!(
                "`{}…` is no bucket name: one with dots has at most 222 characters, and at most 63 between two dots. C{from}",
                &dotted[..80]
            ),
        ),
        ("-acme", format!("`-acme` is no bucket name: those begin and end with a letter or a digit. C{from}")),
        ("acme.", format!("`acme.` is no bucket name: those begin and end with a letter or a digit. C{from}")),
        ("acme..lake", format!("`acme..lake` is no bucket name: it has two dots in a row. C{from}")),
        ("192.168.5.4", "`192.168.5.4` is an IP address, which no bucket name is. Copy the name from Google Cloud's console.".into()),
        ("goog-lake", format!("`goog-lake` is no bucket name: none begins with `goog` or has `google` in it. C{from}")),
        ("my-g00gle", format!("`my-g00gle` is no bucket name: none begins with `goog` or has `google` in it. C{from}")),
    ] {
        assert_eq!(refused("new", name, false), sentence, "{name}");
    }
    for good in ["abc", "a-b_c.d", "0ab", "192.168.5.400", "data.acme.com", &"a".repeat(63)] {
        assert!(check_bucket(&id("new"), good, false, &known()).is_ok(), "{good}");
    }
    let ends = "a".repeat(63);
    let exactly = format!("{ends}.{ends}.{ends}.{}", "a".repeat(30));
    assert_eq!(exactly.len(), 222);
    assert!(check_bucket(&id("new"), &exactly, false, &known()).is_ok());
}

/// In one character or in two, wide, styled, as a ligature, in capitals: a person reads the same.
#[test]
fn nicknames_that_look_the_same_clash() {
    let bucket = |nickname: &str| PartnerBucket { id: id(nickname), ..known().remove(0) };
    for (taken, wanted) in [
        ("Caf\u{e9}", "Cafe\u{301}"),
        ("Cafe\u{301}", "CAF\u{c9}"),
        ("main", "\u{ff4d}\u{ff41}\u{ff49}\u{ff4e}"),
        ("office", "o\u{fb03}ce"),
        ("K2", "\u{212a}2"),
        ("\u{1d5ef}ig", "BIG"),
        ("\u{130}stanbul", "i\u{307}stanbul"),
    ] {
        let refused = check_bucket(&id(wanted), "acme-exports", false, &[bucket(taken)]).unwrap_err();
        assert_eq!(refused.0, [BucketRefusal::NicknameTaken(id(taken))], "{wanted}");
    }
    check_bucket(&id("Cafe"), "acme-exports", false, &[bucket("Caf\u{e9}")]).unwrap();
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    let refused = check_bucket(&id(""), "", false, &known()).unwrap_err();
    assert_eq!(refused.0, [BucketRefusal::NoNickname, BucketRefusal::NoBucketName]);
    let fields: Vec<_> = refused.0.iter().map(BucketRefusal::field).collect();
    assert_eq!(fields, [BucketField::Nickname, BucketField::BucketName]);
    assert_eq!(BucketRefusal::Key(KeyFault::Empty).field(), BucketField::Key);
}

#[test]
fn a_key_is_replaced_where_its_bucket_is() {
    let wanted = AcceptedBucket { nickname: id("Main"), bucket_name: "acme-lake".to_owned() };
    for name in ["", "acme-lake"] {
        assert_eq!(check_bucket(&id("Main "), name, true, &known()), Ok(wanted.clone()));
    }
    assert_eq!(
        refused("Main", "acme-other", true),
        "Bucket `Main` is `acme-lake` at Google, and a new key leaves it so. Connect the other bucket under another \
         nickname."
    );
    assert_eq!(
        refused("main", "acme-lake", true),
        "There is no bucket `main` whose key could be replaced. Connect it as a new bucket."
    );
}

#[test]
fn a_bucket_in_use_names_its_exports() {
    let in_use = |exports: &[i64]| {
        let exports = exports.iter().copied().map(RequestId).collect();
        BucketInUse { bucket: id("Main"), exports }.to_string()
    };
    assert_eq!(
        in_use(&[17]),
        "Bucket `Main` is in use by export 17, and cannot be removed. Stop it first, or wait for the end."
    );
    assert_eq!(
        in_use(&[17, 18]),
        "Bucket `Main` is in use by exports 17, 18, and cannot be removed. Stop them first, or wait for the end."
    );
}

proptest! {
    #[test]
    fn what_is_accepted_keeps_the_rules(nickname in r"\PC{0,70}", name in r"[a-z0-9A-Z./_: -]{0,70}") {
        if let Ok(accepted) = check_bucket(&id(&nickname), &name, false, &known()) {
            prop_assert_eq!(&accepted.bucket_name, name.trim());
            prop_assert!(accepted.bucket_name.len() >= 3);
            let valid = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte);
            prop_assert!(accepted.bucket_name.bytes().all(valid));
            prop_assert_eq!(&accepted.nickname.0, nickname.trim());
        }
    }
}

#[test]
fn nicknames_show_every_character() {
    for unseen in [
        '\0',
        '\n',
        '\u{ad}',
        '\u{61c}',
        '\u{180e}',
        '\u{200b}',
        '\u{200c}',
        '\u{200d}',
        '\u{200e}',
        '\u{2028}',
        '\u{202e}',
        '\u{2060}',
        '\u{2066}',
        '\u{206a}',
        '\u{3164}',
        '\u{feff}',
        '\u{e0041}',
        '\u{e0100}',
    ] {
        let nickname = BucketId(format!("ma{unseen}in"));
        let refused = check_bucket(&nickname, "acme-exports", false, &[]).unwrap_err();
        assert_eq!(refused.0, [BucketRefusal::UnseenCharacters], "{unseen:?}");
    }
    for seen in ["main", "Büro ❤\u{fe0f}", "倉庫", "मुख्य", "गोदाम 2"] {
        check_bucket(&BucketId(seen.to_owned()), "acme-exports", false, &[]).unwrap();
    }
}
