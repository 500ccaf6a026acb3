//! What people paste.
#![allow(clippy::unwrap_used, reason = "tests")]

use base64::{Engine, prelude::BASE64_STANDARD};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// A PKCS#8 block of an RSA key as far as its frame goes.
fn pem() -> String {
    let mut inner = vec![0x02, 0x01, 0x00, 0x30, 0x0d, 0x06, 0x09];
    inner.extend(RSA);
    inner.extend([0x05, 0x00]);
    inner.resize(1_200, 0x5a);
    let length = u16::try_from(inner.len()).unwrap().to_be_bytes();
    let der = [vec![0x30, 0x82], length.to_vec(), inner].concat();
    let text = BASE64_STANDARD.encode(der);
    let lines: Vec<_> =
        text.as_bytes().chunks(64).map(|line| String::from_utf8(line.to_vec()).unwrap()).collect();
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"))
}

fn key() -> Value {
    json!({
        "type": "service_account",
        "project_id": "acme",
        "private_key_id": "4f2a",
        "private_key": pem(),
        "client_email": "spillway@acme.iam.gserviceaccount.com",
        "universe_domain": "googleapis.com",
    })
}

fn with(field: &str, value: Value) -> Result<KeyIdentity, KeyFault> {
    let mut key = key();
    key[field] = value;
    read(&key.to_string())
}

fn fault(text: &str) -> KeyFault {
    read(text).unwrap_err()
}

#[test]
fn a_key_tells_whose_it_is() {
    let identity = KeyIdentity {
        client_email: "spillway@acme.iam.gserviceaccount.com".to_owned(),
        key_id: "4f2a".to_owned(),
    };
    assert_eq!(read(&key().to_string()), Ok(identity.clone()));
    assert_eq!(read(&format!("\u{feff}\r\n {:#}\n\n", key())), Ok(identity.clone()), "as editors save it");
    let mut old = key();
    old.as_object_mut().unwrap().remove("universe_domain");
    assert_eq!(read(&old.to_string()), Ok(identity), "older keys name no universe");
}

#[test]
fn other_texts_are_told_apart() {
    let half = key().to_string();
    let p12 = format!("MIIJqAIBAzCCCW4{}", "A".repeat(3_000));
    for (text, wanted) in [
        ("", KeyFault::Empty),
        (" \n\u{feff}", KeyFault::Empty),
        (&"x".repeat(16_385), KeyFault::TooLong { bytes: 16_385 }),
        ("AIzaSyA-1234567890abcdefghijklmnopqrstuv", KeyFault::ApiKey),
        ("GOOG1EABCDEFGHIJKLMNOPQRSTUVWXYZ234567ABCDEFGHIJKLMNOPQRSTUV", KeyFault::Hmac),
        ("bGoa+V7g/yqDXvKRqq+JTFn4uQZbPiQJo4pf9RzJ", KeyFault::Hmac),
        (&p12, KeyFault::P12),
        (&pem(), KeyFault::BarePem),
        (&half[..half.len() / 2], KeyFault::Incomplete { line: 1 }),
        ("{\n\"type\": \"service_account\",\n", KeyFault::Incomplete { line: 2 }),
        ("{\n  type: service_account }", KeyFault::NotJson { line: 2 }),
        ("my key", KeyFault::NotJson { line: 1 }),
        ("[1]", KeyFault::NotObject),
        ("\"{}\"", KeyFault::NotObject),
        ("{}", KeyFault::NoKind),
        (r#"{"installed":{"client_id":"x"}}"#, KeyFault::OAuthClient),
        (r#"{"web":{"client_id":"x"}}"#, KeyFault::OAuthClient),
        (r#"{"type":"authorized_user","refresh_token":"x"}"#, KeyFault::AuthorizedUser),
        (r#"{"type":"external_account","token_url":"http://x"}"#, KeyFault::ExternalAccount),
        (r#"{"type":"impersonated_service_account"}"#, KeyFault::OtherKind),
        (r#"{"type":7}"#, KeyFault::OtherKind),
    ] {
        assert_eq!(fault(text), wanted, "{text:.60}");
    }
}

#[test]
fn damaged_keys_are_named_by_what_is_damaged() {
    for field in ["client_email", "private_key_id", "project_id"] {
        for value in [Value::Null, json!(""), json!(7), json!("a b"), json!("x@\n"), json!("@".repeat(255))] {
            assert_eq!(with(field, value.clone()), Err(KeyFault::Missing { field }), "{field} {value}");
        }
    }
    assert_eq!(with("client_email", json!("acme")), Err(KeyFault::Missing { field: "client_email" }));
    assert_eq!(with("private_key", Value::Null), Err(KeyFault::Missing { field: "private_key" }));
    let pkcs1 = pem().replace("PRIVATE", "RSA PRIVATE");
    assert_eq!(with("private_key", json!(pkcs1)), Err(KeyFault::Pkcs1));
    let (pem, unreadable) = (pem(), Err(KeyFault::UnreadablePem));
    for broken in [
        "".to_owned(),
        "no PEM".to_owned(),
        pem.replace('\n', "\\n"),
        pem.replace("-----END PRIVATE KEY-----", ""),
        pem.replacen("WlpaWlpa", "WlpaWlp", 1),
        pem.replacen("WlpaWlpaWlpa", "WlpaWlpa", 1),
        pem.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY"),
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----".to_owned(),
    ] {
        assert_eq!(with("private_key", json!(broken)), unreadable, "{broken:.90}");
    }
    assert_eq!(with("universe_domain", json!("apis-tpc.example.goog")), Err(KeyFault::ForeignUniverse));
    assert_eq!(with("universe_domain", json!(7)), Err(KeyFault::ForeignUniverse));
}

#[test]
fn each_fault_is_a_sentence_with_what_to_do() {
    let again = "Generate the key again in Google Cloud's console (IAM & Admin > Service Accounts > Keys > Add key > \
                 Create new key > JSON) and paste it whole.";
    for (fault, sentence) in [
        (KeyFault::NotJson { line: 2 }, format!("The key is not JSON: it breaks at line 2. {again}")),
        (KeyFault::P12, format!("This is a key in the P12 form; the JSON form is needed. {again}")),
        (KeyFault::UnreadablePem, format!("The key is damaged: its `private_key` cannot be read. {again}")),
        (
            KeyFault::Missing { field: "client_email" },
            format!("The key is damaged: `client_email` is missing, or is not what Google writes there. {again}"),
        ),
        (
            KeyFault::Incomplete { line: 9 },
            "The key is cut off: the JSON ends in the middle of line 9. Paste the key's file whole, from the first { \
             to the last }."
                .to_owned(),
        ),
        (
            KeyFault::TooLong { bytes: 20_000 },
            "The text has 20000 bytes, far more than a service account key. Paste the key's JSON file alone."
                .to_owned(),
        ),
        (
            KeyFault::Pkcs1,
            "`private_key` is in the old form PKCS#1 (BEGIN RSA PRIVATE KEY); Google's keys are PKCS#8 (BEGIN PRIVATE \
             KEY). Paste the file as Google Cloud's console gave it out, or generate the key again there and paste it \
             whole."
                .to_owned(),
        ),
    ] {
        assert_eq!(fault.to_string(), sentence);
    }
}

proptest! {
    #[test]
    fn no_text_is_too_strange(text in r"(\PC|[\n{}\x22:,\\]){0,300}") {
        prop_assert!(read(&text).is_err());
    }

    #[test]
    fn a_cut_key_is_never_taken(cut in 0_usize..1_000) {
        let text = key().to_string();
        prop_assert!(read(&text[..cut.min(text.len() - 1)]).is_err());
    }
}
