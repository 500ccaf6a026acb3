//! What tells one version of an export's settings from another: for `ETag` and `If-Match`, and for the form of an edit.

use sha2::{Digest, Sha256};
use spillway::domain::Export;

/// Changes whenever an edit changes the export. That a run begins or ends does not count, so that nobody's edit is
/// refused for it.
#[must_use]
pub fn revision_of(export: &Export) -> String {
    let json =
        serde_json::to_vec(&export.spec).expect("the domain's types have text keys and always serialise");
    Sha256::digest(json)[..12].iter().map(|byte| format!("{byte:02x}")).collect()
}
