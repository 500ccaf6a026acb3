//! The guide's steps: what to click in Google's console, and the same by `gcloud`.

use super::names::Names;

/// A step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) title: &'static str,
    /// Paragraphs.
    pub(super) lines: Vec<Vec<Piece>>,
    pub(super) codes: Vec<Code>,
    pub(super) is_last: bool,
}

/// A piece of a paragraph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) text: String,
    /// Whether it is a way through the console's menus.
    pub(super) is_path: bool,
}

/// Lines for a terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Code {
    pub(super) about: Option<&'static str>,
    pub(super) label: &'static str,
    pub(super) text: String,
}

/// A paragraph: between stars stands a way through the console's menus.
fn line(text: &str) -> Vec<Piece> {
    let pieces = text.split('*').enumerate();
    pieces.map(|(at, text)| Piece { text: text.to_owned(), is_path: at % 2 == 1 }).collect()
}

fn code(label: &'static str, text: String) -> Code {
    Code { about: None, label, text }
}

/// The steps, filled in.
pub(super) fn steps(names: &Names) -> Vec<Step> {
    let Names { project, bucket, service, .. } = names;
    let email = names.email();
    let step = |title, lines: &[&str], codes| Step {
        title,
        lines: lines.iter().map(|text| line(text)).collect(),
        codes,
        is_last: false,
    };
    let member = format!("--member=serviceAccount:{email}");
    vec![
        step(
            "Create a project",
            &[
                "In Google Cloud's console open *Project picker > New project*, and give it a name. Skip this where you have \
               one. Billing has to be on: *Billing > Link a billing account*.",
            ],
            vec![code(
                "Shell lines that create a project",
                format!(
                    "gcloud projects create {project}\ngcloud config set project {project}\ngcloud services enable storage.googleapis.com iam.googleapis.com\n"
                ),
            )],
        ),
        step(
            "Create a service account",
            &["Open *IAM & Admin > Service Accounts > Create service account*. Give it a name, for example \
               “spillway-export”, click *Create and continue*, then *Done*. It needs no role in the project: it gets one \
               on the bucket alone, in step 5."],
            vec![code(
                "Shell lines that create a service account",
                format!(
                    "gcloud iam service-accounts create {service} \\\n  --project={project} --display-name=\"Exports\"\n"
                ),
            )],
        ),
        step(
            "Create a JSON key",
            &[
                "Click the service account, then *Keys > Add key > Create new key > JSON > Create*. The browser downloads \
               a file. Keep it safe: whoever has it can write into the bucket.",
                "Where your organisation forbids keys (*iam.disableServiceAccountKeyCreation*), ask its administrator for an \
               exception for this project.",
            ],
            vec![code(
                "Shell lines that create a key",
                format!(
                    "gcloud iam service-accounts keys create {service}-key.json \\\n  --iam-account={email}\n"
                ),
            )],
        ),
        step(
            "Create a bucket",
            &[
                "Open *Cloud Storage > Buckets > Create*. Choose a name, a location near your warehouse, the class \
               *Standard*, *Uniform* access control, and leave public access prevention on. A retention policy is no \
               obstacle, also a locked one: files are created, and never replaced or deleted.",
            ],
            vec![code(
                "Shell lines that create a bucket",
                format!(
                    "gcloud storage buckets create gs://{bucket} --project={project} \\\n  --location=EU --uniform-bucket-level-access --public-access-prevention\n"
                ),
            )],
        ),
        step(
            "Let the service account write",
            &[
                "On the bucket's page open *Permissions > Grant access*, enter the service account's address, and choose \
               *Cloud Storage > Storage Object Creator*. That is the least that does. Add *Storage Object Viewer* where \
               written files should be read back and verified.",
            ],
            vec![
                code(
                    "Shell lines that grant the least roles",
                    format!(
                        "for role in roles/storage.objectCreator roles/storage.objectViewer; do\n  gcloud storage buckets add-iam-policy-binding gs://{bucket} \\\n    {member} --role=$role\ndone\n"
                    ),
                ),
                Code {
                    about: Some(
                        "Or, as the simple choice, Storage Admin on the bucket: more than is needed, and enough for everything.",
                    ),
                    label: "Shell lines that grant Storage Admin",
                    text: format!(
                        "gcloud storage buckets add-iam-policy-binding gs://{bucket} \\\n  {member} --role=roles/storage.admin\n"
                    ),
                },
            ],
        ),
        Step {
            is_last: true,
            ..step(
                "Connect the bucket here",
                &[
                    "Under *Partners > Google Cloud > Integrate* click *+ Google Cloud Bucket*. Give it a nickname, paste the \
                   whole key file, enter the bucket's name exactly as in Google Cloud, and click *Save Credentials*. Each \
                   check says what to do if it fails.",
                ],
                Vec::new(),
            )
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::form::Fields;

    #[test]
    fn the_lines_are_filled_in() {
        let query = Fields::parse(b"project=acme&bucket=acme-exports&service=exporter");
        let (names, _) = Names::new(&query, None);
        let steps = steps(&names);
        assert_eq!(steps.len(), 6);
        assert!(steps.iter().filter(|step| step.is_last).count() == 1 && steps[5].is_last);
        assert_eq!(
            steps[2].codes[0].text,
            "gcloud iam service-accounts keys create exporter-key.json \\\n  \
             --iam-account=exporter@acme.iam.gserviceaccount.com\n"
        );
        assert!(steps[4].codes[0].text.contains("gs://acme-exports"));
        let path = steps[0].lines[0].iter().find(|piece| piece.is_path).map(|piece| piece.text.as_str());
        assert_eq!(path, Some("Project picker > New project"));
    }
}
