//! The service `credential-validator`.

use std::process::ExitCode;

fn main() -> ExitCode {
    spillway::service::main::<credential_validator::CredentialValidator>()
}
