//! How many rows files have.

use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array};
use parquet::file::properties::WriterProperties;

use super::support::{TestLake, events_file, parquet};
use crate::ports::Lake as _;

#[test]
fn files_are_counted_whatever_columns_they_and_their_neighbours_have() {
    let other = |names: &[&'static str]| {
        let column = Arc::new(Int64Array::from(vec![1, 2, 3, 4])) as ArrayRef;
        let columns = names.iter().map(|name| (*name, Arc::clone(&column))).collect();
        parquet(columns, WriterProperties::builder())
    };
    for lake in TestLake::both() {
        lake.put("a.parquet", events_file(0, 10, 4, |_| "{}".to_owned()));
        lake.put("as-many.parquet", other(&["x", "y", "z"]));
        lake.put("broken.parquet", "no Parquet");
        lake.put("fewer.parquet", other(&["x"]));
        lake.put("more.parquet", other(&["v", "w", "x", "y", "z"]));
        lake.put("b.parquet", events_file(0, 3, 4, |_| "{}".to_owned()));
        let asked = [
            ("a.parquet", Some(10)),
            ("as-many.parquet", Some(4)),
            ("broken.parquet", None),
            ("fewer.parquet", Some(4)),
            ("gone.parquet", None),
            ("more.parquet", Some(4)),
            ("../a.parquet", None),
            ("b.parquet", Some(3)),
        ];
        let (paths, counts): (Vec<_>, Vec<_>) = asked.into_iter().unzip();
        assert_eq!(lake.runtime.block_on(lake.lake.row_counts(&paths)).unwrap(), counts);
    }
}
