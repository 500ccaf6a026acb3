//! Every action works without JavaScript.

use crate::support::{Browser, DESK, SAMPLE_BUCKET, Served, Window};

#[tokio::test(flavor = "multi_thread")]
async fn connecting_creating_and_stopping_need_no_script() {
    let served = Served::sample();
    let browser = Browser::open(&served, Window { javascript: false, ..DESK }).await;
    browser.go("/partners").await;
    browser.click("a[href='/partners/google-cloud']").await;
    browser.fill("#nickname", "Warehouse").await;
    browser.fill("#bucket_name", "no-such-bucket").await;
    browser.fill("#key", &served.sample_key()).await;
    browser.submit("form[data-check]").await;
    browser.says("exactly").await;
    browser.picture("noscript-wrong-name").await;

    browser.fill("#bucket_name", SAMPLE_BUCKET).await;
    browser.fill("#key", &served.sample_key()).await;
    browser.submit("form[data-check]").await;
    browser.find(".tile .tag").await;

    browser.go("/exports/new").await;
    browser.choose("frequency", "live").await;
    browser.click("button[formaction='/exports/estimate']").await;
    browser.says("-0.json.gz").await;
    browser.picture("noscript-estimate").await;
    browser.submit("main form.export-form").await;
    browser.says("Google export has initiated").await;
    browser.open_newest().await;
    browser.click("main a[href$='/stop']").await;
    browser.submit("main form[action$='/stop']").await;
    browser.says("Google Cloud data export stopped").await;
    browser.open_newest().await;
    browser.status("STOPPED").await;
}
