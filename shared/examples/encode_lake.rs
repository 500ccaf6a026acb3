//! The real encoder without the world around it: a folder's lake in, finished objects out, with checksums and counts.
//! `tests/bench/run` measures its CPU time from outside, beside that of other programs.
//!
//! `encode_lake LAKE ACCOUNT json|csv|xml|parquet [--plain] [--compact] [--as-string] [--fallback] [--zone ZONE]
//! [--threads N] [--scan] [--out FOLDER]`, or `encode_lake gzip [--compact] FILE…` for compression alone.
#![allow(clippy::unwrap_used, reason = "a tool for developers")]

use std::{
    collections::BTreeMap,
    io::Write as _,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use jiff::tz::TimeZone;
use spillway::{
    adapters::{lake::ObjectStoreLake, system_clock::SystemClock},
    domain::{
        AccountId, Dataset, Format, IdentityKind, IdentityPriority, Packaging, RowCursor, Slice, SliceFile,
    },
    encode::{self, FILE_LIMIT_BYTES, FileContent, FileOptions, GzipLevel, PropertyKeys, columns},
    ports::{Lake as _, LakeQuery},
    steps::encode_slice,
};

struct Wish {
    lake: String,
    account: u64,
    options: FileOptions,
    threads: usize,
    scan: bool,
    out: Option<PathBuf>,
}

fn wish() -> Wish {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next();
    let (lake, account, format) = (next().unwrap(), next().unwrap().parse().unwrap(), next().unwrap());
    let mut options = FileOptions {
        format: Format::ALL.into_iter().find(|known| known.as_str() == format).unwrap(),
        packaging: Packaging::Gzip,
        gzip_level: GzipLevel::Fast,
        as_string: false,
        header_line: true,
        identities: IdentityPriority::default(),
        time_zone: TimeZone::UTC,
        limit_bytes: FILE_LIMIT_BYTES,
    };
    let (mut threads, mut scan, mut out) = (1, false, None);
    while let Some(flag) = next() {
        match flag.as_str() {
            "--plain" => options.packaging = Packaging::Plain,
            "--compact" => options.gzip_level = GzipLevel::Compact,
            "--as-string" => options.as_string = true,
            "--fallback" => {
                let order = vec![IdentityKind::Phone, IdentityKind::Email, IdentityKind::Identity];
                options.identities = IdentityPriority::new(order).unwrap();
            }
            "--zone" => options.time_zone = TimeZone::get(&next().unwrap()).unwrap(),
            "--threads" => threads = next().unwrap().parse().unwrap(),
            "--scan" => scan = true,
            "--out" => out = next().map(PathBuf::from),
            other => panic!("unknown: {other}"),
        }
    }
    Wish { lake, account, options, threads, scan, out }
}

fn main() {
    if std::env::args().nth(1).as_deref() == Some("gzip") {
        return compress();
    }
    let wish = wish();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let lake = ObjectStoreLake::folder(wish.lake.as_ref(), Arc::new(SystemClock)).unwrap();
    let slices = runtime.block_on(slices(&lake, &wish));
    let (at, rows, bytes, files) =
        (AtomicUsize::new(0), AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for _ in 0..wish.threads {
            scope.spawn(|| {
                while let Some((slice, content)) = slices.get(at.fetch_add(1, Ordering::Relaxed)) {
                    let mut rest = Some(slice.clone());
                    while let Some(slice) = rest {
                        let done = one_object(&lake, &wish, &slice, content, &files);
                        rows.fetch_add(done.0, Ordering::Relaxed);
                        bytes.fetch_add(done.1, Ordering::Relaxed);
                        rest = done.2;
                    }
                }
            });
        }
    });
    println!(
        "{{\"rows\":{},\"bytes\":{},\"files\":{}}}",
        rows.into_inner(),
        bytes.into_inner(),
        files.into_inner()
    );
}

/// Compresses files as the encoder does its own, and does nothing else.
fn compress() {
    let mut level = GzipLevel::Fast;
    let mut bytes = 0;
    for argument in std::env::args().skip(2) {
        match argument.as_str() {
            "--compact" => level = GzipLevel::Compact,
            file => bytes += encode::gzip(&std::fs::read(file).unwrap(), level).len(),
        }
    }
    println!("{{\"bytes\":{bytes}}}");
}

/// Rows, bytes and what is left.
fn one_object(
    lake: &ObjectStoreLake,
    wish: &Wish,
    slice: &Slice,
    content: &FileContent,
    files: &AtomicU64,
) -> (u64, u64, Option<Slice>) {
    let needed = columns::needed(content);
    let needed: Vec<&str> = needed.iter().map(String::as_str).collect();
    let mut rows = lake.rows(slice, &needed);
    if wish.scan {
        let mut count = 0;
        while let Some(batch) = rows.next_batch().unwrap() {
            count += std::hint::black_box(batch).batch.num_rows() as u64;
        }
        return (count, 0, None);
    }
    let number = files.fetch_add(1, Ordering::Relaxed);
    let mut out = wish.out.as_ref().map(|folder| {
        let extension = wish.options.packaging.event_extension(wish.options.format);
        std::fs::File::create(folder.join(format!("{number:05}.{extension}"))).unwrap()
    });
    let intent = encode_slice(rows, slice, &wish.options, content, |piece| {
        if let Some(out) = &mut out {
            out.write_all(&piece).unwrap();
        }
    });
    let intent = intent.unwrap();
    (intent.rows, intent.bytes, slice.rest(&intent.end))
}

/// A slice for each event, day and shard, with the event's columns where they are needed.
async fn slices(lake: &ObjectStoreLake, wish: &Wish) -> Vec<(Slice, FileContent)> {
    let query = LakeQuery {
        account: AccountId(wish.account),
        dataset: Dataset::Events,
        first_hour: "2024-05-01T00:00:00Z".parse().unwrap(),
        last_hour: "2024-06-30T23:00:00Z".parse().unwrap(),
    };
    let mut groups: BTreeMap<(String, String, String), Vec<SliceFile>> = BTreeMap::new();
    let mut keys: BTreeMap<String, PropertyKeys> = BTreeMap::new();
    for file in lake.list(&query).await.unwrap() {
        let (event, date) = file.place.event.clone().unwrap();
        let event_name = event.event_name(None).to_string();
        if wish.options.format == Format::Csv {
            let footer = lake.footer(&file.path).await.unwrap();
            let keys = keys.entry(event_name.clone()).or_default();
            keys.add_footer(footer.property_keys.as_deref().unwrap()).unwrap();
        }
        let key = (event_name, date.to_string(), file.place.database.to_string());
        let slice_file = SliceFile { path: file.path, bytes: file.bytes, row_groups: None, rows: None };
        groups.entry(key).or_default().push(slice_file);
    }
    let of = |((event_name, _, _), files): (&(String, String, String), &Vec<SliceFile>)| {
        let columns = keys.get(event_name).map(PropertyKeys::columns).unwrap_or_default();
        let slice = Slice::Events { files: files.clone(), from: RowCursor::default() };
        (slice, FileContent::Events { event_name: event_name.clone(), columns })
    };
    groups.iter().map(of).collect()
}
