//! What people ask about a failure besides what to do.

use super::{
    super::{FailureClass, Side},
    HelpNote,
};

const MEANWHILE: HelpNote = HelpNote {
    question: "What happens to the exports meanwhile?",
    answer: "Nothing is lost. The bucket's windows stay owed, in order. We look every hour, and what is owed goes out by \
             itself once the bucket takes files again; “Check again now” looks at once. If nothing is mended for three \
             days, the exports into the bucket are stopped. They can be started again without a gap.",
};
const OTHER_BUCKET: HelpNote = HelpNote {
    question: "Can I move the export to another bucket?",
    answer: "Yes, also while this one is blocked: connect the other bucket, then choose it under Exports > Edit. What is \
             owed goes there, in order. A run that has written files already is written again there, whole; what it left \
             behind has no manifest.",
};
const RETENTION: [HelpNote; 2] = [
    HelpNote {
        question: "When can retentionPolicyNotMet still happen?",
        answer: "Not by our own files. Each is created under a name of its own and is never replaced or deleted, so a \
                 retention policy is no obstacle to exports, retries and re-deliveries, also a locked one. It happens \
                 when another program has put an object with the name of a file of ours into the bucket, and the policy \
                 or the retention of that object protects it.",
    },
    HelpNote {
        question: "What if the policy is locked?",
        answer: "Nobody can shorten or delete a locked policy, Google included. Moving the export to another bucket is the \
                 only way out.",
    },
];
const KEY_AGE: HelpNote = HelpNote {
    question: "Why would a key that worked stop working?",
    answer: "Somebody deleted or disabled the key or its service account, or your organisation lets keys expire after some \
             days (iam.serviceAccountKeyExpiryHours). In the latter case replace the key here before its last day.",
};
const PASSING: HelpNote = HelpNote {
    question: "Does this count towards the three days?",
    answer: "No. Only failures that you have to mend do. We try again by ourselves, more and more seldom.",
};
const OURS: HelpNote = HelpNote {
    question: "Does this count towards the three days?",
    answer: "No. Our operators are told, and the missing files follow under the same run.",
};

pub(super) fn of(class: &FailureClass) -> Vec<HelpNote> {
    match (class, class.side()) {
        (FailureClass::RetentionPolicy, _) => [&RETENTION[..], &[OTHER_BUCKET, MEANWHILE]].concat(),
        (FailureClass::CredentialsRejected | FailureClass::KeyUnusable, _) => vec![KEY_AGE, MEANWHILE],
        (_, Side::Customer) => vec![MEANWHILE, OTHER_BUCKET],
        (_, Side::Passing) => vec![PASSING],
        (_, Side::Ours) => vec![OURS],
    }
}
