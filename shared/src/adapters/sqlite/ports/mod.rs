//! The methods of the port, each handing its work to one of the two threads.

mod accounts;
mod buckets;
mod catalogue;
mod chunks;
mod exports;
mod incidents;
mod notes;
mod runs;
