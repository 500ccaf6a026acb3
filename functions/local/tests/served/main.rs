//! `spillway serve` as a person and as a program meet it: a real browser, a fuzzer of the API, an accessibility checker.
#![allow(clippy::unwrap_used, reason = "tests")]

mod accessible;
mod connect;
mod exports;
mod failures;
mod list;
mod mails;
mod schemathesis;
mod support;
mod tenancy;
mod without_script;
