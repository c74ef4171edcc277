//! `twinview data cache`: lists the decoded images of folders, and deletes them.

use std::path::Path;
use std::time::{Duration, SystemTime};

use dataset::CacheEntry;
use serde_json::{Value, json};

use crate::app::failure::Failure;
use crate::app::output::Output;
use crate::app::words::{count, duration};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// Lists all entries, or deletes those of the folder in `clear` (of all folders without one) that
/// weren't used for `older_than` days.
pub fn run(
    clear: Option<Option<&Path>>,
    older_than: Option<u64>,
    output: &Output,
) -> Result<(), Failure> {
    let entries = dataset::cache_entries(None)?;
    if clear.is_none() && older_than.is_none() {
        let value = json!({"entries": entries.iter().map(value).collect::<Vec<_>>()});
        output.result(&value, || list(&entries));
        return Ok(());
    }
    let mut entries = entries;
    if let Some(Some(folder)) = clear {
        // A folder that is gone has entries too.
        let place = folder.canonicalize().or_else(|_| std::path::absolute(folder));
        let place = place.unwrap_or_else(|_| folder.to_owned());
        entries.retain(|entry| entry.folder.as_deref() == Some(&place));
        if entries.is_empty() {
            return Err(Failure::usage(format!(
                "{}: expected a folder with images in the cache, found none of it there \
                 (`twinview data cache` lists those)",
                folder.display()
            )));
        }
    }
    if let Some(days) = older_than {
        let age = DAY.saturating_mul(u32::try_from(days).unwrap_or(u32::MAX));
        entries.retain(|entry| idle(entry) >= age);
    }
    let (mut removed, mut in_use) = (Vec::new(), Vec::new());
    for entry in entries {
        let list = if entry.remove()? { &mut removed } else { &mut in_use };
        list.push(entry);
    }
    let values = |entries: &[CacheEntry]| entries.iter().map(value).collect::<Vec<_>>();
    let value = json!({"removed": values(&removed), "in_use": values(&in_use)});
    output.result(&value, || {
        let mut text = format!(
            "{} deleted, {}\n",
            count(removed.len(), "set"),
            bytes(removed.iter().map(|entry| entry.bytes).sum())
        );
        for entry in &in_use {
            text += &format!("in use and kept: {}\n", name(entry));
        }
        text
    });
    Ok(())
}

fn idle(entry: &CacheEntry) -> Duration {
    SystemTime::now().duration_since(entry.last_use).unwrap_or_default()
}

fn name(entry: &CacheEntry) -> String {
    let folder = entry.folder.as_ref().map(|folder| files::OneLine(folder).to_string());
    folder.unwrap_or_else(|| "(folder unknown)".to_owned())
}

fn value(entry: &CacheEntry) -> Value {
    let last_use = entry.last_use.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    json!({
        "folder": entry.folder.as_ref().map(|folder| folder.to_string_lossy()),
        "images": entry.images,
        "image_size": entry.image_size,
        "bytes": entry.bytes,
        "last_use": last_use.as_secs(),
    })
}

/// A line for each entry, and the sum.
fn list(entries: &[CacheEntry]) -> String {
    if entries.is_empty() {
        return "no decoded images in the cache".to_owned();
    }
    let mut text =
        format!("{:>9}  {:>6}  {:>9}  {:>10}  folder\n", "images", "pixels", "size", "last use");
    for entry in entries {
        let images = entry.images.map_or("(parts)".to_owned(), |images| images.to_string());
        let side = entry.image_size.map_or(String::new(), |side| side.to_string());
        let (size, ago) = (bytes(entry.bytes), duration(idle(entry).as_secs_f64()));
        text += &format!("{images:>9}  {side:>6}  {size:>9}  {ago:>10}  {}\n", name(entry));
    }
    let all = entries.iter().map(|entry| entry.bytes).sum();
    text + &format!(
        "{} of {} in all; last use: so long ago",
        count(entries.len(), "set"),
        bytes(all)
    )
}

/// A number of bytes as people read it.
fn bytes(number: u64) -> String {
    match number {
        ..1_000_000 => format!("{:.1} kB", number as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", number as f64 / 1e6),
        _ => format!("{:.1} GB", number as f64 / 1e9),
    }
}
