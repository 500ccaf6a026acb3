//! What a person or a script sees: text and tables, or JSON; colours only on a terminal.

use std::{
    io::{IsTerminal, Write},
    sync::atomic::{AtomicBool, Ordering},
};

use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, presets};
use serde::Serialize;
use tracing_subscriber::{
    Layer,
    filter::{LevelFilter, Targets},
    fmt,
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

/// Where results go. Progress and warnings go to standard error.
///
/// For scripts, standard output holds one JSON document, whatever happens: the result, or `{"error": …}`.
#[derive(Debug)]
pub(crate) struct Output {
    json: bool,
    has_result: AtomicBool,
}

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        Self { json, has_result: AtomicBool::new(false) }
    }

    /// Whether a script reads.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// Prints a line for people; scripts do not see it.
    pub(crate) fn line(&self, text: impl AsRef<str>) -> anyhow::Result<()> {
        if !self.json {
            writeln!(std::io::stdout(), "{}", text.as_ref())?;
        }
        Ok(())
    }

    /// Prints the result for scripts; people do not see it.
    pub(crate) fn result(&self, value: &impl Serialize) -> anyhow::Result<()> {
        if self.json {
            self.has_result.store(true, Ordering::Relaxed);
            writeln!(std::io::stdout(), "{}", serde_json::to_string_pretty(value)?)?;
        }
        Ok(())
    }

    /// Says why there is no result: a line on standard error, and for scripts a document in the place of the result. An
    /// error after the result is on standard error alone. Where those are gone, nobody is left to tell.
    pub(crate) fn error(&self, text: &str) {
        drop(std::io::stderr().write_all(format!("error: {text}\n").as_bytes()));
        if !self.has_result.load(Ordering::Relaxed) {
            drop(self.result(&serde_json::json!({ "error": text })));
        }
    }

    /// Prints a table for people: the first columns are text, the last `numbers` are aligned to the right.
    pub(crate) fn table(
        &self,
        header: &[&str],
        numbers: usize,
        rows: Vec<Vec<String>>,
    ) -> anyhow::Result<()> {
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
        let text = header.len() - numbers;
        let cells = |row: Vec<String>| {
            row.into_iter().enumerate().map(move |(at, cell)| {
                let alignment = if at < text { CellAlignment::Left } else { CellAlignment::Right };
                Cell::new(cell).set_alignment(alignment)
            })
        };
        table.set_header(cells(header.iter().map(ToString::to_string).collect()).collect::<Vec<_>>());
        for row in rows {
            table.add_row(cells(row).collect::<Vec<_>>());
        }
        self.line(table.trim_fmt())
    }
}

/// Warnings go to standard error, but for those of a simulation, in which things fail because they should; `RUST_LOG` asks
/// for more.
pub(crate) fn start_logging(is_simulated: bool) {
    let asked = std::env::var("RUST_LOG").ok().and_then(|text| text.parse::<Targets>().ok());
    let least = if is_simulated { LevelFilter::ERROR } else { LevelFilter::WARN };
    let filter = asked.unwrap_or_else(|| Targets::new().with_default(least));
    let terminal = std::io::stderr().is_terminal();
    let lines = fmt::layer().with_writer(std::io::stderr).with_ansi(terminal).without_time().compact();
    tracing_subscriber::registry().with(lines.with_filter(filter)).init();
}

/// So many of a thing, in words.
pub(crate) fn counted(number: u64, thing: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {thing}{plural}", grouped(number))
}

/// Digits in groups of three.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
