//! Which file an object lies in: a pure, injective map from any object name to one safe file name.

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};
use sha2::{Digest, Sha256};

/// The longest file name that is used for an object; 255 is what file systems take, `.json` is added to it.
const MAX_FILE_NAME_BYTES: usize = 240;

/// What is escaped anywhere: what separates folders on some system, what a shell would not see, and `%` itself.
const UNSAFE: &AsciiSet = &CONTROLS.add(b'/').add(b'\\').add(b'%');

/// Stands between the readable beginning of a cut name and its hash. No escape looks like it, so a cut name
/// never equals a whole one.
const CUT_MARK: &str = "%~";

/// The file name of an object: the name itself where that is safe, else percent-encoded, and cut with a SHA-256
/// where it would be too long for a disk.
pub(crate) fn file_name(object: &str) -> String {
    let mut encoded = utf8_percent_encode_keeping_unicode(object);
    if encoded.starts_with('.') {
        encoded.replace_range(..1, "%2E");
    }
    if encoded.len() <= MAX_FILE_NAME_BYTES {
        return encoded;
    }
    let hash: String = Sha256::digest(object.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    let mut keep = MAX_FILE_NAME_BYTES - CUT_MARK.len() - hash.len();
    while !encoded.is_char_boundary(keep) {
        keep -= 1;
    }
    encoded.truncate(keep);
    encoded + CUT_MARK + &hash
}

/// What a file name says about its object.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Named {
    /// The object's whole name.
    Object(String),
    /// The name was cut; it stands in the object's record.
    InRecord,
    /// No object's file.
    Nothing,
}

/// The reverse of [`file_name`]. A file that it could not have named is no object, e.g. `.DS_Store` or `50%`.
pub(crate) fn object_name(file: &str) -> Named {
    if file.contains(CUT_MARK) {
        return Named::InRecord;
    }
    match percent_decode_str(file).decode_utf8() {
        Ok(name) if file_name(&name) == file => Named::Object(name.into_owned()),
        _ => Named::Nothing,
    }
}

/// `utf8_percent_encode` escapes everything beyond ASCII; here only what is in [`UNSAFE`] goes, emoji stay.
fn utf8_percent_encode_keeping_unicode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    let mut buffer = [0; 4];
    for character in text.chars() {
        if character.is_ascii() || character.is_control() {
            encoded.extend(utf8_percent_encode(character.encode_utf8(&mut buffer), UNSAFE));
        } else {
            encoded.push(character);
        }
    }
    encoded
}

/// Whether `name` may be a bucket: 3 to 63 of `a-z 0-9 - _ .`, a letter or digit at both ends, no two dots together.
pub(crate) fn is_bucket_name(name: &str) -> bool {
    let edge = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = name.as_bytes();
    (3..=63).contains(&bytes.len())
        && bytes.iter().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.'))
        && edge(bytes.first())
        && edge(bytes.last())
        && !name.contains("..")
}

/// Whether Google takes `name` for an object: 1 to 1,024 bytes, no CR or LF, neither `.` nor `..`.
/// <https://cloud.google.com/storage/docs/objects#naming>
pub(crate) fn is_object_name(name: &str) -> bool {
    (1..=1024).contains(&name.len()) && !name.contains(['\r', '\n']) && name != "." && name != ".."
}

/// Whether `id` may become part of a path under `.gcs`: key and upload ids come from the network.
pub(crate) fn is_id(id: &str) -> bool {
    (1..=128).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn usual_names_are_the_file_names() {
        for name in [
            "1749623187-1749623187-Product-Viewed-20250611-0-6.csv.gz",
            "1-1-🛒 purchase-20250611-0-6.json",
            "1-1-שלום-20250611-0-6.json",
            "a.b..c",
            "~x",
        ] {
            assert_eq!(file_name(name), name);
            assert_eq!(object_name(name), Named::Object(name.to_owned()));
        }
    }

    #[test]
    fn hostile_names_are_escaped() {
        assert_eq!(file_name("../x"), "%2E.%2Fx");
        assert_eq!(file_name("."), "%2E");
        assert_eq!(file_name(".."), "%2E.");
        assert_eq!(file_name(".gcs/x"), "%2Egcs%2Fx");
        assert_eq!(file_name("a\0b"), "a%00b");
        assert_eq!(file_name("a\\b"), "a%5Cb");
        assert_eq!(file_name("50%"), "50%25");
        assert_eq!(file_name("a\u{85}b"), "a%C2%85b");
        let long = "🛒".repeat(256);
        assert_eq!(long.len(), 1024);
        assert!(file_name(&long).len() <= MAX_FILE_NAME_BYTES);
        assert_eq!(object_name(&file_name(&long)), Named::InRecord);
        assert_ne!(file_name(&long), file_name(&format!("{}x", "🛒".repeat(255))));
    }

    #[test]
    fn files_of_others_are_no_objects() {
        for file in [".DS_Store", "50%", "a%2fb", "%41", ".."] {
            assert_eq!(object_name(file), Named::Nothing, "{file}");
        }
    }

    #[test]
    fn bucket_names() {
        for good in ["abc", "a-b_c.d", "0ab", &"a".repeat(63)] {
            assert!(is_bucket_name(good), "{good}");
        }
        for bad in ["", "ab", "Abc", ".gcs", "a..b", "-ab", "ab-", "a/b", "a b", "..", "äöü", &"a".repeat(64)]
        {
            assert!(!is_bucket_name(bad), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_name_has_one_safe_file(name in r"(\PC|[\x00-\x7f%/.]){1,400}") {
            let file = file_name(&name);
            prop_assert!(file.len() <= MAX_FILE_NAME_BYTES);
            prop_assert!(!file.contains(['/', '\\', '\0']) && !file.starts_with('.') && !file.is_empty());
            match object_name(&file) {
                Named::Object(back) => prop_assert_eq!(back, name),
                Named::InRecord => prop_assert!(file.contains(CUT_MARK)),
                Named::Nothing => prop_assert!(false, "{} does not lead back", file),
            }
        }
    }
}
