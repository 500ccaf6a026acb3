//! What happens in each hour, made of a seed.

use rand::{Rng, RngExt, SeedableRng, rngs::StdRng};
use spillway::domain::FailureClass;

use super::buckets::{Fault, Point};

/// One thing that happens at the beginning of an hour.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Happening {
    /// A bucket begins to fail.
    Breaks { bucket: usize, fault: Fault },
    /// A bucket is mended.
    Mended { bucket: usize },
    /// Google does not work, or asks to slow down.
    Outage(FailureClass),
    /// Google works again.
    OutageEnds,
    /// The mail server goes.
    MailDown,
    /// It comes back.
    MailUp,
    /// One address is not taken for a while.
    MailBusy,
    /// It is taken again.
    MailFine,
    /// Our clock is wrong by so many hours from now on.
    ClockWrong(i64),
    /// The checker does not run in this hour.
    NoCheck,
    /// The scheduler does not.
    NoTick,
    /// Two checkers run at once.
    TwoChecks,
    /// A customer moves an export of a bucket to the next one.
    Moves { bucket: usize },
    /// A customer creates a one-time export.
    OneTime { bucket: usize },
    /// A customer has a bucket looked at.
    CheckAgain { bucket: usize },
    /// Customers start again what was stopped.
    StartAgain,
}

/// The happenings of some hours, each with its hour, in order.
pub(super) fn happenings(seed: u64, hours: u32, buckets: usize) -> Vec<(u32, Happening)> {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut all = Vec::new();
    for bucket in 0..buckets {
        break_bucket(&mut rng, hours, bucket, &mut all);
    }
    spans(&mut rng, hours, (160, 1..12), &mut all, |rng| {
        let class = if rng.random_bool(0.5) { FailureClass::Unavailable } else { FailureClass::Throttled };
        (Happening::Outage(class), Happening::OutageEnds)
    });
    spans(&mut rng, hours, (130, 1..30), &mut all, |_| (Happening::MailDown, Happening::MailUp));
    spans(&mut rng, hours, (200, 1..9), &mut all, |_| (Happening::MailBusy, Happening::MailFine));
    spans(&mut rng, hours, (180, 1..60), &mut all, |rng| {
        let wrong = rng.random_range(1..120) * if rng.random_bool(0.5) { 1 } else { -1 };
        (Happening::ClockWrong(wrong), Happening::ClockWrong(0))
    });
    for hour in 0..hours {
        let mut with = |one_of: u32, happening: Happening| {
            if rng.random_range(0..one_of) == 0 {
                all.push((hour, happening));
            }
        };
        with(50, Happening::NoCheck);
        with(50, Happening::NoTick);
        with(15, Happening::TwoChecks);
        with(70, Happening::StartAgain);
        with(90, Happening::OneTime { bucket: hour as usize % buckets });
        with(60, Happening::Moves { bucket: hour as usize % buckets });
        with(30, Happening::CheckAgain { bucket: hour as usize % buckets });
    }
    all.sort_by_key(|(hour, _)| *hour);
    all
}

/// A bucket fails for an hour, for days, or comes and goes.
fn break_bucket(rng: &mut StdRng, hours: u32, bucket: usize, all: &mut Vec<(u32, Happening)>) {
    let mut hour = rng.random_range(1..60);
    while hour < hours {
        let fault = fault(rng);
        let length = match rng.random_range(0..10) {
            0..3 => rng.random_range(1..4),
            3..6 => rng.random_range(4..40),
            _ => rng.random_range(40..110),
        };
        let comes_and_goes = rng.random_bool(0.15);
        for at in (hour..hour + length).step_by(if comes_and_goes { 2 } else { length as usize }) {
            let end = if comes_and_goes { at + 1 } else { hour + length };
            all.push((at, Happening::Breaks { bucket, fault: fault.clone() }));
            all.push((end, Happening::Mended { bucket }));
        }
        hour += length + rng.random_range(10..90);
    }
}

/// Each class at each point of an upload.
fn fault(rng: &mut StdRng) -> Fault {
    const POINTS: [Point; 4] = [Point::Validation, Point::FirstByte, Point::MidUpload, Point::Finalisation];
    let permission = Some("storage.objects.create".to_owned());
    let classes = [
        FailureClass::KeyUnusable,
        FailureClass::CredentialsRejected,
        FailureClass::PermissionMissing { permission },
        FailureClass::BucketMissing,
        FailureClass::BillingDisabled,
        FailureClass::ApiDisabled,
        FailureClass::OrganisationPolicy,
        FailureClass::RetentionPolicy,
        FailureClass::RequesterPays,
        FailureClass::EncryptionKey,
        FailureClass::Hold,
    ];
    let class = classes[rng.random_range(0..classes.len())].clone();
    Fault { class, point: POINTS[rng.random_range(0..POINTS.len())] }
}

/// Spans of time that begin about every so many hours and last for some; what begins and ends them is made anew.
fn spans(
    rng: &mut StdRng,
    hours: u32,
    (every, lasts): (u32, std::ops::Range<u32>),
    all: &mut Vec<(u32, Happening)>,
    make: impl Fn(&mut StdRng) -> (Happening, Happening),
) {
    let mut hour = next(rng, every);
    while hour < hours {
        let length = rng.random_range(lasts.clone());
        let (begins, ends) = make(rng);
        all.extend([(hour, begins), (hour + length, ends)]);
        hour += length + next(rng, every);
    }
}

fn next(rng: &mut impl Rng, every: u32) -> u32 {
    rng.random_range(every / 3..every * 5 / 3)
}
