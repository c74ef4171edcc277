//! Results on stdout: text or JSON. A closed pipe ends the output quietly; every other error is one
//! of the command.

use std::io::{self, Write};
use std::sync::OnceLock;

use serde::Serialize;

use crate::app::failure::{Failure, written};
use crate::app::own_rank;

/// Where results go.
#[derive(Debug)]
pub struct Output {
    json: bool,
    /// Whether another process prints the results.
    silent: bool,
    /// The first error; nothing is written after it.
    error: OnceLock<io::Error>,
}

impl Output {
    /// JSON, or text. Of several processes only the first prints.
    pub fn new(json: bool) -> Self {
        Self { json, silent: own_rank::other().is_some(), error: OnceLock::new() }
    }

    /// Prints `value` as JSON or else `text`.
    pub fn result(&self, value: &impl Serialize, text: impl FnOnce() -> String) {
        if self.json {
            let text = serde_json::to_string_pretty(value).expect("results are valid JSON");
            self.line(&text);
        } else {
            self.line(text().trim_end());
        }
    }

    /// Prints text, unless JSON is asked for.
    pub fn table(&self, text: impl FnOnce() -> String) {
        if !self.json {
            self.line(text().trim_end());
        }
    }

    /// Prints `value` as one line of JSON, if JSON is asked for.
    pub fn json_line(&self, value: &impl Serialize) {
        if self.json {
            self.line(&serde_json::to_string(value).expect("results are valid JSON"));
        }
    }

    /// Prints a line.
    pub fn line(&self, text: &str) {
        if !self.silent
            && self.error.get().is_none()
            && let Err(error) = writeln!(io::stdout().lock(), "{text}")
        {
            let _ = self.error.set(error);
        }
    }

    /// Whether all was written that somebody reads.
    pub fn finish(self) -> Result<(), Failure> {
        let flushed = io::stdout().lock().flush();
        written(self.error.into_inner().map_or(flushed, Err))
    }
}
