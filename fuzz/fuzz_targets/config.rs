//! The JSON of a configuration: read, checked, written and read again; and one setting changed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use trainer::Config;

fuzz_target!(|input: &[u8]| {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    // What follows the document's last brace is an assignment, such as ` train.epochs=3`.
    let end = text.rfind('}').map_or(text.len(), |end| end + 1);
    let (document, assignment) = text.split_at(end);
    let config = match Config::parse(document, "config.json") {
        Ok(config) => config,
        Err(error) => return fuzz::one_line(&error.to_string()),
    };
    if let Err(error) = config.validate() {
        fuzz::one_line(&error.to_string());
    }
    let written = config.document();
    let again = Config::parse(&written.to_string(), "config.json");
    assert_eq!(
        again.expect("what was written can be read").document(),
        written
    );
    if let Err(error) = config.with(assignment) {
        fuzz::one_line(&error.to_string());
    }
});
