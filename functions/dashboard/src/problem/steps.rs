//! What the steps refuse, as problems: everything that is wrong at once, each with the field that it is about.

use spillway::{
    domain::rules::{AccountRefusal, BucketField, BucketRefusal, Refusal, Refused, SpecField},
    ports::{LakeError, StoreError, VaultError},
    steps::{
        AccountError, CreateError, EditError, EstimateError, ProposeError, RemoveError, StartAgainError,
        StepError,
    },
};

use super::{FieldError, Problem, ProblemKind};

impl Problem {
    /// A request that the rules refuse, with all that is wrong.
    #[must_use]
    pub fn refused(errors: Vec<FieldError>) -> Self {
        let sentences: Vec<_> = errors.iter().map(|error| error.detail.as_str()).collect();
        Self { errors: errors.clone(), ..Self::new(ProblemKind::Refused, sentences.join(" ")) }
    }
}

impl FieldError {
    /// About a field, by its JSON pointer.
    #[must_use]
    pub fn at(pointer: &str, detail: impl ToString) -> Self {
        Self { detail: detail.to_string(), pointer: Some(pointer.to_owned()) }
    }
}

/// The place of a field in a body.
fn pointer(field: SpecField) -> &'static str {
    match field {
        SpecField::Bucket => "/bucket",
        SpecField::Data => "/data",
        SpecField::Events => "/data/events",
        SpecField::Identities => "/identities",
        SpecField::Frequency => "/frequency",
        SpecField::Days => "/frequency/days",
        SpecField::Start => "/frequency/start",
        SpecField::AnchorHour => "/frequency/anchor_hour",
    }
}

/// What is about a field can be mended in the request; the rest is the state of the account or the export.
fn kind(refusal: &Refusal) -> ProblemKind {
    match (refusal, refusal.field()) {
        (_, Some(_)) => ProblemKind::Refused,
        (Refusal::ExportsOff, None) => ProblemKind::FeatureOff,
        (_, None) => ProblemKind::WrongState,
    }
}

impl From<Refused> for Problem {
    fn from(Refused(refusals): Refused) -> Self {
        let errors = refusals.iter().map(|refusal| FieldError {
            detail: refusal.to_string(),
            pointer: refusal.field().map(|field| pointer(field).to_owned()),
        });
        let problem = Self::refused(errors.collect());
        match refusals.iter().map(kind).find(|kind| *kind != ProblemKind::Refused) {
            // The one thing that is wrong is the problem's own sentence.
            Some(kind) => Self { errors: Vec::new(), kind, ..problem },
            None => problem,
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Refused::from(refusal).into()
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound(_) => Self::new(ProblemKind::NotFound, sentence(&error)),
            StoreError::Conflict(_) | StoreError::NumberTaken { .. } => {
                Self::new(ProblemKind::WrongState, sentence(&error))
            }
            StoreError::Unavailable(_) | StoreError::Full(_) => Self::unavailable(&error),
            StoreError::Refused(_) | StoreError::Unreadable { .. } | StoreError::Rejected { .. } => {
                Self::internal(&error)
            }
        }
    }
}

impl From<StepError> for Problem {
    fn from(error: StepError) -> Self {
        match error {
            StepError::Store(error) => error.into(),
            StepError::Lake(LakeError::Unavailable(_))
            | StepError::Queue(_)
            | StepError::Vault(VaultError::Unavailable(_)) => Self::unavailable(&error),
            StepError::Lake(_) | StepError::Vault(_) | StepError::Bucket(_) | StepError::Internal(_) => {
                Self::internal(&error)
            }
        }
    }
}

impl From<CreateError> for Problem {
    fn from(error: CreateError) -> Self {
        match error {
            CreateError::Refused(refused) => refused.into(),
            CreateError::Step(error) => error.into(),
            CreateError::NoAccount(account) => Self::no_account(account),
            CreateError::NoBucket { .. } => Self::new(ProblemKind::NotFound, sentence(&error)),
            CreateError::KeyReused { .. } => Self::new(ProblemKind::KeyReused, sentence(&error)),
            CreateError::NoDays | CreateError::NotOneTime => Self::internal(&error),
        }
    }
}

impl From<EditError> for Problem {
    fn from(error: EditError) -> Self {
        match error {
            EditError::Refused(refused) => refused.into(),
            EditError::Step(error) => error.into(),
            EditError::NoExport { request, .. } => Self::not_found("export", &request),
            EditError::Changed(_) => Self::new(ProblemKind::ChangedMeanwhile, sentence(&error)),
            EditError::NumberTaken { .. } => Self::refused(vec![FieldError::at("/bucket", sentence(&error))]),
        }
    }
}

impl From<EstimateError> for Problem {
    fn from(error: EstimateError) -> Self {
        match error {
            EstimateError::Refused(refused) => refused.into(),
            EstimateError::Step(error) => error.into(),
            EstimateError::NoAccount(account) => Self::no_account(account),
        }
    }
}

impl From<AccountError> for Problem {
    fn from(error: AccountError) -> Self {
        match error {
            AccountError::Refused(refused) => Self::refused(
                refused.0.iter().map(|refusal| FieldError::at(account_field(refusal), refusal)).collect(),
            ),
            AccountError::Step(error) => error.into(),
            AccountError::NoAccount(account) => Self::no_account(account),
            AccountError::Changed(_) => Self::new(ProblemKind::ChangedMeanwhile, sentence(&error)),
        }
    }
}

fn account_field(refusal: &AccountRefusal) -> &'static str {
    match refusal {
        AccountRefusal::ZoneOfData(_) => "/time_zone",
        AccountRefusal::NoIdentities => "/identities",
        AccountRefusal::TooManyNotified(_) => "/notify",
    }
}

impl From<ProposeError> for Problem {
    fn from(error: ProposeError) -> Self {
        match error {
            ProposeError::Refused(refused) => Self::refused(
                refused.0.iter().map(|refusal| FieldError::at(bucket_field(refusal), refusal)).collect(),
            ),
            ProposeError::ExportsOff => Self::new(ProblemKind::FeatureOff, sentence(&error)),
            ProposeError::Step(error) => error.into(),
            ProposeError::NoAccount(account) => Self::no_account(account),
        }
    }
}

fn bucket_field(refusal: &BucketRefusal) -> &'static str {
    match refusal.field() {
        BucketField::Nickname => "/nickname",
        BucketField::BucketName => "/bucket_name",
        BucketField::Key => "/key",
    }
}

impl From<RemoveError> for Problem {
    fn from(error: RemoveError) -> Self {
        match error {
            RemoveError::NoBucket(_) => Self::new(ProblemKind::NotFound, sentence(&error)),
            RemoveError::InUse(_) => Self::new(ProblemKind::InUse, sentence(&error)),
            RemoveError::Step(error) => error.into(),
        }
    }
}

impl From<StartAgainError> for Problem {
    fn from(error: StartAgainError) -> Self {
        match error {
            StartAgainError::Step(error) => error.into(),
            StartAgainError::NoExport { request, .. } => Self::not_found("export", &request),
            StartAgainError::ExportsOff => Self::new(ProblemKind::FeatureOff, sentence(&error)),
            StartAgainError::GoesOn(_)
            | StartAgainError::NotStopped(_)
            | StartAgainError::NoBucket { .. }
            | StartAgainError::AnotherFlow { .. } => Self::new(ProblemKind::WrongState, sentence(&error)),
        }
    }
}

/// Errors begin in lower case and have no end, so that they can stand within others; sentences do not.
fn sentence(error: &impl ToString) -> String {
    let text = error.to_string();
    let mut characters = text.chars();
    let first = characters.next().map(char::to_uppercase).into_iter().flatten();
    let mut text: String = first.chain(characters).collect();
    if !text.ends_with(['.', '!', '?']) {
        text.push('.');
    }
    text
}
