//! The runner of services and its functions: configuration, logs, callers, pushes, ticks, limits, and the end of a
//! process.
#![allow(clippy::unwrap_used, reason = "tests")]

mod around;
mod config;
mod ending;
mod invokers;
mod lambda;
mod log;
mod operate;
mod process;
mod push;
mod rounds;
mod support;
mod validator;
