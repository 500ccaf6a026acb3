//! Planning: which slices of the lake become which chunks.
