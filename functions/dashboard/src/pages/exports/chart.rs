//! A chart of rows, a bar a run or a day, drawn on the server. Its numbers also stand in the table of runs, and its
//! description says what a glance would show.

use std::collections::BTreeMap;

use jiff::{ToSpan, civil::Date};
use spillway::domain::Run;

use crate::pages::{numbers, times::Times};

/// The whole drawing.
const WIDTH: u32 = 1_200;
const HEIGHT: u32 = 200;
/// Where the bars begin, right of the numbers.
const LEFT: u32 = 64;
const TOP: u32 = 8;
const BOTTOM: u32 = 24;
/// More runs than these are shown a day each.
const MAX_BARS: usize = 60;

/// The chart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Chart {
    /// What it shows.
    pub title: &'static str,
    /// From when to when.
    pub about: String,
    /// What one sees.
    pub description: String,
    /// Of the drawing.
    pub width: u32,
    /// Of the drawing.
    pub height: u32,
    /// Where the bars begin.
    pub left: u32,
    /// A bar a run or a day.
    pub bars: Vec<Bar>,
    /// Lines at round numbers.
    pub grid: Vec<Line>,
    /// Below the bars.
    pub labels: Vec<Label>,
}

/// A bar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bar {
    /// When.
    pub name: String,
    /// How many rows.
    pub value: String,
    /// Whether it is nothing.
    pub is_empty: bool,
    /// Its left side.
    pub x: u32,
    /// Its top.
    pub y: u32,
    /// How wide.
    pub width: u32,
    /// How high.
    pub height: u32,
}

/// A line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    /// Where.
    pub y: u32,
    /// The number.
    pub text: String,
}

/// A text below the bars.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Label {
    /// Where.
    pub x: u32,
    /// Which of its ends stands there.
    pub anchor: &'static str,
    /// The text.
    pub text: String,
}

/// A bar's name and rows, oldest first.
type Point = (String, u64);

impl Chart {
    /// Of runs, given newest first: a bar each, or a bar a day where they are many. None with fewer than two bars,
    /// which a table tells better.
    #[must_use]
    pub(crate) fn of_runs(runs: &[Run], times: &Times) -> Option<Self> {
        let closed: Vec<&Run> = runs.iter().rev().filter(|run| run.status.is_closed()).collect();
        if closed.len() <= MAX_BARS {
            let points =
                closed.iter().map(|run| (times.moment(run.created_at).text, run.totals.rows)).collect();
            return Self::new("Rows a run", points);
        }
        let mut days: Vec<(Date, u64)> = Vec::new();
        for run in closed {
            let day = run.created_at.to_zoned_datetime(times.zone().clone()).date();
            match days.last_mut() {
                Some((last, rows)) if *last == day => *rows = rows.saturating_add(run.totals.rows),
                _ => days.push((day, run.totals.rows)),
            }
        }
        Self::of_days(days)
    }

    /// Of days, oldest first. Days between them have no rows; where they are too many, they are left out.
    #[must_use]
    pub(crate) fn of_days(mut days: Vec<(Date, u64)>) -> Option<Self> {
        let (first, last) = (days.first()?.0, days.last()?.0);
        let all: Vec<Date> =
            first.series(1.day()).take_while(|day| *day <= last).take(MAX_BARS + 1).collect();
        if all.len() <= MAX_BARS {
            let known: BTreeMap<Date, u64> = days.into_iter().collect();
            days = all.into_iter().map(|day| (day, known.get(&day).copied().unwrap_or(0))).collect();
        }
        Self::new("Rows a day", days.into_iter().map(|(day, rows)| (Times::day(day), rows)).collect())
    }

    fn new(title: &'static str, mut points: Vec<Point>) -> Option<Self> {
        let first = points.len().saturating_sub(MAX_BARS);
        points.drain(..first);
        let (Some((begin, _)), Some((end, _)), true) = (points.first(), points.last(), points.len() > 1)
        else {
            return None;
        };
        let (begin, end) = (begin.clone(), end.clone());
        let top = round_up(points.iter().map(|(_, rows)| *rows).max().unwrap_or(0));
        let plot = HEIGHT - TOP - BOTTOM;
        let y_of = |rows: u64| TOP + plot - scaled(rows, top, plot);
        let step = (WIDTH - LEFT) / u32::try_from(points.len()).unwrap_or(u32::MAX);
        let width = (step * 7 / 10).clamp(2, 56);
        let bars: Vec<Bar> = (0..)
            .zip(&points)
            .map(|(at, (name, rows))| {
                // What is not nothing can be seen, and so can nothing.
                let y = y_of(*rows).min(TOP + plot - 2);
                Bar {
                    name: name.clone(),
                    value: numbers::count(*rows),
                    is_empty: *rows == 0,
                    x: LEFT + at * step + (step - width) / 2,
                    y,
                    width,
                    height: TOP + plot - y,
                }
            })
            .collect();
        let grid = [0, top / 2, top].map(|rows| Line { y: y_of(rows), text: short(rows) });
        let last_x = bars.last().map_or(WIDTH, |bar| bar.x + bar.width);
        let labels = vec![
            Label { x: LEFT, anchor: "start", text: begin.clone() },
            Label { x: last_x, anchor: "end", text: end.clone() },
        ];
        let description = describe(&points);
        Some(Self {
            title,
            about: format!("{begin} to {end}"),
            description,
            width: WIDTH,
            height: HEIGHT,
            left: LEFT,
            bars,
            grid: grid.to_vec(),
            labels,
        })
    }
}

fn describe(points: &[Point]) -> String {
    let sum = points.iter().fold(0_u64, |sum, (_, rows)| sum.saturating_add(*rows));
    let empty = points.iter().filter(|(_, rows)| *rows == 0).count();
    let most = points.iter().rev().max_by_key(|(_, rows)| *rows);
    let (name, rows) = most.map_or(("", 0), |(name, rows)| (name.as_str(), *rows));
    let mut text = format!(
        "{} bars, {} rows together. The most, {}, on {name}.",
        points.len(),
        numbers::count(sum),
        numbers::count(rows)
    );
    if empty > 0 {
        text.push_str(&format!(" {} without rows.", numbers::count(empty as u64)));
    }
    text
}

/// The next number that divides well: 1, 2 or 5 and noughts; at least 2, so that there is a half.
fn round_up(rows: u64) -> u64 {
    let mut scale = 1_u64;
    loop {
        for digit in [2, 5, 10] {
            let candidate = scale.saturating_mul(digit);
            if candidate >= rows {
                return candidate;
            }
        }
        scale = scale.saturating_mul(10);
    }
}

fn scaled(rows: u64, top: u64, height: u32) -> u32 {
    u32::try_from(u128::from(rows) * u128::from(height) / u128::from(top.max(1))).unwrap_or(height)
}

/// A round number in few letters.
fn short(rows: u64) -> String {
    match rows {
        0..10_000 => numbers::count(rows),
        10_000..1_000_000 => format!("{}k", rows / 1_000),
        1_000_000..1_000_000_000 if rows.is_multiple_of(1_000_000) => format!("{}M", rows / 1_000_000),
        1_000_000..1_000_000_000 => format!("{}.{}M", rows / 1_000_000, rows % 1_000_000 / 100_000),
        _ => format!("{}G", rows / 1_000_000_000),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use jiff::civil::date;

    use super::*;

    fn days(rows: &[u64]) -> Option<Chart> {
        Chart::of_days((1..).zip(rows).map(|(day, rows)| (date(2026, 11, day), *rows)).collect())
    }

    #[test]
    fn bars_are_as_high_as_their_rows() {
        let chart = days(&[0, 50, 100]).unwrap();
        let heights: Vec<_> = chart.bars.iter().map(|bar| bar.height).collect();
        assert_eq!(heights, [2, 84, 168]);
        assert!(chart.bars.iter().all(|bar| bar.x >= LEFT && bar.x + bar.width <= WIDTH));
        assert_eq!(chart.grid.iter().map(|line| line.text.as_str()).collect::<Vec<_>>(), ["0", "50", "100"]);
        assert_eq!(
            chart.description,
            "3 bars, 150 rows together. The most, 100, on 3 Nov 2026. 1 without rows."
        );
    }

    #[test]
    fn one_bar_is_no_chart() {
        assert_eq!(days(&[5]), None);
        assert_eq!(days(&[]), None);
        assert!(days(&[0, 0]).is_some());
        assert!(days(&[u64::MAX, 1]).is_some());
    }

    #[test]
    fn days_between_have_no_rows() {
        let chart = Chart::of_days(vec![(date(2026, 11, 1), 4), (date(2026, 11, 4), 2)]).unwrap();
        let rows: Vec<_> = chart.bars.iter().map(|bar| bar.value.as_str()).collect();
        assert_eq!(rows, ["4", "0", "0", "2"]);
        let far = Chart::of_days(vec![(date(2020, 11, 1), 4), (date(2026, 11, 4), 2)]).unwrap();
        assert_eq!(far.bars.len(), 2);
    }

    #[test]
    fn the_newest_bars_are_shown() {
        let many =
            (0..100).map(|n| (date(2026, 1, 1).saturating_add(jiff::Span::new().days(n)), 1)).collect();
        let chart = Chart::of_days(many).unwrap();
        assert_eq!(chart.bars.len(), 60);
        assert_eq!(chart.bars.last().unwrap().name, "10 Apr 2026");
    }

    #[test]
    fn round_numbers() {
        assert_eq!([0, 2, 3, 11, 60, 100, 101].map(round_up), [2, 2, 5, 20, 100, 100, 200]);
        assert_eq!([5, 50_000, 1_500_000, 2_000_000].map(short), ["5", "50k", "1.5M", "2M"]);
    }
}
