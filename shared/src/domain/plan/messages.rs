//! Small chunks travel together.

use super::PlanLimits;
use crate::domain::ChunkPlan;

/// Numbers the messages: neighbours share one as long as it stays within one chunk's work and the limit of
/// chunks.
pub(super) fn assign_messages(chunks: &mut [ChunkPlan], limits: PlanLimits) {
    let (mut message, mut count, mut bytes) = (0, 0, 0_u64);
    for chunk in chunks {
        let full = count == limits.message_chunks
            || bytes.saturating_add(chunk.estimated_bytes) > limits.target_bytes;
        if full && count > 0 {
            message += 1;
            (count, bytes) = (0, 0);
        }
        chunk.message = message;
        count += 1;
        bytes = bytes.saturating_add(chunk.estimated_bytes);
    }
}
