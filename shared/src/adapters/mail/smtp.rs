//! Mails by SMTP.

use std::{fmt, net::IpAddr, time::Duration};

use async_trait::async_trait;
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Tokio1Executor,
    transport::smtp::{
        self,
        authentication::Credentials,
        client::{Certificate, Tls, TlsParameters},
        extension::ClientId,
    },
};

use super::MailSender;
use crate::ports::{Mail, MailError, Mailer};

/// How long a mail may take in all, in seconds: below a claim's lease by far. The client's own limit is for the connection
/// alone, and a server that says nothing after that would hold up all mails.
const TIMEOUT_SECS: u64 = 30;

/// How the line is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmtpSecurity {
    /// Encrypted from its first byte, as on port 465.
    Implicit,
    /// Encrypted after STARTTLS, as on port 587; a server that does not offer it gets nothing.
    StartTls,
    /// In the open; only to this machine.
    Plain,
}

/// Which server, and how.
#[derive(Clone)]
pub struct SmtpOptions {
    /// The server's name.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the line is protected.
    pub security: SmtpSecurity,
    /// User and password, where it wants some.
    pub credentials: Option<(String, String)>,
    /// A certificate, PEM, that is trusted beside the world's.
    pub trusted_pem: Option<String>,
}

impl fmt::Debug for SmtpOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let user = self.credentials.as_ref().map(|(user, _)| user);
        let Self { host, port, security, .. } = self;
        write!(f, "SmtpOptions {{ {host}:{port}, {security:?}, user: {user:?} }}")
    }
}

/// Why no mails can be sent by this server.
#[derive(Debug, thiserror::Error)]
pub enum SmtpSetupError {
    /// Customers' mails and our password would go through the network in the open.
    #[error("`{0}` is not this machine; mails go there encrypted only. Choose TLS or STARTTLS")]
    PlainOutside(String),
    /// A certificate, or the name, will not do.
    #[error("the line cannot be encrypted: {0}")]
    Tls(#[from] smtp::Error),
}

/// Sends by SMTP, each mail over a line of its own.
pub struct SmtpMailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    sender: MailSender,
    timeout: Duration,
}

impl SmtpMailer {
    /// A mailer; nobody is called yet.
    ///
    /// # Errors
    /// [`SmtpSetupError`].
    pub fn new(options: &SmtpOptions, sender: MailSender) -> Result<Self, SmtpSetupError> {
        let tls = || {
            let mut tls = TlsParameters::builder(options.host.clone());
            if let Some(pem) = &options.trusted_pem {
                tls = tls.add_root_certificate(Certificate::from_pem(pem.as_bytes())?);
            }
            tls.build()
        };
        let tls = match options.security {
            SmtpSecurity::Implicit => Tls::Wrapper(tls()?),
            SmtpSecurity::StartTls => Tls::Required(tls()?),
            SmtpSecurity::Plain if is_this_machine(&options.host) => Tls::None,
            SmtpSecurity::Plain => return Err(SmtpSetupError::PlainOutside(options.host.clone())),
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&options.host)
            .port(options.port)
            .tls(tls)
            .hello_name(ClientId::Domain(sender.domain().to_owned()))
            .timeout(Some(Duration::from_secs(TIMEOUT_SECS)));
        if let Some((user, password)) = &options.credentials {
            builder = builder.credentials(Credentials::new(user.clone(), password.clone()));
        }
        Ok(Self { transport: builder.build(), sender, timeout: Duration::from_secs(TIMEOUT_SECS) })
    }

    /// One that waits no longer than this for a mail to be taken.
    #[must_use]
    pub fn within(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }
}

fn is_this_machine(host: &str) -> bool {
    host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

#[async_trait]
impl Mailer for SmtpMailer {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        let message = self.sender.message(mail)?;
        match tokio::time::timeout(self.timeout, self.transport.send(message)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(error_of(&error)),
            Err(_) => {
                Err(MailError::Unavailable(format!("the server has not taken it within {:?}", self.timeout)))
            }
        }
    }
}

fn error_of(error: &smtp::Error) -> MailError {
    let text = error.to_string();
    let Some(code) = error.status().map(u16::from) else {
        // Without an answer it is the line; a client's error is a mail that this server does not take at all.
        return if error.is_client() { MailError::Later(text) } else { MailError::Unavailable(text) };
    };
    match code {
        // It ends the line, or does not let us in. (454 is said of a recipient, too.)
        421 | 530 | 534 | 535 | 538 => MailError::Unavailable(text),
        _ if is_of_mailbox(code, &text) => MailError::Refused(text),
        // Also 5xx that may be ours: of the sender, or of a relay that is not set up. Better late than never.
        _ => MailError::Later(text),
    }
}

/// Whether an answer says for good that the mailbox takes nothing: by its enhanced code (RFC 3463), or, where there is
/// none, by the code that servers give for that.
fn is_of_mailbox(code: u16, text: &str) -> bool {
    let enhanced = text.split_whitespace().find(|word| {
        word.split('.').count() == 3 && word.split('.').all(|part| part.bytes().all(|b| b.is_ascii_digit()))
    });
    match enhanced {
        Some(enhanced) => {
            matches!(enhanced, "5.1.1" | "5.1.2" | "5.1.3" | "5.1.6" | "5.1.10" | "5.2.1")
        }
        None => matches!(code, 550 | 551 | 553),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::domain::EmailAddress;

    #[test]
    fn only_what_is_of_the_mailbox_is_final() {
        for (code, text, is_final) in [
            (550, "permanent error (550): 5.1.1 no such user", true),
            (550, "permanent error (550): No such user here", true),
            (550, "permanent error (550): 5.7.1 relaying denied", false),
            (550, "permanent error (550): 5.1.8 sender's domain is unknown", false),
            (552, "permanent error (552): 5.2.2 mailbox full", false),
            (554, "permanent error (554): transaction failed", false),
        ] {
            assert_eq!(is_of_mailbox(code, text), is_final, "{text}");
        }
    }

    #[test]
    fn nothing_goes_through_the_network_in_the_open() {
        let sender = MailSender {
            address: EmailAddress::new("exports@platform.example").unwrap(),
            name: "Spillway".to_owned(),
            bounces: None,
        };
        for (host, is_fine) in [
            ("localhost", true),
            ("127.0.0.1", true),
            ("::1", true),
            ("mail.example.com", false),
            ("10.0.0.1", false),
        ] {
            let options = SmtpOptions {
                host: host.to_owned(),
                port: 25,
                security: SmtpSecurity::Plain,
                credentials: Some(("user".to_owned(), "secret".to_owned())),
                trusted_pem: None,
            };
            assert_eq!(SmtpMailer::new(&options, sender.clone()).is_ok(), is_fine, "{host}");
            assert!(!format!("{options:?}").contains("secret"));
        }
    }
}
