//! The customer's bucket fails while somebody looks, and is mended: in the browser, on a desk and on a phone, in light and
//! in dark.

use crate::support::{Browser, DESK, PHONE, Served, Window};

const BUCKET: &str = "/partners/google-cloud/buckets/Warehouse";
const MAIL: &str = "20261125T100000Z-0123456789abcdef0123456789abcdef.eml";
const DARK: Window = Window { dark: true, ..DESK };
const DARK_PHONE: Window = Window { dark: true, ..PHONE };

fn mail() -> String {
    let html = "<html><head></head><body><h1>Your exports do not reach their bucket</h1>\
                <script>document.title = 'hacked'</script><a href=\"https://example.com/\">Mend it</a></body></html>";
    format!(
        "From: Spillway <exports@example.com>\r\nTo: ops@example.com\r\nSubject: Exports to acme-lake fail\r\n\
         Date: Wed, 25 Nov 2026 10:00:00 +0000\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/alternative; boundary=x\r\n\r\n\
         --x\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nYour exports do not reach their bucket.\r\n\
         --x\r\nContent-Type: text/html; charset=utf-8\r\n\r\n{html}\r\n--x--\r\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_fails_is_told_and_mended() {
    let served = Served::sample();
    let browser = Browser::open(&served, DESK).await;
    browser.connect(&served, "Warehouse").await;
    served.lose_bucket(true);
    browser.go("/exports/new").await;
    browser.choose("data", "all-events").await;
    browser.choose("frequency", "one-time").await;
    browser.days("2021-01-01", "2021-03-31").await;
    browser.submit("main form.export-form").await;
    browser.open_newest().await;
    browser.says("the bucket does not exist").await;
    browser.status("BLOCKED").await;
    browser.says("its exports stop on").await;
    let export = browser.at().await.split(['?', '#']).next().unwrap().to_owned();

    // From the error to the page behind it, filled in.
    browser.click("#now a[href^='/help/failures/bucket-missing']").await;
    browser.says("gcloud storage buckets create gs://spillway-sample").await;
    browser.says("Bucket Warehouse fails so since").await;

    // Another look, which finds it as it was; then mended.
    browser.go(&export).await;
    browser.click("#now form[action$='/check'] button").await;
    browser.says("The bucket still takes no files").await;
    look_at_all(&served, &export).await;
    served.lose_bucket(false);
    browser.go(BUCKET).await;
    browser.click(".notice form[action$='/check'] button").await;
    browser.says("The bucket takes files").await;
    browser.says_in("#status", "WORKING").await;
    browser.go(&export).await;
    browser.status("DONE").await;
    browser.gone("#now .notice.bad").await;
}

/// Every page that tells of a failure, looked at by axe in each kind of window.
async fn look_at_all(served: &Served, export: &str) {
    served.keep_mail(MAIL, &mail());
    let settings = Browser::open(served, DESK).await;
    settings.go("/settings").await;
    settings.fill("#webhook", "https://hooks.example.com/x").await;
    settings.submit("form[action='/settings']").await;
    settings.says("Settings saved").await;
    settings.click("form[action='/settings/webhook/secret'] button").await;
    settings.says("It is shown once").await;
    settings.find("#deliveries [data-copy^='whsec_']").await;
    settings.picture("failures-secret").await;
    let (mail, permission) =
        (format!("/mail/{MAIL}"), "/help/failures/permission-missing?bucket=Warehouse".to_owned());
    let pages = [
        ("export", export),
        ("bucket", BUCKET),
        ("partners", "/partners"),
        ("help", "/help/failures"),
        ("permission", permission.as_str()),
        ("retention", "/help/failures/retention-policy"),
        ("missing", "/help/failures/bucket-missing"),
        ("ours", "/help/failures/ours"),
        ("webhooks", "/help/webhooks"),
        ("settings", "/settings"),
        ("mails", "/mail"),
        ("mail", mail.as_str()),
    ];
    let mut found = Vec::new();
    for (window, name) in [(DESK, "desk"), (PHONE, "phone"), (DARK, "dark"), (DARK_PHONE, "dark-phone")] {
        let browser = Browser::open(served, window).await;
        for (page, path) in pages {
            browser.go(path).await;
            browser.find("h1").await;
            browser.whole_picture(&format!("failures-{name}-{page}")).await;
            found.extend(browser.axe().await.into_iter().map(|line| format!("{name} {path}: {line}")));
            let beyond = browser.beyond(window).await;
            if beyond > 0 {
                found.push(format!("{name} {path}: {beyond} px wider than the window"));
            }
        }
        // The mail ran nothing.
        assert_ne!(browser.driver.title().await.unwrap(), "hacked");
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}
