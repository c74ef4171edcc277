//! End-to-end tests that drive the `twinview` binary; see `tests/tests`.
