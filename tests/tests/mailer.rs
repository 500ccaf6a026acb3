//! Both mailers keep the port's contract: `.eml` files in a folder, and SMTP to a server of ours and to aiosmtpd, in the
//! open and encrypted.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::{
    io::{BufRead, BufReader},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use spillway::{
    adapters::mail::{EmlFolder, MailSender, SmtpMailer, SmtpOptions, SmtpSecurity},
    domain::EmailAddress,
    ports::{MailError, Mailer},
};
use spillway_tests::{
    contract::mailer::{keeps_the_contract, mail},
    fakes::SmtpServer,
    readers::venv_python,
};

fn sender() -> MailSender {
    MailSender {
        address: EmailAddress::new("exports@platform.example").unwrap(),
        name: "Exports, of \"Platform\" ☃".to_owned(),
        bounces: EmailAddress::new("bounces@platform.example").ok(),
    }
}

fn options(port: u16) -> SmtpOptions {
    SmtpOptions {
        host: "localhost".to_owned(),
        port,
        security: SmtpSecurity::Plain,
        credentials: None,
        trusted_pem: None,
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> =
        std::fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn texts(folder: &Path) -> Vec<String> {
    files(folder).iter().map(|file| std::fs::read_to_string(file).unwrap()).collect()
}

#[tokio::test]
async fn a_folder_keeps_the_contract() {
    use std::os::unix::fs::PermissionsExt;

    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("mail");
    let mailer = EmlFolder::new(folder.clone(), sender());
    keeps_the_contract(&mailer, || texts(&folder)).await;
    let kept = files(&folder);
    assert_eq!(kept.len(), 2, "a second mail of a notice is the same file");
    assert!(kept.iter().all(|file| file.extension().is_some_and(|end| end == "eml")));
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&folder), mode(&kept[0])), (0o700, 0o600), "customers' mails are their owner's alone");
    let blocked = EmlFolder::new(kept[0].join("below-a-file"), sender());
    assert!(matches!(blocked.send(&mail("ops@acme.example")).await, Err(MailError::Unavailable(_))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn smtp_keeps_the_contract() {
    let server = SmtpServer::start().await;
    let mailer = SmtpMailer::new(&options(server.port), sender()).unwrap();
    let taken = || server.taken().into_iter().map(|mail| mail.message).collect();
    keeps_the_contract(&mailer, taken).await;
    let envelopes = server.taken();
    assert!(envelopes.iter().all(|mail| mail.from == "bounces@platform.example" && mail.to.len() == 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_servers_answer_is_told_apart() {
    let server = SmtpServer::start().await;
    let mailer = SmtpMailer::new(&options(server.port), sender()).unwrap();
    let ask = async |answer: &str| {
        server.refuse("ops@acme.example", Some(answer));
        mailer.send(&mail("ops@acme.example")).await.unwrap_err()
    };
    assert!(
        matches!(ask("550 5.1.1 no such user").await, MailError::Refused(text) if text.contains("no such user"))
    );
    assert!(matches!(ask("550 who").await, MailError::Refused(_)));
    assert!(matches!(ask("550 5.7.1 relaying denied").await, MailError::Later(_)));
    assert!(matches!(ask("451 4.7.1 greylisted").await, MailError::Later(_)));
    assert!(matches!(ask("454 4.7.1 not this one now").await, MailError::Later(_)));
    assert!(matches!(ask("421 4.7.0 closing").await, MailError::Unavailable(_)));
    server.set_down(true);
    assert!(matches!(mailer.send(&mail("a@acme.example")).await, Err(MailError::Unavailable(_))));
    let nobody = SmtpMailer::new(&options(free_port()), sender()).unwrap();
    assert!(matches!(nobody.send(&mail("a@acme.example")).await, Err(MailError::Unavailable(_))));
    assert_eq!(server.taken(), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_tarries_is_not_waited_for() {
    let server = SmtpServer::start().await;
    server.tarry();
    let short = Duration::from_millis(300);
    let mailer = SmtpMailer::new(&options(server.port), sender()).unwrap().within(short);
    let began = Instant::now();
    let sent = mailer.send(&mail("ops@acme.example")).await;
    assert!(matches!(&sent, Err(MailError::Unavailable(text)) if text.contains("300ms")), "{sent:?}");
    assert!((short..Duration::from_secs(20)).contains(&began.elapsed()), "{:?}", began.elapsed());
    assert_eq!(server.calls(), 1);
}

fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

/// aiosmtpd, ended with the test.
struct Aiosmtpd(Child);

impl Drop for Aiosmtpd {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// A server that asks for STARTTLS and a login, in a process of its own. It says `ready` when it listens.
const SERVER: &str = r#"
import asyncio, ssl, sys
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Mailbox
from aiosmtpd.smtp import AuthResult
port, folder, cert, key = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
options = {}
if cert:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    implicit = len(sys.argv) > 5
    check = lambda server, session, envelope, mechanism, data: AuthResult(
        success=data.login == b"exports" and data.password == b"opensesame")
    options = dict(authenticator=check, auth_required=True)
    if implicit:
        options.update(ssl_context=context, auth_require_tls=False)
    else:
        options.update(tls_context=context, require_starttls=True)
controller = Controller(Mailbox(folder), hostname="127.0.0.1", port=port, enable_SMTPUTF8=True, **options)
controller.start()
print("ready", flush=True)
sys.stdin.read()
"#;

fn aiosmtpd(folder: &Path, tls: Option<(&Path, &Path)>, more: &[&str]) -> (Aiosmtpd, u16) {
    let port = free_port();
    let (cert, key) = tls.unwrap_or((Path::new(""), Path::new("")));
    let mut child = Command::new(venv_python().unwrap())
        .args(["-c", SERVER, &port.to_string()])
        .args([folder, cert, key])
        .args(more)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line.trim(), "ready");
    (Aiosmtpd(child), port)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn aiosmtpd_takes_what_we_send() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("box");
    let (_server, port) = aiosmtpd(&folder, None, &[]);
    let mailer = SmtpMailer::new(&options(port), sender()).unwrap();
    let with_line_ends =
        || texts(&folder.join("new")).iter().map(|text| text.replace('\n', "\r\n")).collect();
    keeps_the_contract(&mailer, with_line_ends).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn encrypted_and_with_a_login() {
    let home = tempfile::tempdir().unwrap();
    let (cert, key, folder) =
        (home.path().join("cert.pem"), home.path().join("key.pem"), home.path().join("box"));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"])
        .args(["-addext", "subjectAltName=DNS:localhost", "-addext", "basicConstraints=critical,CA:FALSE"])
        .arg("-keyout")
        .arg(&key)
        .arg("-out")
        .arg(&cert)
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(made.success());
    let (_server, port) = aiosmtpd(&folder, Some((&cert, &key)), &[]);
    let (_from_its_first_byte, encrypted_port) = aiosmtpd(&folder, Some((&cert, &key)), &["implicit"]);
    let trusted_pem = Some(std::fs::read_to_string(&cert).unwrap());
    let login = |password: &str| Some(("exports".to_owned(), password.to_owned()));
    let with = |security, password, trusted_pem: &Option<String>| {
        let (credentials, trusted_pem) = (login(password), trusted_pem.clone());
        SmtpMailer::new(&SmtpOptions { security, credentials, trusted_pem, ..options(port) }, sender())
            .unwrap()
    };
    let letter = mail("ops@acme.example");
    with(SmtpSecurity::StartTls, "opensesame", &trusted_pem).send(&letter).await.unwrap();
    assert_eq!(files(&folder.join("new")).len(), 1);
    let wrong = with(SmtpSecurity::StartTls, "sesame", &trusted_pem).send(&letter).await;
    assert!(
        matches!(wrong, Err(MailError::Unavailable(_))),
        "a login of ours that fails is no fault of the mailbox's: {wrong:?}"
    );
    let stranger = with(SmtpSecurity::StartTls, "opensesame", &None).send(&letter).await;
    assert!(
        matches!(stranger, Err(MailError::Unavailable(_))),
        "a server that nobody vouches for gets nothing"
    );
    let began = Instant::now();
    let implicit = with(SmtpSecurity::Implicit, "opensesame", &trusted_pem)
        .within(Duration::from_secs(2))
        .send(&letter)
        .await;
    assert!(matches!(implicit, Err(MailError::Unavailable(_))) && began.elapsed() < Duration::from_secs(20));
    assert_eq!(files(&folder.join("new")).len(), 1);
    // Where the line is encrypted from its first byte.
    let implicit = |trusted_pem: &Option<String>| {
        let (credentials, trusted_pem) = (login("opensesame"), trusted_pem.clone());
        let security = SmtpSecurity::Implicit;
        let options = SmtpOptions { security, credentials, trusted_pem, ..options(encrypted_port) };
        SmtpMailer::new(&options, sender()).unwrap()
    };
    implicit(&trusted_pem).send(&mail("amy@acme.example")).await.unwrap();
    assert_eq!(files(&folder.join("new")).len(), 2);
    assert!(matches!(implicit(&None).send(&letter).await, Err(MailError::Unavailable(_))));
}
