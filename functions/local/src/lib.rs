//! The parts of the binary `spillway`.

pub mod ingest;
