//! A chart of rows, a bar a run or a day, drawn on the server. Its numbers also stand in the table of runs, and its
//! description says what a glance would show.

use std::{collections::BTreeMap, fmt};

use jiff::{ToSpan, civil::Date};
use spillway::domain::Run;

use crate::pages::{numbers, times::Times};

/// More runs than these are shown a day each, more days a month, more months a year.
const MAX_BARS: usize = 60;
/// A few bars are not made wider than this.
const MAX_WIDTH: Share = Share(500);
/// What is not nothing can be seen, and so can nothing.
const MIN_HEIGHT: Share = Share(120);

/// The chart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Chart {
    /// What it shows.
    pub title: &'static str,
    /// From when to when.
    pub about: String,
    /// What one sees.
    pub description: String,
    /// A bar a run, day, month or year.
    pub bars: Vec<Bar>,
    /// The numbers at the top, in the middle and at the bottom.
    pub scale: [String; 3],
    /// What the first bar is of.
    pub begin: String,
    /// And the last one.
    pub end: String,
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
    pub x: Share,
    /// Its top.
    pub y: Share,
    /// How wide.
    pub width: Share,
    /// How high.
    pub height: Share,
}

/// A share of the drawing's width or height, in hundredths of a percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Share(u32);

impl Share {
    const WHOLE: u32 = 10_000;

    fn of(part: u64, whole: u64) -> Self {
        let share = u128::from(part) * u128::from(Self::WHOLE) / u128::from(whole.max(1));
        Self(u32::try_from(share).unwrap_or(Self::WHOLE).min(Self::WHOLE))
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}", self.0 / 100, self.0 % 100)
    }
}

/// How days are put together.
#[derive(Debug, Clone, Copy)]
enum Unit {
    Day,
    Month,
    Year,
}

impl Unit {
    fn title(self) -> &'static str {
        match self {
            Self::Day => "Rows a day",
            Self::Month => "Rows a month",
            Self::Year => "Rows a year",
        }
    }

    fn begin(self, day: Date) -> Date {
        match self {
            Self::Day => day,
            Self::Month => day.first_of_month(),
            Self::Year => day.first_of_year(),
        }
    }

    fn name(self, begin: Date) -> String {
        match self {
            Self::Day => Times::day(begin),
            Self::Month => begin.strftime("%b %Y").to_string(),
            Self::Year => begin.year().to_string(),
        }
    }

    /// All from the first to the last one, also those without rows; none where they are too many.
    fn all(self, first: Date, last: Date) -> Option<Vec<Date>> {
        let step = match self {
            Self::Day => 1.day(),
            Self::Month => 1.month(),
            Self::Year => 1.year(),
        };
        let last = self.begin(last);
        let all = self.begin(first).series(step).take_while(|day| *day <= last);
        let all: Vec<Date> = all.take(MAX_BARS + 1).collect();
        (all.len() <= MAX_BARS).then_some(all)
    }
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

    /// Of days, oldest first: a bar each, a month or a year, whatever gives few enough. Days between them have no rows.
    #[must_use]
    pub(crate) fn of_days(days: Vec<(Date, u64)>) -> Option<Self> {
        let (first, last) = (days.first()?.0, days.last()?.0);
        let units = [Unit::Day, Unit::Month, Unit::Year];
        let (unit, all) = units.into_iter().find_map(|unit| Some((unit, unit.all(first, last)?)))?;
        let mut sums: BTreeMap<Date, u64> = all.into_iter().map(|begin| (begin, 0)).collect();
        for (day, rows) in days {
            let sum = sums.entry(unit.begin(day)).or_default();
            *sum = sum.saturating_add(rows);
        }
        Self::new(unit.title(), sums.into_iter().map(|(begin, rows)| (unit.name(begin), rows)).collect())
    }

    fn new(title: &'static str, points: Vec<Point>) -> Option<Self> {
        let (Some((begin, _)), Some((end, _)), true) = (points.first(), points.last(), points.len() > 1)
        else {
            return None;
        };
        let (begin, end) = (begin.clone(), end.clone());
        let top = round_up(points.iter().map(|(_, rows)| *rows).max().unwrap_or(0));
        let count = points.len() as u64;
        let step = Share::of(1, count).0;
        let width = Share(step * 7 / 10).min(MAX_WIDTH);
        let bars = (0..)
            .zip(&points)
            .map(|(at, (name, rows))| {
                let height = Share::of(*rows, top).max(MIN_HEIGHT);
                Bar {
                    name: name.clone(),
                    value: numbers::counted(*rows, "row", "rows"),
                    is_empty: *rows == 0,
                    x: Share(Share::of(at, count).0 + (step - width.0) / 2),
                    y: Share(Share::WHOLE - height.0),
                    width,
                    height,
                }
            })
            .collect();
        let description = describe(&points);
        let scale = [top, top / 2, 0].map(short);
        Some(Self { title, about: format!("{begin} to {end}"), description, bars, scale, begin, end })
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

/// The next number with one digit and noughts that has a half; at least 2.
fn round_up(rows: u64) -> u64 {
    let mut scale = 1_u64;
    loop {
        for digit in [2, 4, 6, 8, 10] {
            let candidate = scale.saturating_mul(digit);
            if candidate >= rows {
                return candidate;
            }
        }
        scale = scale.saturating_mul(10);
    }
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
        let heights: Vec<_> = chart.bars.iter().map(|bar| bar.height.to_string()).collect();
        assert_eq!(heights, ["1.20", "50.00", "100.00"]);
        assert!(
            chart.bars.iter().all(|bar| bar.x.0 + bar.width.0 <= 10_000 && bar.y.0 + bar.height.0 == 10_000)
        );
        assert!(chart.bars.is_sorted_by(|one, next| one.x.0 + one.width.0 < next.x.0));
        assert_eq!(chart.scale, ["100", "50", "0"]);
        assert_eq!(chart.bars[1].value, "50 rows");
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
        assert_eq!(rows, ["4 rows", "0 rows", "0 rows", "2 rows"]);
    }

    #[test]
    fn many_days_are_months_and_many_months_years() {
        let begin = date(2026, 1, 1);
        let many = (0..100).map(|n| (begin.saturating_add(n.days()), 1)).collect();
        let chart = Chart::of_days(many).unwrap();
        let bars: Vec<_> = chart.bars.iter().map(|bar| (bar.name.as_str(), bar.value.as_str())).collect();
        let months = [
            ("Jan 2026", "31 rows"),
            ("Feb 2026", "28 rows"),
            ("Mar 2026", "31 rows"),
            ("Apr 2026", "10 rows"),
        ];
        assert_eq!((chart.title, &bars[..]), ("Rows a month", &months[..]));
        let far = Chart::of_days(vec![(date(2020, 11, 1), 4), (date(2026, 11, 4), 2)]).unwrap();
        let rows: Vec<_> = far.bars.iter().map(|bar| bar.value.as_str()).collect();
        assert_eq!(rows, ["4 rows", "0 rows", "0 rows", "0 rows", "0 rows", "0 rows", "2 rows"]);
        assert_eq!((far.begin.as_str(), far.end.as_str()), ("2020", "2026"));
    }

    #[test]
    fn round_numbers() {
        assert_eq!([0, 2, 3, 11, 60, 100, 101].map(round_up), [2, 2, 4, 20, 60, 100, 200]);
        assert_eq!([5, 50_000, 1_500_000, 2_000_000].map(short), ["5", "50k", "1.5M", "2M"]);
    }
}
