//! Prints `docs/run-folder.md`.

use std::io::{self, Write};

fn main() -> io::Result<()> {
    io::stdout().write_all(run::document().as_bytes())
}
