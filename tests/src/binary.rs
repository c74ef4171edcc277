//! Finding the binary. Cargo builds it for the tests of its own package only, so it is built here.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The `twinview` binary of the profile that the tests are built with, made up to date once a
/// process: an older one left by an earlier build would be tested without notice. `TWINVIEW_BINARY`
/// names another.
///
/// # Panics
/// If it doesn't build.
pub fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| match env::var_os("TWINVIEW_BINARY") {
        Some(path) => path.into(),
        None => build(),
    })
}

fn build() -> PathBuf {
    // The test executable is TARGET/PROFILE/deps/NAME.
    let test = env::current_exe().expect("the path of this process");
    let profile_dir = test.ancestors().nth(2).expect("a folder of the profile");
    let target_dir = profile_dir.parent().expect("a target folder");
    let profile = match profile_dir.file_name().and_then(|name| name.to_str()) {
        Some("debug") => "dev",
        Some(name) => name,
        None => panic!("{}: expected a profile's folder", profile_dir.display()),
    };
    let cargo = env::var_os("CARGO").unwrap_or_else(|| env!("CARGO").into());
    // Of the whole workspace and with an example, so that crates have the features that `cargo test
    // --workspace` built them with, those of dev-dependencies among them, and aren't built again.
    let built = Command::new(cargo)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["build", "--quiet", "--workspace", "--bin", "twinview", "--example", "run_folder"])
        .args(["--profile", profile])
        .arg("--target-dir")
        .arg(target_dir)
        .output()
        .expect("cargo starts");
    assert!(
        built.status.success(),
        "building twinview: {}",
        String::from_utf8_lossy(&built.stderr)
    );
    let path = profile_dir.join(format!("twinview{}", env::consts::EXE_SUFFIX));
    assert!(path.is_file(), "{}: expected the binary", path.display());
    path
}
