//! What holds of every configuration, checkpoint, run to resume and file of weights, whatever its
//! bytes; fuzz targets ask for it too.

use std::fs;
use std::path::Path;

use models::WeightStream;
use tch::{Device, Kind};
use trainer::{Config, DTypes, EncoderAndHead, RunRecord, checkpoint, initial_weights};

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

/// The files of a run to resume, in order.
pub const RESUMED: [&str; 2] = ["config.json", "metrics.jsonl"];

/// A run is refused by a line that names its folder, or goes on from any step with the lines of
/// metrics up to it.
pub fn resume(folder: &Path) {
    let place = folder.to_string_lossy();
    let record = match RunRecord::read(folder) {
        Ok(record) => record,
        Err(error) => {
            let error = one_line(&error);
            assert!(error.contains(&*place), "{error}");
            return;
        }
    };
    let method = record.config.method.name();
    if let Err(error) = trainer::check_resume(&record, folder, method, record.config.clone()) {
        one_line(&error);
    }
    for step in [0, 3, u64::MAX] {
        match run::lines_until(folder, step) {
            Ok((kept, _)) => assert!(kept.is_empty() || kept.ends_with('\n')),
            Err(error) => assert!(one_line(&error).contains(&*place)),
        }
    }
}

/// A file of weights is refused by a line that names it, or an encoder begins with them.
pub fn initial_weights(folder: &Path, bytes: &[u8]) {
    let path = folder.join("weights.safetensors");
    fs::write(&path, bytes).expect("a file");
    let refused = |error: trainer::Error| {
        let error = one_line(&error);
        assert!(error.contains("weights.safetensors: expected "), "{error}");
    };
    if let Err(error) = initial_weights::inspect(&path) {
        refused(error);
    }
    let text = include_str!("../../../../configs/seed/simclr.json");
    let mut config = Config::parse(text, "simclr.json").expect("a configuration");
    let encoder = serde_json::json!({"conv": {"width": 8, "layers": 4, "pool": "mean"}});
    config.encoder = serde_json::from_value(encoder).expect("an encoder");
    let dtypes = DTypes { master: Kind::Float, compute: Kind::Float };
    let networks = EncoderAndHead::new(&config, 32, WeightStream::Student, Device::Cpu, dtypes);
    let networks = networks.expect("networks");
    if let Err(error) = initial_weights::load(&path, &networks, &config.encoder) {
        refused(error);
    }
}

fn one_line(error: &impl ToString) -> String {
    let message = error.to_string();
    assert!(!message.contains('\n'), "{message:?}");
    message
}
