//! The encoder's kernels, each alone: `cargo bench -p spillway`. Throughput is of what comes out before compression.
#![allow(missing_docs, reason = "criterion's macros make undocumented functions")]

#[path = "../examples/made/mod.rs"]
mod made;

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use spillway::{
    domain::{Format, Packaging},
    encode::{self, GzipLevel, PropertyKeys, PropertyScope},
};

const ROWS: u64 = 20_000;

fn formats(criterion: &mut Criterion) {
    let batch = made::batch(ROWS);
    let mut group = criterion.benchmark_group("rows");
    for format in Format::ALL {
        let bytes = made::file(format, Packaging::Plain, &batch).len() as u64;
        group.throughput(Throughput::Bytes(bytes));
        group.bench_function(format.as_str(), |bench| {
            bench.iter(|| made::file(format, Packaging::Plain, black_box(&batch)));
        });
    }
}

fn gzip(criterion: &mut Criterion) {
    let raw = made::file(Format::Json, Packaging::Plain, &made::batch(ROWS));
    let mut group = criterion.benchmark_group("gzip");
    group.throughput(Throughput::Bytes(raw.len() as u64));
    for (name, level) in [("fast", GzipLevel::Fast), ("compact", GzipLevel::Compact)] {
        group.bench_function(name, |bench| bench.iter(|| encode::gzip(black_box(&raw), level)));
    }
}

fn properties(criterion: &mut Criterion) {
    let texts = made::properties(ROWS);
    let mut group = criterion.benchmark_group("properties");
    group.throughput(Throughput::Bytes(texts.iter().map(|text| text.len() as u64).sum()));
    group.bench_function("flatten", |bench| {
        bench.iter(|| {
            let mut keys = PropertyKeys::new();
            for text in &texts {
                keys.add_text(PropertyScope::Event, black_box(text)).expect("the text is JSON");
            }
            keys
        });
    });
}

criterion_group!(kernels, formats, gzip, properties);
criterion_main!(kernels);
