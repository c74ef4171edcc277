//! What holds of every configuration and checkpoint, whatever its bytes; fuzz targets ask for it
//! too.

use std::fs;
use std::path::Path;

use trainer::{Config, checkpoint};

/// A configuration is refused by a line that names it, or read, written and read again as the same.
/// What follows its last brace is an assignment, such as ` train.epochs=3`.
pub fn config(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let end = text.rfind('}').map_or(text.len(), |end| end + 1);
    let (document, assignment) = text.split_at(end);
    let config = match Config::parse(document, "a.json") {
        Ok(config) => config,
        Err(error) => {
            let error = one_line(&error);
            assert!(error.starts_with("a.json:"), "{error}");
            return;
        }
    };
    if let Err(error) = config.validate() {
        one_line(&error);
    }
    let written = config.document();
    let again =
        Config::parse(&written.to_string(), "a.json").expect("what was written can be read");
    assert_eq!(again.document(), written);
    if let Err(error) = config.with(assignment) {
        one_line(&error);
    }
}

/// A checkpoint is refused by a line that names it: whoever flips bytes does not find the checksum.
pub fn checkpoint(folder: &Path, bytes: &[u8]) {
    let path = folder.join("step-000000001.safetensors");
    fs::write(&path, bytes).expect("a file");
    let error = checkpoint::load_into(&path, "", Vec::new()).expect_err("the wrong checksum");
    let error = one_line(&error);
    assert!(error.contains("step-000000001.safetensors: expected "), "{error}");
    assert!(checkpoint::has_teacher(&path).is_err());
}

fn one_line(error: &impl ToString) -> String {
    let message = error.to_string();
    assert!(!message.contains('\n'), "{message:?}");
    message
}
