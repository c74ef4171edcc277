//! Whatever the bytes of a configuration or a checkpoint are, it is read, or refused by an error that names it.

use std::fs;
use std::path::Path;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use trainer::{Config, checkpoint};

/// The seeds of a fuzz target.
fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fuzz/corpus")
        .join(target);
    let mut paths: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

/// A seed with some bytes overwritten, and cut somewhere or not.
fn damaged(target: &str) -> impl Strategy<Value = Vec<u8>> + use<> {
    let seeds = seeds(target);
    let edits = vec((any::<Index>(), any::<u8>()), 0..6);
    (any::<Index>(), edits, any::<Option<Index>>()).prop_map(move |(seed, edits, cut)| {
        let mut bytes = seed.get(&seeds).clone();
        for (index, byte) in edits {
            let at = index.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len() + 1));
        }
        bytes
    })
}

fn read_checkpoint(bytes: &[u8]) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("step-000000001.safetensors");
    fs::write(&path, bytes).unwrap();
    // Whoever flips bytes does not find the checksum.
    let error = checkpoint::load_into(&path, "", Vec::new())
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("step-000000001.safetensors: expected "),
        "{error}"
    );
    assert!(checkpoint::has_teacher(&path).is_err());
}

fn read_config(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let end = text.rfind('}').map_or(text.len(), |end| end + 1);
    let (document, assignment) = text.split_at(end);
    match Config::parse(document, "a.json") {
        Ok(config) => {
            let _ = config.validate();
            let _ = config.with(assignment);
            let written = config.document();
            let again = Config::parse(&written.to_string(), "a.json").unwrap();
            assert_eq!(again.document(), written);
        }
        Err(error) => assert!(error.to_string().starts_with("a.json:"), "{error}"),
    }
}

#[test]
fn seeds_are_read() {
    seeds("checkpoint")
        .iter()
        .for_each(|seed| read_checkpoint(seed));
    seeds("config").iter().for_each(|seed| read_config(seed));
    let text = String::from_utf8(seeds("config").remove(0)).unwrap();
    let document = &text[..=text.rfind('}').unwrap()];
    assert!(
        Config::parse(document, "a.json").is_ok(),
        "a seed that is a configuration"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn of_a_checkpoint(bytes in damaged("checkpoint")) {
        read_checkpoint(&bytes);
    }

    #[test]
    fn of_a_configuration(bytes in damaged("config")) {
        read_config(&bytes);
    }
}
