//! A hundred exports are filtered and paged through.

use std::collections::BTreeSet;

use serde_json::json;
use thirtyfour::By;

use crate::support::{Browser, DESK, Served};

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_exports_are_filtered_and_paged_through() {
    let served = Served::sample();
    let browser = Browser::open(&served, DESK).await;
    browser.connect(&served, "Warehouse").await;
    // They begin in a month, so that none has a run.
    let client = reqwest::Client::new();
    for number in 0..100 {
        let format = if number % 4 == 0 { "csv" } else { "json" };
        let wish = json!({
            "bucket": "Warehouse",
            "data": { "kind": "all-events" },
            "frequency": { "kind": "recurring", "every_hours": 24, "start": served.day(30) },
            "format": format,
        });
        let answer = client.post(format!("{}/api/v1/exports", served.url)).json(&wish).send().await.unwrap();
        let status = answer.status().as_u16();
        assert_eq!(status, 201, "{}", answer.text().await.unwrap());
    }

    browser.go("/exports").await;
    let seen = pages(&browser, 20).await;
    assert_eq!(seen.len(), 100);
    browser.picture("exports-hundred").await;

    browser.go("/exports").await;
    browser.click("details.filters summary").await;
    browser.select("#filter-format", "csv").await;
    browser.says("1 active").await;
    let csv = pages(&browser, 20).await;
    assert_eq!(csv.len(), 25);
    assert!(csv.is_subset(&seen));

    browser.click("[data-reset]").await;
    browser.find("#results tr[data-request]").await;
    browser.select_text("size", "40").await;
    browser.find("#results tr[data-request]:nth-child(40)").await;
    assert_eq!(pages(&browser, 40).await, seen);
    // Filtered anew, and without the filter, a page has as many as were chosen.
    browser.select("#filter-format", "json").await;
    browser.says("1 active").await;
    browser.find("#results tr[data-request]:nth-child(40)").await;
    browser.click(".filters [data-reset]").await;
    browser.gone("#filter-count").await;
    browser.find("#results tr[data-request]:nth-child(40)").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_holds_while_progress_comes_in() {
    let served = Served::sample();
    let browser = Browser::open(&served, DESK).await;
    browser.connect(&served, "Warehouse").await;
    browser.go("/exports/new").await;
    browser.choose("frequency", "live").await;
    browser.submit("main form.export-form").await;
    browser.find("#results tr[data-request]").await;
    // News of the stream comes between asking for the filtered list and its answer.
    let news = "const ask = window.fetch;
        window.fetch = async (...what) => {
          const answer = await ask(...what);
          const shown = document.getElementById('results');
          shown.replaceWith(shown.cloneNode(true));
          return answer;
        };";
    browser.driver.execute(news, vec![]).await.unwrap();
    browser.click("details.filters summary").await;
    browser.select("#filter-format", "csv").await;
    browser.says("No export matches the filter").await;
    assert!(browser.at().await.contains("format=csv"), "{}", browser.at().await);
}

/// The requests of this page and of those behind it.
async fn pages(browser: &Browser, size: usize) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    loop {
        let mut page = Vec::new();
        for row in browser.driver.find_all(By::Css("tr[data-request]")).await.unwrap() {
            page.push(row.attr("data-request").await.unwrap().unwrap());
        }
        assert!(page.len() <= size && page.is_sorted_by(|newer, older| newer > older), "{page:?}");
        for request in &page {
            assert!(seen.insert(request.clone()), "{request} twice");
        }
        let Ok(next) = browser.driver.find(By::Css("a[rel=next]")).await else { return seen };
        next.click().await.unwrap();
        let last = page.last().unwrap();
        browser.gone(&format!("tr[data-request='{last}']")).await;
    }
}
