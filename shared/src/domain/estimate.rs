//! What an export would deliver, told before it is created, from the catalogue alone.
//!
//! The numbers are estimates: bytes by the ratios of earlier runs or a cautious guess, the runs of a recurring or live
//! export by the averages of the last days.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{Timestamp, ToSpan, civil::Date};

use super::{
    Account, CatalogueDay, CatalogueTotal, DataSelection, DatabaseId, DateRange, ExportSpec, FileEventName,
    Frequency, Records, RequestId, RunKey, RunTimestamp, SYSTEM_EVENTS, ShardSums, UnseenEvents, names,
    plan::{PROFILES_RATIO, PlanLimits, Ratios, estimate},
    rules::ClippedDays,
};

/// Over how many whole days, up to yesterday, the runs of a recurring or live export are averaged.
pub const LOOK_BACK_DAYS: i64 = 7;

/// What the numbers are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// Of the whole one-time export.
    Once,
    /// Of one run, on average; the first may be larger.
    EachRun,
}

/// What an export would deliver.
#[derive(Debug, Clone, PartialEq)]
pub struct Estimate {
    /// What the numbers are of.
    pub basis: Basis,
    /// Objects, without the manifest.
    pub files: u64,
    /// Rows.
    pub rows: u64,
    /// Whether `rows`, and so the rest, is more than will go out: of profiles every version counts, while the newest
    /// one goes out.
    pub is_upper_bound: bool,
    /// Bytes as stored in the bucket.
    pub bytes: u64,
    /// When the first of the events on which the estimate rests happened.
    pub first_event: Option<Timestamp>,
    /// When the last one did.
    pub last_event: Option<Timestamp>,
    /// Days of a one-time export of which there is nothing.
    pub days_without_data: Vec<Date>,
    /// From which day to which there are events at all, where a one-time export would deliver none.
    pub days_with_data: Option<DateRange>,
    /// A file's name, as it would be if the export were created, or edited, now.
    pub example_name: String,
    /// Days that would be left out.
    pub clipped: Option<ClippedDays>,
    /// Selected events that have not been seen yet.
    pub unseen: Option<UnseenEvents>,
}

/// What estimates are made with.
#[derive(Debug, Clone, Copy)]
pub struct Estimator<'a> {
    /// Whose export.
    pub account: &'a Account,
    /// What is wanted.
    pub spec: &'a ExportSpec,
    /// Of earlier runs.
    pub ratios: &'a Ratios,
    /// Of which export; none of one that is yet to be created.
    pub of: Option<RequestId>,
    /// How large chunks are made.
    pub limits: PlanLimits,
    /// Now.
    pub now: Timestamp,
}

/// Numbers being added up.
#[derive(Default)]
struct Sum {
    files: f64,
    rows: f64,
    bytes: f64,
    first_event: Option<Timestamp>,
    last_event: Option<Timestamp>,
    /// The records of which there is most, with a day and a shard of theirs.
    most: Option<(u64, String, Date, DatabaseId)>,
}

impl Estimator<'_> {
    /// Today, in the account's time zone.
    #[must_use]
    pub fn today(&self) -> Date {
        self.now.to_zoned_datetime(self.account.time_zone.time_zone()).date()
    }

    /// The days of the catalogue that [`Estimator::each_run`] wants to see.
    #[must_use]
    pub fn look_back(&self) -> DateRange {
        let today = self.today();
        let first = today.saturating_sub(LOOK_BACK_DAYS.days());
        DateRange::new(first, today).expect("days back are not after today")
    }

    /// A one-time export of the events of some days, of which `catalogue` holds the documents.
    #[must_use]
    pub fn once(
        &self,
        days: DateRange,
        clipped: Option<ClippedDays>,
        catalogue: &[CatalogueDay],
    ) -> Estimate {
        let (mut sum, mut with_data) = (Sum::default(), BTreeSet::new());
        for day in self.wanted(catalogue).filter(|day| days.contains(day.date)) {
            let name = day.records.event_name().unwrap_or(PROFILES_RATIO);
            day.sums
                .shards
                .iter()
                .for_each(|(database, shard)| self.add(&mut sum, name, *shard, (day.date, *database)));
            sum.saw(day.sums.first_seen, day.sums.last_seen);
            with_data.extend((day.sums.rows() > 0).then_some(day.date));
        }
        let all_days = days.first().series(1.day()).take_while(|day| *day <= days.last());
        let days_without_data = all_days.filter(|day| !with_data.contains(day)).collect();
        Estimate { days_without_data, clipped, ..self.told(&sum, Basis::Once, days.last()) }
    }

    /// A one-time export of profiles, of which there is `total`.
    #[must_use]
    pub fn profiles(&self, total: Option<&CatalogueTotal>) -> Estimate {
        let mut sum = Sum::default();
        if let Some(total) = total {
            for (database, shard) in &total.sums.shards {
                self.add(&mut sum, PROFILES_RATIO, *shard, (total.last_day, *database));
            }
            sum.saw(total.sums.first_seen, total.sums.last_seen);
        }
        self.told(&sum, Basis::Once, self.today())
    }

    /// A run of a recurring or live export, by what the last days had. `catalogue` holds the documents of
    /// [`Estimator::look_back`]. Today counts only where there is nothing else, as if it were over.
    #[must_use]
    pub fn each_run(&self, catalogue: &[CatalogueDay]) -> Estimate {
        let (today, back) = (self.today(), self.look_back());
        let whole = || self.wanted(catalogue).filter(|day| back.contains(day.date) && day.date < today);
        let begin = whole().map(|day| day.date).min();
        let counted: Vec<_> = match begin {
            Some(_) => whole().collect(),
            None => self.wanted(catalogue).filter(|day| day.date == today).collect(),
        };
        // A young account's average is over the days that it has.
        let days = begin.map_or(1, |begin| (today - begin).get_days().max(1));
        let mut sum = Sum::default();
        let mut shards: BTreeMap<(&Records, DatabaseId), ShardSums> = BTreeMap::new();
        for day in &counted {
            sum.saw(day.sums.first_seen, day.sums.last_seen);
            for (database, more) in &day.sums.shards {
                let shard = shards.entry((&day.records, *database)).or_default();
                shard.files += more.files;
                shard.rows += more.rows;
                shard.bytes += more.bytes;
            }
        }
        let share = self.share_of_a_day() / f64::from(days);
        for ((records, database), shard) in shards {
            self.add_share(
                &mut sum,
                records.event_name().unwrap_or(PROFILES_RATIO),
                shard,
                share,
                (today, database),
            );
        }
        self.told(&sum, Basis::EachRun, today)
    }

    /// How much of a day one run takes.
    fn share_of_a_day(&self) -> f64 {
        match self.spec.frequency {
            Frequency::OneTime { .. } => 1.0,
            Frequency::Recurring(cycle) => f64::from(u8::from(cycle.every)) / 24.0,
            Frequency::Live { .. } => 5.0 / 1_440.0,
        }
    }

    fn wanted<'c>(&self, catalogue: &'c [CatalogueDay]) -> impl Iterator<Item = &'c CatalogueDay> {
        let (profiles, names): (bool, Option<BTreeSet<&str>>) = match &self.spec.data {
            DataSelection::AllProfiles => (true, None),
            DataSelection::AllEvents => (false, None),
            DataSelection::SelectEvents { names } => {
                (false, Some(names.iter().map(String::as_str).collect()))
            }
        };
        catalogue.iter().filter(move |day| match day.records.event_name() {
            None => profiles,
            Some(name) => !profiles && names.as_ref().is_none_or(|names| names.contains(name)),
        })
    }

    /// Adds what one shard holds of one day and event: the group of files that have one index after the other.
    fn add(&self, sum: &mut Sum, name: &str, shard: ShardSums, place: (Date, DatabaseId)) {
        self.add_share(sum, name, shard, 1.0, place);
    }

    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    fn add_share(
        &self,
        sum: &mut Sum,
        name: &str,
        shard: ShardSums,
        share: f64,
        (date, database): (Date, DatabaseId),
    ) {
        let (rows, lake_files) = (shard.rows as f64 * share, shard.files as f64 * share);
        let ratio = self.ratios.of(name, (self.spec.format, self.spec.packaging));
        let bytes = estimate(shard.bytes, ratio) as f64 * share;
        let by_size = (bytes / self.limits.target_bytes.max(1) as f64).ceil();
        let by_count = (lake_files / self.limits.files.max(1) as f64).ceil();
        // Where a run has less than one row on average, only some runs have a file.
        sum.files += by_size.max(by_count).max(1.0) * rows.min(1.0);
        sum.rows += rows;
        sum.bytes += bytes;
        if shard.rows > 0 && sum.most.as_ref().is_none_or(|(most, ..)| shard.rows > *most) {
            sum.most = Some((shard.rows, name.to_owned(), date, database));
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an estimate, never negative"
    )]
    fn told(&self, sum: &Sum, basis: Basis, day: Date) -> Estimate {
        let whole = |number: f64| number.ceil() as u64;
        Estimate {
            basis,
            files: whole(sum.files),
            rows: whole(sum.rows),
            is_upper_bound: self.spec.data == DataSelection::AllProfiles,
            bytes: whole(sum.bytes),
            first_event: sum.first_event,
            last_event: sum.last_event,
            days_without_data: Vec::new(),
            days_with_data: None,
            example_name: self.example_name(sum, basis, day),
            clipped: None,
            unseen: None,
        }
    }

    fn example_name(&self, sum: &Sum, basis: Basis, day: Date) -> String {
        let request = self.of.unwrap_or(RequestId(self.now.as_second()));
        let due = self.spec.frequency.next_due(self.now, &self.account.time_zone.time_zone());
        let run = RunTimestamp(due.map_or(request.0, Timestamp::as_second));
        let run = RunKey { account: self.account.id, request, run };
        let files = (self.spec.format, self.spec.packaging);
        let (event, date, database) = match &sum.most {
            Some((_, name, date, database)) => {
                (name.as_str(), if basis == Basis::Once { *date } else { day }, *database)
            }
            None => (self.any_event(), day, DatabaseId(0)),
        };
        match self.spec.data {
            DataSelection::AllProfiles => names::profile_object(run, 0, database, files),
            DataSelection::AllEvents | DataSelection::SelectEvents { .. } => {
                names::event_object(run, &FileEventName::new(event), date, 0, database, files)
            }
        }
    }

    /// An event to name where there is none yet.
    fn any_event(&self) -> &str {
        match &self.spec.data {
            DataSelection::SelectEvents { names } => names.first().map_or(SYSTEM_EVENTS[0], String::as_str),
            DataSelection::AllEvents | DataSelection::AllProfiles => SYSTEM_EVENTS[0],
        }
    }
}

impl Sum {
    fn saw(&mut self, first: Option<Timestamp>, last: Option<Timestamp>) {
        self.first_event = [self.first_event, first].into_iter().flatten().min();
        self.last_event = self.last_event.max(last);
    }
}

#[cfg(test)]
mod tests;
