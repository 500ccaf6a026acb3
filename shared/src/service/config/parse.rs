//! What values look like; each refusal says what to give.

use std::{fmt::Display, ops::RangeInclusive, str::FromStr};

use url::Url;

use crate::domain::public_address::is_insecure;

/// Any text.
///
/// # Errors
/// None; it has the form of the others.
pub fn any(text: &str) -> Result<String, String> {
    Ok(text.to_owned())
}

/// A number within bounds.
///
/// # Errors
/// Which numbers are wanted.
pub fn number<N: FromStr + PartialOrd + Display>(
    bounds: RangeInclusive<N>,
) -> impl FnOnce(&str) -> Result<N, String> {
    move |text| {
        let number = text.parse().ok().filter(|number| bounds.contains(number));
        number.ok_or_else(|| format!("give a whole number from {} to {}", bounds.start(), bounds.end()))
    }
}

/// An address of the web.
///
/// # Errors
/// What it looks like.
pub fn http_url(text: &str) -> Result<Url, String> {
    let url =
        text.parse::<Url>().ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    url.ok_or_else(|| "give an address like https://name.example.com".to_owned())
}

/// An address that nobody on the way can speak for: `https`, or of this machine.
///
/// # Errors
/// What it looks like.
pub fn safe_url(text: &str) -> Result<Url, String> {
    let url = http_url(text)?;
    if is_insecure(&url) {
        Err("give an https address: whoever is on the way could exchange what it answers".to_owned())
    } else {
        Ok(url)
    }
}

/// Where an emulator listens, without a scheme.
///
/// # Errors
/// What it looks like.
pub fn host_port(text: &str) -> Result<String, String> {
    let is_right = text.rsplit_once(':').is_some_and(|(host, port)| {
        !host.is_empty() && !host.contains(['/', '@', ' ']) && port.parse::<u16>().is_ok()
    });
    if is_right { Ok(text.to_owned()) } else { Err("give host:port, without a scheme".to_owned()) }
}

/// A Google Cloud project's id.
///
/// # Errors
/// What it looks like.
pub fn project_id(text: &str) -> Result<String, String> {
    let letters =
        |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || "-.:".contains(letter);
    if text.len() <= 100
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.chars().all(letters)
    {
        Ok(text.to_owned())
    } else {
        Err("give the project's id, of small letters, digits and hyphens, not its name or number".to_owned())
    }
}

/// Several values with commas between them.
///
/// # Errors
/// What is wrong with the first one that is.
pub fn list<T>(parse: impl Fn(&str) -> Result<T, String>) -> impl FnOnce(&str) -> Result<Vec<T>, String> {
    move |text| {
        let values = text.split(',').map(str::trim).filter(|value| !value.is_empty());
        let values = values.map(parse).collect::<Result<Vec<_>, _>>()?;
        if values.is_empty() {
            Err("give at least one, with commas between several".to_owned())
        } else {
            Ok(values)
        }
    }
}
