//! The export engine of Spillway: what the customer's files are and how they come to be.
//!
//! The arrows between the parts point one way: `domain` (pure) ← `encode` and `ports` ← `adapters` and
//! `steps` ← functions. Steps know ports only; adapters never use each other.

pub mod adapters;
pub mod domain;
pub mod encode;
pub mod http;
pub mod mails;
pub mod ports;
#[cfg(feature = "service")]
pub mod service;
pub mod steps;
#[cfg(feature = "tokens")]
pub mod tokens;
