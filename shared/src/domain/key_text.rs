//! What a customer pasted as a key: whether it is a service account key, and what else it is where it is none.

use std::collections::BTreeMap;

use base64::{Engine, prelude::BASE64_STANDARD};
use jiff::Timestamp;
use serde_json::{error::Category, value::RawValue};
use zeroize::Zeroizing;

use super::KeyFacts;

/// The longest text that is taken for a key, in bytes; Google's keys have about 2,400.
pub const KEY_MAX_BYTES: usize = 16 << 10;

/// Google Cloud itself; others are run by partners under another domain.
const UNIVERSE: &str = "googleapis.com";
/// The algorithm's name inside every RSA key of the form PKCS#8 (1.2.840.113549.1.1.1, DER).
const RSA: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const PEM_BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const PEM_END: &str = "-----END PRIVATE KEY-----";
/// What to do about nearly everything.
const AGAIN: &str = "Generate the key again in Google Cloud's console (IAM & Admin > Service Accounts > Keys > \
                     Add key > Create new key > JSON) and paste it whole.";

/// Whose key it is, and which of theirs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyIdentity {
    /// The service account.
    pub client_email: String,
    /// Which of its keys.
    pub key_id: String,
}

impl KeyIdentity {
    /// What may be shown of a key that was given to us at `at`.
    #[must_use]
    pub fn added_at(self, at: Timestamp) -> KeyFacts {
        KeyFacts { client_email: self.client_email, key_id: self.key_id, added_at: at }
    }
}

/// Why a text is no usable service account key. Nothing of the text is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyFault {
    /// Nothing.
    Empty,
    /// More than a key can be.
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// An API key.
    ApiKey,
    /// An HMAC key's id or secret.
    Hmac,
    /// A key in Google's old binary form, as base64.
    P12,
    /// A private key without the JSON around it.
    BarePem,
    /// JSON that ends too early.
    Incomplete {
        /// Where.
        line: usize,
    },
    /// No JSON.
    NotJson {
        /// Where it breaks.
        line: usize,
    },
    /// JSON, but no object.
    NotObject,
    /// An OAuth client.
    OAuthClient,
    /// A person's credentials.
    AuthorizedUser,
    /// Workload identity federation.
    ExternalAccount,
    /// Any other kind of JSON.
    OtherKind,
    /// JSON that does not say its kind.
    NoKind,
    /// A part is missing, or is not what Google writes there.
    Missing {
        /// Which.
        field: &'static str,
    },
    /// A private key in the old form.
    Pkcs1,
    /// A private key that was damaged.
    UnreadablePem,
    /// A key of another cloud on Google's technology.
    ForeignUniverse,
}

impl KeyFault {
    /// What is wrong, as a sentence.
    #[must_use]
    pub fn wrong(self) -> String {
        let text = match self {
            Self::Empty => "The key is missing.",
            Self::TooLong { bytes } => {
                return format!("The text has {bytes} bytes, far more than a service account key.");
            }
            Self::ApiKey => "This is an API key, not a service account key.",
            Self::Hmac => "This is an HMAC key, not a service account key.",
            Self::P12 => "This is a key in the P12 form; the JSON form is needed.",
            Self::BarePem => "This is only the private key out of a service account key.",
            Self::Incomplete { line } => {
                return format!("The key is cut off: the JSON ends in the middle of line {line}.");
            }
            Self::NotJson { line } => return format!("The key is not JSON: it breaks at line {line}."),
            Self::NotObject => "The text is JSON, but no service account key.",
            Self::OAuthClient => "This is an OAuth client, not a service account key.",
            Self::AuthorizedUser => {
                "These are a person's credentials (`authorized_user`), not a service account key \
                 (`service_account`)."
            }
            Self::ExternalAccount => {
                "This is a configuration of workload identity federation (`external_account`), not a service \
                 account key (`service_account`)."
            }
            Self::OtherKind => "The JSON is of another kind: its `type` is not `service_account`.",
            Self::NoKind => "The JSON is no service account key: it has no `type`.",
            Self::Missing { field } => {
                return format!(
                    "The key is damaged: `{field}` is missing, or is not what Google writes there."
                );
            }
            Self::Pkcs1 => {
                "`private_key` is in the old form PKCS#1 (BEGIN RSA PRIVATE KEY); Google's keys are PKCS#8 \
                 (BEGIN PRIVATE KEY)."
            }
            Self::UnreadablePem => "The key is damaged: its `private_key` cannot be read.",
            Self::ForeignUniverse => {
                "The key is of another cloud: its `universe_domain` is not `googleapis.com`."
            }
        };
        text.to_owned()
    }

    /// What to do about it.
    #[must_use]
    pub fn remedy(self) -> &'static str {
        match self {
            Self::Empty => {
                "Paste the whole JSON file that Google Cloud's console gave out, or choose the file."
            }
            Self::TooLong { .. } => "Paste the key's JSON file alone.",
            Self::Incomplete { .. } => "Paste the key's file whole, from the first { to the last }.",
            Self::BarePem => "Paste the whole JSON file that it stands in.",
            Self::Pkcs1 => {
                "Paste the file as Google Cloud's console gave it out, or generate the key again there and paste \
                 it whole."
            }
            Self::ForeignUniverse => "Use a service account of Google Cloud, and a bucket there.",
            _ => AGAIN,
        }
    }
}

impl std::fmt::Display for KeyFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.wrong(), self.remedy())
    }
}

impl std::error::Error for KeyFault {}

/// The text without what an editor or a browser put around it.
#[must_use]
pub fn trimmed(text: &str) -> &str {
    text.trim_matches(|character: char| character.is_whitespace() || character == '\u{feff}')
}

/// The members of a key's JSON, as they stand in its text: looking at them makes no copy of the secret.
type Members<'a> = BTreeMap<String, &'a RawValue>;

/// Reads a text as a service account key.
///
/// # Errors
/// [`KeyFault`] says what it is instead.
pub fn read(text: &str) -> Result<KeyIdentity, KeyFault> {
    if text.len() > KEY_MAX_BYTES {
        return Err(KeyFault::TooLong { bytes: text.len() });
    }
    let text = trimmed(text);
    if text.is_empty() {
        return Err(KeyFault::Empty);
    }
    let key: Members<'_> = serde_json::from_str(text).map_err(|error| not_members(text, &error))?;
    check_kind(&key)?;
    let private_key = key.get("private_key").map(|raw| raw.get()).filter(|raw| raw.starts_with('"'));
    let private_key = private_key.ok_or(KeyFault::Missing { field: "private_key" })?;
    let client_email = part(&key, "client_email", |email| email.contains('@'))?;
    let key_id = part(&key, "private_key_id", |_| true)?;
    // The name of the project stands in every key; without it the file has been edited.
    part(&key, "project_id", |_| true)?;
    if key.contains_key("universe_domain") && text_of(&key, "universe_domain").as_deref() != Some(UNIVERSE) {
        return Err(KeyFault::ForeignUniverse);
    }
    check_pem(private_key)?;
    Ok(KeyIdentity { client_email, key_id })
}

/// A text member.
fn text_of(key: &Members<'_>, name: &str) -> Option<String> {
    serde_json::from_str(key.get(name)?.get()).ok()
}

/// Why a text is no JSON object.
fn not_members(text: &str, error: &serde_json::Error) -> KeyFault {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=_-".contains(&byte);
    let is_base64 = text.bytes().all(|byte| is_word(byte) || byte.is_ascii_whitespace());
    if error.classify() == Category::Data {
        // Some other JSON.
        KeyFault::NotObject
    } else if text.starts_with("-----BEGIN ") {
        KeyFault::BarePem
    } else if text.starts_with("AIza") && is_base64 {
        KeyFault::ApiKey
    } else if text.bytes().all(is_word) && (text.starts_with("GOOG") || text.len() == 40) {
        KeyFault::Hmac
    } else if text.starts_with("MII") && is_base64 {
        KeyFault::P12
    } else if error.is_eof() {
        KeyFault::Incomplete { line: error.line() }
    } else {
        KeyFault::NotJson { line: error.line() }
    }
}

fn check_kind(key: &Members<'_>) -> Result<(), KeyFault> {
    match (key.contains_key("type"), text_of(key, "type").as_deref()) {
        (true, Some("service_account")) => Ok(()),
        (true, Some("authorized_user")) => Err(KeyFault::AuthorizedUser),
        (true, Some("external_account" | "external_account_authorized_user")) => {
            Err(KeyFault::ExternalAccount)
        }
        (true, _) => Err(KeyFault::OtherKind),
        _ if key.contains_key("installed") || key.contains_key("web") => Err(KeyFault::OAuthClient),
        _ => Err(KeyFault::NoKind),
    }
}

/// A part that is shown later: some text of a line.
fn part(key: &Members<'_>, field: &'static str, is_right: impl Fn(&str) -> bool) -> Result<String, KeyFault> {
    let text = text_of(key, field).filter(|text| {
        (1..=254).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()) && is_right(text)
    });
    text.ok_or(KeyFault::Missing { field })
}

/// Whether a private key, as it stands in the JSON, is an RSA key of the form PKCS#8, as far as that can be told
/// without using it.
fn check_pem(raw: &str) -> Result<(), KeyFault> {
    if raw.contains("BEGIN RSA PRIVATE KEY") {
        return Err(KeyFault::Pkcs1);
    }
    let body = raw.split_once(PEM_BEGIN).and_then(|(_, rest)| rest.split_once(PEM_END));
    let (body, _) = body.ok_or(KeyFault::UnreadablePem)?;
    let der = BASE64_STANDARD.decode(unwrapped(body).as_bytes());
    let der = Zeroizing::new(der.map_err(|_| KeyFault::UnreadablePem)?);
    // A sequence whose length of two bytes covers the rest: RSA keys have 256 bytes and more.
    let is_whole = match der.as_slice() {
        [0x30, 0x82, high, low, rest @ ..] => rest.len() == usize::from(u16::from_be_bytes([*high, *low])),
        _ => false,
    };
    let is_rsa = der.get(..32).is_some_and(|head| head.windows(RSA.len()).any(|part| part == RSA));
    if is_whole && is_rsa { Ok(()) } else { Err(KeyFault::UnreadablePem) }
}

/// The base64 of a PEM body, as it stands in the JSON, in one line that is wiped.
fn unwrapped(body: &str) -> Zeroizing<String> {
    // With room for all, so that no copy is left behind by growing.
    let (mut line, mut rest) = (Zeroizing::new(String::with_capacity(body.len())), body);
    while let Some(character) = rest.chars().next() {
        let (skipped, kept) = match rest {
            _ if rest.starts_with("\\n") || rest.starts_with("\\r") => (2, None),
            // As some writers of JSON have it.
            _ if rest.starts_with("\\u003d") => (6, Some('=')),
            _ => (character.len_utf8(), Some(character).filter(|character| *character != ' ')),
        };
        line.extend(kept);
        rest = &rest[skipped..];
    }
    line
}

#[cfg(test)]
mod tests;
