//! Labels of images from a CSV file: `path,label` and, where there is one, `split`.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::{Component, Path, PathBuf};

use csv::{ReaderBuilder, StringRecord, Trim};
use files::{OneLine, replace_control};

use super::ListedFolder;
use super::bad_files::BadFiles;
use super::listing::{Files, by_value};
use super::source::Source;
use super::split_name::{SplitName, TEST};
use crate::Error;
use crate::union::MAX_CLASSES;

/// Names of the columns, in small letters.
const PATH: [&str; 5] = ["path", "file", "file_name", "filename", "image"];
const LABEL: [&str; 2] = ["label", "class"];
const SPLIT: [&str; 1] = ["split"];
const SEPARATORS: [u8; 3] = [b',', b';', b'\t'];
const MAX_BYTES: u64 = 1 << 30;

/// A row: one image, its label, which may be empty, and its split, if it says so.
#[derive(Debug)]
struct Row {
    line: u64,
    path: String,
    label: String,
    split: Option<SplitName>,
}

/// Gives the images of `folders` the labels and splits that the CSV file `file` has for them.
///
/// # Errors
/// If it can't be read or has wrong rows. Rows without an image are left out with `leave_out`.
pub(crate) fn label_images(
    file: &Path,
    mut folders: Vec<&mut ListedFolder>,
    leave_out: bool,
) -> Result<(), Error> {
    let text = read(file)?;
    let images = Images::new(file, &folders);
    let rows = parse(file, &text, &images)?;
    let found = Found::new(rows, &images);
    let missing = found.missing.error(file, &format!("images of {}", images.places()));
    let ambiguous = found.ambiguous.error(file, "rows that name one image each");
    let conflicts = found.conflicts.error(file, "one label and one split for each image");
    let left_out = if leave_out { missing } else { missing.map_or(Ok(None), Err)? };
    for wrong in [ambiguous, conflicts] {
        wrong.map_or(Ok(()), Err)?;
    }
    if let Some(first) = &found.empty.first {
        let count = found.empty.count;
        let rows = if count == 1 { "1 row has" } else { &format!("{count} rows have") };
        tracing::info!("{}: {rows} no label, the first {first}", OneLine(&file));
    }
    let classes = class_names(&found.labels);
    if classes.len() > MAX_CLASSES {
        return Err(text_error(file, "at most 65535 classes", classes.len().to_string()));
    }
    let labels = found.labels;
    drop(images);
    if let (Some(error), Some(ListedFolder { bad: BadFiles::LeftOut(lines), .. })) =
        (left_out, folders.first_mut().map(|folder| &mut **folder))
    {
        lines.push(error.to_string());
    }
    let mut counts = Counts::default();
    for (number, folder) in folders.iter_mut().enumerate() {
        counts.divide(number, folder, &labels, &classes);
    }
    counts.check(file)?;
    counts.log(file, classes.len());
    Ok(())
}

/// The text of the file.
fn read(file: &Path) -> Result<String, Error> {
    let metadata = fs::metadata(file).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            Error::Missing { path: file.to_owned(), expected: "a CSV file of labels" }
        }
        _ => Error::io(file, "open")(error),
    })?;
    if !metadata.is_file() {
        return Err(text_error(file, "a CSV file of labels", "no plain file".into()));
    }
    if metadata.len() > MAX_BYTES {
        let expected = format!("at most {MAX_BYTES} bytes");
        return Err(Error::Length { path: file.to_owned(), expected, found_bytes: metadata.len() });
    }
    let bytes = fs::read(file).map_err(Error::io(file, "read"))?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        text_error(file, "text in UTF-8", format!("other bytes in line {line}"))
    })?;
    Ok(match text.strip_prefix('\u{feff}') {
        Some(text) => text.to_owned(),
        None => text,
    })
}

/// The columns of the fields.
struct Columns {
    path: usize,
    label: usize,
    split: Option<usize>,
}

impl Columns {
    /// Those that the header `first` names; `None` where it is no header.
    fn of_header(file: &Path, first: &StringRecord) -> Result<Option<Self>, Error> {
        let at = |names: &[&str]| {
            first.iter().position(|field| names.contains(&field.to_lowercase().as_str()))
        };
        match (at(&PATH), at(&LABEL)) {
            (Some(path), Some(label)) => Ok(Some(Self { path, label, split: at(&SPLIT) })),
            (None, None) => Ok(None),
            _ => Err(no_header(file, first)),
        }
    }
}

fn no_header(file: &Path, first: &StringRecord) -> Error {
    let found: Vec<&str> = first.iter().collect();
    let expected = "the header path,label, or the path of an image and its label in each line";
    text_error(file, expected, format!("{:?} in line 1", found.join(",")))
}

/// The rows of the file.
fn parse(file: &Path, text: &str, images: &Images<'_>) -> Result<Vec<Row>, Error> {
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(Trim::All)
        .delimiter(separator(text))
        .from_reader(text.as_bytes());
    let mut columns = None;
    let mut rows = Vec::new();
    for record in reader.records() {
        let record =
            record.map_err(|error| text_error(file, "a CSV file of labels", error.to_string()))?;
        let columns = match &columns {
            Some(columns) => columns,
            None => match Columns::of_header(file, &record)? {
                Some(header) => {
                    columns = Some(header);
                    continue;
                }
                None if record.len() > 1 && images.is_there(&record[0]) => {
                    let split = (record.len() > 2).then_some(2);
                    columns.insert(Columns { path: 0, label: 1, split })
                }
                None => return Err(no_header(file, &record)),
            },
        };
        let line = record.position().map_or(0, csv::Position::line);
        let field = |at: usize| record.get(at).unwrap_or_default();
        let split = match columns.split.map(field) {
            None | Some("") => None,
            Some(name) => Some(SplitName::of_name(name).ok_or_else(|| {
                let expected = "the split train, test, val or unlabeled";
                text_error(file, expected, format!("{name:?} in line {line}"))
            })?),
        };
        let path = field(columns.path).to_owned();
        let label = replace_control(Cow::Borrowed(field(columns.label))).into_owned();
        rows.push(Row { line, path, label, split });
    }
    if rows.is_empty() {
        return Err(text_error(file, "rows of images and labels", "none".into()));
    }
    Ok(rows)
}

/// The separator that is most frequent in the first line.
fn separator(text: &str) -> u8 {
    let line = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let count = |separator: u8| line.bytes().filter(|&byte| byte == separator).count();
    // The first of equally frequent ones.
    SEPARATORS.into_iter().rev().max_by_key(|&separator| count(separator)).unwrap_or(b',')
}

/// An image: the number of its folder, and its number among the images of that.
type Place = (usize, usize);

/// The listed images, by path.
struct Images<'a> {
    /// Of each folder: where it is without links, and its images by their paths in it.
    folders: Vec<(&'a Path, PathBuf, HashMap<&'a Path, usize>)>,
    /// What names begin with where there are several folders.
    set_names: Vec<String>,
    /// The folder of the file of labels, without links.
    beside: PathBuf,
}

impl<'a> Images<'a> {
    fn new(file: &Path, folders: &'a [&mut ListedFolder]) -> Self {
        let place = |dir: &Path| fs::canonicalize(dir).unwrap_or_else(|_| dir.to_owned());
        let of_folder = |folder: &'a &mut ListedFolder| {
            let dir = folder.dir.as_path();
            let paths = folder.listing.unlabeled.iter().flat_map(|files| &files.paths);
            let inside = |path: &'a PathBuf| path.strip_prefix(dir).unwrap_or(path);
            (dir, place(dir), paths.enumerate().map(|(at, path)| (inside(path), at)).collect())
        };
        let paths: Vec<PathBuf> = folders.iter().map(|folder| folder.dir.clone()).collect();
        let set_names = crate::union::shown_names(&paths).unwrap_or_default();
        let beside = file.parent().filter(|parent| !parent.as_os_str().is_empty());
        let beside = place(beside.unwrap_or(Path::new(".")));
        Self { folders: folders.iter().map(of_folder).collect(), set_names, beside }
    }

    /// The folders, for messages.
    fn places(&self) -> String {
        let names: Vec<String> =
            self.folders.iter().map(|(dir, ..)| dir.display().to_string()).collect();
        names.join(", ")
    }

    fn is_there(&self, path: &str) -> bool {
        !self.find(path).is_empty()
    }

    /// The images that `path` names, at most one of each folder: relative to the folders of images,
    /// to that of the file of labels, or from the root.
    fn find(&self, path: &str) -> Vec<Place> {
        let path = normal(Path::new(path));
        if path.as_os_str().is_empty() {
            return Vec::new();
        }
        let mut found: Vec<Place> = Vec::new();
        for (number, (_, _, images)) in self.folders.iter().enumerate() {
            found.extend(images.get(path.as_path()).map(|&at| (number, at)));
        }
        for (number, name) in self.set_names.iter().enumerate() {
            let inside = path.strip_prefix(name).ok();
            let at = inside.and_then(|inside| self.folders[number].2.get(inside));
            found.extend(at.map(|&at| (number, at)));
        }
        if found.is_empty() {
            let whole = normal(&self.beside.join(&path));
            found.extend(self.find_absolute(&whole));
            // By another way, with links in it.
            if found.is_empty()
                && let Ok(whole) = fs::canonicalize(&whole)
            {
                found.extend(self.find_absolute(&whole));
            }
        }
        found.dedup();
        found
    }

    fn find_absolute(&self, path: &Path) -> Option<Place> {
        self.folders.iter().enumerate().find_map(|(number, (_, place, images))| {
            let at = images.get(path.strip_prefix(place).ok()?)?;
            Some((number, *at))
        })
    }
}

/// A path without `.` and `..`, as far as they can be taken out.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir if normal.file_name().is_some() => drop(normal.pop()),
            other => normal.push(other),
        }
    }
    normal
}

/// Rows of one kind of mistake.
#[derive(Debug, Default)]
struct Problem {
    count: usize,
    /// The first of them, in words.
    first: Option<String>,
}

impl Problem {
    fn add(&mut self, first: impl FnOnce() -> String) {
        self.count += 1;
        self.first.get_or_insert_with(first);
    }

    fn error(&self, file: &Path, expected: &str) -> Option<Error> {
        let first = self.first.as_ref()?;
        let found = match self.count {
            1 => first.clone(),
            count => format!("{count} rows with something else, the first {first}"),
        };
        Some(text_error(file, expected, found))
    }
}

/// What a row says of its image.
#[derive(Debug)]
struct Label {
    class: String,
    split: Option<SplitName>,
    line: u64,
}

/// What the rows say of the images, and what is wrong with them.
struct Found {
    labels: HashMap<Place, Label>,
    missing: Problem,
    ambiguous: Problem,
    conflicts: Problem,
    empty: Problem,
}

impl Found {
    fn new(rows: Vec<Row>, images: &Images<'_>) -> Self {
        let mut found = Self {
            labels: HashMap::new(),
            missing: Problem::default(),
            ambiguous: Problem::default(),
            conflicts: Problem::default(),
            empty: Problem::default(),
        };
        for row in rows {
            let Row { line, path, label, split } = row;
            let place = match images.find(&path).as_slice() {
                [] => {
                    found.missing.add(|| format!("{path} in line {line}, which is none"));
                    continue;
                }
                [place] => *place,
                [..] => {
                    found.ambiguous.add(|| format!("{path} in line {line}, which is in several"));
                    continue;
                }
            };
            if label.is_empty() && split != Some(SplitName::Unlabeled) {
                found.empty.add(|| format!("{path} in line {line}"));
            }
            let new = Label { class: label, split, line };
            let before = found.labels.entry(place);
            let before = before.or_insert_with(|| Label { class: new.class.clone(), ..new });
            if (&before.class, before.split) != (&new.class, new.split) {
                let other = before.line;
                found.conflicts.add(|| format!("others for {path} in lines {other} and {line}"));
            }
        }
        found
    }
}

/// The names of the classes in the order of their numbers.
fn class_names(labels: &HashMap<Place, Label>) -> Vec<String> {
    let labeled = labels.values().filter(|label| label.is_labeled());
    let names: BTreeSet<&String> = labeled.map(|label| &label.class).collect();
    by_value(names.into_iter().cloned().collect())
}

impl Label {
    fn is_labeled(&self) -> bool {
        !self.class.is_empty() && self.split != Some(SplitName::Unlabeled)
    }
}

/// Images of each split.
#[derive(Default)]
struct Counts {
    train: usize,
    test: usize,
    unlabeled: usize,
    unused: usize,
}

impl Counts {
    /// Divides the images of `folder`, number `number`, into splits.
    fn divide(
        &mut self,
        number: usize,
        folder: &mut ListedFolder,
        labels: &HashMap<Place, Label>,
        classes: &[String],
    ) {
        let class_numbers: HashMap<&str, u16> =
            classes.iter().map(String::as_str).zip(0u16..).collect();
        // As among folders, the first name that is there measures.
        let measured = labels.values().filter(|label| label.is_labeled());
        let measured = measured.filter_map(|label| match label.split {
            Some(SplitName::Test(number)) => Some(number),
            _ => None,
        });
        let measured = measured.min();
        let paths = folder.listing.unlabeled.take().map_or(Vec::new(), |files| files.paths);
        let dir = &folder.dir;
        let (mut unlabeled, mut train, mut test) =
            (Files::default(), Files::default(), Files::default());
        for (at, path) in paths.into_iter().enumerate() {
            let label = labels.get(&(number, at)).filter(|label| label.is_labeled());
            let Some(Label { class, split, .. }) = label else {
                unlabeled.paths.push(path);
                continue;
            };
            let files = match split {
                Some(SplitName::Test(name)) if Some(*name) != measured => {
                    self.unused += 1;
                    continue;
                }
                Some(SplitName::Test(_)) => &mut test,
                None if is_test(dir, &path, &folder.listing.source) => &mut test,
                _ => &mut train,
            };
            files.paths.push(path);
            files.labels.get_or_insert_default().push(class_numbers[class.as_str()]);
        }
        let kept = |files: Files| (!files.paths.is_empty()).then_some(files);
        self.train += train.paths.len();
        self.test += test.paths.len();
        self.unlabeled += unlabeled.paths.len();
        let listing = &mut folder.listing;
        (listing.unlabeled, listing.train, listing.test) =
            (kept(unlabeled), kept(train), kept(test));
        listing.class_names = classes.to_vec();
    }

    fn check(&self, file: &Path) -> Result<(), Error> {
        if self.train == 0 {
            let found = match self.test {
                0 => "none".to_owned(),
                test => format!("{test} of test images only"),
            };
            return Err(text_error(file, "labels of training images", found));
        }
        Ok(())
    }

    fn log(&self, file: &Path, classes: usize) {
        let Self { train, test, unlabeled, unused } = self;
        tracing::info!(
            "{}: labels of {train} training and {test} test images, {classes} classes; {unlabeled} \
             images are unlabeled",
            OneLine(&file)
        );
        if *unused > 0 {
            tracing::warn!(
                "{}: not used: {unused} images of another split than the one that tests",
                OneLine(&file)
            );
        }
    }
}

/// Whether an image is in the folder of a test split, as `test/`, or in an archive of one.
fn is_test(dir: &Path, path: &Path, source: &Source) -> bool {
    if let Source::Archives(archives) = source
        && let Some(split) = archives.split(path)
    {
        return matches!(split, SplitName::Test(_));
    }
    let inside = path.strip_prefix(dir).unwrap_or(path);
    let mut components = inside.components();
    let first = components.next().map(|first| first.as_os_str().to_string_lossy().to_lowercase());
    components.next().is_some() && first.is_some_and(|first| TEST.contains(&first.as_str()))
}

fn text_error(file: &Path, expected: &str, found: String) -> Error {
    Error::Text { path: file.to_owned(), expected: expected.to_owned(), found }
}
