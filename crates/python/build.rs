//! Collects the configurations of the presets, so that recipes can be loaded by name.

use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() {
    let configs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs");
    let mut table = String::from("&[\n");
    for preset in ["cpu", "gpu", "seed"] {
        let folder = configs.join(preset);
        println!("cargo::rerun-if-changed={}", folder.display());
        let entries = fs::read_dir(&folder).expect("the folder of a preset");
        let mut files: Vec<PathBuf> =
            entries.map(|entry| entry.expect("an entry").path()).collect();
        files.sort();
        for file in files {
            let method = file.file_stem().expect("a name").to_string_lossy().into_owned();
            table += &format!("    ({preset:?}, {method:?}, include_str!({file:?})),\n");
        }
    }
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("set by cargo"));
    fs::write(out.join("presets.rs"), table + "]\n").expect("a writable OUT_DIR");
}
