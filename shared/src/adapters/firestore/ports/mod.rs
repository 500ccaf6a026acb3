//! The methods of the port, each one transaction or one read.

mod accounts;
mod buckets;
mod catalogue;
mod chunks;
mod exports;
mod incidents;
mod notes;
mod runs;
