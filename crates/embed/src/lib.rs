//! Features of an image set as a file that other programs read.
//!
//! A [`Table`] says which images and what else goes into the file; a [`Writer`] takes their
//! features a few rows at a time, in order, and writes them on, so that memory doesn't grow with
//! the images. The name of the file says its [`Format`]. The file is at its place once it is whole.

mod csv;
mod error;
mod format;
mod npy;
mod parquet_file;
mod safetensors_file;
mod table;
#[cfg(test)]
mod tests;
mod writer;

pub use self::error::Error;
pub use self::format::Format;
pub use self::table::Table;
pub use self::writer::Writer;
