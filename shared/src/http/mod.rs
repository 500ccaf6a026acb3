//! The only place, beside handlers, where HTTP status codes mean something.

pub mod google;
