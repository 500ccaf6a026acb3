//! What a run shows of itself: its files by page and their sums; and the runs of an export by page.

use spillway::{
    domain::{ChunkCommand, EndCursor, Intent, PlanToken, RunTimestamp, Written},
    ports::{FilePage, Store, WrittenSums},
};

use super::{Stores, fixtures::*};

async fn finish(store: &dyn Store, key: &spillway::domain::ChunkKey, object: Option<Intent>, now: i64) {
    store.change_chunk(key, lease(1, now + 50), at(now)).await.unwrap();
    let written = Written { object, deleted_profiles: 0 };
    let complete = ChunkCommand::Complete { token: token(1), written };
    store.change_chunk(key, complete, at(now)).await.unwrap();
}

pub async fn what_is_written_is_added_up_and_paged_by_name(stores: Stores) {
    let run = with_run(&*stores.one, ACME).await;
    let plan = PlanToken("p".to_owned());
    let keys = with_chunks(&*stores.one, &run, "p", &[0; 12]).await;
    let other_plan = with_chunks(&*stores.one, &run, "q", &[0]).await;
    assert_eq!(stores.two.written(run.key, &plan).await.unwrap(), WrittenSums::default());
    assert_eq!(stores.two.files(run.key, &plan, None, 5).await.unwrap(), FilePage::default());
    for (n, key) in keys.iter().enumerate().take(10) {
        let object = Intent { rows: n as u64, bytes: 100, ..intent(7, EndCursor::End) };
        // The ninth and the tenth have nothing to write.
        finish(&*stores.one, key, Some(object).filter(|_| n < 8), n as i64).await;
    }
    finish(&*stores.one, &other_plan[0], Some(intent(7, EndCursor::End)), 3).await;
    stores.one.change_chunk(&keys[10], lease(2, 90), at(1)).await.unwrap();
    let sums = stores.two.written(run.key, &plan).await.unwrap();
    assert_eq!(sums, WrittenSums { files: 8, rows: 28, bytes: 800 });

    let (mut names, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let page = stores.two.files(run.key, &plan, cursor.as_deref(), 3).await.unwrap();
        assert!((1..=3).contains(&page.files.len()));
        for file in &page.files {
            assert_eq!(file.completed_at, Some(at(file.file.rows as i64)));
            assert_eq!((file.file.bytes, file.file.crc32c.0), (100, 7));
        }
        names.extend(page.files.into_iter().map(|file| file.file.name));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(names.len(), 8);
    assert!(names.is_sorted() && names[0].contains("Charged-20231114-0-3"), "{names:?}");
    // Nobody else's.
    let theirs = spillway::domain::RunKey { account: OTHER, ..run.key };
    assert_eq!(stores.two.written(theirs, &plan).await.unwrap(), WrittenSums::default());
    assert_eq!(stores.two.files(theirs, &plan, None, 5).await.unwrap(), FilePage::default());
}

pub async fn runs_are_paged_newest_first(stores: Stores) {
    let export = with_export(&*stores.one, ACME, recurring(), 0).await;
    for n in 0..7 {
        next_run(&*stores.one, &export, window(n, n + 1), n * 10).await.unwrap();
    }
    let page = async |cursor, limit| stores.two.runs_page(ACME, export.request, cursor, limit).await.unwrap();
    let timestamps = |page: &spillway::ports::RunPage| {
        page.runs.iter().map(|run| run.key.run.0 - 1_700_000_000).collect::<Vec<_>>()
    };
    let first = page(None, 3).await;
    assert_eq!(timestamps(&first), [60, 50, 40]);
    // A run that is created meanwhile stands before the first page.
    next_run(&*stores.one, &export, window(8, 9), 99).await.unwrap();
    let second = page(first.next, 3).await;
    assert_eq!(timestamps(&second), [30, 20, 10]);
    let last = page(second.next, 3).await;
    assert_eq!((timestamps(&last), last.next), (vec![0], None));
    assert_eq!(page(None, 0).await.runs.len(), 1);
    assert_eq!(page(Some(RunTimestamp(5)), 3).await.runs, []);
    let theirs = stores.two.runs_page(OTHER, export.request, None, 3).await.unwrap();
    assert_eq!(theirs.runs, []);
}
