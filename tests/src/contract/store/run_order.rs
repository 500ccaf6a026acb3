//! Runs in their order.

use spillway::domain::{ExportStatus, Run, RunStatus};

use super::{
    Stores,
    fixtures::*,
    runs::{export_of, is_conflict},
};

fn keys(runs: &[Run]) -> Vec<i64> {
    runs.iter().map(|run| run.key.run.0 - 1_700_000_000).collect()
}

pub async fn runs_of_an_export_come_oldest_first(stores: Stores) {
    let export = with_export(&*stores.one, ACME, recurring(), 0).await;
    for n in 0..12 {
        next_run(&*stores.one, &export, window(n * 9, n * 9 + 9), n * 9 + 9).await.unwrap();
    }
    let runs = stores.two.runs(ACME, export.request).await.unwrap();
    assert_eq!(keys(&runs), (1..=12).map(|n| n * 9).collect::<Vec<_>>());
    assert_eq!(stores.two.runs(ACME, export.request.next()).await.unwrap(), []);
}

pub async fn taken_seconds_are_passed_over(stores: Stores) {
    let export = with_export(&*stores.one, ACME, recurring(), 0).await;
    for cut in 1..=3 {
        next_run(&*stores.one, &export, window(0, cut), 50).await.unwrap();
    }
    assert_eq!(keys(&stores.two.runs(ACME, export.request).await.unwrap()), [50, 51, 52]);
}

pub async fn a_clock_that_goes_back_does_not_change_the_order(stores: Stores) {
    let export = with_export(&*stores.one, ACME, recurring(), 0).await;
    next_run(&*stores.one, &export, window(0, 10), 50).await.unwrap();
    next_run(&*stores.one, &export, window(10, 20), 40).await.unwrap();
    let runs = stores.two.runs(ACME, export.request).await.unwrap();
    assert_eq!(keys(&runs), [50, 40]);
    assert_eq!(keys(&stores.two.open_runs().await.unwrap()), [50, 40]);
    assert!(is_conflict(&stores.one.open_run(runs[1].key, &opening("p", &export.spec, 60)).await));
    stores.one.open_run(runs[0].key, &opening("p", &export.spec, 60)).await.unwrap();
}

pub async fn the_oldest_open_run_opens_first(stores: Stores) {
    let export = with_export(&*stores.one, ACME, recurring(), 0).await;
    let first = next_run(&*stores.one, &export, window(0, 10), 10).await.unwrap();
    let second = next_run(&*stores.one, &export, window(10, 20), 20).await.unwrap();
    let open = async |run: &Run| stores.one.open_run(run.key, &opening("p", &export.spec, 30)).await;
    assert!(is_conflict(&open(&second).await), "the first is owed");
    open(&first).await.unwrap();
    assert!(is_conflict(&open(&second).await), "the first runs");
    let refused = stores.two.run(second.key).await.unwrap().unwrap();
    assert_eq!(refused, second);
    stores.one.close_run(first.key, &closing(RunStatus::Incomplete, 40)).await.unwrap();
    open(&second).await.unwrap();
}

pub async fn open_runs_of_all_accounts_come_oldest_first(stores: Stores) {
    let theirs = with_export(&*stores.one, OTHER, recurring(), 0).await;
    let ours = with_export(&*stores.one, ACME, one_time(), 5).await;
    next_run(&*stores.one, &theirs, window(0, 10), 10).await.unwrap();
    next_run(&*stores.one, &ours, day_window(15), 15).await.unwrap();
    let last = next_run(&*stores.one, &theirs, window(10, 20), 20).await.unwrap();
    let open = stores.two.open_runs().await.unwrap();
    assert_eq!(keys(&open), [10, 5, 20]);
    let open_keys: Vec<_> = open.iter().map(|run| run.key).collect();
    assert_eq!(stores.two.open_run_keys().await.unwrap(), open_keys);
    stores.one.close_run(last.key, &closing(RunStatus::Done, 40)).await.unwrap();
    assert_eq!(keys(&stores.two.open_runs().await.unwrap()), [10, 5]);
}

pub async fn a_run_that_is_opened_again_leaves_later_ones_alone(stores: Stores) {
    let export = with_export(&*stores.one, ACME, recurring(), 0).await;
    let first = next_run(&*stores.one, &export, window(0, 10), 10).await.unwrap();
    let second = next_run(&*stores.one, &export, window(10, 20), 20).await.unwrap();
    for run in [&first, &second] {
        stores.one.open_run(run.key, &opening("p", &export.spec, 30)).await.unwrap();
        stores.one.close_run(run.key, &closing(RunStatus::Incomplete, 40)).await.unwrap();
    }
    stores.one.reopen_run(second.key).await.unwrap();
    stores.one.reopen_run(first.key).await.unwrap();
    stores.one.close_run(first.key, &closing_after(1, RunStatus::Done, 50)).await.unwrap();
    let then = export_of(&*stores.two, &first).await;
    assert_eq!((then.status, then.delivered_cut), (ExportStatus::Running, Some(at(20))));
    stores.one.close_run(second.key, &closing_after(1, RunStatus::Done, 60)).await.unwrap();
    let then = export_of(&*stores.two, &first).await;
    assert_eq!((then.status, then.delivered_cut), (ExportStatus::Pending, Some(at(20))));
}
