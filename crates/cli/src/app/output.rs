//! Results on stdout: text or JSON. A closed pipe ends the output quietly.

use std::io::Write;

use serde::Serialize;

/// Where results go.
#[derive(Debug)]
pub struct Output {
    json: bool,
}

impl Output {
    /// JSON, or text.
    pub fn new(json: bool) -> Self {
        Self { json }
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
        let _ = writeln!(std::io::stdout().lock(), "{text}");
    }
}
