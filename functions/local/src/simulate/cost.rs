//! `spillway simulate cost`: what a terabyte costs on Cloud Run, by measured CPU time, beside other programs.

use std::{collections::BTreeMap, process::ExitCode};

use anyhow::Context;
use serde::{Deserialize, Serialize};

use crate::{cli::CostArgs, output::Output};

/// What `tests/bench/run --json` found on the machine that README names.
const MEASURED: &str = include_str!("../../../../tests/bench/figures.json");
/// Cloud Run's published prices, request-based billing, tier 1: <https://cloud.google.com/run/pricing>.
const VCPU_SECOND_DOLLARS: f64 = 0.000_024;
const GIB_SECOND_DOLLARS: f64 = 0.000_002_5;
/// Memory comes in steps of this; no program gets less.
const MEMORY_STEP_MIB: f64 = 512.0;
const TERABYTE: f64 = 1e12;

/// The figures of a bench run.
#[derive(Debug, Deserialize)]
struct Figures {
    /// The bytes of all events as JSON before compression: what the cost is by, whatever a program makes of them.
    raw_json_bytes: f64,
    figures: BTreeMap<String, Figure>,
}

#[derive(Debug, Deserialize)]
struct Figure {
    /// User CPU seconds.
    user: f64,
    /// System CPU seconds.
    system: f64,
    /// Bytes written.
    bytes: f64,
    peak_mib: f64,
}

/// What a terabyte of events costs with a program.
#[derive(Debug, Serialize, PartialEq)]
struct Cost {
    program: String,
    vcpu_hours: f64,
    memory_gib: f64,
    dollars: f64,
    /// Gigabytes that it writes of the terabyte.
    written_gb: f64,
}

impl Cost {
    fn of(program: &str, figure: &Figure, raw_json_bytes: f64) -> Self {
        let seconds = (figure.user + figure.system) * TERABYTE / raw_json_bytes;
        let memory_gib = (figure.peak_mib / MEMORY_STEP_MIB).ceil().max(1.0) * MEMORY_STEP_MIB / 1024.0;
        Self {
            program: program.to_owned(),
            vcpu_hours: seconds / 3600.0,
            memory_gib,
            dollars: seconds * (VCPU_SECOND_DOLLARS + memory_gib * GIB_SECOND_DOLLARS),
            written_gb: figure.bytes / raw_json_bytes * TERABYTE / 1e9,
        }
    }
}

/// Every program, by format and cost.
fn costs(text: &str) -> Result<Vec<Cost>, serde_json::Error> {
    let Figures { raw_json_bytes, figures } = serde_json::from_str(text)?;
    let is_program = |name: &str| name != "scan" && !name.contains("alone") && !name.contains("two threads");
    let others = ["duckdb", "clickhouse", "polars", "python"];
    let named = |name: &str| {
        let is_other = others.iter().any(|other| name.starts_with(other));
        if is_other { name.to_owned() } else { format!("spillway {name}") }
    };
    let costs = figures.iter().filter(|(name, _)| is_program(name));
    let mut costs: Vec<Cost> =
        costs.map(|(name, figure)| Cost::of(&named(name), figure, raw_json_bytes)).collect();
    let format = |cost: &Cost| {
        let formats = ["json", "csv", "xml", "parquet"];
        formats.iter().position(|format| cost.program.split(' ').any(|word| word == *format))
    };
    costs.sort_by(|a, b| format(a).cmp(&format(b)).then(a.dollars.total_cmp(&b.dollars)));
    Ok(costs)
}

/// Prints the table.
pub(super) fn run(output: &Output, args: &CostArgs) -> anyhow::Result<ExitCode> {
    let text = match &args.figures {
        Some(path) => std::fs::read_to_string(path).with_context(|| {
            format!("{} cannot be read; name what `tests/bench/run --json` printed", path.display())
        })?,
        None => MEASURED.to_owned(),
    };
    let costs = costs(&text).context("these are no figures of `tests/bench/run --json`")?;
    output.result(&costs)?;
    let row = |cost: &Cost| {
        let Cost { program, vcpu_hours, memory_gib, dollars, written_gb } = cost;
        vec![
            program.clone(),
            format!("{vcpu_hours:.2}"),
            format!("{memory_gib:.1}"),
            format!("{dollars:.2}"),
            format!("{written_gb:.0}"),
        ]
    };
    let header = ["a terabyte of events, as JSON text", "vCPU hours", "GiB", "$", "GB written"];
    output.table(&header, 4, costs.iter().map(row).collect())?;
    output.line(
        "\nCloud Run at $0.000024 a vCPU second and $0.0000025 a GiB second, by the CPU time of `tests/bench/run`; \
         encoding alone, without requests, network and idle time.",
    )?;
    Ok(crate::SUCCESS)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_terabyte_is_counted_up_from_what_was_measured() {
        let text = r#"{"raw_json_bytes":1e9,"figures":{
            "json":{"user":2.9,"system":0.1,"bytes":2e8,"peak_mib":30},
            "duckdb json":{"user":36,"system":0,"bytes":1.5e8,"peak_mib":600},
            "scan":{"user":1,"system":0,"bytes":0,"peak_mib":1}}}"#;
        let costs = costs(text).unwrap();
        assert_eq!(costs.len(), 2);
        assert_eq!(costs[0].program, "spillway json");
        // 3,000 s × ($0.000024 + half a GiB × $0.0000025)
        assert!((costs[0].dollars - 0.075_75).abs() < 1e-9, "{costs:?}");
        assert!((costs[0].written_gb - 200.0).abs() < 1e-9);
        assert!((costs[1].memory_gib - 1.0).abs() < 1e-9);
        assert!((costs[1].dollars - 36_000.0 * 0.000_026_5).abs() < 1e-9);
    }

    #[test]
    fn the_kept_figures_can_be_read() {
        let costs = costs(MEASURED).unwrap();
        for program in ["spillway json", "duckdb json", "python json"] {
            assert!(costs.iter().any(|cost| cost.program == program && cost.dollars > 0.0), "{program}");
        }
    }
}
