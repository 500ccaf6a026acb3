//! The token of a plan: a digest of all that it is made of.
//!
//! A planner that is cut off while it stores a large plan has stored chunks of this token. Whoever plans the run again,
//! from the same files, comes to the same token, finds those chunks there, and goes on behind them. From anything else
//! comes another token, so that chunks of two plans never mix.

use std::io::{self, Write};

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::domain::{ChunkPlan, ExportSpec, PlanToken, RunKey, plan::ProfileList};

/// The token of a run's plan. `reopened` is how often the run was opened again: what an earlier planning of it left may
/// be swept at any time, so that nobody goes on with that.
///
/// # Panics
/// Never: the domain's types always serialise, and a digest takes all bytes.
pub(super) fn plan_token(
    (run, reopened): (RunKey, u32),
    (spec, bucket_name): (&ExportSpec, &str),
    chunks: &[ChunkPlan],
    lists: &[ProfileList],
) -> PlanToken {
    let mut digest = Digesting(Sha256::new());
    // Another version of us may make other chunks of the same plan.
    digest.add(&(env!("CARGO_PKG_VERSION"), run.account, run.request, run.run, reopened, spec, bucket_name));
    chunks.iter().for_each(|chunk| digest.add(chunk));
    for list in lists {
        digest.add(&(list.database, list.parts.len()));
        list.parts.iter().for_each(|part| digest.add(part));
    }
    PlanToken(digest.0.finalize()[..12].iter().map(|byte| format!("{byte:02x}")).collect())
}

struct Digesting(Sha256);

impl Digesting {
    /// JSON has no line ends outside of its texts, and in them none either, so that one parts what follows.
    fn add(&mut self, part: &impl Serialize) {
        serde_json::to_writer(&mut *self, part).expect("the domain's types always serialise");
        self.0.update(b"\n");
    }
}

impl Write for Digesting {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
