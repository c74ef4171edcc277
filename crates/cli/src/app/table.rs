//! Results as CSV files.

use std::path::Path;

use files::AtomicFile;

use crate::app::failure::Failure;

/// Writes a CSV file by RFC 4180 with lines that end in `\n`, whole or not at all.
pub fn write(
    path: &Path,
    header: &[String],
    rows: impl Iterator<Item = Vec<String>>,
) -> Result<(), Failure> {
    let failed = |error: &dyn ToString| {
        Failure::failed(format!("{}: cannot write: {}", path.display(), error.to_string()))
    };
    let mut writer = csv::Writer::from_writer(AtomicFile::create(path)?);
    writer.write_record(header).map_err(|error| failed(&error))?;
    for row in rows {
        writer.write_record(&row).map_err(|error| failed(&error))?;
    }
    let file = writer.into_inner().map_err(|error| failed(error.error()))?;
    Ok(file.commit()?)
}
