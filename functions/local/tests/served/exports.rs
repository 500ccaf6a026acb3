//! Exports are created, watched, edited and stopped.

use crate::support::{Browser, DESK, SAMPLE_BUCKET, Served};

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_of_export_is_created_watched_edited_and_stopped() {
    let served = Served::sample();
    let browser = Browser::open(&served, DESK).await;
    browser.connect(&served, "Warehouse").await;

    // Once: all events there are, in JSON, watched to its end.
    browser.go("/exports/new").await;
    browser.choose("data", "all-events").await;
    browser.choose("frequency", "one-time").await;
    browser.days("2019-01-01", "2025-12-31").await;
    browser.says("-0.json.gz").await;
    browser.picture("export-new").await;
    browser.submit("main form.export-form").await;
    browser.says("Google export has initiated").await;
    browser.picture("export-initiated").await;
    browser.open_newest().await;
    browser.status("RUNNING").await;
    browser.find("#now progress:not([value='0'])").await;
    let is_left = |text: &str| text.contains("less than a minute left") || text.contains(" min left");
    browser.tells("#now", "the time left", is_left).await;
    browser.says_in("#now", "% delivered").await;
    browser.picture("export-running").await;
    browser.status("DONE").await;
    browser.gone("#now progress").await;
    browser.picture("export-done").await;
    let written = served.objects(SAMPLE_BUCKET);
    let files: Vec<_> = written.iter().filter(|name| name.ends_with(".json.gz")).collect();
    assert!(files.len() > 100, "{written:?}");
    for name in &files[..3] {
        browser.says(name).await;
    }

    // Once: selected events, and user properties.
    browser.go("/exports/new").await;
    browser.choose("data", "select-events").await;
    browser.click("input[name=event][value=Charged]").await;
    browser.choose("format", "csv").await;
    browser.days("2021-01-01", "2022-12-31").await;
    browser.submit("main form.export-form").await;
    browser.open_newest().await;
    browser.status("DONE").await;
    browser.go("/exports/new").await;
    browser.choose("data", "all-profiles").await;
    browser.choose("format", "parquet").await;
    browser.submit("main form.export-form").await;
    browser.open_newest().await;
    browser.status("DONE").await;

    // Every four hours, then every eight; its first run takes what the lake has taken since yesterday: the sample.
    browser.go("/exports/new").await;
    browser.choose("data", "all-events").await;
    browser.choose("frequency", "recurring").await;
    browser.select("#every", "4").await;
    browser.day("#start", &served.day(-1)).await;
    browser.choose("format", "xml").await;
    browser.submit("main form.export-form").await;
    browser.open_newest().await;
    browser.says("4 hours").await;
    browser.status("PENDING").await;
    let request = browser.at().await.rsplit('/').next().unwrap().to_owned();
    browser.click("main a[href$='/edit']").await;
    browser.select("#every", "8").await;
    browser.picture("export-edit").await;
    browser.submit("main form.export-form").await;
    browser.says("8 hours").await;
    served.time_comes(&request).await;
    browser.status("RUNNING").await;
    browser.find("#now progress:not([value='0'])").await;
    browser.picture("export-recurring-running").await;
    browser.status("PENDING").await;
    browser.says_in("#runs", "DONE").await;
    browser.says_in("#runs", "Next run").await;
    let written = served.objects(SAMPLE_BUCKET);
    let is_of_run = |name: &&String| name.starts_with(&format!("{request}-")) && name.ends_with(".xml.gz");
    assert!(written.iter().filter(is_of_run).count() > 100, "{written:?}");

    // Live, until it is stopped.
    browser.go("/exports/new").await;
    browser.choose("frequency", "live").await;
    browser.submit("main form.export-form").await;
    browser.open_newest().await;
    browser.click("main a[href$='/stop']").await;
    browser.find("dialog[open] form button.danger").await;
    browser.picture("export-stop").await;
    browser.click("dialog form button.danger").await;
    browser.says("Google Cloud data export stopped").await;
    browser.picture("exports").await;
    browser.open_newest().await;
    browser.status("STOPPED").await;
    browser.picture("export-stopped").await;
}
