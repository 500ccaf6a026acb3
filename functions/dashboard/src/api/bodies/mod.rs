//! What the API takes and gives, apart from the domain's own types: these change only with the API's version.

mod account;

pub use account::AccountBody;
