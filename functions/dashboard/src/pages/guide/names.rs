//! The names that the guide's lines are filled in with. They end in shells, so that only what Google takes gets there.

use spillway::domain::PartnerBucket;

use crate::pages::form::Fields;

/// What stands in the lines where nothing is known.
const PROJECT: &str = "my-project";
const BUCKET: &str = "my-exports";
const SERVICE: &str = "spillway-export";

/// The names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Names {
    pub(super) project: String,
    pub(super) bucket: String,
    pub(super) service: String,
    /// Whether they are those of a connected bucket.
    pub(super) is_known: bool,
}

impl Names {
    /// Out of the address, else of a connected bucket, else made up; and what cannot be used.
    pub(super) fn new(query: &Fields, bucket: Option<&PartnerBucket>) -> (Self, Vec<String>) {
        let mut wrong = Vec::new();
        let known = bucket.and_then(|bucket| {
            let (service, domain) = bucket.key_facts.client_email.split_once('@')?;
            let project = domain.strip_suffix(".iam.gserviceaccount.com")?;
            Some((project.to_owned(), bucket.bucket_name.clone(), service.to_owned()))
        });
        let is_known = known.is_some();
        let (project, name, service) =
            known.unwrap_or_else(|| (PROJECT.to_owned(), BUCKET.to_owned(), SERVICE.to_owned()));
        let mut given = |field, what: &str, known: String| {
            let text = query.text(field);
            if text.is_empty() {
                return known;
            }
            let is_usable =
                |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_' | '.' | ':');
            if text.len() <= 222
                && text.starts_with(|c: char| c.is_ascii_alphanumeric())
                && text.chars().all(is_usable)
            {
                return text.to_owned();
            }
            wrong.push(format!(
                "The {what} has small letters, digits and dashes only. Copy it from Google Cloud's console."
            ));
            known
        };
        let names = Self {
            project: given("project", "project ID", project),
            bucket: given("bucket", "bucket name", name),
            service: given("service", "service account name", service),
            is_known,
        };
        (names, wrong)
    }

    /// The service account's address.
    pub(super) fn email(&self) -> String {
        format!("{}@{}.iam.gserviceaccount.com", self.service, self.project)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_google_takes_reach_the_lines() {
        let (names, wrong) =
            Names::new(&Fields::parse(b"project=acme-prod&bucket=a%3B+rm+-rf&service=-x"), None);
        assert_eq!((names.project.as_str(), names.bucket.as_str()), ("acme-prod", BUCKET));
        assert_eq!(names.email(), "spillway-export@acme-prod.iam.gserviceaccount.com");
        assert_eq!(wrong.len(), 2, "{wrong:?}");
    }
}
