//! Which buckets a customer may connect, and how they may be called. Pure.

use icu_normalizer::ComposingNormalizerBorrowed;

use crate::domain::{BucketId, KeyFault, PartnerBucket, RequestId};

/// The longest nickname, in characters.
pub const NICKNAME_MAX_CHARS: usize = 64;

/// One thing that is wrong with a bucket to be connected, a sentence that ends with what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BucketRefusal {
    /// No nickname.
    #[error("The nickname is missing. Give the bucket a name of your own, for example `main`.")]
    NoNickname,
    /// Too long a nickname.
    #[error("The nickname has {0} characters. Choose one of at most {NICKNAME_MAX_CHARS}.")]
    LongNickname(usize),
    /// Line breaks, tabs, and what turns the direction of writing.
    #[error(
        "The nickname has characters that cannot be seen. Type it by hand, without tabs and line breaks."
    )]
    UnseenCharacters,
    /// A nickname of signs only.
    #[error("The nickname has neither a letter nor a digit. Add one.")]
    SignsOnly,
    /// Another bucket of the account has it, perhaps in other letters' cases.
    #[error("There is a bucket `{0}` already. Choose another nickname, or replace the key of `{0}`.")]
    NicknameTaken(BucketId),
    /// The bucket whose key is to be replaced is not there.
    #[error("There is no bucket `{0}` whose key could be replaced. Connect it as a new bucket.")]
    NothingToReplace(BucketId),
    /// A new key does not lead to another bucket.
    #[error(
        "Bucket `{id}` is `{is}` at Google, and a new key leaves it so. Connect the other bucket under another \
         nickname."
    )]
    OtherBucket {
        /// The nickname.
        id: BucketId,
        /// The bucket's name at Google.
        is: String,
    },
    /// No name.
    #[error("The bucket name is missing. Copy it from Cloud Storage > Buckets in Google Cloud's console.")]
    NoBucketName,
    /// An address in place of a name.
    #[error("`{given}` is an address, and only the bucket's name is needed. Give `{name}`.")]
    AddressNotName {
        /// What was given, cut where it is long.
        given: String,
        /// The name in it.
        name: String,
    },
    /// Upper case.
    #[error(
        "`{0}` has capital letters, which no bucket name has. The bucket name must match exactly: copy it from Google \
         Cloud's console."
    )]
    Capitals(String),
    /// Other characters.
    #[error(
        "`{name}` has the character `{character}`. A bucket name has only letters from a to z, digits, dashes, \
         underscores and dots; copy it from Google Cloud's console."
    )]
    Character {
        /// The name, cut where it is long.
        name: String,
        /// What no bucket name has.
        character: char,
    },
    /// Too short or too long.
    #[error("`{0}` is no bucket name: those have 3 to 63 characters. Copy it from Google Cloud's console.")]
    Length(String),
    /// Too long with dots.
    #[error(
        "`{0}` is no bucket name: one with dots has at most 222 characters, and at most 63 between two dots. Copy it \
         from Google Cloud's console."
    )]
    DottedLength(String),
    /// It begins or ends with a sign.
    #[error(
        "`{0}` is no bucket name: those begin and end with a letter or a digit. Copy it from Google Cloud's console."
    )]
    Edges(String),
    /// Nothing between two dots.
    #[error("`{0}` is no bucket name: it has two dots in a row. Copy it from Google Cloud's console.")]
    TwoDots(String),
    /// An IP address.
    #[error("`{0}` is an IP address, which no bucket name is. Copy the name from Google Cloud's console.")]
    IpAddress(String),
    /// Google keeps such names for itself.
    #[error(
        "`{0}` is no bucket name: none begins with `goog` or has `google` in it. Copy it from Google Cloud's console."
    )]
    GooglesOwn(String),
    /// What can be told of the key without reading it.
    #[error(transparent)]
    Key(#[from] KeyFault),
}

/// Where on a form a refusal belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BucketField {
    /// The nickname.
    Nickname,
    /// The bucket's name at Google.
    BucketName,
    /// The key.
    Key,
}

impl BucketRefusal {
    /// Which field of a form it is about.
    #[must_use]
    pub fn field(&self) -> BucketField {
        match self {
            Self::NoNickname
            | Self::LongNickname(_)
            | Self::UnseenCharacters
            | Self::SignsOnly
            | Self::NicknameTaken(_)
            | Self::NothingToReplace(_) => BucketField::Nickname,
            Self::Key(_) => BucketField::Key,
            _ => BucketField::BucketName,
        }
    }
}

/// All that is wrong with a bucket to be connected, at least one thing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))]
pub struct BucketRefused(pub Vec<BucketRefusal>);

impl From<BucketRefusal> for BucketRefused {
    fn from(refusal: BucketRefusal) -> Self {
        Self(vec![refusal])
    }
}

/// A bucket that exports still go into.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "Bucket `{bucket}` is in use by {}, and cannot be removed. Stop {} first, or wait for the end.",
    listed(.exports), if .exports.len() == 1 { "it" } else { "them" }
)]
pub struct BucketInUse {
    /// Which bucket.
    pub bucket: BucketId,
    /// By which exports, at least one.
    pub exports: Vec<RequestId>,
}

fn listed(exports: &[RequestId]) -> String {
    let ids: Vec<_> = exports.iter().map(ToString::to_string).collect();
    match ids.as_slice() {
        [one] => format!("export {one}"),
        many => format!("exports {}", many.join(", ")),
    }
}

/// A bucket that may be connected, or have its key replaced, if the check passes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcceptedBucket {
    /// The nickname, without blanks around it.
    pub nickname: BucketId,
    /// The bucket's name at Google.
    pub bucket_name: String,
}

/// Whether a bucket may be connected beside the account's `buckets`, or, where it `replaces` one's key, may be checked
/// under its new key; then the name may be left empty.
///
/// # Errors
/// All that is wrong.
pub fn check_bucket(
    nickname: &BucketId,
    bucket_name: &str,
    replaces: bool,
    buckets: &[PartnerBucket],
) -> Result<AcceptedBucket, BucketRefused> {
    let (nickname, bucket_name) = (BucketId(nickname.0.trim().to_owned()), bucket_name.trim());
    let known = buckets.iter().find(|bucket| bucket.id == nickname).filter(|_| replaces);
    let bucket_name = match known {
        Some(known) if bucket_name.is_empty() => known.bucket_name.clone(),
        _ => bucket_name.to_owned(),
    };
    let mut refusals = Vec::new();
    if !replaces {
        refusals.extend(refused_nickname(&nickname.0));
        refusals.extend(refused_name(&bucket_name));
    }
    if let Err(refusal) = check_place(&nickname, &bucket_name, replaces, buckets) {
        refusals.push(refusal);
    }
    if refusals.is_empty() {
        Ok(AcceptedBucket { nickname, bucket_name })
    } else {
        Err(BucketRefused(refusals))
    }
}

/// Whether there is a place for it among the account's `buckets`: a free nickname, or the bucket whose key it replaces.
/// Nicknames that differ only in their letters' cases, or in how Unicode writes what looks the same, are the same to a
/// person.
///
/// # Errors
/// [`BucketRefusal`].
pub fn check_place(
    nickname: &BucketId,
    bucket_name: &str,
    replaces: bool,
    buckets: &[PartnerBucket],
) -> Result<(), BucketRefusal> {
    if !replaces {
        let seen = as_seen(nickname);
        return match buckets.iter().find(|bucket| as_seen(&bucket.id) == seen) {
            Some(taken) => Err(BucketRefusal::NicknameTaken(taken.id.clone())),
            None => Ok(()),
        };
    }
    let known = buckets.iter().find(|bucket| bucket.id == *nickname);
    let known = known.ok_or_else(|| BucketRefusal::NothingToReplace(BucketId(cut(&nickname.0))))?;
    if known.bucket_name == bucket_name {
        Ok(())
    } else {
        Err(BucketRefusal::OtherBucket { id: known.id.clone(), is: known.bucket_name.clone() })
    }
}

/// What a person takes a nickname for: NFKC, so that `é` is `é` in one character or in two, and a wide or styled letter is
/// the letter; and in no letters' case.
fn as_seen(nickname: &BucketId) -> String {
    let nfkc = ComposingNormalizerBorrowed::new_nfkc();
    // Lower case may take a character apart again.
    nfkc.normalize(&nfkc.normalize(&nickname.0).to_lowercase()).into_owned()
}

/// Whether nothing is seen of a character, or it turns the direction of writing: two nicknames that differ in it alone look
/// the same.
pub(in crate::domain) fn is_unseen(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

fn refused_nickname(nickname: &str) -> Option<BucketRefusal> {
    match nickname.chars().count() {
        0 => Some(BucketRefusal::NoNickname),
        chars if chars > NICKNAME_MAX_CHARS => Some(BucketRefusal::LongNickname(chars)),
        _ if nickname.contains(is_unseen) => Some(BucketRefusal::UnseenCharacters),
        // Such as `..`, which no address can name.
        _ if !nickname.contains(char::is_alphanumeric) => Some(BucketRefusal::SignsOnly),
        _ => None,
    }
}

/// What no bucket at Google can be called. <https://cloud.google.com/storage/docs/buckets#naming>
fn refused_name(name: &str) -> Option<BucketRefusal> {
    use BucketRefusal::*;
    if name.is_empty() {
        return Some(NoBucketName);
    }
    if let Some(inner) = name_in_address(name) {
        return Some(AddressNotName { given: cut(name), name: cut(inner) });
    }
    let shown = cut(name);
    if name.contains(|character: char| character.is_ascii_uppercase()) {
        return Some(Capitals(shown));
    }
    let foreign = |character: &char| !matches!(character, 'a'..='z' | '0'..='9' | '-' | '_' | '.');
    if let Some(character) = name.chars().find(foreign) {
        return Some(Character { name: shown, character });
    }
    if name.len() < 3 || (name.len() > 63 && !name.contains('.')) {
        return Some(Length(shown));
    }
    if name.len() > 222 || name.split('.').any(|part| part.len() > 63) {
        return Some(DottedLength(shown));
    }
    let is_sign = |character: char| !character.is_ascii_alphanumeric();
    if name.starts_with(is_sign) || name.ends_with(is_sign) {
        return Some(Edges(shown));
    }
    if name.contains("..") {
        return Some(TwoDots(shown));
    }
    if is_dotted_decimal(name) {
        return Some(IpAddress(shown));
    }
    (name.starts_with("goog") || name.contains("google") || name.contains("g00gle"))
        .then_some(GooglesOwn(shown))
}

/// Four numbers up to 255.
fn is_dotted_decimal(name: &str) -> bool {
    name.split('.').count() == 4 && name.split('.').all(|part| part.parse::<u8>().is_ok())
}

/// The name in what people copy instead of it: `gs://name/`, a page of the console, a file's address, `name/folder`.
fn name_in_address(text: &str) -> Option<&str> {
    let addresses = [
        "gs://",
        "https://console.cloud.google.com/storage/browser/_details/",
        "https://console.cloud.google.com/storage/browser/",
        "https://storage.cloud.google.com/",
        "https://storage.googleapis.com/",
    ];
    let rest = addresses.iter().find_map(|address| text.strip_prefix(address));
    let rest = rest.or_else(|| text.contains('/').then_some(text))?;
    rest.split(['/', ';', '?', '#']).find(|part| !part.is_empty())
}

/// Enough of a text to recognise it by.
fn cut(text: &str) -> String {
    const SHOWN_CHARS: usize = 80;
    let mut chars = text.chars();
    let shown: String = chars.by_ref().take(SHOWN_CHARS).collect();
    if chars.next().is_some() { shown + "…" } else { shown }
}

#[cfg(test)]
mod tests;
