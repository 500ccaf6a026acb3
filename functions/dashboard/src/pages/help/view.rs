//! What the pages about failures show.

use spillway::domain::{
    BucketState, FailureClass, FailureWords, Known, PartnerBucket, Side,
    failure_words::{HelpNote, HelpStep, PieceKind, help_path, meanwhile},
};

use crate::pages::{
    exports::bucket_href,
    times::{Moment, Times},
};

/// Classes with the same one to act.
pub(super) struct ClassGroup {
    pub(super) title: &'static str,
    pub(super) about: &'static str,
    pub(super) classes: Vec<ClassLink>,
}

/// A class in the list.
pub(super) struct ClassLink {
    pub(super) href: String,
    pub(super) title: String,
    pub(super) cause: String,
}

/// The words of a class.
pub(super) struct HelpView {
    pub(super) words: FailureWords,
    pub(super) meanwhile: &'static str,
    pub(super) steps: Vec<StepView>,
    pub(super) notes: Vec<HelpNote>,
}

/// A step.
pub(super) struct StepView {
    pub(super) pieces: Vec<PieceView>,
    pub(super) command: Option<String>,
    /// What its command is called for whoever cannot see it.
    pub(super) label: String,
}

/// A piece of a step.
pub(super) struct PieceView {
    pub(super) text: String,
    pub(super) is_path: bool,
    pub(super) is_name: bool,
}

/// The bucket that fails so just now.
pub(super) struct BlockedView {
    pub(super) nickname: String,
    pub(super) since: Moment,
    pub(super) code: String,
    pub(super) quoted: Option<String>,
    /// Where its key is replaced, where that helps.
    pub(super) key_href: Option<String>,
}

impl HelpView {
    pub(super) fn new(class: &FailureClass, bucket: Option<&PartnerBucket>) -> Self {
        // The permission that is missing is known of the bucket.
        let class = match bucket.map(|bucket| &bucket.state) {
            Some(BucketState::Blocked { failure, .. }) if failure.class.slug() == class.slug() => {
                &failure.class
            }
            _ => class,
        };
        let words = FailureWords::new(class, bucket.map_or_else(Known::default, Known::from));
        let steps = words.steps.iter().enumerate().map(|(at, step)| StepView::new(at, step)).collect();
        let notes = words.notes.clone();
        Self { words, meanwhile: meanwhile(class.side()), steps, notes }
    }
}

impl StepView {
    fn new(at: usize, step: &HelpStep) -> Self {
        let pieces = step.pieces.iter().map(|piece| PieceView {
            text: piece.text.clone(),
            is_path: piece.kind == PieceKind::Menu,
            is_name: piece.kind == PieceKind::Name,
        });
        let label = format!("Shell line of step {}", at + 1);
        Self { pieces: pieces.collect(), command: step.command.clone(), label }
    }
}

impl BlockedView {
    pub(super) fn new(class: &FailureClass, bucket: &PartnerBucket, times: &Times) -> Option<Self> {
        let BucketState::Blocked { since, failure } = &bucket.state else { return None };
        let is_of_key =
            matches!(failure.class, FailureClass::CredentialsRejected | FailureClass::KeyUnusable);
        (failure.class.slug() == class.slug()).then(|| Self {
            nickname: bucket.id.to_string(),
            since: times.moment(*since),
            code: failure.code(),
            quoted: failure.quoted(),
            key_href: is_of_key.then(|| bucket_href(&bucket.id.0, "key")),
        })
    }
}

/// All classes, by who has to act.
pub(super) fn groups() -> Vec<ClassGroup> {
    let group = |side, title, about| {
        let of_side = FailureClass::ALL.into_iter().filter(move |class| class.side() == side);
        let classes = of_side.map(|class| {
            let words = FailureWords::new(&class, Known::default());
            ClassLink { href: help_path(&class, None), title: words.title, cause: words.cause }
        });
        ClassGroup { title, about, classes: classes.collect() }
    };
    vec![
        group(
            Side::Customer,
            "You have to mend these",
            "They block the bucket. Only these count towards the three days after which exports are stopped.",
        ),
        group(Side::Passing, "These pass", "We try again by ourselves; you need not do anything."),
        group(Side::Ours, "We have to mend these", "Our operators are told at once."),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_is_in_the_list_once() {
        let hrefs: Vec<_> =
            groups().into_iter().flat_map(|group| group.classes).map(|class| class.href).collect();
        assert_eq!(hrefs.len(), FailureClass::ALL.len());
        for class in FailureClass::ALL {
            assert!(hrefs.contains(&help_path(&class, None)), "{class:?}");
        }
    }
}
