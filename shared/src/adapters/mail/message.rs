//! The message: who sends it, its headers and its two parts.

use std::time::{Duration, SystemTime};

use lettre::{
    Address, Message,
    address::Envelope,
    message::{
        Mailbox, MultiPart,
        header::{Header, HeaderName, HeaderValue},
    },
};

use crate::{
    domain::EmailAddress,
    ports::{Mail, MailError},
};

/// In whose name mails go out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailSender {
    /// The address.
    pub address: EmailAddress,
    /// The name beside it, one line.
    pub name: String,
    /// Where mails that cannot be delivered come back to; the address itself where none is given.
    pub bounces: Option<EmailAddress>,
}

/// Tells servers that nobody wrote this by hand, so that no absence note answers it (RFC 3834).
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

impl MailSender {
    /// The domain of the address, by which `Message-ID`s are told from others'.
    pub(super) fn domain(&self) -> &str {
        self.address.as_str().rsplit('@').next().unwrap_or("localhost")
    }

    /// A mail as it goes over the line. There is no `List-Unsubscribe`: a failure is not a newsletter.
    pub(super) fn message(&self, mail: &Mail) -> Result<Message, MailError> {
        let from = Mailbox::new(Some(one_line(&self.name)), parsed(&self.address)?);
        let to = parsed(&mail.to)?;
        let back = parsed(self.bounces.as_ref().unwrap_or(&self.address))?;
        let envelope = Envelope::new(Some(back), vec![to.clone()])
            .map_err(|error| MailError::Refused(error.to_string()))?;
        Message::builder()
            .envelope(envelope)
            .from(from)
            .to(Mailbox::new(None, to))
            .subject(one_line(&mail.subject))
            .message_id(Some(format!("<{}@{}>", mail.notice, self.domain())))
            .date(system_time(mail))
            .header(AutoSubmitted)
            .multipart(MultiPart::alternative_plain_html(mail.text.clone(), mail.html.clone()))
            .map_err(|error| MailError::Refused(error.to_string()))
    }
}

fn parsed(address: &EmailAddress) -> Result<Address, MailError> {
    address.as_str().parse().map_err(|error| MailError::Refused(format!("`{address}`: {error}")))
}

/// Nothing that is told ends a header's line.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn system_time(mail: &Mail) -> SystemTime {
    let secs = u64::try_from(mail.written_at.as_second()).unwrap_or_default();
    SystemTime::UNIX_EPOCH + Duration::from_secs(secs)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::domain::NoticeId;

    fn mail(subject: &str) -> Mail {
        Mail {
            notice: NoticeId::of(&["one"]),
            to: EmailAddress::new("ops@acme.example").unwrap(),
            subject: subject.to_owned(),
            text: "Hello".to_owned(),
            html: "<p>Hello</p>".to_owned(),
            written_at: "2026-03-10T12:00:00Z".parse().unwrap(),
        }
    }

    fn sender(name: &str) -> MailSender {
        let address = EmailAddress::new("exports@platform.example").unwrap();
        MailSender {
            address,
            name: name.to_owned(),
            bounces: EmailAddress::new("bounces@platform.example").ok(),
        }
    }

    #[test]
    fn no_text_makes_a_header_of_its_own() {
        let message =
            sender("Us\r\nX-Evil: 1").message(&mail("Hi\r\nBcc: all@acme.example\r\n\r\nbody")).unwrap();
        let text = String::from_utf8(message.formatted()).unwrap();
        let (head, _) = text.split_once("\r\n\r\n").unwrap();
        let names: Vec<_> = head
            .split("\r\n")
            .filter(|line| !line.starts_with([' ', '\t']))
            .map(|line| line.split_once(':').unwrap().0)
            .collect();
        assert!(!names.contains(&"Bcc") && !names.contains(&"X-Evil"), "{head}");
        assert!(
            head.contains("Auto-Submitted: auto-generated") && !head.contains("List-Unsubscribe"),
            "{head}"
        );
    }

    #[test]
    fn bounces_go_to_their_own_address_and_ids_are_stable() {
        let sender = sender("Spillway");
        let message = sender.message(&mail("Hi")).unwrap();
        assert_eq!(message.envelope().from().unwrap().to_string(), "bounces@platform.example");
        assert_eq!(message.envelope().to().len(), 1);
        let head = String::from_utf8(message.formatted()).unwrap();
        let id = format!("Message-ID: <{}@platform.example>", NoticeId::of(&["one"]));
        assert!(head.contains(&id) && head.contains("Date: Tue, 10 Mar 2026 12:00:00 +0000"), "{head}");
    }
}
