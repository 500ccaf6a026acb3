//! axe finds nothing serious, on a desk and on a phone, in light and in dark.

use crate::support::{Browser, DESK, PHONE, Served, Window};

// Not `/api/docs`: that page is the viewer of another project.
const PAGES: [&str; 7] =
    ["/partners", "/partners/google-cloud", "/exports", "/exports/new", "/settings", "/guide", "/exports/1"];

#[tokio::test(flavor = "multi_thread")]
async fn empty_and_full_pages_are_accessible() {
    let served = Served::sample();
    let browser = Browser::open(&served, DESK).await;
    let mut found = Vec::new();
    for path in PAGES {
        look(&browser, path, "empty", &mut found).await;
    }
    browser.connect(&served, "Warehouse").await;
    browser.go("/exports/new").await;
    browser.choose("frequency", "live").await;
    browser.submit("main form.export-form").await;
    browser.open_newest().await;
    let export = browser.at().await;
    for (window, name) in [(DESK, "desk"), (PHONE, "phone"), (Window { dark: true, ..DESK }, "dark")] {
        let browser = Browser::open(&served, window).await;
        for path in PAGES.into_iter().chain([export.as_str()]) {
            look(&browser, path, name, &mut found).await;
            if window.width == PHONE.width {
                let beyond = browser.beyond(window).await;
                if beyond > 0 {
                    found.push(format!("{path}: {beyond} px wider than the phone"));
                }
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

async fn look(browser: &Browser, path: &str, name: &str, found: &mut Vec<String>) {
    browser.go(path).await;
    browser.find("h1, h2").await;
    browser.picture(&format!("{name}{}", path.replace('/', "-"))).await;
    found.extend(browser.axe().await.into_iter().map(|line| format!("{name} {path}: {line}")));
}
