//! What the files of a folder are: formats, sizes, copies, and what is not used.

use std::collections::BTreeMap;
use std::io::{BufRead, Cursor, Seek};
use std::path::{Path, PathBuf};

use image::ImageReader;
use rayon::prelude::*;
use serde::Serialize;

use super::cache::ContentHash;
use super::decode::format_name;
use super::source::Source;
use super::{ListedFolder, unused::UnusedFiles};
use crate::formats::stl10;
use crate::union::shown_names;

/// What the files of image folders are.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct FileSurvey {
    /// Number of files by format, by the name of the format.
    pub formats: BTreeMap<&'static str, usize>,
    /// Width and height in pixels of the image of the fewest pixels; `None` without readable files.
    pub smallest: Option<[u32; 2]>,
    /// Those of the image in the middle.
    pub median: Option<[u32; 2]>,
    /// Those of the image of the most pixels.
    pub largest: Option<[u32; 2]>,
    /// Images that lose more than half of their area to the crop to a square, as panoramas do.
    pub half_cropped: usize,
    /// What lies in the folders and is not used.
    pub unused: Vec<UnusedFiles>,
    /// Files with the same content.
    pub copies: Copies,
}

/// Files with the same content.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Copies {
    /// Contents that several files have.
    pub groups: usize,
    /// Files beyond the first of each group.
    pub files: usize,
    /// Names of two files of the first group.
    pub example: Option<[String; 2]>,
    /// Test images that are training or unlabeled images too.
    pub test_images: usize,
    /// Names of such a test image and of the other one.
    pub test_example: Option<[String; 2]>,
}

/// Reads the heads of all files, and finds copies by the content that they had when they were
/// decoded.
pub(crate) fn survey(folders: &[&ListedFolder], paths: &[PathBuf]) -> FileSurvey {
    let of_folder = |folder: &&ListedFolder| {
        let files: Vec<&PathBuf> = folder.files().collect();
        let heads = files.into_par_iter().filter_map(|path| head(&folder.listing.source, path));
        heads.collect::<Vec<_>>()
    };
    let heads: Vec<_> = folders.iter().flat_map(of_folder).collect();
    let mut survey = FileSurvey { copies: copies(folders, paths), ..FileSurvey::default() };
    for (format, _) in &heads {
        *survey.formats.entry(format).or_default() += 1;
    }
    let mut sizes: Vec<[u32; 2]> = heads.into_iter().map(|(_, size)| size).collect();
    survey.half_cropped =
        sizes.iter().filter(|[a, b]| u64::from(*a.max(b)) > 2 * u64::from(*a.min(b))).count();
    sizes.sort_unstable_by_key(|&[width, height]| (u64::from(width) * u64::from(height), width));
    survey.smallest = sizes.first().copied();
    survey.median = sizes.get(sizes.len() / 2).copied();
    survey.largest = sizes.last().copied();
    survey.unused = folders.iter().flat_map(|folder| folder.listing.unused.files()).collect();
    survey
}

/// Format and size of an image file, where it is one.
pub(super) fn head(source: &Source, path: &Path) -> Option<(&'static str, [u32; 2])> {
    match source {
        // Opening a pipe might never end.
        Source::Folders if !path.is_file() => None,
        Source::Folders => head_of(ImageReader::open(path).ok()?),
        Source::Archives(archives) => {
            head_of(ImageReader::new(Cursor::new(archives.read(path).ok()?)))
        }
    }
}

fn head_of(reader: ImageReader<impl BufRead + Seek>) -> Option<(&'static str, [u32; 2])> {
    let reader = reader.with_guessed_format().ok()?;
    let format = format_name(reader.format()?)?;
    let (width, height) = reader.into_dimensions().ok()?;
    Some((format, [width, height]))
}

/// A decoded file, in the order of sets.
struct Content {
    hash: ContentHash,
    folder: usize,
    split: &'static str,
    place: usize,
}

fn copies(folders: &[&ListedFolder], paths: &[PathBuf]) -> Copies {
    let mut contents = Vec::new();
    for (number, folder) in folders.iter().enumerate() {
        let packed = folder.packed.as_ref().into_iter().flat_map(|packed| packed.contents());
        contents.extend(packed.map(|(hash, split, place)| Content {
            hash,
            folder: number,
            split,
            place,
        }));
    }
    contents.sort_unstable_by_key(|of| (of.hash, of.folder, of.split, of.place));
    let groups: Vec<&[Content]> =
        contents.chunk_by(|a, b| a.hash == b.hash).filter(|group| group.len() > 1).collect();
    let names = Names::new(folders, paths);
    let is_test = |content: &&Content| content.split == "test";
    let leaks = |group: &&&[Content]| {
        let tests = group.iter().filter(is_test).count();
        tests > 0 && tests < group.len()
    };
    // The first by name, so that the example is always the same.
    let example = groups.iter().map(|group| [names.of(&group[0]), names.of(&group[1])]).min();
    let test_example = groups.iter().filter(leaks).map(|group| {
        let test = group.iter().find(is_test).expect("one of them");
        let other = group.iter().find(|content| !is_test(content)).expect("one of them");
        [names.of(test), names.of(other)]
    });
    Copies {
        groups: groups.len(),
        files: groups.iter().map(|group| group.len() - 1).sum(),
        example,
        test_images: groups
            .iter()
            .filter(leaks)
            .flat_map(|group| group.iter().filter(is_test))
            .count(),
        test_example: test_example.min(),
    }
}

/// Names of decoded images.
struct Names {
    sets: Vec<Option<crate::Dataset>>,
    /// What names begin with where there are several sets, or one in an archive.
    set_names: Option<Vec<String>>,
}

impl Names {
    fn new(folders: &[&ListedFolder], paths: &[PathBuf]) -> Self {
        let open = |folder: &&ListedFolder| {
            let packed = folder.packed.as_ref()?;
            stl10::open_part(&packed.path()).ok()
        };
        let of_folder = |names: Vec<String>| {
            let dirs =
                folders.iter().map(|folder| paths.iter().position(|path| *path == folder.dir));
            dirs.map(|at| at.map_or(String::new(), |at| names[at].clone())).collect()
        };
        let set_names = shown_names(paths).map(of_folder);
        Self { sets: folders.iter().map(open).collect(), set_names }
    }

    fn of(&self, content: &Content) -> String {
        let set = self.sets[content.folder].as_ref();
        let split = set.and_then(|set| {
            set.splits().find(|(name, _)| *name == content.split).map(|(_, split)| split.clone())
        });
        let name = split.as_ref().filter(|split| content.place < split.len());
        let name = name.and_then(|split| split.name(content.place).map(String::from));
        let name = name.unwrap_or_else(|| format!("{}/{}", content.split, content.place));
        match &self.set_names {
            Some(names) => format!("{}/{name}", names[content.folder]),
            None => name,
        }
    }
}
