//! Writes extracted features to Parquet, CSV, NumPy or safetensors files.
//!
//! A [`Table`] lists the images and the metadata of the file. A [`Writer`] takes their features a
//! few rows at a time, in order, and streams them to disk, so that memory does not grow with the
//! number of images. The file's extension selects the [`Format`]. Files are written atomically.

mod error;
mod formats;
mod sink;
mod table;
#[cfg(test)]
mod tests;
mod writer;

pub use self::error::Error;
pub use self::formats::Format;
pub use self::table::Table;
pub use self::writer::Writer;
