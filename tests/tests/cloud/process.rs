//! One function as a process of its own.

use std::{
    collections::BTreeMap,
    fs::{self, OpenOptions},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use rand::RngExt;
use spillway_tests::binary;
use url::Url;

use crate::clock::{self, ProcessClock, WorldClock};

/// How long a process may take until it is ready, on a machine that has much else to do.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// How often is looked.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// A function that runs, or has been killed.
pub(crate) struct Process {
    name: String,
    binary: &'static str,
    env: BTreeMap<&'static str, String>,
    log: PathBuf,
    child: Option<Child>,
    /// Where it listens, and whom tokens for it have to name.
    pub(crate) url: Url,
    /// What it takes for the time.
    pub(crate) clock: ProcessClock,
}

impl Process {
    /// Sets everything up; it does not run yet.
    pub(crate) fn new(folder: &Path, world: &WorldClock, name: &str, binary: &'static str) -> Self {
        let clock = ProcessClock::new(folder.join(format!("{name}.clock")), world);
        let url = format!("http://127.0.0.1:{}", free_port()).parse().unwrap();
        let log = folder.join(format!("{name}.log"));
        Self { name: name.to_owned(), binary, env: BTreeMap::new(), log, child: None, url, clock }
    }

    /// Where it listens, without a slash at the end.
    pub(crate) fn origin(&self) -> String {
        self.url.as_str().trim_end_matches('/').to_owned()
    }

    /// Adds to its environment, which is empty but for this.
    pub(crate) fn env(&mut self, name: &'static str, value: impl Into<String>) {
        self.env.insert(name, value.into());
    }

    /// Starts it.
    pub(crate) fn start(&mut self) {
        assert!(self.child.is_none(), "{} runs already", self.name);
        let log = OpenOptions::new().create(true).append(true).open(&self.log).unwrap();
        let port = self.url.port().unwrap().to_string();
        let child = Command::new(binary(self.binary))
            .env_clear()
            .envs(&self.env)
            .envs(self.clock.environment())
            .env("PORT", port)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn();
        self.child = Some(child.unwrap());
    }

    /// Whether it was started, and not ended since.
    pub(crate) fn runs(&self) -> bool {
        self.child.is_some()
    }

    /// Waits until it is ready.
    pub(crate) async fn ready(&mut self) {
        let health = self.url.join("healthz").unwrap();
        let began = Instant::now();
        while !reqwest::get(health.clone()).await.is_ok_and(|answer| answer.status().is_success()) {
            let child = self.child.as_mut().expect("it was started");
            let ended = child.try_wait().unwrap();
            assert!(ended.is_none(), "{} has ended ({ended:?}):\n{}", self.name, self.tail(30));
            assert!(began.elapsed() < READY_WITHIN, "{} is not ready:\n{}", self.name, self.tail(30));
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Ends it as the kernel does.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let pid = child.id();
            child.kill().unwrap();
            child.wait().unwrap();
            clock::clean_up(pid);
        }
    }

    /// Ends it as Cloud Run does, and tells how it went and how long it took.
    pub(crate) async fn terminate(&mut self) -> (ExitStatus, Duration) {
        let mut child = self.child.take().expect("it runs");
        let began = Instant::now();
        signal(&child, "TERM");
        loop {
            if let Some(status) = child.try_wait().unwrap() {
                clock::clean_up(child.id());
                return (status, began.elapsed());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// The last lines of its log.
    pub(crate) fn tail(&self, lines: usize) -> String {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let all: Vec<_> = text.lines().collect();
        all[all.len().saturating_sub(lines)..].join("\n")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            eprintln!("-- {}:\n{}", self.name, self.tail(25));
        }
    }
}

/// Sends a signal, for which the standard library has no call.
pub(crate) fn signal(child: &Child, name: &str) {
    let sent =
        Command::new("sh").args(["-c", "kill -s \"$0\" \"$1\"", name, &child.id().to_string()]).status();
    assert!(sent.unwrap().success());
}

/// A port that is free just now, out of those that the kernel gives nobody by itself.
pub(crate) fn free_port() -> u16 {
    let mut rng = rand::rng();
    loop {
        let port = rng.random_range(12_000..32_000);
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
