//! Mails in files.

use std::{
    fs::{self, File},
    io::{self, ErrorKind, Read},
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use mail_parser::{Address, Message, MessageParser};

/// More than a mail of ours has, in bytes.
const MAX_BYTES: u64 = 4 << 20;

/// A mail in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct MailRow {
    /// The file's name.
    pub(super) name: String,
    /// The subject.
    pub(super) subject: String,
    /// To whom.
    pub(super) to: String,
    /// When it was written.
    pub(super) sent: Timestamp,
}

/// A mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Letter {
    /// The subject.
    pub(super) subject: String,
    /// From whom.
    pub(super) from: String,
    /// To whom.
    pub(super) to: String,
    /// When it was written.
    pub(super) sent: Option<Timestamp>,
    /// As text.
    pub(super) text: String,
    /// As HTML.
    pub(super) html: Option<String>,
}

/// The newest mails of a folder; none where there is no folder yet.
pub(super) fn list(folder: &Path, most: usize) -> io::Result<Vec<MailRow>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut names = Vec::new();
    for entry in entries {
        names.extend(entry?.file_name().into_string().ok().filter(|name| is_name(name)));
    }
    // Names begin with the instant.
    names.sort_unstable_by(|a, b| b.cmp(a));
    names.truncate(most);
    let mut rows = Vec::new();
    for name in names {
        // It may be gone by now.
        if let Some(letter) = letter(&folder.join(&name))? {
            let sent = letter.sent.unwrap_or(Timestamp::UNIX_EPOCH);
            rows.push(MailRow { name, subject: letter.subject, to: letter.to, sent });
        }
    }
    Ok(rows)
}

/// Where the mail of a name is; none where that is no name of a mail.
pub(super) fn path(folder: &Path, name: &str) -> Option<PathBuf> {
    is_name(name).then(|| folder.join(name))
}

/// Letters, digits and dashes, so that a name never leads out of the folder.
fn is_name(name: &str) -> bool {
    let stem = name.strip_suffix(".eml").unwrap_or_default();
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '-';
    !stem.is_empty() && stem.len() <= 100 && stem.chars().all(is_plain)
}

/// Reads a mail; none where there is no such file.
pub(super) fn letter(path: &Path) -> io::Result<Option<Letter>> {
    let mut bytes = Vec::new();
    match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        file => file?.take(MAX_BYTES).read_to_end(&mut bytes)?,
    };
    Ok(MessageParser::default().parse(&bytes).map(|message| Letter::of(&message)))
}

impl Letter {
    fn of(message: &Message<'_>) -> Self {
        let sent = message.date().and_then(|date| Timestamp::from_second(date.to_timestamp()).ok());
        Self {
            subject: message.subject().unwrap_or("(no subject)").to_owned(),
            from: people(message.from()),
            to: people(message.to()),
            sent,
            text: message.body_text(0).unwrap_or_default().into_owned(),
            // What was made out of the text by the parser is none of the mail's.
            html: (message.html_body_count() > 0 && message.text_body_count() > 0)
                .then(|| message.body_html(0))
                .flatten()
                .filter(|html| html.contains("<html"))
                .map(|html| html.into_owned()),
        }
    }
}

fn people(address: Option<&Address<'_>>) -> String {
    let people = address.iter().flat_map(|address| address.iter()).map(|person| {
        match (person.name(), person.address()) {
            (Some(name), Some(address)) => format!("{name} <{address}>"),
            (name, address) => address.or(name).unwrap_or_default().to_owned(),
        }
    });
    people.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    const MAIL: &str = "From: Spillway <exports@example.com>\r\nTo: ops@example.com\r\n\
        Subject: =?utf-8?q?B=C3=BCcher?= fail\r\nDate: Wed, 25 Nov 2026 10:00:00 +0000\r\n\
        MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=x\r\n\r\n\
        --x\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\
        Gr=C3=BC=C3=9Fe =\r\nall\r\n\
        --x\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<html><p>Hi</p></html>\r\n--x--\r\n";

    #[test]
    fn a_mail_is_read_as_people_read_it() {
        let letter = Letter::of(&MessageParser::default().parse(MAIL.as_bytes()).unwrap());
        assert_eq!((letter.subject.as_str(), letter.to.as_str()), ("Bücher fail", "ops@example.com"));
        assert_eq!(letter.from, "Spillway <exports@example.com>");
        assert_eq!(letter.sent, Some("2026-11-25T10:00:00Z".parse().unwrap()));
        assert!(letter.text.starts_with("Grüße all"), "{}", letter.text);
        assert_eq!(letter.html.as_deref().map(str::trim), Some("<html><p>Hi</p></html>"));
    }

    #[test]
    fn no_name_leads_out_of_the_folder() {
        for bad in ["", ".eml", "../x.eml", "a/b.eml", "x.txt", "..", "a\0.eml", "ä.eml", "a.b.eml"] {
            assert_eq!(path(Path::new("/mail"), bad), None, "{bad}");
        }
        let good = "20261125T100000Z-0123456789abcdef.eml";
        assert_eq!(path(Path::new("/mail"), good), Some(Path::new("/mail").join(good)));
    }

    #[test]
    fn there_are_no_mails_before_the_first() {
        assert_eq!(list(Path::new("/nowhere/mail"), 10).unwrap(), []);
    }
}
