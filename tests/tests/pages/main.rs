//! The pages, asked in memory as a browser without JavaScript asks them, over SQLite and the parts of the engine's tests.
#![allow(clippy::unwrap_used, reason = "tests")]

mod elsewhere;
mod exports;
mod frame;
mod help;
mod html;
mod incidents;
mod mail;
mod moves;
mod partners;
mod repeats;
mod settings;
mod snippets;
mod streams;
mod switch;
mod webhook;
