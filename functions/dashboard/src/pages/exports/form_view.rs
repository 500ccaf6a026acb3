//! The page on which an export is created or edited, and the estimate beside it.

use askama::Template;
use jiff::civil::Date;
use spillway::domain::{
    Account, Basis, BucketState, CatalogueEvent, DataKind, Estimate, EventKind, Export, Format,
    FrequencyKind, IdentityKind, PartnerBucket, Preset, rules::Refused,
};

use super::fields::{DAY, PRIORITIES, RANGE};
use crate::pages::{
    form::{Choice, Fields, Form},
    frame::Frame,
    numbers,
    times::Times,
    words,
};

/// More events than these are not listed; who has so many selects by name, or all.
const MAX_LISTED_EVENTS: usize = 2_000;
/// More days without data than these are counted, not named.
const MAX_NAMED_DAYS: usize = 3;

/// The page.
#[derive(Template)]
#[template(path = "exports/form.html")]
pub(super) struct FormPage {
    pub(super) frame: Frame,
    pub(super) form: Form,
    /// Which export is edited; none: a new one.
    pub(super) editing: Option<String>,
    /// Whether the bucket is all that can be changed.
    pub(super) moves_only: bool,
    pub(super) action: String,
    /// A number used once, so that a form that is sent twice creates one export.
    pub(super) once: String,
    /// The revision that is edited.
    pub(super) seen: Option<String>,
    pub(super) buckets: Vec<Choice>,
    pub(super) data: Vec<Choice>,
    pub(super) events: Vec<EventChoice>,
    pub(super) events_hint: String,
    pub(super) priorities: Vec<Vec<Choice>>,
    pub(super) frequencies: Vec<Choice>,
    pub(super) presets: Vec<Choice>,
    pub(super) days_hint: String,
    pub(super) today: Date,
    pub(super) first: String,
    pub(super) last: String,
    pub(super) cycles: Vec<Choice>,
    pub(super) hours: Vec<Choice>,
    pub(super) start: String,
    pub(super) formats: Vec<Choice>,
    pub(super) plain: bool,
    pub(super) bare: bool,
    pub(super) as_string: bool,
    pub(super) no_manifest: bool,
    pub(super) estimate: EstimateView,
}

/// The estimate alone, as the script asks for it.
#[derive(Template)]
#[template(path = "exports/estimate.html")]
pub(super) struct EstimatePart {
    pub(super) estimate: EstimateView,
}

/// An event that may be selected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct EventChoice {
    pub(super) name: String,
    pub(super) kind: &'static str,
    pub(super) note: String,
    pub(super) is_chosen: bool,
}

/// What would be delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum EstimateView {
    /// The form has to be mended first.
    Refused(Vec<String>),
    /// The numbers.
    Ready(ReadyEstimate),
}

/// The numbers of an estimate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ReadyEstimate {
    pub(super) facts: Vec<(&'static str, String)>,
    pub(super) notes: Vec<String>,
    pub(super) example: Option<String>,
}

/// What the form is made of, beside its fields.
pub(super) struct FormParts<'a> {
    pub(super) account: &'a Account,
    pub(super) buckets: &'a [PartnerBucket],
    pub(super) events: &'a [CatalogueEvent],
    pub(super) times: &'a Times,
    /// Which export is edited.
    pub(super) editing: Option<&'a Export>,
}

impl FormPage {
    /// The page with these fields in it.
    pub(super) fn new(
        frame: Frame,
        parts: &FormParts<'_>,
        fields: &Fields,
        form: Form,
        estimate: EstimateView,
        once: String,
    ) -> Self {
        let FormParts { account, buckets, events, times, editing } = parts;
        let is_edit = editing.is_some();
        let text = |name: &str| fields.text(name).to_owned();
        let choice = |name, value: &str, text: &str| Choice::new(value, text, fields.text(name));
        let is_profiles_now = editing.map(|export| export.spec.data.kind() == DataKind::AllProfiles);
        let data = DataKind::ALL.iter().map(|kind| {
            let is_other = is_profiles_now.is_some_and(|is| is != (*kind == DataKind::AllProfiles));
            let choice = choice("data", kind.as_str(), words::data_kind(*kind)).off(is_other);
            choice.hint(match kind {
                DataKind::AllEvents => "System and custom events",
                DataKind::SelectEvents => "Only those you choose",
                DataKind::AllProfiles => "One row a user profile",
            })
        });
        let frequencies = FrequencyKind::ALL.iter().map(|kind| {
            let is_other = editing.is_some_and(|export| export.spec.frequency.kind() != *kind);
            let choice = choice("frequency", kind.as_str(), words::frequency_kind(*kind)).off(is_other);
            choice.hint(match kind {
                FrequencyKind::OneTime => "Starts at once",
                FrequencyKind::Recurring => "Every 4 to 24 hours",
                FrequencyKind::Live => "Every 5 minutes",
            })
        });
        let formats = Format::ALL.iter().map(|format| {
            choice("format", format.as_str(), words::format(*format)).hint(match format {
                Format::Json => "A record a line",
                Format::Csv => "With a header row",
                Format::Xml => "One element a row",
                Format::Parquet => "Typed columns",
            })
        });
        let presets = Preset::ALL
            .iter()
            .map(|preset| choice("days", words::preset_value(*preset), words::preset(*preset)));
        let presets = presets.chain([choice("days", DAY, "A day"), choice("days", RANGE, "A range of days")]);
        let cycles = [4, 6, 8, 12, 24]
            .map(|hours: u8| choice("every", &hours.to_string(), &format!("Every {hours} hours")));
        let hours = (0..24).map(|hour: u8| choice("hour", &hour.to_string(), &words::hour(hour)));
        Self {
            editing: editing.map(|export| export.request.to_string()),
            moves_only: editing.is_some_and(Export::is_one_time),
            action: match editing {
                Some(export) => format!("/exports/{}/edit", export.request),
                None => "/exports".to_owned(),
            },
            once,
            seen: is_edit.then(|| text("seen")),
            buckets: bucket_choices(buckets, fields.text("bucket")),
            data: data.collect(),
            events: event_choices(events, fields, times),
            events_hint: events_hint(events.len()),
            priorities: priority_choices(account, fields),
            frequencies: frequencies.collect(),
            presets: presets.collect(),
            days_hint: days_hint(account, times),
            today: times.today(),
            first: text("first"),
            last: text("last"),
            cycles: cycles.to_vec(),
            hours: hours.collect(),
            start: text("start"),
            formats: formats.collect(),
            plain: fields.is_ticked("plain"),
            bare: fields.is_ticked("bare"),
            as_string: fields.is_ticked("as_string"),
            no_manifest: fields.is_ticked("no_manifest"),
            frame,
            form,
            estimate,
        }
    }
}

fn bucket_choices(buckets: &[PartnerBucket], chosen: &str) -> Vec<Choice> {
    let choices = buckets.iter().map(|bucket| {
        let blocked = if bucket.state == BucketState::Ready { "" } else { " – blocked" };
        let text = match bucket.id.0 == bucket.bucket_name {
            true => format!("{}{blocked}", bucket.id),
            false => format!("{} ({}){blocked}", bucket.id, bucket.bucket_name),
        };
        Choice::new(bucket.id.to_string(), text, chosen)
    });
    choices.collect()
}

/// The events, those that are chosen first even where nobody knows them any more.
fn event_choices(events: &[CatalogueEvent], fields: &Fields, times: &Times) -> Vec<EventChoice> {
    let chosen: Vec<&str> = fields.all("event").collect();
    let unknown = chosen.iter().filter(|name| !events.iter().any(|event| event.name == **name));
    let unknown = unknown.map(|name| EventChoice {
        name: (*name).to_owned(),
        kind: "not seen",
        note: String::new(),
        is_chosen: true,
    });
    let mut known: Vec<&CatalogueEvent> = events.iter().collect();
    let is_chosen = |event: &CatalogueEvent| chosen.contains(&event.name.as_str());
    known.sort_by_key(|event| (!is_chosen(event), event.kind == EventKind::Custom));
    let known = known.into_iter().take(MAX_LISTED_EVENTS).map(|event| {
        let last = event.last_seen.map_or_else(|| Times::day(event.last_day), |at| times.moment(at).text);
        EventChoice {
            name: event.name.clone(),
            kind: match event.kind {
                EventKind::System => "system",
                EventKind::Custom => "custom",
            },
            note: format!("{} · last {last}", numbers::count(event.rows)),
            is_chosen: is_chosen(event),
        }
    });
    unknown.chain(known).collect()
}

fn events_hint(count: usize) -> String {
    match count {
        0 => "The account has no events yet.".to_owned(),
        count if count > MAX_LISTED_EVENTS => format!(
            "The first {} of {}, with how often and when each was last seen.",
            numbers::count(MAX_LISTED_EVENTS as u64),
            numbers::counted(count as u64, "event", "events")
        ),
        count => format!(
            "{}, with how often and when each was last seen.",
            numbers::counted(count as u64, "event", "events")
        ),
    }
}

fn priority_choices(account: &Account, fields: &Fields) -> Vec<Vec<Choice>> {
    let mut kinds = account.identities.clone();
    // An export keeps the priorities that it has, whatever the account uses now.
    let is_asked = |kind: &IdentityKind| PRIORITIES.iter().any(|name| fields.text(name) == kind.as_str());
    kinds
        .extend(IdentityKind::ALL.iter().filter(|kind| is_asked(kind) && !account.identities.contains(kind)));
    let lists = (0..kinds.len().min(PRIORITIES.len())).map(|at| {
        let chosen = fields.text(PRIORITIES[at]);
        let none = (at > 0).then(|| Choice::new("", "None", chosen));
        let choices = kinds.iter().map(|kind| Choice::new(kind.as_str(), words::identity(*kind), chosen));
        none.into_iter().chain(choices).collect()
    });
    lists.collect()
}

fn days_hint(account: &Account, times: &Times) -> String {
    let zone = times.zone_text();
    match account.one_time_limit_days {
        Some(limit) => format!("Days from 12:00 a.m., in {zone}. At most the last {limit} days."),
        None => format!("Days from 12:00 a.m., in {zone}."),
    }
}

impl EstimateView {
    /// What stands in the way of an estimate.
    pub(super) fn refused(refused: &Refused) -> Self {
        Self::Refused(refused.0.iter().map(ToString::to_string).collect())
    }

    /// What the form lacks for an estimate.
    pub(super) fn of_form(form: &Form) -> Self {
        Self::Refused(form.all_wrong().iter().map(|(_, text)| text.clone()).collect())
    }

    /// The numbers.
    pub(super) fn ready(estimate: &Estimate, times: &Times) -> Self {
        let about = if estimate.is_upper_bound { "at most " } else { "about " };
        let is_none = estimate.rows == 0;
        let told = |text: String| if is_none { text } else { format!("{about}{text}") };
        let per_run = if estimate.basis == Basis::EachRun { "a run" } else { "" };
        let mut facts = vec![
            (if per_run.is_empty() { "Rows" } else { "Rows a run" }, told(numbers::count(estimate.rows))),
            (if per_run.is_empty() { "Files" } else { "Files a run" }, told(numbers::count(estimate.files))),
            (if per_run.is_empty() { "Size" } else { "Size a run" }, told(numbers::bytes(estimate.bytes))),
        ];
        let moments = [("First event", estimate.first_event), ("Last event", estimate.last_event)];
        facts.extend(moments.into_iter().filter_map(|(name, at)| Some((name, times.moment(at?).text))));
        let mut notes: Vec<String> = estimate.clipped.iter().map(ToString::to_string).collect();
        notes.extend(estimate.unseen.iter().map(ToString::to_string));
        notes.extend(without_data(&estimate.days_without_data));
        if is_none && estimate.basis == Basis::EachRun {
            notes.push(
                "The last days had nothing. The first run takes what has come since the start.".to_owned(),
            );
        } else if is_none {
            notes.push(match estimate.days_with_data {
                Some(days) => format!(
                    "There is nothing on the chosen days, so that the export would be EMPTY. There is data of {}: choose days of \
                     these.",
                    Times::days(days.first(), days.last())
                ),
                None => "There is nothing to export yet. The export would be EMPTY.".to_owned(),
            });
        } else if estimate.basis == Basis::EachRun {
            notes.push("On average, by the last seven days. The first run may be larger.".to_owned());
        }
        Self::Ready(ReadyEstimate { facts, notes, example: Some(estimate.example_name.clone()) })
    }
}

fn without_data(days: &[Date]) -> Option<String> {
    match days {
        [] => None,
        few if few.len() <= MAX_NAMED_DAYS => {
            let days: Vec<_> = few.iter().map(|day| Times::day(*day)).collect();
            Some(format!("Nothing was captured on {}.", days.join(", ")))
        }
        many => Some(format!("Nothing was captured on {} of the days.", numbers::count(many.len() as u64))),
    }
}
