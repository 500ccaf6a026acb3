//! How mails go out, out of the environment: by SMTP, or not at all.

use std::sync::Arc;

use url::Url;

use super::{
    StartError,
    config::{Environment, Settings, Variable, any, http_url, number},
};
use crate::{
    adapters::mail::{MailSender, SmtpMailer, SmtpOptions, SmtpSecurity},
    domain::EmailAddress,
    ports::Mailer,
    steps::Notifier,
};

const HOST: Variable = Variable::new(
    "SPILLWAY_MAIL_SERVER",
    "The SMTP server that takes mails to customers. Without one no mails are written.",
);
const PORT: Variable = Variable::new("SPILLWAY_MAIL_PORT", "The server's port.").or("587");
const SECURITY: Variable = Variable::new(
    "SPILLWAY_MAIL_SECURITY",
    "How the line to it is protected: starttls (port 587), tls (port 465), or plain, to this machine only.",
)
.or("starttls");
const USER: Variable = Variable::new("SPILLWAY_MAIL_USER", "As whom we log in there, where it asks.");
const PASSWORD: Variable = Variable::new("SPILLWAY_MAIL_PASSWORD", "The password of that user.").secret();
const FROM: Variable = Variable::new("SPILLWAY_MAIL_FROM", "The address from which mails come.");
const NAME: Variable =
    Variable::new("SPILLWAY_MAIL_NAME", "The name beside it.").or("Exports to Google Cloud");
const BOUNCES: Variable = Variable::new(
    "SPILLWAY_MAIL_BOUNCES",
    "Where mails come back to that cannot be delivered; the address from which they come by default.",
);
const PUBLIC_URL: Variable =
    Variable::new("SPILLWAY_PUBLIC_URL", "The dashboard's address as browsers see it, for links in mails.");

/// With what people are told.
#[derive(Debug, Clone)]
pub struct MailSettings {
    server: Option<(SmtpOptions, MailSender)>,
    public_url: Option<Url>,
}

impl Settings for MailSettings {
    fn read(env: &mut Environment) -> Option<Self> {
        let host = env.optional(HOST, host);
        let (port, security) = (env.required(PORT, number(1..=65_535)), env.required(SECURITY, security));
        let (user, password) = (env.optional(USER, any), env.optional(PASSWORD, any));
        let (from, bounces) = (env.optional(FROM, address), env.optional(BOUNCES, address));
        let (name, public_url) = (env.required(NAME, any), env.optional(PUBLIC_URL, http_url));
        let (host, from, credentials) = (host?, from?, (user?, password?));
        let (port, security, name, bounces) = (port?, security?, name?, bounces?);
        let public_url = public_url?;
        let server = match (host, from) {
            (None, _) => None,
            (Some(_), None) => {
                env.wrong(FROM.name, "it is not set, and mails need a sender");
                return None;
            }
            (Some(host), Some(address)) => {
                let credentials = match credentials {
                    (Some(user), Some(password)) => Some((user, password)),
                    (None, None) => None,
                    (Some(_), None) => {
                        env.wrong(PASSWORD.name, "it is not set, and the user has one");
                        return None;
                    }
                    (None, Some(_)) => {
                        env.wrong(USER.name, "it is not set, and there is a password");
                        return None;
                    }
                };
                let options = SmtpOptions { host, port, security, credentials, trusted_pem: None };
                Some((options, MailSender { address, name, bounces }))
            }
        };
        Some(Self { server, public_url })
    }
}

fn host(text: &str) -> Result<String, String> {
    let is_right = !text.contains([':', '/', '@', ' ']);
    if is_right {
        Ok(text.to_owned())
    } else {
        Err("give the server's name alone, like smtp.example.com".to_owned())
    }
}

fn security(text: &str) -> Result<SmtpSecurity, String> {
    match text {
        "starttls" => Ok(SmtpSecurity::StartTls),
        "tls" => Ok(SmtpSecurity::Implicit),
        "plain" => Ok(SmtpSecurity::Plain),
        _ => Err("give starttls, tls or plain".to_owned()),
    }
}

fn address(text: &str) -> Result<EmailAddress, String> {
    EmailAddress::new(text).map_err(|_| "give an e-mail address like exports@example.com".to_owned())
}

/// With what the checker tells people. Nobody is called yet.
///
/// # Errors
/// Where the line cannot be protected as asked.
pub fn notifier(settings: &MailSettings) -> Result<Notifier, StartError> {
    let mailer = match &settings.server {
        Some((options, sender)) => {
            Some(Arc::new(SmtpMailer::new(options, sender.clone())?) as Arc<dyn Mailer>)
        }
        None => {
            tracing::warn!("no mail server is named: customers are told of failures by the dashboard only");
            None
        }
    };
    let public_url = settings.public_url.as_ref().map(|url| url.as_str().trim_end_matches('/').to_owned());
    Ok(Notifier { mailer, public_url })
}
