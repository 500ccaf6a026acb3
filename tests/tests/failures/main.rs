//! When the customer's side fails: what is told, when exports stop, and that nothing is lost; over the real store and a
//! real SMTP server on loopback, hour by hour.
#![allow(clippy::unwrap_used, reason = "tests")]

mod classes;
mod customers;
mod mails;
mod sizes;
mod story;
mod support;
