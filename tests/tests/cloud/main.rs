//! The five functions as processes of their own, against Google's emulators and stand-ins of the rest.
#![allow(clippy::unwrap_used, reason = "tests")]

mod clock;
mod customer;
mod data;
mod functions;
mod gate;
mod journey;
mod outages;
mod process;
mod proxy;
mod settle;
mod world;
