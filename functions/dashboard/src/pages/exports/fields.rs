//! The form of an export: from its fields to a spec, and back.

use jiff::{ToSpan, civil::Date};
use spillway::domain::{
    Account, AnchorHour, BucketId, Cycle, DataKind, DataSelection, DateRange, EveryHours, Export, ExportSpec,
    Format, Frequency, FrequencyKind, IdentityKind, IdentityPriority, Packaging, PartnerBucket, Preset,
    rules::{self, Refusal, Refused, SpecField},
};

use crate::pages::{
    form::{Fields, Form},
    times::Times,
    words,
};

/// The choice of a single day in the list of presets.
pub(super) const DAY: &str = "day";
/// The choice of a range.
pub(super) const RANGE: &str = "range";
/// How many priorities there may be.
pub(super) const PRIORITIES: [&str; 3] = ["identity1", "identity2", "identity3"];

/// How many days a new form begins with where there is nothing of yesterday.
const LAST_DAYS: i64 = 30;

/// What a new form begins with: yesterday's events, once, as JSON, into the first bucket that works. An account whose
/// `events` end before that begins with the last days that have some, so that nobody's first export is EMPTY.
#[must_use]
pub(crate) fn defaults(
    account: &Account,
    buckets: &[PartnerBucket],
    times: &Times,
    events: Option<DateRange>,
) -> Fields {
    use spillway::domain::BucketState::Ready;
    let mut fields = Fields::default();
    let bucket = buckets.iter().find(|bucket| bucket.state == Ready).or(buckets.first());
    fields.push("bucket", bucket.map_or_else(String::new, |bucket| bucket.id.to_string()));
    fields.push("data", DataKind::AllEvents.as_str());
    let order = IdentityPriority::default();
    let kinds: Vec<_> = order.kinds().iter().filter(|kind| account.identities.contains(kind)).collect();
    let first = kinds.first().copied().or(account.identities.first());
    fields.push("identity1", first.map_or("", |kind| kind.as_str()));
    fields.push("frequency", FrequencyKind::OneTime.as_str());
    match events.and_then(|events| last_days(events, account, times.today())) {
        Some(days) => {
            fields.push("days", RANGE);
            fields.push("first", days.first().to_string());
            fields.push("last", days.last().to_string());
        }
        None => fields.push("days", words::preset_value(Preset::Yesterday)),
    }
    fields.push("every", "24");
    fields.push("hour", "0");
    fields.push("start", times.today().to_string());
    fields.push("format", Format::Json.as_str());
    fields
}

/// The last days of which there are events, where those end before yesterday and may still be exported.
fn last_days(events: DateRange, account: &Account, today: Date) -> Option<DateRange> {
    if events.last() >= today.saturating_sub(1.day()) {
        return None;
    }
    let first = events.last().saturating_sub((LAST_DAYS - 1).days()).max(events.first());
    let days = DateRange::new(first, events.last()).ok()?;
    rules::check_days(days, account, today).ok().map(|(days, _)| days)
}

/// What an edit begins with: the export as it is.
#[must_use]
pub(crate) fn of_export(export: &Export) -> Fields {
    let (spec, mut fields) = (&export.spec, Fields::default());
    fields.push("bucket", spec.bucket.to_string());
    fields.push("data", spec.data.kind().as_str());
    if let DataSelection::SelectEvents { names } = &spec.data {
        names.iter().for_each(|name| fields.push("event", name));
    }
    for (name, kind) in PRIORITIES.iter().zip(spec.identities.kinds()) {
        fields.push(name, kind.as_str());
    }
    fields.push("frequency", spec.frequency.kind().as_str());
    match spec.frequency {
        Frequency::OneTime { days } => {
            if let Some(days) = days {
                fields.push("days", RANGE);
                fields.push("first", days.first().to_string());
                fields.push("last", days.last().to_string());
            }
        }
        Frequency::Recurring(cycle) => {
            fields.push("every", u8::from(cycle.every).to_string());
            fields.push("hour", u8::from(cycle.anchor_hour).to_string());
            fields.push("start", cycle.start.to_string());
        }
        Frequency::Live { start } => fields.push("start", start.to_string()),
    }
    fields.push("format", spec.format.as_str());
    let ticked = [
        ("plain", spec.packaging == Packaging::Plain),
        ("bare", !spec.header_line),
        ("as_string", spec.as_string),
        ("no_manifest", !spec.manifest),
    ];
    ticked.into_iter().filter(|(_, is)| *is).for_each(|(name, _)| fields.push(name, "yes"));
    fields
}

/// The spec that the fields mean. `today` is the account's.
///
/// # Errors
/// What cannot be understood, each thing at its field. Whether the rules allow the spec is asked later.
pub(crate) fn spec(fields: &Fields, today: Date) -> Result<ExportSpec, Form> {
    let mut form = Form::default();
    let bucket = BucketId(fields.text("bucket").to_owned());
    if bucket.0.is_empty() {
        form.refuse("bucket", "Choose the bucket into which the files go.");
    }
    let data = match one_of(DataKind::ALL, |kind| kind.as_str(), fields.text("data")) {
        Some(DataKind::AllEvents) => Some(DataSelection::AllEvents),
        Some(DataKind::AllProfiles) => Some(DataSelection::AllProfiles),
        Some(DataKind::SelectEvents) => {
            Some(DataSelection::SelectEvents { names: fields.all("event").map(ToOwned::to_owned).collect() })
        }
        None => {
            form.refuse("data", "Choose which data goes out.");
            None
        }
    };
    let is_selected = matches!(data, Some(DataSelection::SelectEvents { .. }));
    let identities = if is_selected { IdentityPriority::default() } else { priorities(fields, &mut form) };
    let is_profiles = data == Some(DataSelection::AllProfiles);
    let frequency = frequency(fields, is_profiles, today, &mut form);
    let format = one_of(&Format::ALL, |format| format.as_str(), fields.text("format"));
    if format.is_none() {
        form.refuse("format", "Choose a format.");
    }
    let (Some(data), Some(frequency), Some(format), false) = (data, frequency, format, form.is_refused())
    else {
        return Err(form);
    };
    Ok(ExportSpec {
        bucket,
        data,
        identities,
        frequency,
        format,
        packaging: if fields.is_ticked("plain") { Packaging::Plain } else { Packaging::Gzip },
        as_string: fields.is_ticked("as_string"),
        header_line: !fields.is_ticked("bare"),
        manifest: !fields.is_ticked("no_manifest"),
    })
}

fn priorities(fields: &Fields, form: &mut Form) -> IdentityPriority {
    let values = PRIORITIES.iter().map(|name| fields.text(name)).filter(|value| !value.is_empty());
    let kinds: Vec<Option<IdentityKind>> =
        values.map(|value| one_of(&IdentityKind::ALL, IdentityKind::as_str, value)).collect();
    if kinds.contains(&None) {
        form.refuse("identity1", "One of the priorities is no identity. Choose out of the lists.");
        return IdentityPriority::default();
    }
    let order: Vec<_> = kinds.into_iter().flatten().collect();
    let repeated = order.iter().enumerate().find(|(at, kind)| order[..*at].contains(kind));
    if let Some((_, kind)) = repeated {
        let name = words::identity(*kind);
        form.refuse("identity1", format!("{name} has two priorities. Give each identity one."));
    }
    IdentityPriority::new(order).unwrap_or_default()
}

fn frequency(fields: &Fields, is_profiles: bool, today: Date, form: &mut Form) -> Option<Frequency> {
    match one_of(FrequencyKind::ALL, |kind| kind.as_str(), fields.text("frequency")) {
        Some(FrequencyKind::OneTime) if is_profiles => Some(Frequency::OneTime { days: None }),
        Some(FrequencyKind::OneTime) => {
            days(fields, today, form).map(|days| Frequency::OneTime { days: Some(days) })
        }
        Some(FrequencyKind::Recurring) => {
            let every =
                fields.text("every").parse::<u8>().ok().and_then(|hours| EveryHours::try_from(hours).ok());
            if every.is_none() {
                form.refuse("every", "Choose every 4, 6, 8, 12 or 24 hours.");
            }
            let anchor_hour =
                fields.text("hour").parse::<u8>().ok().and_then(|hour| AnchorHour::try_from(hour).ok());
            if anchor_hour.is_none() {
                form.refuse("hour", "Choose the hour to which the cycle is anchored.");
            }
            let start = day(fields, "start", form);
            Some(Frequency::Recurring(Cycle { every: every?, start: start?, anchor_hour: anchor_hour? }))
        }
        Some(FrequencyKind::Live) => day(fields, "start", form).map(|start| Frequency::Live { start }),
        None => {
            form.refuse("frequency", "Choose how often the export runs.");
            None
        }
    }
}

fn days(fields: &Fields, today: Date, form: &mut Form) -> Option<DateRange> {
    match fields.text("days") {
        DAY => {
            let first = day(fields, "first", form)?;
            DateRange::new(first, first).ok()
        }
        RANGE => {
            let (first, last) = (day(fields, "first", form), day(fields, "last", form));
            let range = DateRange::new(first?, last?);
            if range.is_err() {
                form.refuse("last", "The last day is before the first. Swap them.");
            }
            range.ok()
        }
        name => {
            let preset = one_of(&Preset::ALL, words::preset_value, name);
            if preset.is_none() {
                form.refuse("days", "Choose the days whose events are exported.");
            }
            preset.map(|preset| preset.days(today))
        }
    }
}

/// A day in the field `name`.
fn day(fields: &Fields, name: &'static str, form: &mut Form) -> Option<Date> {
    let text = fields.text(name);
    let day = text.parse().ok();
    if day.is_none() {
        let which = match name {
            "last" => "last day",
            "first" => "first day",
            _ => "start date",
        };
        let wrong = match text {
            "" => format!("The {which} is missing. Choose one."),
            text => format!("“{text}” is no day. Give the {which} like 2026-01-31."),
        };
        form.refuse(name, wrong);
    }
    day
}

fn one_of<T: Copy>(all: &[T], text: impl Fn(T) -> &'static str, asked: &str) -> Option<T> {
    all.iter().copied().find(|one| text(*one) == asked)
}

/// What the rules refuse, each thing at its field.
#[must_use]
pub(crate) fn refused(refused: &Refused) -> Form {
    let mut form = Form::default();
    for refusal in &refused.0 {
        form.refuse(field_of(refusal), refusal.to_string());
    }
    form
}

/// The form's field; an empty name: the form as a whole.
fn field_of(refusal: &Refusal) -> &'static str {
    match refusal.field() {
        Some(SpecField::Bucket) => "bucket",
        Some(SpecField::Data) => "data",
        Some(SpecField::Events) => "event",
        Some(SpecField::Identities) => "identity1",
        Some(SpecField::Frequency) => "frequency",
        Some(SpecField::Days) => "days",
        Some(SpecField::Start) => "start",
        Some(SpecField::AnchorHour) => "hour",
        None => "",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use jiff::civil::date;
    use spillway::domain::{AccountId, ZoneName};

    use super::*;

    const TODAY: Date = date(2026, 11, 25);

    fn parsed(text: &str) -> Result<ExportSpec, Form> {
        spec(&Fields::parse(text.as_bytes()), TODAY)
    }

    #[test]
    fn the_defaults_are_a_spec() {
        let zone = ZoneName::default();
        let account = Account::new(AccountId(1), zone.clone());
        let times = Times::new(&zone, "2026-11-25T12:00:00Z".parse().unwrap());
        let mut fields = defaults(&account, &[], &times, None);
        assert_eq!(spec(&fields, TODAY).unwrap_err().all_wrong()[0].0, "bucket");
        fields = Fields::parse(format!("bucket=main&{}", fields.to_query()).as_bytes());
        let spec = spec(&fields, TODAY).unwrap();
        let yesterday = DateRange::new(date(2026, 11, 24), date(2026, 11, 24)).unwrap();
        assert_eq!(spec.frequency, Frequency::OneTime { days: Some(yesterday) });
        assert_eq!((spec.format, spec.packaging), (Format::Json, Packaging::Gzip));
        assert!(spec.header_line && spec.manifest && !spec.as_string);
    }

    #[test]
    fn a_form_begins_with_days_that_have_data() {
        let zone = ZoneName::default();
        let mut account = Account::new(AccountId(1), zone.clone());
        account.one_time_limit_days = None;
        let times = Times::new(&zone, "2026-11-25T12:00:00Z".parse().unwrap());
        let days = |account: &Account, first: Date, last: Date| {
            let events = DateRange::new(first, last).unwrap();
            let fields = defaults(account, &[], &times, Some(events));
            let text = |name: &str| fields.text(name).to_owned();
            (text("days"), text("first"), text("last"))
        };
        let range = |first: &str, last: &str| (RANGE.to_owned(), first.to_owned(), last.to_owned());
        let yesterday = ("yesterday".to_owned(), String::new(), String::new());
        let old = date(2018, 1, 1);
        assert_eq!(days(&account, old, date(2025, 12, 22)), range("2025-11-23", "2025-12-22"));
        assert_eq!(days(&account, date(2025, 12, 20), date(2025, 12, 22)), range("2025-12-20", "2025-12-22"));
        assert_eq!(days(&account, old, date(2026, 11, 24)), yesterday);
        // Of an account with the limit, only what may still be exported.
        account.one_time_limit_days = Some(60);
        assert_eq!(days(&account, old, date(2025, 12, 22)), yesterday);
        assert_eq!(days(&account, old, date(2026, 10, 1)).2, "2026-10-01");
    }

    #[test]
    fn an_export_survives_its_form() {
        let texts = [
            "bucket=b&data=all-events&identity1=email&identity2=phone&frequency=recurring&every=6&hour=3&start=2026-11-01&format=csv&plain=yes",
            "bucket=b&data=select-events&event=A+%26+B&event=C&frequency=live&start=2026-11-01&format=json&bare=yes&as_string=yes",
            "bucket=b&data=all-profiles&identity1=identity&frequency=one-time&format=parquet&no_manifest=yes",
            "bucket=b&data=all-events&identity1=identity&frequency=one-time&days=range&first=2026-11-01&last=2026-11-03&format=xml",
        ];
        for text in texts {
            let spec_of = parsed(text).unwrap();
            let export: Export = serde_json::from_value(serde_json::json!({
                "account": 1, "request": 1, "spec": spec_of, "status": "PENDING",
                "created_at": "2026-11-20T00:00:00Z", "planned_cut": null, "delivered_cut": null, "next_due_at": null,
            }))
            .unwrap();
            assert_eq!(spec(&of_export(&export), TODAY).unwrap(), spec_of, "{text}");
        }
    }

    #[test]
    fn all_that_cannot_be_understood_is_told_at_once() {
        let form =
            parsed("identity1=email&identity2=email&frequency=recurring&every=5&start=soon").unwrap_err();
        let fields: Vec<_> = form.all_wrong().iter().map(|(field, _)| *field).collect();
        assert_eq!(fields, ["bucket", "data", "identity1", "every", "hour", "start", "format"]);
        assert_eq!(form.wrong("start"), ["“soon” is no day. Give the start date like 2026-01-31."]);
        assert_eq!(form.wrong("identity1"), ["Email has two priorities. Give each identity one."]);
    }

    #[test]
    fn days_are_asked_for_where_they_are_missing() {
        let form = parsed("bucket=b&data=all-events&frequency=one-time&days=range&format=csv").unwrap_err();
        assert_eq!(form.wrong("first"), ["The first day is missing. Choose one."]);
        assert_eq!(form.wrong("last"), ["The last day is missing. Choose one."]);
        let text = "bucket=b&data=all-events&frequency=one-time&days=range&first=2026-11-03&last=2026-11-01&format=csv";
        assert_eq!(parsed(text).unwrap_err().wrong("last"), ["The last day is before the first. Swap them."]);
    }
}
