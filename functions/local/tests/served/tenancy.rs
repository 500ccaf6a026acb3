//! A second account sees nothing of the first.

use crate::support::{Browser, DESK, Served};

#[tokio::test(flavor = "multi_thread")]
async fn a_second_account_sees_nothing_of_the_first() {
    let served = Served::sample();
    let first = Browser::open(&served, DESK).await;
    first.connect(&served, "Warehouse").await;
    first.go("/exports/new").await;
    first.choose("frequency", "live").await;
    first.submit("main form.export-form").await;
    first.open_newest().await;
    let export = first.at().await;

    // Another account of the same home, in a process of its own.
    let other = served.beside(&["--account", "2"]);
    let second = Browser::open(&other, DESK).await;
    second.go("/partners").await;
    second.says("No bucket is connected").await;
    second.go("/exports").await;
    second.says("Connect a bucket first").await;
    for path in [
        export.clone(),
        format!("{export}/edit"),
        format!("{export}/stop"),
        "/partners/google-cloud/Warehouse/key".into(),
    ] {
        second.go(&path).await;
        let text = second.text().await;
        assert!(!text.contains("Warehouse") || text.contains("There is no"), "{path}: {text}");
        assert!(text.contains("no ") || text.contains("not"), "{path}: {text}");
    }
}
