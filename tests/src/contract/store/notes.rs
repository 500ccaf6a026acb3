//! What runs leave behind for later ones: columns, scanned keys, ratios.

use std::collections::BTreeMap;

use spillway::domain::{PropertyColumn, PropertyScope, RequestId};

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
