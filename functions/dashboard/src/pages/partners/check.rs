//! The check of a bucket: its steps as a page shows them, and as the script gets them.

use spillway::domain::{CheckStep, CheckVerdict, StepOutcome, StepReport};

/// The check, when it has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CheckView {
    pub(super) title: &'static str,
    pub(super) text: Option<String>,
    pub(super) steps: Vec<StepView>,
}

/// A step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StepView {
    /// For the script.
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    pub(super) class: &'static str,
    pub(super) icon: &'static str,
    /// For whoever does not see the icon.
    pub(super) said: &'static str,
    pub(super) text: Option<String>,
    pub(super) remedy: Option<String>,
}

impl StepView {
    /// A step that has not been taken.
    fn waiting(step: CheckStep) -> Self {
        Self {
            name: step.as_str(),
            title: step.title(),
            class: "waits",
            icon: "clock",
            said: "not checked",
            text: None,
            remedy: None,
        }
    }

    fn ended(report: &StepReport) -> Self {
        let waiting = Self::waiting(report.step);
        match &report.outcome {
            StepOutcome::Passed => Self { class: "passed", icon: "check", said: "passed", ..waiting },
            StepOutcome::Noted { note } => Self {
                class: "noted",
                icon: "info",
                said: "passed, with a note",
                text: Some(note.clone()),
                ..waiting
            },
            StepOutcome::Failed { wrong, remedy } => Self {
                class: "failed",
                icon: "cross",
                said: "failed",
                text: Some(wrong.clone()),
                remedy: Some(remedy.clone()),
                ..waiting
            },
        }
    }

    /// All steps, before the first.
    pub(super) fn all() -> Vec<Self> {
        CheckStep::ALL.map(Self::waiting).to_vec()
    }
}

impl CheckView {
    /// A check that has not ended well.
    pub(super) fn failed(reports: &[StepReport], verdict: &CheckVerdict) -> Self {
        let steps = CheckStep::ALL.map(|step| {
            let report = reports.iter().rfind(|report| report.step == step);
            report.map_or_else(|| StepView::waiting(step), StepView::ended)
        });
        let text = verdict.problem.clone();
        let again = "Nothing was saved, and a key is never shown again: paste it again with what you mend.";
        Self {
            title: "The check did not pass",
            text: Some(text.unwrap_or_else(|| again.to_owned())),
            steps: steps.to_vec(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_after_a_failure_were_not_taken() {
        let failed = StepOutcome::Failed { wrong: "It is gone.".to_owned(), remedy: "Make it.".to_owned() };
        let reports = [
            StepReport::passed(CheckStep::Key),
            StepReport::passed(CheckStep::Google),
            StepReport { step: CheckStep::Bucket, outcome: failed },
        ];
        let view = CheckView::failed(&reports, &CheckVerdict { saved: false, problem: None });
        let said: Vec<_> = view.steps.iter().map(|step| step.said).collect();
        assert_eq!(said, ["passed", "passed", "failed", "not checked", "not checked"]);
        assert_eq!(view.steps[2].remedy.as_deref(), Some("Make it."));
        assert!(view.text.is_some_and(|text| text.contains("a key is never shown again")));
    }
}
