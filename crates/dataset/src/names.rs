//! File names of images, kept in a text file beside the images: one name a line.
//!
//! The file is mapped and of every 64th line the start is kept, so that a million names take a few
//! hundred kilobytes.

use std::borrow::Cow;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use files::replace_control;

use crate::Error;
use crate::mmap::Mapping;

/// Lines between two starts that are kept.
const STEP: usize = 64;

/// Names of the images of one file, by their place in it.
#[derive(Debug)]
pub(crate) struct Names {
    text: Mapping,
    /// Where lines 0, [`STEP`], 2 [`STEP`], ... begin.
    starts: Vec<usize>,
}

impl Names {
    /// Opens the names of `images` images; none where there is no such file.
    ///
    /// # Errors
    /// If there aren't as many lines as images.
    pub fn open(path: &Path, images: usize) -> Result<Option<Self>, Error> {
        match fs::metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::io(path, "open")(error)),
            // Nothing can't be mapped.
            Ok(metadata) if metadata.len() == 0 => return Err(other_count(path, images, 0)),
            Ok(_) => {}
        }
        let text = Mapping::open(path)?;
        let (mut starts, mut lines) = (vec![0], 0_usize);
        let bytes = text.slice(0, text.len());
        for (at, _) in bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n') {
            lines += 1;
            if lines.is_multiple_of(STEP) {
                starts.push(at + 1);
            }
        }
        // The last line may be without a break.
        lines += usize::from(bytes.last() != Some(&b'\n'));
        text.drop_pages();
        if lines != images {
            return Err(other_count(path, images, lines));
        }
        Ok(Some(Self { text, starts }))
    }

    /// The name of the image at `place` of the file.
    pub fn get(&self, place: usize) -> Cow<'_, str> {
        let start = self.starts[place / STEP];
        let end = self.starts.get(place / STEP + 1);
        let end = end.copied().unwrap_or(self.text.len());
        let mut lines = self.text.slice(start, end - start).split(|byte| *byte == b'\n');
        replace_control(String::from_utf8_lossy(lines.nth(place % STEP).unwrap_or_default()))
    }

    /// Writes names.
    pub fn write<'a>(path: &Path, names: impl Iterator<Item = Cow<'a, str>>) -> Result<(), Error> {
        let write = |mut file: BufWriter<File>| {
            for name in names {
                file.write_all(replace_control(name).as_bytes())?;
                file.write_all(b"\n")?;
            }
            file.flush()
        };
        let file = File::create(path).map(BufWriter::new);
        file.and_then(write).map_err(Error::io(path, "write"))
    }
}

fn other_count(path: &Path, images: usize, lines: usize) -> Error {
    Error::Text {
        path: path.to_path_buf(),
        expected: format!("{images} lines, a name of each image"),
        found: lines.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_by_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("names.txt");
        for count in [1, STEP - 1, STEP, STEP + 1, 5 * STEP + 3] {
            let name = |place: usize| format!("{}/{place}.png", "deep".repeat(place % 3));
            Names::write(&path, (0..count).map(|place| name(place).into())).unwrap();
            let names = Names::open(&path, count).unwrap().unwrap();
            for place in 0..count {
                assert_eq!(names.get(place), name(place), "{place} of {count}");
            }
            for other in [count - 1, count + 1] {
                let error = Names::open(&path, other).unwrap_err().to_string();
                let says = format!("expected {other} lines, a name of each image, found {count}");
                assert!(error.ends_with(&says), "{error}");
            }
        }
    }

    #[test]
    fn no_file_has_no_names_and_an_empty_one_too_few() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("names.txt");
        assert!(Names::open(&path, 3).unwrap().is_none());
        fs::write(&path, "").unwrap();
        let error = Names::open(&path, 3).unwrap_err().to_string();
        assert!(error.ends_with("found 0"), "{error}");
    }

    #[test]
    fn a_name_takes_one_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("names.txt");
        fs::write(&path, b"a\r\n\xff").unwrap();
        let names = Names::open(&path, 2).unwrap().unwrap();
        assert_eq!(names.get(0), "a\u{fffd}");
        assert_eq!(names.get(1), "\u{fffd}");
    }
}
