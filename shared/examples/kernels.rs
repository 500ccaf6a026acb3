//! One kernel of the encoder on made-up rows, once: `kernels NAME`. `tests/bench/instructions` counts what it executes.

mod made;

use spillway::{
    domain::{Format, Packaging},
    encode::{self, GzipLevel, PropertyKeys, PropertyScope},
};

const ROWS: u64 = 20_000;

fn main() {
    let name = std::env::args().nth(1).unwrap_or_default();
    let bytes = match name.as_str() {
        // What all the others pay to make their rows.
        "rows" => made::batch(ROWS).num_rows(),
        "properties" => {
            let mut keys = PropertyKeys::new();
            for text in made::properties(ROWS) {
                keys.add_text(PropertyScope::Event, &text).expect("the text is JSON");
            }
            keys.columns().len()
        }
        "gzip" | "gzip-compact" => {
            let level = if name == "gzip" { GzipLevel::Fast } else { GzipLevel::Compact };
            encode::gzip(made::properties(ROWS).join("\n").as_bytes(), level).len()
        }
        format => {
            let Some(format) = Format::ALL.into_iter().find(|known| known.as_str() == format) else {
                eprintln!("usage: kernels rows|properties|gzip|gzip-compact|json|csv|xml|parquet");
                std::process::exit(2);
            };
            made::file(format, Packaging::Plain, &made::batch(ROWS)).len()
        }
    };
    println!("{bytes}");
}
