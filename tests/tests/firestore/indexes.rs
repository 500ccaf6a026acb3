//! Every query that the store can make has its index in `infra/firestore.indexes.json`, and nothing stands there in
//! vain. The emulator asks for none, so the indexes are derived here by Firestore's rules:
//!
//! - Each field has an index of its own in either direction, for one collection. It serves equality, a range or an order
//!   over that field alone; names follow in ascending order.
//! - Equality over several fields is served by merging such indexes; so is equality over any of some fields, together
//!   with an order, by merging one index (field, order) for each of them. A list that holds a value is equality.
//! - Other equality with an order or a range needs one index of all its fields, the order last.
//! - A sum needs its fields in the index too.
//! - Queries over all collections of a name need an index of at least two fields, made for that.
//! - What is exempt from its own index cannot be asked for.

use std::{collections::BTreeSet, fs, path::Path};

use serde::Deserialize;
use spillway::adapters::firestore::{Direction, QueryShape, Scope, query_shapes};

#[derive(Debug, Clone, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(deny_unknown_fields)]
struct Index {
    collection: String,
    scope: String,
    fields: Vec<Field>,
}

#[derive(Debug, Clone, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(deny_unknown_fields)]
struct Field {
    path: String,
    #[serde(default)]
    order: Option<String>,
    #[serde(default)]
    array: Option<String>,
}

#[derive(Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(deny_unknown_fields)]
struct Place {
    collection: String,
    path: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Declared {
    indexes: Vec<Index>,
    exemptions: Vec<Place>,
    ttl: Vec<Place>,
}

fn declared() -> Declared {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../infra/firestore.indexes.json");
    serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap()
}

fn ordered(path: &str, direction: Direction) -> Field {
    let order = if direction == Direction::Ascending { "ASCENDING" } else { "DESCENDING" };
    Field { path: path.to_owned(), order: Some(order.to_owned()), array: None }
}

fn ascending(path: &str) -> Field {
    ordered(path, Direction::Ascending)
}

/// The composite indexes that a query needs.
fn needed(shape: &QueryShape) -> Vec<Index> {
    let scope = if shape.scope == Scope::Group { "COLLECTION_GROUP" } else { "COLLECTION" };
    let index = |fields| Index { collection: shape.collection.to_owned(), scope: scope.to_owned(), fields };
    let order = shape.order.map(|(path, direction)| ordered(path, direction));
    assert!(shape.order != Some(("__name__", Direction::Descending)), "{shape:?}: no such index by itself");
    let is_by_name = shape.order.is_none_or(|(path, _)| path == "__name__");
    if shape.scope == Scope::Collection && is_by_name && shape.sums.is_empty() {
        // Equality alone is merged.
        return vec![];
    }
    if !shape.optional.is_empty() || shape.contains.is_some() {
        let order = order.expect("else it is merged");
        assert!(
            shape.equal.is_empty() && shape.sums.is_empty() && shape.scope == Scope::Collection,
            "{shape:?}"
        );
        let mut merged: Vec<_> =
            shape.optional.iter().map(|path| index(vec![ascending(path), order.clone()])).collect();
        merged.extend(shape.contains.map(|path| {
            let list = Field { path: path.to_owned(), order: None, array: Some("CONTAINS".to_owned()) };
            index(vec![list, order])
        }));
        return merged;
    }
    let mut fields: Vec<_> = shape.equal.iter().map(|path| ascending(path)).collect();
    fields.extend(order.filter(|field| field.path != "__name__"));
    fields.extend(shape.sums.iter().map(|path| ascending(path)));
    if fields.len() < 2 && shape.scope == Scope::Collection {
        return vec![];
    }
    assert!(fields.len() > 1, "{shape:?}: a query over all collections needs an index of two fields");
    vec![index(fields)]
}

#[test]
fn every_query_has_its_index_and_every_index_its_query() {
    let needed: BTreeSet<_> = query_shapes().iter().flat_map(needed).collect();
    let declared = declared();
    let stated: BTreeSet<_> = declared.indexes.iter().cloned().collect();
    assert_eq!(stated.len(), declared.indexes.len(), "each index once");
    let missing: Vec<_> = needed.difference(&stated).collect();
    assert!(missing.is_empty(), "infra/firestore.indexes.json has no {missing:#?}");
    let superfluous: Vec<_> = stated.difference(&needed).collect();
    assert!(superfluous.is_empty(), "no query needs {superfluous:#?}");
    assert!(needed.len() > 5, "{needed:?}");
}

#[test]
fn nothing_is_asked_for_that_is_exempt_from_its_index() {
    let declared = declared();
    for shape in query_shapes() {
        let order = shape.order.map(|(path, _)| path);
        let fields = shape.equal.iter().chain(shape.optional).chain(shape.sums).copied();
        for path in fields.chain(shape.contains).chain(order) {
            let place = Place { collection: shape.collection.to_owned(), path: path.to_owned() };
            assert!(!declared.exemptions.contains(&place), "{shape:?} asks for {path}");
        }
    }
    // The texts of customers are never indexed, wherever there are any.
    for shape in query_shapes() {
        for path in ["doc", "packed"] {
            let place = Place { collection: shape.collection.to_owned(), path: path.to_owned() };
            assert!(declared.exemptions.contains(&place), "{} of {} is indexed", path, shape.collection);
        }
    }
}

#[test]
fn what_is_forgotten_by_itself_is_declared() {
    let declared = declared();
    let places: BTreeSet<_> =
        declared.ttl.iter().map(|place| (place.collection.as_str(), place.path.as_str())).collect();
    assert_eq!(places, BTreeSet::from([("candidates", "expires_at"), ("creations", "forget_at")]));
}
