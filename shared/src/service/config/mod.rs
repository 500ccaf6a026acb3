//! Configuration out of the environment: every variable is documented where it is read, all that is wrong is told at
//! once, and a name of ours that nobody knows is refused, since it is most often a misspelt one.

mod parse;
mod problems;
mod similar;

use std::{collections::BTreeMap, ffi::OsString};

pub use self::{
    parse::{any, host_port, http_url, list, number, project_id, safe_url},
    problems::Problems,
};

/// How our own names begin.
const PREFIX: &str = "SPILLWAY_";

/// A variable, as `--help` tells of it.
#[derive(Debug, Clone, Copy)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// What it is for.
    pub about: &'static str,
    /// What counts where it is not set.
    pub default: Option<&'static str>,
    /// Whether its value is never shown.
    pub is_secret: bool,
}

impl Variable {
    /// A variable that is shown, without a default.
    #[must_use]
    pub const fn new(name: &'static str, about: &'static str) -> Self {
        Self { name, about, default: None, is_secret: false }
    }

    /// With a default.
    #[must_use]
    pub const fn or(self, default: &'static str) -> Self {
        Self { default: Some(default), ..self }
    }

    /// Of which the value is never shown.
    #[must_use]
    pub const fn secret(self) -> Self {
        Self { is_secret: true, ..self }
    }
}

/// A variable that was read.
#[derive(Debug, Clone)]
struct Known {
    variable: Variable,
    is_required: bool,
    /// As given, or the default.
    value: Option<String>,
}

/// Reads variables, and remembers which ones and what was wrong. An empty one counts as not set.
#[derive(Debug, Default)]
pub struct Environment {
    given: BTreeMap<String, String>,
    known: Vec<Known>,
    problems: Problems,
}

/// A group of variables that belong together, as a struct.
pub trait Settings: Sized {
    /// Reads all of them; none where something is wrong, which the environment then knows.
    fn read(env: &mut Environment) -> Option<Self>;
}

impl Environment {
    /// An environment as the system gives it.
    pub fn new(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let mut env = Self::default();
        for (name, value) in variables {
            let Ok(name) = name.into_string() else { continue };
            match value.into_string() {
                Ok(value) if value.is_empty() => {}
                Ok(value) => drop(env.given.insert(name, value)),
                Err(_) if name.starts_with(PREFIX) => env.problems.add(&name, "it is not UTF-8"),
                Err(_) => {}
            }
        }
        env
    }

    /// A variable that has to be there, or has a default.
    pub fn required<T>(
        &mut self,
        variable: Variable,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let is_required = variable.default.is_none();
        let value = self.take(variable, is_required);
        if value.is_none() {
            self.problems.add(variable.name, format!("it is not set. {}", variable.about));
        }
        self.parsed(variable, &value?, parse)
    }

    /// A variable that may be absent: then there is nothing in the inner place.
    pub fn optional<T>(
        &mut self,
        variable: Variable,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<Option<T>> {
        match self.take(variable, false) {
            Some(value) => self.parsed(variable, &value, parse).map(Some),
            None => Some(None),
        }
    }

    fn take(&mut self, variable: Variable, is_required: bool) -> Option<String> {
        let given = self.given.get(variable.name).cloned();
        let value = given.or_else(|| variable.default.map(ToOwned::to_owned));
        if !self.known.iter().any(|known| known.variable.name == variable.name) {
            self.known.push(Known { variable, is_required, value: value.clone() });
        }
        value
    }

    fn parsed<T>(
        &mut self,
        variable: Variable,
        value: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let wrong = match parse(value) {
            Ok(parsed) => return Some(parsed),
            Err(wrong) => wrong,
        };
        let shown = shown(variable, value);
        self.problems.add(variable.name, format!("`{shown}` will not do: {wrong}"));
        None
    }

    /// Something that only shows when all is read.
    pub fn wrong(&mut self, name: &str, wrong: impl Into<String>) {
        self.problems.add(name, wrong);
    }

    /// What was read, where all is well.
    ///
    /// # Errors
    /// All that is wrong, names that nobody knows included.
    pub fn checked<T>(&self, read: Option<T>) -> Result<T, Problems> {
        let mut problems = self.problems.clone();
        let names: Vec<_> = self.known.iter().map(|known| known.variable.name).collect();
        for name in self.given.keys().filter(|name| name.starts_with(PREFIX)) {
            if !names.contains(&name.as_str()) {
                let hint = similar::nearest(name, &names)
                    .map_or_else(|| "see --help".to_owned(), |near| format!("did you mean {near}?"));
                problems.add(name, format!("no such variable is known; {hint}"));
            }
        }
        match read {
            Some(read) if problems.is_empty() => Ok(read),
            _ => Err(problems),
        }
    }

    /// The names of the variables that were read.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.known.iter().map(|known| known.variable.name)
    }

    /// The variables with what they are for.
    #[must_use]
    pub fn help(&self) -> String {
        let mut text = String::new();
        for Known { variable, is_required, .. } in &self.known {
            let note = match variable.default {
                Some(default) => format!(" (default: {default})"),
                None if *is_required => " (required)".to_owned(),
                None => String::new(),
            };
            text += &format!("  {}{note}\n      {}\n", variable.name, variable.about);
        }
        text
    }

    /// The values that count, one a line, as a file of variables; secrets are hidden.
    #[must_use]
    pub fn effective(&self) -> String {
        let line = |known: &Known| match &known.value {
            Some(value) => format!("{}={}\n", known.variable.name, shown(known.variable, value)),
            None => format!("# {} is not set\n", known.variable.name),
        };
        self.known.iter().map(line).collect()
    }
}

/// A value as it may be seen: nothing of a secret, and no password in an address.
fn shown(variable: Variable, value: &str) -> String {
    if variable.is_secret {
        return "(hidden)".to_owned();
    }
    let mut rest = value;
    let mut text = String::new();
    while let Some((before, after)) = rest.split_once("://") {
        let end = after.find(['/', '?', '#', ' ', ',', '"']).unwrap_or(after.len());
        let (authority, path) = after.split_at(end);
        text += before;
        text += "://";
        match authority.rsplit_once('@') {
            Some((_, host)) => text += &format!("(hidden)@{host}"),
            None => text += authority,
        }
        rest = path;
    }
    text + rest
}

#[cfg(test)]
mod tests;
