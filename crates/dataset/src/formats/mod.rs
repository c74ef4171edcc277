//! Formats of image sets on disk.

pub(crate) mod archive_format;
pub(crate) mod cifar10;
pub(crate) mod folder;
pub(crate) mod stl10;
