//! The contract of [`spillway::ports::Mailer`]: what arrives, as Python's `email` reads it.

use std::{
    io::Write,
    process::{Command, Stdio},
};

use serde_json::Value;
use spillway::{
    domain::{EmailAddress, NoticeId},
    ports::{Mail, Mailer},
};

const READER: &str = r#"
import email, email.policy, json, sys
read = []
for text in json.load(sys.stdin):
    mail = email.message_from_bytes(text.encode("utf-8"), policy=email.policy.default)
    parts = {part.get_content_type(): part.get_content() for part in mail.walk() if not part.is_multipart()}
    read.append({
        "kind": mail.get_content_type(), "headers": [[name, str(value)] for name, value in mail.items()],
        "parts": parts, "defects": [str(defect) for defect in mail.defects],
        "longest_line": max(len(line) for line in text.split("\r\n")),
    })
json.dump(read, sys.stdout)
"#;

/// Messages as Python's `email` reads them.
///
/// # Panics
/// Where there is no Python, or it cannot read them.
#[must_use]
pub fn read(messages: &[String]) -> Vec<Value> {
    let mut python = Command::new("python3")
        .args(["-c", READER])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 starts");
    let input = serde_json::to_vec(messages).expect("texts");
    python.stdin.take().expect("piped").write_all(&input).expect("python reads");
    let output = python.wait_with_output().expect("python ends");
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// A mail with all that may go wrong on the way in it.
#[must_use]
pub fn mail(to: &str) -> Mail {
    let text = format!(
        "Hello\n.\n..dots\nFrom here\nümläut ☃ = 3D\n\n{}\n\ttabs and trailing blanks  \nend\n",
        "long ".repeat(400)
    );
    Mail {
        notice: NoticeId::of(&["contract", to]),
        to: EmailAddress::new(to).expect("an address"),
        subject: format!("Exports to “acme” fail: ☃ {}", "and on ".repeat(30).trim_end()),
        html: format!("<p>{text}</p>"),
        text,
        written_at: "2026-03-10T12:00:00Z".parse().expect("a time"),
    }
}

/// What is sent arrives as it is, for whom it is for, and twice as the same message. `arrived` gives the messages.
///
/// # Panics
/// Where the contract is broken.
pub async fn keeps_the_contract(mailer: &dyn Mailer, arrived: impl Fn() -> Vec<String>) {
    let (one, other) = (mail("ops@acme.example"), mail("amy+exports@acme.example"));
    for mail in [&one, &other, &one] {
        mailer.send(mail).await.expect("it is taken");
    }
    let messages = read(&arrived());
    let header = |message: &Value, name: &str| {
        let headers = message["headers"].as_array().expect("headers");
        let mut found =
            headers.iter().filter(|header| header[0].as_str().is_some_and(|n| n.eq_ignore_ascii_case(name)));
        let value = found.next().map(|header| header[1].as_str().unwrap_or_default().to_owned());
        assert!(found.next().is_none(), "{name} once");
        value
    };
    let mut ids = std::collections::BTreeSet::new();
    for message in &messages {
        let to = header(message, "To").expect("a recipient");
        let sent = if to == one.to.as_str() { &one } else { &other };
        assert_eq!(to, sent.to.as_str());
        assert_eq!(header(message, "Subject").as_deref(), Some(sent.subject.as_str()));
        assert_eq!(header(message, "Date").as_deref(), Some("Tue, 10 Mar 2026 12:00:00 +0000"));
        assert!(header(message, "From").is_some_and(|from| from.ends_with("<exports@platform.example>")));
        assert_eq!(header(message, "Auto-Submitted").as_deref(), Some("auto-generated"));
        assert_eq!(header(message, "List-Unsubscribe"), None);
        assert_eq!(message["kind"], "multipart/alternative");
        assert_eq!(message["defects"], Value::Array(Vec::new()));
        assert!(message["longest_line"].as_u64().is_some_and(|length| length < 999), "{message}");
        let part = |kind: &str| message["parts"][kind].as_str().expect("a part").replace("\r\n", "\n");
        assert_eq!(part("text/plain").trim_end(), sent.text.trim_end());
        assert_eq!(part("text/html").trim_end(), sent.html.trim_end());
        let id = header(message, "Message-ID").expect("an id");
        assert_eq!(id, format!("<{}@platform.example>", sent.notice));
        ids.insert(id);
    }
    assert_eq!(ids.len(), 2, "a second mail of a notice is the same message");
}
