//! E-mails: by SMTP, or as `.eml` files in a folder. Both write the same message.

mod eml;
mod message;
mod smtp;

pub use eml::EmlFolder;
pub use message::MailSender;
pub use smtp::{SmtpMailer, SmtpOptions, SmtpSecurity, SmtpSetupError};
