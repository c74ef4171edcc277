//! Text on one line, whatever characters are in it.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::fmt;

/// Displays a text or a path with its control characters escaped, so that a message takes one line.
/// Bytes that aren't UTF-8 are replaced by U+FFFD.
#[derive(Clone, Copy, Debug)]
pub struct OneLine<T>(pub T);

impl<T: AsRef<OsStr>> fmt::Display for OneLine<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_ref().to_string_lossy().chars().try_for_each(|c| {
            if c.is_control() { write!(f, "{}", c.escape_default()) } else { write!(f, "{c}") }
        })
    }
}

/// A name with each control character replaced by U+FFFD: for files that hold one name a line.
pub fn replace_control(name: Cow<'_, str>) -> Cow<'_, str> {
    if name.contains(char::is_control) {
        let replacement = char::REPLACEMENT_CHARACTER.to_string();
        name.replace(char::is_control, &replacement).into()
    } else {
        name
    }
}

/// A cell of a table that a spreadsheet shows and doesn't run: one that begins as a formula does
/// (`=`, `+`, `-`, `@`, a tab or a line break) gets an apostrophe in front.
pub fn spreadsheet_cell(text: &str) -> Cow<'_, str> {
    match text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) {
        true => format!("'{text}").into(),
        false => text.into(),
    }
}

#[cfg(test)]
mod tests;
