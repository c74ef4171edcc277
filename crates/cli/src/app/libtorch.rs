//! Which libtorch the program runs on.

use crate::app::failure::Failure;

/// The release that the program is built for: another one may load, and then give other results or
/// crash.
const EXPECTED: &str = "2.11.0";

/// Checks the libtorch that was loaded; one whose version isn't told passes.
pub fn check() -> Result<(), Failure> {
    match models::libtorch_version() {
        Some(found) if found.split('+').next() != Some(EXPECTED) => Err(Failure::failed(format!(
            "expected libtorch {EXPECTED}, found {found} (LD_LIBRARY_PATH, LIBTORCH)"
        ))),
        _ => Ok(()),
    }
}
