//! Names of methods on the command line.

use methods::METHODS;

use crate::app::failure::Failure;

/// Rejects an unknown method, with the most similar known name.
pub fn check_method(method: &str) -> Result<(), Failure> {
    if METHODS.iter().any(|entry| entry.name == method) {
        return Ok(());
    }
    // However it is capitalized and its words are joined.
    let plain = |name: &str| -> String {
        name.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_lowercase()
    };
    let near = METHODS
        .iter()
        .map(|entry| (strsim::jaro_winkler(&plain(method), &plain(entry.name)), entry.name))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .filter(|(likeness, _)| *likeness > 0.8)
        .map_or(String::new(), |(_, name)| format!("; did you mean {name}?"));
    let known: Vec<_> = METHODS.iter().map(|entry| entry.name).collect();
    Err(Failure::usage(format!(
        "unknown method {method:?}: expected one of {}{near}",
        known.join(", ")
    )))
}
