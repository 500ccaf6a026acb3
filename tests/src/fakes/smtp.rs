//! An SMTP server on loopback that keeps what it takes, and refuses, tarries or is gone as a test likes.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

/// A mail as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenMail {
    /// The envelope's sender.
    pub from: String,
    /// The envelope's recipients.
    pub to: Vec<String>,
    /// The message, without the dots that SMTP adds.
    pub message: String,
}

/// The server. Clones share what it took.
#[derive(Clone)]
pub struct SmtpServer {
    /// Its port on 127.0.0.1.
    pub port: u16,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    taken: Vec<TakenMail>,
    calls: usize,
    is_down: bool,
    refusals: BTreeMap<String, String>,
    hung_up_on: BTreeSet<String>,
    drops_answer: bool,
    tarries: bool,
}

impl SmtpServer {
    /// Listens on a free port.
    ///
    /// # Panics
    /// Where there is none.
    pub async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port is free");
        let port = listener.local_addr().expect("it listens").port();
        let server = Self { port, state: Arc::default() };
        let own = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let own = own.clone();
                tokio::spawn(async move {
                    // Whoever hangs up ends his own conversation only.
                    drop(own.talk(stream).await);
                });
            }
        });
        server
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What it took, in order.
    #[must_use]
    pub fn taken(&self) -> Vec<TakenMail> {
        self.state().taken.clone()
    }

    /// How often somebody called.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.state().calls
    }

    /// From now on it answers 421 and hangs up, or works again.
    pub fn set_down(&self, is_down: bool) {
        self.state().is_down = is_down;
    }

    /// From now on a recipient is refused with this answer; none: taken again.
    pub fn refuse(&self, to: &str, answer: Option<&str>) {
        match answer {
            Some(answer) => drop(self.state().refusals.insert(to.to_owned(), answer.to_owned())),
            None => drop(self.state().refusals.remove(to)),
        }
    }

    /// From now on it hangs up where this recipient is named.
    pub fn hang_up_on(&self, to: &str) {
        self.state().hung_up_on.insert(to.to_owned());
    }

    /// From now on it takes calls, and says nothing more than its greeting.
    pub fn tarry(&self) {
        self.state().tarries = true;
    }

    /// The next mail is taken, and the line ends before that is said.
    pub fn drop_next_answer(&self) {
        self.state().drops_answer = true;
    }

    async fn talk(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let (read, mut write) = stream.split();
        let mut lines = BufReader::new(read).lines();
        let is_down = {
            let mut state = self.state();
            state.calls += 1;
            state.is_down
        };
        if is_down {
            return write.write_all(b"421 4.3.2 not now\r\n").await;
        }
        write.write_all(b"220 test ESMTP\r\n").await?;
        if self.state().tarries {
            return std::future::pending().await;
        }
        let (mut from, mut to) = (String::new(), Vec::new());
        while let Some(line) = lines.next_line().await? {
            let upper = line.to_ascii_uppercase();
            let answer = if upper.starts_with("EHLO") {
                "250-test\r\n250-8BITMIME\r\n250 SMTPUTF8".to_owned()
            } else if let Some(rest) = upper.starts_with("MAIL FROM:").then(|| &line[10..]) {
                from = address(rest);
                "250 2.1.0 fine".to_owned()
            } else if let Some(rest) = upper.starts_with("RCPT TO:").then(|| &line[8..]) {
                let recipient = address(rest);
                if self.state().hung_up_on.contains(&recipient) {
                    return Ok(());
                }
                let refusal = self.state().refusals.get(&recipient).cloned();
                to.push(recipient);
                refusal.unwrap_or_else(|| "250 2.1.5 fine".to_owned())
            } else if upper == "DATA" {
                write.write_all(b"354 go on\r\n").await?;
                let mut message = String::new();
                while let Some(line) = lines.next_line().await? {
                    if line == "." {
                        break;
                    }
                    message.push_str(line.strip_prefix('.').unwrap_or(&line));
                    message.push_str("\r\n");
                }
                let mail =
                    TakenMail { from: std::mem::take(&mut from), to: std::mem::take(&mut to), message };
                let drops = {
                    let mut state = self.state();
                    state.taken.push(mail);
                    std::mem::take(&mut state.drops_answer)
                };
                if drops {
                    return Ok(());
                }
                "250 2.0.0 taken".to_owned()
            } else if upper == "QUIT" {
                return write.write_all(b"221 bye\r\n").await;
            } else {
                "250 fine".to_owned()
            };
            write.write_all(format!("{answer}\r\n").as_bytes()).await?;
        }
        Ok(())
    }
}

fn address(rest: &str) -> String {
    rest.split('>').next().unwrap_or_default().trim_start_matches(['<', ' ']).to_owned()
}

impl TakenMail {
    /// A header's value, folded lines joined.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<String> {
        let head = self.message.split("\r\n\r\n").next().unwrap_or_default();
        let unfolded = head.replace("\r\n ", " ").replace("\r\n\t", " ");
        unfolded.split("\r\n").find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then(|| value.to_owned())
        })
    }
}
