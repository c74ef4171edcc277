//! twinview
fn main() {}
