//! What errors and logs say of a file is one line, whatever the bytes of its name and of what was
//! found in it.

use std::fmt;
use std::path::Path;

/// Text with its control characters escaped.
#[derive(Clone, Copy, Debug)]
pub struct OneLine<'a>(pub &'a str);

impl fmt::Display for OneLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| {
            if c.is_control() { write!(f, "{}", c.escape_default()) } else { write!(f, "{c}") }
        })
    }
}

/// A path as [`OneLine`]; bytes that aren't UTF-8 are replaced.
#[derive(Clone, Copy, Debug)]
pub struct PathOnOneLine<'a>(pub &'a Path);

impl fmt::Display for PathOnOneLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        OneLine(&self.0.to_string_lossy()).fmt(f)
    }
}
