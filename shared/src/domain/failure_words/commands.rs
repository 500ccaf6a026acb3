//! Lines for a terminal. Names are words of a shell; what is not known stands in capitals, as in Google's own guides.

use super::Names;

/// A text as one word of a shell, whatever is in it.
pub(super) fn word(text: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "@%+=:,./_-".contains(letter);
    if !text.is_empty() && text.chars().all(is_plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

impl Names {
    fn url(&self) -> String {
        word(&format!("gs://{}", self.bucket_name.as_deref().unwrap_or("BUCKET")))
    }

    fn email(&self) -> &str {
        self.client_email.as_deref().unwrap_or("EMAIL")
    }

    pub(super) fn grant(&self, role: &str) -> String {
        let member = word(&format!("--member=serviceAccount:{}", self.email()));
        format!("gcloud storage buckets add-iam-policy-binding {} {member} --role={role}", self.url())
    }

    pub(super) fn new_key(&self) -> String {
        let account = word(&format!("--iam-account={}", self.email()));
        format!("gcloud iam service-accounts keys create spillway-key.json {account}")
    }

    pub(super) fn look_at_account(&self) -> String {
        // The `--` ends the flags: an address is the only thing here that could begin with a dash.
        format!("gcloud iam service-accounts describe -- {}", word(self.email()))
    }

    pub(super) fn enable_account(&self) -> String {
        format!("gcloud iam service-accounts enable -- {}", word(self.email()))
    }

    pub(super) fn create_bucket(&self) -> String {
        format!(
            "gcloud storage buckets create {} --project=PROJECT --location=LOCATION --uniform-bucket-level-access",
            self.url()
        )
    }

    /// `gcloud storage buckets` with a verb and flags.
    pub(super) fn bucket_line(&self, verb: &str, flags: &str) -> String {
        format!("gcloud storage buckets {verb} {} {flags}", self.url())
    }

    pub(super) fn release(&self) -> String {
        let object = format!("gs://{}/OBJECT", self.bucket_name.as_deref().unwrap_or("BUCKET"));
        format!("gcloud storage objects update {} --no-temporary-hold --no-event-based-hold", word(&object))
    }

    pub(super) fn remove_object(&self) -> String {
        let bucket = self.bucket_name.as_deref().unwrap_or("BUCKET");
        let (from, to) =
            (word(&format!("gs://{bucket}/OBJECT")), word(&format!("gs://{bucket}/moved/OBJECT")));
        format!("gcloud storage mv {from} {to}")
    }
}
