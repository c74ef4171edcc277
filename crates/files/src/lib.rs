//! Files that are written whole or not at all, and text that stays on one line.
//!
//! - [`write()`], [`AtomicFile`] and [`AtomicFolder`] replace a file or make a folder atomically:
//!   the content goes to a temporary name in the same folder, is flushed to disk, and is renamed.
//! - [`read()`], [`list`] and [`if_exists`] read, and take nothing but "not found" for absence.
//! - [`RecordLog`] appends records; one that can't be written whole is taken back.
//! - [`OneLine`] escapes names, paths and messages for errors and logs.
//! - [`json_message`] says what is wrong with JSON in words for people.
//! - [`sha256()`] is the checksum of a file.
//! - [`cache_dir`] is where caches go.
//!
//! ```
//! let folder = tempfile::tempdir()?;
//! let path = folder.path().join("summary.json");
//! files::check_writable(&path)?;
//! files::write(&path, b"{}\n")?;
//! assert_eq!(std::fs::read(&path)?, b"{}\n");
//!
//! let error = files::write(&folder.path().join("absent/a\nb"), b"").unwrap_err();
//! assert!(error.to_string().contains("absent/a\\nb: cannot write: "));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod atomic_file;
mod atomic_folder;
mod cache_dir;
mod error;
mod hex;
mod json_message;
mod one_line;
mod partial;
mod read;
mod record_log;
mod sha256;

pub use self::atomic_file::{AtomicFile, check_writable, write};
pub use self::atomic_folder::{AtomicFolder, check_new_folder};
pub use self::cache_dir::{cache_dir, create_cache_dir};
pub use self::error::{Error, FolderError, Unwritable};
pub use self::hex::hex;
pub use self::json_message::json_message;
pub use self::one_line::{OneLine, replace_control, spreadsheet_cell};
pub use self::partial::{is_partial, remove_partial, temporary_folder};
pub use self::read::{
    exists, if_exists, is_of_path, leads_somewhere, list, open_plain, read, read_text,
    remove_if_exists,
};
pub use self::record_log::RecordLog;
pub use self::sha256::sha256;
