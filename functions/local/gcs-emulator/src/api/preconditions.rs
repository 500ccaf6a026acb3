//! `ifGenerationMatch` and its three sisters.

use http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::{call::Params, error::ApiError, state::objects::ObjectRecord};

/// The preconditions of a request. Generation 0 stands for "there is no object".
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Preconditions {
    generation_match: Option<i64>,
    generation_not_match: Option<i64>,
    metageneration_match: Option<i64>,
    metageneration_not_match: Option<i64>,
}

impl Preconditions {
    /// Reads them off the query.
    pub(crate) fn of(params: &Params) -> Result<Self, ApiError> {
        Ok(Self {
            generation_match: params.number("ifGenerationMatch")?,
            generation_not_match: params.number("ifGenerationNotMatch")?,
            metageneration_match: params.number("ifMetagenerationMatch")?,
            metageneration_not_match: params.number("ifMetagenerationNotMatch")?,
        })
    }

    /// For a write: 412 unless all hold.
    pub(crate) fn check_write(&self, current: Option<&ObjectRecord>) -> Result<(), ApiError> {
        match self.broken(current) {
            None => Ok(()),
            Some(Broken::Match) => Err(ApiError::condition_not_met("If-Match")),
            Some(Broken::NotMatch) => Err(ApiError::condition_not_met("If-None-Match")),
        }
    }

    /// For a read: a broken "not match" is 304, as nothing changed.
    pub(crate) fn check_read(&self, current: &ObjectRecord) -> Result<(), ApiError> {
        match self.broken(Some(current)) {
            Some(Broken::NotMatch) => {
                Err(ApiError::new(StatusCode::NOT_MODIFIED, "notModified", "Not Modified"))
            }
            _ => self.check_write(Some(current)),
        }
    }

    fn broken(&self, current: Option<&ObjectRecord>) -> Option<Broken> {
        let generation = current.map_or(0, |object| object.generation);
        let metageneration = current.map_or(0, |object| object.metageneration);
        let matches = |wanted: Option<i64>, found| wanted.is_none_or(|wanted| wanted == found);
        let differs = |unwanted: Option<i64>, found| unwanted.is_none_or(|unwanted| unwanted != found);
        if !matches(self.generation_match, generation) || !matches(self.metageneration_match, metageneration)
        {
            return Some(Broken::Match);
        }
        let changed = differs(self.generation_not_match, generation)
            && differs(self.metageneration_not_match, metageneration);
        (!changed).then_some(Broken::NotMatch)
    }
}

enum Broken {
    Match,
    NotMatch,
}
