//! `spillway serve` as a process of its own, and a real Chromium that looks at it.

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use jiff::ToSpan;
use serde_json::{Value, json};
use spillway::{
    adapters::{sqlite::SqliteStore, system_clock::SystemClock},
    domain::AccountId,
    ports::{Clock as _, ExportStore as _},
};
use tempfile::TempDir;
use thirtyfour::{
    ChromiumLikeCapabilities, DesiredCapabilities, WebDriver, WebElement, error::WebDriverErrorInner,
    prelude::*,
};

/// How long a page may take to become what a test waits for, in seconds: two cores encode and render at once.
const WAIT_SECS: u64 = 60;

/// The bucket that the sample brings.
pub(crate) const SAMPLE_BUCKET: &str = "spillway-sample";

/// A process that ends with the test.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

impl Process {
    /// Starts `command` and gives the first line of its standard output that `wanted` finds something in.
    fn start<T>(mut command: Command, wanted: impl Fn(&str) -> Option<T>, install: &str) -> (Self, T) {
        let spawned = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
        let mut child = spawned.unwrap_or_else(|error| panic!("{command:?}: {error}; {install}"));
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let process = Self(child);
        let found = lines.by_ref().map_while(Result::ok).find_map(|line| wanted(&line));
        let found = found.unwrap_or_else(|| panic!("{command:?} ended without saying where it is"));
        // Whoever prints more must not wait for a reader.
        std::thread::spawn(move || lines.for_each(drop));
        (process, found)
    }
}

/// A home folder and `spillway serve` on it.
pub(crate) struct Served {
    _process: Process,
    home: Arc<TempDir>,
    pub(crate) url: String,
}

impl Served {
    /// Serves the shipped data on a free port.
    pub(crate) fn sample() -> Self {
        Self::start(Arc::new(TempDir::new().unwrap()), &["--sample"])
    }

    /// Another process on the same home.
    pub(crate) fn beside(&self, flags: &[&str]) -> Self {
        Self::start(Arc::clone(&self.home), flags)
    }

    fn start(home: Arc<TempDir>, flags: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_spillway"));
        command.arg("--home").arg(home.path()).args(["serve", "--port", "0"]).args(flags);
        for name in ["SPILLWAY_HOME", "RUST_LOG"] {
            command.env_remove(name);
        }
        let address = |line: &str| {
            let from = line.find("http://127.0.0.1:")?;
            Some(line[from..].split_whitespace().next()?.trim_end_matches(['/', '.', ',']).to_owned())
        };
        let (process, url) = Process::start(command, address, "it is built with these tests");
        Self { _process: process, home, url }
    }

    /// The key that the sample brings.
    pub(crate) fn sample_key(&self) -> String {
        std::fs::read_to_string(self.home.path().join(format!("keys/{SAMPLE_BUCKET}.json"))).unwrap()
    }

    /// A day that is so many days ahead.
    pub(crate) fn day(&self, ahead: i32) -> String {
        let today = SystemClock.now().to_zoned_datetime(jiff::tz::TimeZone::UTC).date();
        today.saturating_add(ahead.days()).to_string()
    }

    /// Lets the time come for the next run of an export: it is due, and the lake has had its files for a while, so that
    /// they have settled.
    pub(crate) async fn time_comes(&self, request: &str) {
        let long_ago = SystemClock.now().saturating_sub(1.hour()).unwrap();
        let long_ago = std::time::UNIX_EPOCH + Duration::from_secs(long_ago.as_second().unsigned_abs());
        let mut folders = vec![self.home.path().join("lake")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    std::fs::File::options().write(true).open(path).unwrap().set_modified(long_ago).unwrap();
                }
            }
        }
        let store = SqliteStore::open(&self.home.path().join("state.sqlite")).unwrap();
        let (account, request) = (AccountId(100_000_000), request.parse().unwrap());
        let spec = store.export(account, request).await.unwrap().unwrap().spec;
        store.edit_export(account, request, &spec, &spec, Some(SystemClock.now())).await.unwrap();
    }

    /// Takes the sample's bucket away, as if somebody had deleted it at Google, or brings it back.
    pub(crate) fn lose_bucket(&self, is_lost: bool) {
        let buckets = self.home.path().join("buckets");
        let (there, away) = (buckets.join(SAMPLE_BUCKET), self.home.path().join("lost-bucket"));
        let (from, to) = if is_lost { (there, away) } else { (away, there) };
        std::fs::rename(from, to).unwrap();
    }

    /// A mail as it would have been sent.
    pub(crate) fn keep_mail(&self, name: &str, mail: &str) {
        let folder = self.home.path().join("mail");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(name), mail).unwrap();
    }

    /// What lies in a bucket, by name, but for the emulator's own files.
    pub(crate) fn objects(&self, bucket: &str) -> Vec<String> {
        let folder = std::fs::read_dir(self.home.path().join("buckets").join(bucket)).unwrap();
        let names = folder.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.filter(|name| !name.starts_with('.')).collect();
        names.sort_unstable();
        names
    }
}

/// What kind of window looks.
#[derive(Clone, Copy)]
pub(crate) struct Window {
    pub(crate) width: u32,
    pub(crate) javascript: bool,
    pub(crate) dark: bool,
}

/// A desk's window.
pub(crate) const DESK: Window = Window { width: 1280, javascript: true, dark: false };

/// A phone's.
pub(crate) const PHONE: Window = Window { width: 390, javascript: true, dark: false };

/// Chromium under its own driver.
pub(crate) struct Browser {
    pub(crate) driver: WebDriver,
    base: String,
    _driver: Process,
    _profile: TempDir,
}

impl Browser {
    pub(crate) async fn open(served: &Served, window: Window) -> Self {
        let install = "install them with `apt-get install -y chromium chromium-driver`";
        let mut command = Command::new("chromedriver");
        command.arg("--port=0").stderr(Stdio::null());
        let port = |line: &str| {
            let (_, port) = line.split_once("successfully on port ")?;
            port.trim_end_matches('.').parse::<u16>().ok()
        };
        let (process, port) = Process::start(command, port, install);
        let profile = TempDir::new().unwrap();
        let mut wanted = DesiredCapabilities::chrome();
        for arg in [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--no-first-run",
            "--hide-scrollbars",
        ] {
            wanted.add_arg(arg).unwrap();
        }
        wanted.add_arg(&format!("--user-data-dir={}", profile.path().display())).unwrap();
        wanted.add_arg("--window-size=1280,900").unwrap();
        if window.dark {
            wanted.add_arg("--blink-settings=preferredColorScheme=0").unwrap();
        }
        if window.width < 500 {
            let metrics =
                json!({ "deviceMetrics": { "width": window.width, "height": 844, "pixelRatio": 2.0 } });
            wanted.add_experimental_option("mobileEmulation", metrics).unwrap();
        }
        if !window.javascript {
            let prefs = json!({ "profile.managed_default_content_settings.javascript": 2 });
            wanted.add_experimental_option("prefs", prefs).unwrap();
        }
        let driver = WebDriver::new(format!("http://127.0.0.1:{port}"), wanted).await;
        let driver = driver.unwrap_or_else(|error| panic!("Chromium does not start: {error}; {install}"));
        Self { driver, base: served.url.clone(), _driver: process, _profile: profile }
    }

    pub(crate) async fn go(&self, path: &str) {
        self.driver.goto(format!("{}{path}", self.base)).await.unwrap();
    }

    /// The path and query that the window shows.
    pub(crate) async fn at(&self) -> String {
        let url = self.driver.current_url().await.unwrap();
        url.as_str().strip_prefix(&self.base).unwrap_or(url.as_str()).to_owned()
    }

    /// Waits for an element.
    pub(crate) async fn find(&self, css: &str) -> WebElement {
        let found = self.driver.query(By::Css(css)).wait(Duration::from_secs(WAIT_SECS), POLL).first().await;
        match found {
            Ok(found) => found,
            Err(error) => panic!("{css}: {error}\n{}", self.text().await),
        }
    }

    /// Waits until the page says `words`.
    pub(crate) async fn says(&self, words: &str) {
        self.says_in("body", words).await;
    }

    pub(crate) async fn says_in(&self, css: &str, words: &str) {
        self.tells(css, words, |text| text.contains(words)).await;
    }

    /// Waits until what a part of the page says `is_it`.
    pub(crate) async fn tells(&self, css: &str, what: &str, is_it: impl Fn(&str) -> bool + Send + Sync) {
        let mut interval = tokio::time::interval(POLL);
        for _ in 0..(WAIT_SECS * 1_000 / 50) {
            interval.tick().await;
            if is_it(&self.text_of(css).await) {
                return;
            }
        }
        panic!("{what:?} does not appear at {}:\n{}", self.at().await, self.text().await);
    }

    /// Waits until there is no such element any more.
    pub(crate) async fn gone(&self, css: &str) {
        let mut interval = tokio::time::interval(POLL);
        for _ in 0..(WAIT_SECS * 1_000 / 50) {
            interval.tick().await;
            if self.driver.find(By::Css(css)).await.is_err() {
                return;
            }
        }
        panic!("{css} stays at {}", self.at().await);
    }

    /// All that a person reads.
    pub(crate) async fn text(&self) -> String {
        self.text_of("body").await
    }

    /// Nothing while the page changes.
    async fn text_of(&self, css: &str) -> String {
        match self.driver.find(By::Css(css)).await {
            Ok(part) => part.text().await.unwrap_or_default(),
            Err(_) => String::new(),
        }
    }

    /// Clicks as a person does who sees the page change under the pointer: what comes in its place is clicked.
    pub(crate) async fn click(&self, css: &str) {
        let mut interval = tokio::time::interval(POLL);
        for _ in 0..(WAIT_SECS * 1_000 / 50) {
            interval.tick().await;
            match self.find(css).await.click().await {
                Err(error) if matches!(*error, WebDriverErrorInner::StaleElementReference(_)) => {}
                clicked => return clicked.unwrap(),
            }
        }
        panic!("{css} is never there for long at {}", self.at().await);
    }

    pub(crate) async fn fill(&self, css: &str, text: &str) {
        let field = self.find(css).await;
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    /// Sends a form by its first button.
    pub(crate) async fn submit(&self, form: &str) {
        self.click(&format!("{form} button.first")).await;
    }

    /// Chooses one of several radio buttons, or ticks a box.
    pub(crate) async fn choose(&self, name: &str, value: &str) {
        self.click(&format!("input[name={name}][value={value}]")).await;
    }

    pub(crate) async fn select(&self, css: &str, value: &str) {
        self.click(&format!("{css} option[value='{value}']")).await;
    }

    /// Chooses by what is shown.
    pub(crate) async fn select_text(&self, id: &str, text: &str) {
        let option = By::XPath(format!("//select[@id='{id}']/option[normalize-space()='{text}']"));
        self.driver.find(option).await.unwrap().click().await.unwrap();
    }

    /// Names the days of a one-time export.
    pub(crate) async fn days(&self, first: &str, last: &str) {
        self.select("#days", "range").await;
        self.day("#first", first).await;
        self.day("#last", last).await;
    }

    /// Names a day. A date field takes keys in the order of the browser's language.
    pub(crate) async fn day(&self, css: &str, day: &str) {
        let parts: Vec<_> = day.split('-').collect();
        let keys = format!("{}{}{}", parts[1], parts[2], parts[0]);
        self.find(css).await.send_keys(keys).await.unwrap();
    }

    /// Goes to the export that was created last.
    pub(crate) async fn open_newest(&self) {
        self.click("tr[data-request] td:first-child a, #main h1 + a[href^='/exports/']").await;
        self.find("#status").await;
    }

    /// Waits for an export's status on its page, which follows by itself.
    pub(crate) async fn status(&self, status: &str) {
        self.says_in("#status", status).await;
    }

    /// Connects the sample's bucket.
    pub(crate) async fn connect(&self, served: &Served, nickname: &str) {
        self.go("/partners/google-cloud").await;
        self.fill("#nickname", nickname).await;
        self.fill("#bucket_name", SAMPLE_BUCKET).await;
        self.fill("#key", &served.sample_key()).await;
        self.submit("form[data-check]").await;
        self.find(".tile .tag").await;
    }

    /// Keeps a picture of the whole page beside the build, for people to look at.
    pub(crate) async fn picture(&self, name: &str) {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("screenshots");
        std::fs::create_dir_all(&folder).unwrap();
        self.driver.screenshot(&folder.join(format!("{name}.png"))).await.unwrap();
    }

    /// By how many pixels the page is wider than its window. The window says itself to be as wide as what is in it, on a
    /// phone.
    pub(crate) async fn beyond(&self, window: Window) -> i64 {
        let wide = self.driver.execute("return document.documentElement.scrollWidth", vec![]).await.unwrap();
        wide.json().as_i64().unwrap() - i64::from(window.width)
    }

    /// The same, as high as the page is.
    pub(crate) async fn whole_picture(&self, name: &str) {
        let size = "return [window.innerWidth, window.innerHeight, document.documentElement.scrollHeight]";
        let size = self.driver.execute(size, vec![]).await.unwrap();
        let size: Vec<u32> = serde_json::from_value(size.json().clone()).unwrap();
        for (height, is_taken) in [(size[2].clamp(600, 6_000), true), (size[1], false)] {
            let metrics = json!({
                "width": size[0], "height": height, "deviceScaleFactor": 1, "mobile": size[0] < 500,
            });
            self.driver.cdp().send_raw("Emulation.setDeviceMetricsOverride", metrics).await.unwrap();
            if is_taken {
                self.picture(name).await;
            }
        }
    }

    /// What axe finds serious or critical, as one line each.
    pub(crate) async fn axe(&self) -> Vec<String> {
        let source = std::fs::read_to_string(axe_file()).unwrap();
        self.driver.execute(source, vec![]).await.unwrap();
        let run = "const done = arguments[arguments.length - 1];
            axe.run(document, { resultTypes: ['violations'] }).then(done, error => done(String(error)));";
        let found = self.driver.execute_async(run, vec![]).await.unwrap();
        let found: Value = found.json().clone();
        let violations = found["violations"].as_array().unwrap_or_else(|| panic!("{found}"));
        let is_serious =
            |violation: &&Value| matches!(violation["impact"].as_str(), Some("serious" | "critical"));
        let line = |violation: &Value| {
            let nodes = violation["nodes"].as_array().into_iter().flatten();
            let nodes: Vec<_> = nodes.map(|node| node["html"].as_str().unwrap_or_default()).collect();
            format!("{}: {} {nodes:?}", violation["id"], violation["help"])
        };
        violations.iter().filter(is_serious).map(line).collect()
    }
}

const POLL: Duration = Duration::from_millis(50);

/// axe-core, as the tests' Python environment brings it.
fn axe_file() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let folders = std::fs::read_dir(target.join("readers-venv/lib")).into_iter().flatten().flatten();
    let file =
        |folder: std::fs::DirEntry| folder.path().join("site-packages/axe_playwright_python/axe.min.js");
    let file = folders.map(file).find(|file| file.exists());
    file.unwrap_or_else(|| panic!("axe-core is missing in {}; run `tests/run venv`", target.display()))
}
