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
    let no_export = format!("There is no export {}.", export.rsplit('/').next().unwrap());
    let no_bucket = "There is no bucket Warehouse.".to_owned();
    for (path, sentence) in [
        (export.clone(), &no_export),
        (format!("{export}/edit"), &no_export),
        (format!("{export}/stop"), &no_export),
        ("/partners/google-cloud/buckets/Warehouse/key".to_owned(), &no_bucket),
        ("/partners/google-cloud/buckets/Warehouse/remove".to_owned(), &no_bucket),
    ] {
        // The first account does see it.
        first.go(&path).await;
        assert!(!first.text().await.contains(sentence), "{path}: {}", first.text().await);
        second.go(&path).await;
        let text = second.text().await;
        assert!(text.contains(sentence), "{path}: {text}");
    }
}
