//! The filter of the list of exports, as it stands in the list's address.

use jiff::civil::Date;
use spillway::domain::{
    BucketId, DataKind, DateRange, ExportFilter, ExportedOn, Format, FrequencyKind, StatusKind, ZoneName,
};

use crate::pages::{
    form::{Choice, Fields},
    times::Times,
    words,
};

/// The one partner that there is, as in addresses.
const PARTNER: &str = "google-cloud";
/// The fields of a filter, in the order in which they are shown.
const NAMES: [&str; 8] = ["partner", "bucket", "type", "format", "status", "frequency", "from", "to"];

/// What the list shows.
#[derive(Debug, Clone)]
pub(crate) struct Filter {
    /// As the address says.
    fields: Fields,
    /// The account's buckets, and those that are asked for.
    buckets: Vec<String>,
    /// Today, the last day that can be chosen.
    pub today: Date,
    /// The first day of "exported on", as it was given.
    pub from: String,
    /// The last one.
    pub to: String,
    /// What cannot be understood, and is left out.
    pub wrong: Vec<String>,
    /// Whether the days are a condition.
    has_days: bool,
    size: usize,
}

/// A list to choose from.
#[derive(Debug, Clone)]
pub(crate) struct FilterChoice {
    /// The field.
    pub name: &'static str,
    /// What it is called.
    pub label: &'static str,
    /// What it is called where nothing is chosen.
    pub any: &'static str,
    /// What there is.
    pub options: Vec<Choice>,
}

impl Filter {
    /// The filter of an address, and what the store is asked for.
    #[must_use]
    pub(crate) fn new(
        query: &Fields,
        buckets: &[BucketId],
        times: &Times,
        zone: &ZoneName,
        size: usize,
    ) -> (Self, ExportFilter) {
        let mut fields = Fields::default();
        for name in NAMES {
            fields.push(name, query.text(name));
        }
        let mut known: Vec<String> = buckets.iter().map(ToString::to_string).collect();
        let asked = query.text("bucket");
        if !asked.is_empty() && !known.iter().any(|bucket| bucket == asked) {
            known.push(asked.to_owned());
        }
        let mut filter = Self {
            from: query.text("from").to_owned(),
            to: query.text("to").to_owned(),
            fields,
            buckets: known,
            today: times.today(),
            wrong: Vec::new(),
            has_days: false,
            size,
        };
        // There is one partner, so that it takes nothing away.
        filter.one_of("partner", "partner", &[PARTNER], |partner| partner);
        let wanted = ExportFilter {
            bucket: (!asked.is_empty()).then(|| BucketId(asked.to_owned())),
            data: filter.one_of("type", "type", DataKind::ALL, |kind| kind.as_str()),
            format: filter.one_of("format", "format", &Format::ALL, |format| format.as_str()),
            status: filter.one_of("status", "status", StatusKind::ALL, |kind| kind.as_str()),
            frequency: filter.one_of("frequency", "frequency", FrequencyKind::ALL, |kind| kind.as_str()),
            exported_on: filter.days().map(|days| ExportedOn { days, zone: zone.clone() }),
        };
        filter.has_days = wanted.exported_on.is_some();
        (filter, wanted)
    }

    /// The one of all that is asked for; what is none of them is told, and left out.
    fn one_of<T: Copy>(
        &mut self,
        name: &'static str,
        what: &str,
        all: &[T],
        text: impl Fn(T) -> &'static str,
    ) -> Option<T> {
        let asked = self.fields.text(name);
        let found = all.iter().copied().find(|one| text(*one) == asked);
        if found.is_none() && !asked.is_empty() {
            self.wrong.push(format!("“{asked}” is no {what}, and is left out. Choose one of the list."));
            self.fields.remove(name);
        }
        found
    }

    /// One end alone is open at the other.
    fn days(&mut self) -> Option<DateRange> {
        if self.from.is_empty() && self.to.is_empty() {
            return None;
        }
        let mut end = |text: &str, open: Date| {
            if text.is_empty() {
                return Some(open);
            }
            let day = text.parse().ok();
            if day.is_none() {
                self.wrong.push(format!("“{text}” is no day. Give days like {}.", self.today));
            }
            day
        };
        let first = end(&self.from.clone(), Date::MIN.max(jiff::civil::date(1970, 1, 1)));
        let last = end(&self.to.clone(), self.today);
        match DateRange::new(first?, last?) {
            Ok(days) => Some(days),
            Err(_) => {
                self.wrong.push("The last day of “Exported on” is before the first. Swap them.".to_owned());
                None
            }
        }
    }

    /// How many conditions there are.
    #[must_use]
    pub(crate) fn count(&self) -> usize {
        let is_given = |name: &&&str| !self.fields.text(name).is_empty();
        NAMES[..6].iter().filter(is_given).count() + usize::from(self.has_days)
    }

    /// Whether anything is left out of the list.
    #[must_use]
    pub(crate) fn is_set(&self) -> bool {
        self.count() > 0
    }

    /// The list without a filter.
    #[must_use]
    pub(crate) fn reset_href(&self) -> String {
        format!("/exports?size={}", self.size)
    }

    /// The fields that a page's links keep.
    #[must_use]
    pub(crate) fn fields(&self) -> &Fields {
        &self.fields
    }

    /// The lists to choose from.
    #[must_use]
    pub(crate) fn choices(&self) -> Vec<FilterChoice> {
        let choice = |name, label, any, options: Vec<(String, String)>| {
            let chosen = self.fields.text(name);
            let options = options.into_iter().map(|(value, text)| Choice::new(value, text, chosen)).collect();
            FilterChoice { name, label, any, options }
        };
        let pair = |value: &str, text: &str| (value.to_owned(), text.to_owned());
        let buckets = self.buckets.iter().map(|bucket| pair(bucket, bucket)).collect();
        let data = DataKind::ALL.iter().map(|kind| pair(kind.as_str(), words::data_kind(*kind)));
        let formats = Format::ALL.iter().map(|format| pair(format.as_str(), words::format(*format)));
        let statuses = StatusKind::ALL.iter().map(|kind| pair(kind.as_str(), words::status(*kind)));
        let frequencies =
            FrequencyKind::ALL.iter().map(|kind| pair(kind.as_str(), words::frequency_kind(*kind)));
        vec![
            choice("partner", "Partner", "All partners", vec![pair(PARTNER, "Google Cloud")]),
            choice("bucket", "Bucket", "All buckets", buckets),
            choice("type", "Type", "All types", data.collect()),
            choice("format", "Format", "All formats", formats.collect()),
            choice("status", "Status", "Any status", statuses.collect()),
            choice("frequency", "Frequency", "Any frequency", frequencies.collect()),
        ]
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use jiff::civil::date;

    use super::*;

    fn filter(query: &str) -> (Filter, ExportFilter) {
        let zone = ZoneName::new("Europe/Berlin").unwrap();
        let times = Times::new(&zone, "2026-11-25T12:00:00Z".parse().unwrap());
        Filter::new(&Fields::parse(query.as_bytes()), &[BucketId("main".to_owned())], &times, &zone, 20)
    }

    #[test]
    fn every_condition_reaches_the_store() {
        let (shown, wanted) = filter(
            "partner=google-cloud&bucket=main&type=all-profiles&format=csv&status=DONE&frequency=live\
             &from=2026-11-01&to=2026-11-02",
        );
        assert_eq!(shown.count(), 7);
        assert_eq!(wanted.bucket, Some(BucketId("main".to_owned())));
        assert_eq!(wanted.data, Some(DataKind::AllProfiles));
        assert_eq!(wanted.format, Some(Format::Csv));
        assert_eq!(wanted.status, Some(StatusKind::Done));
        assert_eq!(wanted.frequency, Some(FrequencyKind::Live));
        let days = wanted.exported_on.unwrap().days;
        assert_eq!((days.first(), days.last()), (date(2026, 11, 1), date(2026, 11, 2)));
        for choice in shown.choices() {
            assert_eq!(choice.options.iter().filter(|option| option.is_chosen).count(), 1, "{}", choice.name);
        }
    }

    #[test]
    fn an_open_end_reaches_to_today() {
        let (_, wanted) = filter("from=2026-11-20");
        assert_eq!(wanted.exported_on.unwrap().days.last(), date(2026, 11, 25));
    }

    #[test]
    fn what_cannot_be_understood_is_said() {
        let (shown, wanted) = filter("from=soon");
        assert_eq!(shown.wrong, ["“soon” is no day. Give days like 2026-11-25."]);
        assert_eq!(wanted.exported_on, None);
        let (shown, _) = filter("from=2026-11-03&to=2026-11-01");
        assert_eq!(shown.wrong, ["The last day of “Exported on” is before the first. Swap them."]);
        assert_eq!((shown.count(), filter("from=soon").0.count()), (0, 0));
        let (shown, wanted) = filter("type=everything&partner=another&format=csv");
        assert_eq!(wanted, ExportFilter { format: Some(Format::Csv), ..ExportFilter::default() });
        assert_eq!((shown.count(), shown.fields().to_query().as_str()), (1, "format=csv"));
        assert_eq!(shown.wrong[1], "“everything” is no type, and is left out. Choose one of the list.");
        assert!(!filter("").0.is_set());
    }
}
