//! What holds for a spec whether it is new or edited.

use std::collections::BTreeSet;

use super::{MAX_EVENT_NAME_BYTES, MAX_EVENT_NAMES, Refusal};
use crate::domain::{Account, DataSelection, ExportSpec, IdentityPriority, PartnerBucket};

/// Bucket, data and priorities. Events that are named twice are named once. Of the `known` spec
/// of an export that is edited the identities stay allowed: the account may not use them any more.
pub(super) fn check(
    spec: &mut ExportSpec,
    known: Option<&ExportSpec>,
    account: &Account,
    buckets: &[PartnerBucket],
    refusals: &mut Vec<Refusal>,
) {
    if !buckets.iter().any(|bucket| bucket.id == spec.bucket) {
        let known = buckets.iter().map(|bucket| bucket.id.clone()).collect();
        refusals.push(Refusal::NoBucket { bucket: spec.bucket.clone(), known });
    }
    match &mut spec.data {
        DataSelection::SelectEvents { names } => {
            let mut seen = BTreeSet::new();
            names.retain(|name| seen.insert(name.clone()));
            refusals.extend(refused_names(names));
            if spec.identities != IdentityPriority::default() {
                refusals.push(Refusal::PrioritiesOfSelectEvents);
            }
        }
        DataSelection::AllEvents | DataSelection::AllProfiles => {
            // Selected events have none to keep.
            let has_some = |known: &&ExportSpec| !matches!(known.data, DataSelection::SelectEvents { .. });
            let is_kept = known.filter(has_some).is_some_and(|known| known.identities == spec.identities);
            let strangers = spec.identities.kinds().iter().filter(|kind| !account.identities.contains(kind));
            let strangers = strangers.filter(|_| !is_kept);
            let refuse =
                |kind: &_| Refusal::IdentityNotUsed { kind: *kind, used: account.identities.clone() };
            refusals.extend(strangers.map(refuse));
        }
    }
}

fn refused_names(names: &[String]) -> Option<Refusal> {
    match names.len() {
        0 => Some(Refusal::NoEvents),
        count if count > MAX_EVENT_NAMES => Some(Refusal::TooManyEvents(count)),
        _ => names.iter().find_map(|name| match name.len() {
            bytes if bytes > MAX_EVENT_NAME_BYTES => Some(Refusal::LongEventName(bytes)),
            _ => name.trim().is_empty().then_some(Refusal::NamelessEvent),
        }),
    }
}
