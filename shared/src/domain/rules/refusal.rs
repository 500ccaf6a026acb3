//! Why a wish is refused, each a sentence for the customer that ends with what to do.

use jiff::{Timestamp, civil::Date};

use super::{MAX_EVENT_NAME_BYTES, MAX_EVENT_NAMES, MAX_START_AHEAD_DAYS};
use crate::domain::{BucketId, IdentityKind, RequestId, ZoneName};

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The operator has switched exports off for the account.
    #[error(
        "Exports to Google Cloud are switched off for this account. Ask the support of your platform to switch them \
         on; what was created before goes on, and can be stopped."
    )]
    ExportsOff,
    /// The account has no such bucket.
    #[error("There is no bucket `{bucket}`. {}", instead(.known))]
    NoBucket {
        /// What was asked for.
        bucket: BucketId,
        /// What there is.
        known: Vec<BucketId>,
    },
    /// Select-events without events.
    #[error("No event is selected. Select at least one event, or export all events.")]
    NoEvents,
    /// An event without a name.
    #[error("One of the selected events has no name. Remove it from the selection.")]
    NamelessEvent,
    /// A name that no event has.
    #[error(
        "The name of one of the selected events has {0} bytes. Names have at most {MAX_EVENT_NAME_BYTES}; remove it \
         from the selection."
    )]
    LongEventName(usize),
    /// Too many events.
    #[error("{0} events are selected. Select at most {MAX_EVENT_NAMES}, or export all events.")]
    TooManyEvents(usize),
    /// Select-events with priorities.
    #[error(
        "Identity priorities apply to exports of all events or all user properties only. Leave them out, or \
         export all events."
    )]
    PrioritiesOfSelectEvents,
    /// The account does not use this identity.
    #[error("This account does not use {}. Choose out of {}.", name(*.kind), names(.used))]
    IdentityNotUsed {
        /// What was asked for.
        kind: IdentityKind,
        /// What there is.
        used: Vec<IdentityKind>,
    },
    /// A one-time export of events without days.
    #[error("The days are missing. Choose the first and the last day whose events are exported.")]
    NoDays,
    /// A one-time export of profiles with days.
    #[error("User properties are exported as they are now. Leave the days out.")]
    DaysOfProfiles,
    /// A day that has not begun.
    #[error("{day} has not begun yet in {zone}, where it is {today}. Choose days up to {today}.")]
    FutureDay {
        /// What was asked for.
        day: Date,
        /// Now.
        today: Date,
        /// Where.
        zone: ZoneName,
    },
    /// Every day is too long ago.
    #[error(
        "An export reaches at most {limit_days} days back, and {last} is earlier. Choose days from {earliest} on."
    )]
    TooLongAgo {
        /// The last of the days that were asked for.
        last: Date,
        /// The first day that there is.
        earliest: Date,
        /// The account's setting.
        limit_days: u32,
    },
    /// The start is too long ago.
    #[error("The start date {start} is too long ago. Choose {earliest} or a later day.")]
    StartTooLongAgo {
        /// What was asked for.
        start: Date,
        /// The first day that there is.
        earliest: Date,
    },
    /// The start is too far ahead.
    #[error(
        "The start date {start} is more than {MAX_START_AHEAD_DAYS} days ahead. Choose {latest} or an earlier day."
    )]
    StartTooFarAhead {
        /// What was asked for.
        start: Date,
        /// The last day that there is.
        latest: Date,
    },
    /// A recurring or live export of profiles is active.
    #[error(
        "Export {0} of user properties is active, and an account has one at a time. Stop export {0} first, or \
         edit it."
    )]
    ProfilesFlow(RequestId),
    /// A finished export is not edited.
    #[error("Export {0} is done and cannot be edited. Create a new export.")]
    EditDone(RequestId),
    /// A stopped export is not edited.
    #[error("Export {request} was stopped on {} and cannot be edited. Create a new export.", moment(*.at, .zone))]
    EditStopped {
        /// Which.
        request: RequestId,
        /// When.
        at: Timestamp,
        /// The account's, in which that is told.
        zone: ZoneName,
    },
    /// A one-time export is not edited, but moved out of a bucket that fails.
    #[error(
        "Export {0} runs once, and its run has begun: it cannot be edited. (While its bucket is blocked, it can be moved \
         to another one, and nothing else.) Stop it if it is still under way, and create a new export."
    )]
    EditOneTime(RequestId),
    /// Events stay events, profiles stay profiles.
    #[error(
        "Export {0} cannot change between events and user properties. Leave the data as it is, or create a new \
         export."
    )]
    OtherData(RequestId),
    /// Recurring stays recurring, live stays live.
    #[error(
        "Export {request} is {is} and cannot become {wanted}. Leave the frequency {is}, or stop the export and \
         create a new one."
    )]
    OtherFrequency {
        /// Which.
        request: RequestId,
        /// What it is.
        is: &'static str,
        /// What it cannot become.
        wanted: &'static str,
    },
    /// The start date does not change.
    #[error(
        "The start date of export {request} stays {start}. Leave it, or stop the export and create a new one."
    )]
    OtherStart {
        /// Which.
        request: RequestId,
        /// The start date.
        start: Date,
    },
    /// Another cycle begins at midnight.
    #[error(
        "A changed frequency begins anew at 12:00 a.m. Leave the hour as it is, and choose another one in a second \
         edit."
    )]
    HourOfNewCycle,
    /// A finished export is not stopped.
    #[error("Export {0} is done. Nothing is left to stop; its files stay in the bucket.")]
    StopDone(RequestId),
    /// A stopped export is not stopped again.
    #[error("Export {request} was stopped on {} already. Nothing is left to do.", moment(*.at, .zone))]
    StopStopped {
        /// Which.
        request: RequestId,
        /// When.
        at: Timestamp,
        /// The account's, in which that is told.
        zone: ZoneName,
    },
}

/// What of an export a refusal is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpecField {
    /// The bucket.
    Bucket,
    /// Events or user properties.
    Data,
    /// The events that are selected.
    Events,
    /// The order of identities.
    Identities,
    /// How often.
    Frequency,
    /// The days of a one-time export.
    Days,
    /// The start date.
    Start,
    /// The hour to which the cycle is anchored.
    AnchorHour,
}

impl Refusal {
    /// What it is about; none where it is about the export as a whole.
    #[must_use]
    pub fn field(&self) -> Option<SpecField> {
        Some(match self {
            Self::NoBucket { .. } => SpecField::Bucket,
            Self::NoEvents | Self::NamelessEvent | Self::LongEventName(_) | Self::TooManyEvents(_) => {
                SpecField::Events
            }
            Self::PrioritiesOfSelectEvents | Self::IdentityNotUsed { .. } => SpecField::Identities,
            Self::NoDays | Self::DaysOfProfiles | Self::FutureDay { .. } | Self::TooLongAgo { .. } => {
                SpecField::Days
            }
            Self::StartTooLongAgo { .. } | Self::StartTooFarAhead { .. } | Self::OtherStart { .. } => {
                SpecField::Start
            }
            Self::HourOfNewCycle => SpecField::AnchorHour,
            Self::ProfilesFlow(_) | Self::OtherData(_) => SpecField::Data,
            Self::OtherFrequency { .. } => SpecField::Frequency,
            Self::ExportsOff
            | Self::EditDone(_)
            | Self::EditStopped { .. }
            | Self::EditOneTime(_)
            | Self::StopDone(_)
            | Self::StopStopped { .. } => return None,
        })
    }
}

/// All that is wrong, at least one thing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))]
pub struct Refused(pub Vec<Refusal>);

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self(vec![refusal])
    }
}

/// An instant as the account's clock shows it: `2026-06-09 12:00 (Europe/Berlin)`.
fn moment(at: Timestamp, zone: &ZoneName) -> String {
    format!("{} ({zone})", at.to_zoned_datetime(zone.time_zone()).strftime("%Y-%m-%d %H:%M"))
}

fn instead(known: &[BucketId]) -> String {
    match known {
        [] => "Connect a bucket first.".to_owned(),
        known => {
            format!("Choose out of {}, or connect it first.", list(known.iter().map(|id| format!("`{id}`"))))
        }
    }
}

fn name(kind: IdentityKind) -> &'static str {
    match kind {
        IdentityKind::Identity => "Identity",
        IdentityKind::Email => "Email",
        IdentityKind::Phone => "Phone",
    }
}

fn names(kinds: &[IdentityKind]) -> String {
    list(kinds.iter().map(|kind| name(*kind).to_owned()))
}

fn list(items: impl Iterator<Item = String>) -> String {
    items.collect::<Vec<_>>().join(", ")
}
