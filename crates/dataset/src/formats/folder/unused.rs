//! What lies in the folder of a set and isn't used, in one line.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use files::replace_control;
use serde::Serialize;

/// Image formats that are not read, which a user would want to know of first.
const IMAGES: [&str; 13] =
    ["avif", "heic", "heif", "jp2", "jxl", "svg", "tga", "cr2", "cr3", "nef", "arw", "dng", "raf"];

/// Folders that are named; of the others there is a number.
const NAMED: usize = 3;

/// Files and folders that are not used, by what they are.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Unused {
    /// Folders and links, each described.
    folders: Vec<String>,
    /// Files by ending: how many, and the name of the first.
    files: BTreeMap<String, (usize, String)>,
    /// A file of labels, links resolved, which is used though it is no image.
    labels: Option<PathBuf>,
}

/// Files of a kind that are not used, or a folder.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct UnusedFiles {
    /// The ending of their names in small letters, empty for none; `folder` for a folder.
    pub kind: String,
    /// How many.
    pub count: usize,
    /// The name of the first; of a folder with the reason.
    pub example: String,
}

impl Unused {
    /// Everything, folders first.
    pub fn files(&self) -> Vec<UnusedFiles> {
        let folder = |example: &String| UnusedFiles {
            kind: "folder".to_owned(),
            count: 1,
            example: example.clone(),
        };
        let of_kind = |(kind, (count, first)): (&String, &(usize, String))| UnusedFiles {
            kind: kind.clone(),
            count: *count,
            example: first.clone(),
        };
        self.folders.iter().map(folder).chain(self.files.iter().map(of_kind)).collect()
    }

    /// None so far; the file of labels is no unused one.
    pub fn new(labels: Option<&Path>) -> Self {
        let labels = labels.and_then(|path| path.canonicalize().ok());
        Self { labels, ..Self::default() }
    }

    pub fn add_file(&mut self, path: &Path) {
        if let Some(labels) = &self.labels
            && labels.file_name() == path.file_name()
            && path.canonicalize().is_ok_and(|path| path == *labels)
        {
            return;
        }
        let name = name_of(path);
        self.files.entry(extension(path)).or_insert((0, name)).0 += 1;
    }

    /// A folder, `why` in a few words.
    pub fn add_folder(&mut self, path: &Path, why: &str) {
        self.folders.push(format!("{}/ ({why})", name_of(path)));
    }

    /// Images of an archive, `why` in a few words.
    pub fn add_images(&mut self, archive: &Path, why: &str) {
        self.folders.push(format!("{} ({why})", name_of(archive)));
    }

    /// One line; `None` where all is used.
    pub fn line(&self) -> Option<String> {
        let (images, others): (Vec<_>, Vec<_>) =
            self.files.iter().partition(|(ending, _)| IMAGES.contains(&ending.as_str()));
        let describe =
            |(ending, (count, first)): &(&String, &(usize, String))| match (count, ending.as_str())
            {
                (1, _) => first.clone(),
                (count, "") => format!("{count} files without an ending"),
                (count, ending) => format!("{count} .{ending} files"),
            };
        let mut parts: Vec<String> = images.iter().map(describe).collect();
        if let Some(last) = parts.last_mut() {
            last.push_str(
                " (not read: convert them to JPEG, as with `magick mogrify -format jpg FILE`)",
            );
        }
        parts.extend(self.folders.iter().take(NAMED).cloned());
        if let more @ 1.. = self.folders.len().saturating_sub(NAMED) {
            parts.push(format!("{more} more folders"));
        }
        parts.extend(others.iter().map(describe));
        (!parts.is_empty()).then(|| parts.join(", "))
    }
}

fn name_of(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    replace_control(name).into_owned()
}

/// The ending of a file's name in small letters, empty where there is none.
pub(super) fn extension(path: &Path) -> String {
    path.extension().map_or(String::new(), |ending| ending.to_string_lossy().to_ascii_lowercase())
}
