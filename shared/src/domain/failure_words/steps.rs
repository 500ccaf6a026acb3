//! What to do, step by step, with the names of the menus of Google Cloud's console and the line for a terminal.

use super::{FailureClass, HelpPiece, HelpStep, Names, PieceKind};

/// What every export needs.
pub(super) const CREATE: &str = "storage.objects.create";

/// A role of Google's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Role {
    /// As the console shows it.
    pub(super) title: &'static str,
    /// As commands take it.
    pub(super) id: &'static str,
}

pub(super) const CREATOR: Role = Role { title: "Storage Object Creator", id: "roles/storage.objectCreator" };
const VIEWER: Role = Role { title: "Storage Object Viewer", id: "roles/storage.objectViewer" };
const USER: Role = Role { title: "Storage Object User", id: "roles/storage.objectUser" };
const ADMIN: Role = Role { title: "Storage Admin", id: "roles/storage.admin" };

/// The least role that holds a permission.
pub(super) fn role_of(permission: Option<&str>) -> Role {
    match permission {
        None | Some(CREATE | "storage.multipartUploads.create") => CREATOR,
        Some("storage.objects.get" | "storage.objects.list") => VIEWER,
        Some(other) if other.starts_with("storage.objects.") => USER,
        Some(_) => ADMIN,
    }
}

/// The steps for a class.
pub(super) fn of(class: &FailureClass, names: &Names) -> Vec<HelpStep> {
    match class {
        FailureClass::KeyUnusable => [new_key(names), vec![replace_key(names)]].concat(),
        FailureClass::CredentialsRejected => [
            vec![
                names.step(
                    "In Google Cloud's console open *IAM & Admin > Service Accounts* and find {account}. Its status has to \
                     be “Enabled”. If it is not there any more, make a new one as the set-up guide shows.",
                    Some(names.look_at_account()),
                ),
                names.step(
                    "If it is disabled, click it, then *Enable service account*.",
                    Some(names.enable_account()),
                ),
            ],
            new_key(names),
            vec![replace_key(names)],
        ]
        .concat(),
        FailureClass::PermissionMissing { permission } => grant(names, role_of(permission.as_deref())),
        FailureClass::BucketMissing => bucket_missing(names),
        FailureClass::RetentionPolicy => retention(names),
        FailureClass::Hold => vec![
            names.step(
                "In Google Cloud's console open *Cloud Storage > Buckets*, click {bucket}, and tick the object that \
                 Google names.",
                None,
            ),
            names.step("Click *Manage holds*, take the holds away, and save.", Some(names.release())),
            check_again(names),
        ],
        FailureClass::BillingDisabled => vec![
            names.step(
                "In Google Cloud's console open *Billing > My projects*. The project of {bucket} has to show a billing \
                 account that is open.",
                None,
            ),
            names.step(
                "If it does not, choose *Actions > Change billing*, and give it one.",
                Some("gcloud billing projects link PROJECT --billing-account=BILLING_ACCOUNT".to_owned()),
            ),
            names.step(
                "If billing is on, open *IAM & Admin > Manage resources*: the project must not be about to be deleted.",
                Some("gcloud projects describe PROJECT".to_owned()),
            ),
            check_again(names),
        ],
        FailureClass::ApiDisabled => vec![
            names.step(
                "In Google Cloud's console choose the project of {account}: its address names it, between `@` and \
                 `.iam.gserviceaccount.com`. Google's words below may give its number.",
                None,
            ),
            names.step(
                "Open *APIs & Services > Library*, find *Cloud Storage API*, and click *Enable*.",
                Some("gcloud services enable storage.googleapis.com --project=PROJECT".to_owned()),
            ),
            check_again(names),
        ],
        FailureClass::RequesterPays => vec![
            names.step(
                "In Google Cloud's console open *Cloud Storage > Buckets*, click {bucket}, then *Configuration > Requester \
                 Pays*, and turn it off.",
                Some(names.bucket_line("update", "--no-requester-pays")),
            ),
            check_again(names),
        ],
        FailureClass::EncryptionKey => encryption_key(names),
        FailureClass::OrganisationPolicy => policy(names),
        FailureClass::StorageFull => vec![
            names.step(
                "A local bucket is a folder of this machine, and its disk has no room left. Look how much is free.",
                Some("df -h".to_owned()),
            ),
            names.step("Delete or move what is not needed; files in the bucket may be moved away, too.", None),
            check_again(names),
        ],
        FailureClass::StorageReadOnly => vec![
            names.step(
                "A local bucket is a folder of this machine. Its owner has to be whoever runs Spillway, and its disk must not \
                 be mounted read-only.",
                Some("findmnt --target FOLDER".to_owned()),
            ),
            check_again(names),
        ],
        FailureClass::NameTaken => vec![
            names.step(
                "In Google Cloud's console open *Cloud Storage > Buckets*, click {bucket}, and look which program wrote the \
                 object that is named in the run. Move it away.",
                Some(names.remove_object()),
            ),
            names.step("Then ask our support to have the run tried again.", None),
        ],
        FailureClass::Throttled | FailureClass::Unavailable | FailureClass::Ours => Vec::new(),
    }
}

fn new_key(names: &Names) -> Vec<HelpStep> {
    vec![names.step(
        "Open *IAM & Admin > Service Accounts*, click {account}, then *Keys > Add key > Create new key > JSON > Create*. \
         The browser downloads the key.",
        Some(names.new_key()),
    )]
}

fn replace_key(names: &Names) -> HelpStep {
    names.step(
        "Here, open *Partners > Replace key* of the bucket, paste the whole file, and click *Save Credentials*. Once the \
         check passes, what is owed goes out by itself.",
        None,
    )
}

fn check_again(names: &Names) -> HelpStep {
    names.step(
        "Here, click *Check again now* on the page of the export or of the bucket. If you do not, we look within the hour.",
        None,
    )
}

fn grant(names: &Names, role: Role) -> Vec<HelpStep> {
    let mut steps = vec![
        names.step("In Google Cloud's console open *Cloud Storage > Buckets* and click {bucket}.", None),
        names.step(
            &format!(
                "Click *Permissions > Grant access*, enter {{account}} as the new principal, choose the role *Cloud Storage \
                 > {}*, and save.",
                role.title
            ),
            Some(names.grant(role.id)),
        ),
    ];
    if role == CREATOR {
        steps.push(names.step(
            "Grant *Cloud Storage > Storage Object Viewer* in the same way, so that written files can be verified.",
            Some(names.grant(VIEWER.id)),
        ));
    }
    steps.push(names.step(
        "If the role is there, look for a deny rule: *IAM & Admin > Deny policies*. A new grant can take some minutes.",
        None,
    ));
    steps.push(check_again(names));
    steps
}

fn bucket_missing(names: &Names) -> Vec<HelpStep> {
    vec![
        names.step(
            "In Google Cloud's console open *Cloud Storage > Buckets* and compare the names, letter by letter.",
            Some("gcloud storage buckets list --project=PROJECT --format='value(name)'".to_owned()),
        ),
        names.step(
            "If it was deleted, choose *Create* and give it exactly the name {bucket}.",
            Some(names.create_bucket()),
        ),
        names.step(
            "Let {account} write into it: *Permissions > Grant access*, role *Cloud Storage > Storage Object Creator*.",
            Some(names.grant(CREATOR.id)),
        ),
        check_again(names),
    ]
}

/// As the product's own guide has it.
fn retention(names: &Names) -> Vec<HelpStep> {
    vec![
        names.step(
            "In Google Cloud's console open *Menu > Cloud Storage > Buckets* and select {bucket}.",
            Some(names.bucket_line("describe", "--format='default(retention_policy)'")),
        ),
        names.step(
            "Go to the tab *Protection*, section *Retention policy (for compliance)*. If *Delete* can be clicked, the policy \
             is not locked: delete it.",
            Some(names.bucket_line("update", "--clear-retention-period")),
        ),
        names.step(
            "If *Delete* cannot be clicked, the policy is locked. Connect another bucket under *Partners > Integrate*, then \
             choose it here under *Exports > Edit > Bucket*. What is owed follows, in order.",
            None,
        ),
        check_again(names),
    ]
}

fn encryption_key(names: &Names) -> Vec<HelpStep> {
    vec![
        names.step(
            "In Google Cloud's console open *Cloud Storage > Buckets*, click {bucket}, then *Configuration*, and look which \
             key is the default encryption key.",
            Some(names.bucket_line("describe", "--format='default(default_kms_key)'")),
        ),
        names.step(
            "Open *Security > Key Management*, click the key, and see that its primary version is enabled.",
            None,
        ),
        names.step(
            "Let Cloud Storage use it: the project's Cloud Storage service agent needs the role *Cloud KMS CryptoKey \
             Encrypter/Decrypter* on the key.",
            Some("gcloud storage service-agent --project=PROJECT --authorize-cmek=KEY".to_owned()),
        ),
        check_again(names),
    ]
}

fn policy(names: &Names) -> Vec<HelpStep> {
    vec![
        names.step(
            "Send Google's words below to the administrator of your Google Cloud organisation. They name the constraint or \
             the service perimeter.",
            None,
        ),
        names.step(
            "A constraint is under *IAM & Admin > Organization policies*: make an exception for the project of {bucket}.",
            None,
        ),
        names.step(
            "A perimeter is under *Security > VPC Service Controls*: add an ingress rule for {account}.",
            None,
        ),
        names.step(
            "Where access is limited by network, there or in the bucket's own *Configuration > IP filtering*, allow ours: \
             whoever runs this service names its VPC network. Addresses do not help, as Cloud Storage sees none of ours.",
            Some(names.bucket_line("describe", "--format='default(ip_filter_config)'")),
        ),
        check_again(names),
    ]
}

impl Names {
    /// A step out of a template: between stars stands a way through menus; `{bucket}` and `{account}` are filled in
    /// after that, so that no name is taken for markup.
    fn step(&self, template: &str, command: Option<String>) -> HelpStep {
        let mut pieces = Vec::new();
        for (at, text) in template.split('*').enumerate() {
            if at % 2 == 1 {
                pieces.push(HelpPiece { text: text.to_owned(), kind: PieceKind::Menu });
                continue;
            }
            for (at, part) in text.split(['{', '}']).enumerate() {
                let piece = match (at % 2, part) {
                    (1, "bucket") => named(self.bucket_name.as_deref(), "the bucket"),
                    (1, "account") => named(self.client_email.as_deref(), "the service account"),
                    _ => HelpPiece { text: part.to_owned(), kind: PieceKind::Words },
                };
                pieces.push(piece);
            }
        }
        pieces.retain(|piece| !piece.text.is_empty());
        HelpStep { pieces, command }
    }
}

fn named(name: Option<&str>, unknown: &str) -> HelpPiece {
    match name {
        Some(name) => HelpPiece { text: name.to_owned(), kind: PieceKind::Name },
        None => HelpPiece { text: unknown.to_owned(), kind: PieceKind::Words },
    }
}
