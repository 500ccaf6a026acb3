//! A bucket is connected: with a wrong key, with a wrong name, then rightly.

use crate::support::{Browser, DESK, SAMPLE_BUCKET, Served};

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_is_connected_after_two_mistakes() {
    let served = Served::sample();
    let browser = Browser::open(&served, DESK).await;
    browser.go("/partners").await;
    browser.says("No bucket is connected").await;
    browser.picture("partners-empty").await;

    browser.click("a[href='/partners/google-cloud']").await;
    browser.find("dialog[open] #nickname").await;
    browser.fill("dialog #nickname", "Warehouse").await;
    browser.fill("dialog #bucket_name", SAMPLE_BUCKET).await;
    browser.fill("dialog #key", r#"{"type":"authorized_user","client_id":"me"}"#).await;
    browser.click("dialog form button.first").await;
    browser.find("dialog [data-step=key].failed").await;
    browser.says("service account").await;
    browser.picture("connect-wrong-key").await;

    browser.fill("dialog #key", &served.sample_key()).await;
    browser.fill("dialog #bucket_name", "spillway-sampel").await;
    browser.click("dialog form button.first").await;
    browser.find("dialog [data-step=bucket].failed").await;
    browser.says("exactly").await;
    browser.picture("connect-wrong-name").await;

    browser.fill("dialog #bucket_name", SAMPLE_BUCKET).await;
    browser.click("dialog form button.first").await;
    browser.says("Warehouse").await;
    browser.find(".tile .tag").await;
    assert!(browser.at().await.starts_with("/partners"), "{}", browser.at().await);
    browser.picture("partners-connected").await;

    // The key is nowhere in the page, and nothing was left behind in the bucket.
    let source = browser.driver.source().await.unwrap();
    assert!(!source.contains("PRIVATE KEY"), "{source}");
    assert_eq!(served.objects(SAMPLE_BUCKET), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_that_is_refused_says_why() {
    let served = Served::sample();
    let browser = Browser::open(&served, DESK).await;
    browser.go("/partners").await;
    browser.click("a[href='/partners/google-cloud']").await;
    browser.fill("dialog #nickname", "Warehouse").await;
    browser.fill("dialog #bucket_name", SAMPLE_BUCKET).await;
    browser.fill("dialog #key", "{}").await;
    // The session ends meanwhile.
    browser.driver.delete_all_cookies().await.unwrap();
    browser.click("dialog form button.first").await;
    browser.find("dialog .notice.bad").await;
    browser.says("The form was too long open").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_that_breaks_off_claims_nothing() {
    let served = Served::sample();
    let browser = Browser::open(&served, DESK).await;
    browser.go("/partners/google-cloud").await;
    browser.fill("#nickname", "Warehouse").await;
    browser.fill("#bucket_name", SAMPLE_BUCKET).await;
    browser.fill("#key", &served.sample_key()).await;
    // The connection ends after a step; first before the check has begun, then after it has ended.
    let broken = |before: &str| {
        format!(
            "const ask = window.ask ?? (window.ask = window.fetch);
            window.fetch = async (href, options) => {{
              if (options?.method !== 'POST') return ask(href, options);
              {before}
              const step = '{{\"step\":\"key\",\"outcome\":\"passed\"}}\\n';
              return new Response(step, {{ headers: {{ 'content-type': 'application/x-ndjson' }} }});
            }};"
        )
    };
    browser.driver.execute(broken(""), vec![]).await.unwrap();
    browser.submit("form[data-check]").await;
    browser.says("may have been saved all the same").await;
    browser.picture("connect-broken-off").await;
    let really = "await (await ask(href, options)).text();";
    browser.driver.execute(broken(really), vec![]).await.unwrap();
    browser.submit("form[data-check]").await;
    browser.find("tr[data-bucket=Warehouse]").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dialog_about_a_problem_has_a_name() {
    let served = Served::sample();
    let browser = Browser::open(&served, DESK).await;
    browser.connect(&served, "Warehouse").await;
    // Somebody else has removed it meanwhile.
    let other = Browser::open(&served, DESK).await;
    other.go("/partners/google-cloud/buckets/Warehouse/remove").await;
    other.submit("main form").await;
    other.says("No bucket is connected").await;
    browser.click("a[aria-label='Remove Warehouse']").await;
    let dialog = browser.find("dialog[open][aria-labelledby=problem-title]").await;
    assert!(dialog.text().await.unwrap().contains("There is no bucket Warehouse."));
    assert_eq!(browser.axe().await, Vec::<String>::new());
}
