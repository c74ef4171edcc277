//! What a command answered.

use std::process::Output;

use serde_json::Value;

/// A command that has ended.
#[derive(Debug)]
pub struct Finished {
    /// The command line, for messages.
    pub command: String,
    /// The exit code; `None` after a signal.
    pub code: Option<i32>,
    /// All of stdout.
    pub stdout: String,
    /// All of stderr.
    pub stderr: String,
}

impl Finished {
    /// Takes in the output of `command`.
    pub fn new(command: String, output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("output is UTF-8");
        Self {
            command,
            code: output.status.code(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }

    /// Expects this exit code, and no panic.
    #[track_caller]
    pub fn ended(self, code: i32) -> Self {
        assert!(
            self.code == Some(code) && !self.stderr.contains("panicked"),
            "expected exit code {code}: {self:#?}"
        );
        self
    }

    /// Expects success.
    #[track_caller]
    pub fn done(self) -> Self {
        self.ended(0)
    }

    /// Expects `code` and, as all of stderr, one line that begins with `error: ` and contains all
    /// of `says`.
    #[track_caller]
    pub fn failed(self, code: i32, says: &[&str]) -> Self {
        let finished = self.ended(code);
        let line = finished.stderr.strip_suffix('\n').unwrap_or("");
        assert!(
            line.starts_with("error: ") && line.lines().count() == 1,
            "expected one line that begins with `error: `: {finished:#?}"
        );
        for part in says {
            assert!(line.contains(part), "expected {part:?} in it: {finished:#?}");
        }
        assert_eq!(finished.stdout, "", "{finished:#?}");
        finished
    }

    /// The one JSON document on stdout.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("expected one JSON document: {error}: {self:#?}"))
    }

    /// The JSON lines on stdout.
    #[track_caller]
    pub fn json_lines(&self) -> Vec<Value> {
        let parse = |line| serde_json::from_str(line);
        self.stdout
            .lines()
            .map(|line| parse(line).unwrap_or_else(|error| panic!("{line}: {error}: {self:#?}")))
            .collect()
    }
}
