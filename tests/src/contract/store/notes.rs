//! What runs leave behind for later ones: columns, scanned keys, ratios.

use std::collections::BTreeMap;

use spillway::domain::{
    DatabaseId, PlanToken, ProfileFile, ProfileNote, ProfileRole, PropertyColumn, PropertyScope, RequestId,
    RunKey,
};
use spillway::ports::StoreError;

use super::{Stores, fixtures::*};

fn column(key: &str) -> PropertyColumn {
    PropertyColumn { scope: PropertyScope::Event, key: key.to_owned() }
}

pub async fn columns_are_appended_in_order(stores: Stores) {
    let request = with_export(&*stores.one, ACME, recurring(), 0).await.request;
    let event = Some("Charged");
    assert_eq!(stores.one.columns(ACME, request, event).await.unwrap(), []);
    let append = async |found: &[PropertyColumn]| {
        stores.one.append_columns(ACME, request, event, found).await.unwrap()
    };
    let (z, a, m) = (column("z"), column("a|☃\0\""), column("m"));
    let profile_a = PropertyColumn { scope: PropertyScope::Profile, ..a.clone() };
    assert_eq!(append(&[z.clone(), a.clone(), z.clone()]).await, [z.clone(), a.clone()]);
    let all = [z.clone(), a.clone(), m.clone(), profile_a.clone()];
    assert_eq!(append(&[a, m, profile_a]).await, all);
    assert_eq!(append(&[]).await, all);
    assert_eq!(stores.two.columns(ACME, request, event).await.unwrap(), all);
}

pub async fn lists_of_columns_do_not_mix(stores: Stores) {
    let request = with_export(&*stores.one, ACME, recurring(), 0).await.request;
    let lists =
        [None, Some(""), Some("profiles"), Some("event:x"), Some("x"), Some("X"), Some("x\0"), Some("é")];
    for (list, n) in lists.iter().zip(0..) {
        let found = [column(&format!("{n}"))];
        assert_eq!(stores.one.append_columns(ACME, request, *list, &found).await.unwrap(), found);
    }
    for (list, n) in lists.iter().zip(0..) {
        assert_eq!(stores.two.columns(ACME, request, *list).await.unwrap(), [column(&format!("{n}"))]);
    }
    assert_eq!(stores.two.columns(ACME, RequestId(1), None).await.unwrap(), []);
}

pub async fn scanned_keys_are_kept(stores: Stores) {
    let path = "account=1/events/it's \"here\"/☃.parquet";
    assert_eq!(stores.one.scanned_keys(ACME, path).await.unwrap(), None);
    for keys in ["", "[[\"event\",\"a\"]]", "\0"] {
        stores.one.put_scanned_keys(ACME, path, keys).await.unwrap();
        assert_eq!(stores.two.scanned_keys(ACME, path).await.unwrap().as_deref(), Some(keys));
    }
    assert_eq!(stores.two.scanned_keys(ACME, "account=1/events").await.unwrap(), None);
}

pub async fn ratios_are_merged(stores: Stores) {
    let ratios = |pairs: &[(&str, f64)]| -> BTreeMap<String, f64> {
        pairs.iter().map(|(name, ratio)| ((*name).to_owned(), *ratio)).collect()
    };
    assert_eq!(stores.one.ratios(ACME, "json.gz").await.unwrap(), ratios(&[]));
    let first = ratios(&[("", 0.1 + 0.2), ("a", 1e-300), ("a\0", f64::MAX)]);
    stores.one.put_ratios(ACME, "json.gz", &first).await.unwrap();
    assert_eq!(stores.two.ratios(ACME, "json.gz").await.unwrap(), first);
    stores.one.put_ratios(ACME, "csv", &ratios(&[("a", 9.0)])).await.unwrap();
    let odd = ratios(&[("a", 2.5), ("☃", 3.0), ("b", f64::NAN), ("", f64::INFINITY)]);
    stores.two.put_ratios(ACME, "json.gz", &odd).await.unwrap();
    let merged = ratios(&[("", 0.1 + 0.2), ("a", 2.5), ("a\0", f64::MAX), ("☃", 3.0)]);
    assert_eq!(stores.one.ratios(ACME, "json.gz").await.unwrap(), merged, "what is no number says nothing");
    assert_eq!(stores.one.ratios(ACME, "csv").await.unwrap(), ratios(&[("a", 9.0)]));
}

fn profile_note(rows: u64) -> ProfileNote {
    let first_id = Some("a\u{0}☃\"".to_owned());
    let (oldest_micros, newest_micros) = (i64::MIN, i64::MAX);
    ProfileNote { bytes: 7, committed: at(3), rows, first_id, last_id: None, oldest_micros, newest_micros }
}

pub async fn notes_of_profiles_files_are_kept(stores: Stores) {
    let path = |n: usize| format!("account=1/profiles/☃{n:04}.parquet");
    let notes: BTreeMap<_, _> = (0..500).map(|n| (path(n), profile_note(n as u64))).collect();
    stores.one.put_profile_notes(ACME, &notes).await.unwrap();
    let wanted: Vec<_> = (400..800).map(path).collect();
    let known: BTreeMap<_, _> = (400..500).map(|n| (path(n), profile_note(n as u64))).collect();
    assert_eq!(stores.two.profile_notes(ACME, &wanted).await.unwrap(), known);
    let newer = BTreeMap::from([(path(450), profile_note(9))]);
    stores.two.put_profile_notes(ACME, &newer).await.unwrap();
    assert_eq!(stores.one.profile_notes(ACME, &[path(450)]).await.unwrap(), newer);
    assert_eq!(stores.one.profile_notes(ACME, &[]).await.unwrap(), BTreeMap::new());
    assert_eq!(stores.one.profile_notes(OTHER, &wanted).await.unwrap(), BTreeMap::new());
}

/// A file of a list.
#[must_use]
pub fn profile_file(path: &str) -> ProfileFile {
    ProfileFile {
        path: path.to_owned(),
        bytes: 7,
        committed: at(3),
        role: ProfileRole::Delivered,
        rows: Some(8),
        first_id: None,
        last_id: Some("\u{0}é".to_owned()),
    }
}

pub async fn lists_of_profiles_files_are_kept_with_their_plan(stores: Stores) {
    let run = with_run(&*stores.one, ACME).await;
    let (p, q, shard) = (PlanToken("p".to_owned()), PlanToken("q".to_owned()), DatabaseId(3));
    let files = |path: &str| vec![profile_file(path), profile_file("z")];
    stores.one.put_profile_list(run.key, &p, shard, 0, &files("a")).await.unwrap();
    stores.one.put_profile_list(run.key, &p, shard, 1, &files("b")).await.unwrap();
    stores.one.put_profile_list(run.key, &q, shard, 0, &files("c")).await.unwrap();
    // Create-only.
    stores.two.put_profile_list(run.key, &p, shard, 0, &files("d")).await.unwrap();
    let get = async |plan: &PlanToken, shard, part| {
        stores.two.profile_list(run.key, plan, shard, part).await.unwrap()
    };
    assert_eq!(get(&p, shard, 0).await, Some(files("a")));
    assert_eq!(get(&p, shard, 1).await, Some(files("b")));
    assert_eq!(get(&p, shard, 2).await, None);
    assert_eq!(get(&p, DatabaseId(4), 0).await, None);
    let theirs = RunKey { account: OTHER, ..run.key };
    assert_eq!(stores.two.profile_list(theirs, &p, shard, 0).await.unwrap(), None);
    let put = stores.two.put_profile_list(theirs, &p, shard, 0, &files("e")).await;
    assert!(matches!(put, Err(StoreError::NotFound(_))), "{put:?}");
    // Swept with the chunks of other plans.
    let opened = stores.one.open_run(run.key, &opening("p", &run.spec, 5)).await;
    opened.unwrap();
    stores.two.sweep_chunks(run.key).await.unwrap();
    assert_eq!(get(&p, shard, 0).await, Some(files("a")));
    assert_eq!(get(&q, shard, 0).await, None);
}
