//! What tells one version of an export from another: for `ETag` and `If-Match`, and for the form of an edit.

use sha2::{Digest, Sha256};
use spillway::domain::Export;

/// Changes whenever an edit changes the export. That a run begins or ends does not count, so that nobody's edit is
/// refused for it.
#[must_use]
pub fn revision_of(export: &Export) -> String {
    let json =
        serde_json::to_vec(&export.spec).expect("the domain's types have text keys and always serialise");
    digest(&json)
}

/// The tag of an export as it is answered: it changes whenever anything of it does, be it that a run begins or ends.
#[must_use]
pub fn etag_of(export: &Export) -> String {
    let json = serde_json::to_vec(export).expect("the domain's types have text keys and always serialise");
    format!("{}-{}", revision_of(export), digest(&json))
}

/// Whether whoever got this tag has seen the settings that the export has. Where it stands does not matter to an edit.
#[must_use]
pub fn has_seen(tag: &str, export: &Export) -> bool {
    tag.split('-').next() == Some(revision_of(export).as_str())
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes)[..12].iter().map(|byte| format!("{byte:02x}")).collect()
}
