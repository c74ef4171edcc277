//! Splits and classes of archives whose members have labels of their own.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use super::{Archive, Archives};
use crate::Error;
use crate::formats::folder::listing::{Files, Listing, by_value, images};
use crate::formats::folder::split_name::{SplitName, TEST};
use crate::formats::folder::unused::Unused;
use crate::union::MAX_CLASSES;

/// The images of labeled `archives`, which are in `dir` or are `dir` itself: labeled ones to train
/// or test by the split of their archive, others unlabeled.
pub(in super::super) fn scan_labeled(
    dir: &Path,
    archives: &Archives,
    unused: &mut Unused,
) -> Result<Listing, Error> {
    let class_names = class_names(&archives.archives);
    if class_names.len() > MAX_CLASSES {
        return Err(Error::Folder {
            path: dir.to_owned(),
            expected: format!("at most {MAX_CLASSES} classes"),
            found: class_names.len().to_string(),
        });
    }
    let numbers = class_names.iter().map(String::as_str).zip(0u16..);
    let mut split = Split { numbers: numbers.collect(), ..Split::default() };
    archives.archives.iter().for_each(|archive| split.add(archive));
    archives.note_others(unused);
    let Split { unlabeled, train, mut tests, untested, .. } = split;
    // As among folders, the first name that is there measures.
    let test = tests.pop_first().map(|(_, files)| files);
    for (number, files) in tests {
        let name = SplitName::Test(number).folder();
        unused.add_folder(Path::new(name), &images(files.paths.len()));
    }
    if untested > 0 {
        unused.add_folder(Path::new(TEST[0]), &format!("{} without labels", images(untested)));
    }
    let kept = |files: Files| (!files.paths.is_empty()).then_some(files);
    let (unlabeled, train) = (kept(unlabeled), kept(train));
    let kind = archives.kind();
    Ok(Listing { kind, unlabeled, train, test, class_names, ..Listing::default() })
}

#[derive(Default)]
struct Split<'a> {
    numbers: HashMap<&'a str, u16>,
    unlabeled: Files,
    train: Files,
    /// By the number of their name.
    tests: BTreeMap<usize, Files>,
    /// Images of a test split without labels.
    untested: usize,
}

impl Split<'_> {
    fn add(&mut self, archive: &Archive) {
        let Archive { path, split, contents, .. } = archive;
        for member in &contents.members {
            let label = member.label.map(|label| contents.labels[label as usize].as_str());
            let files = match (split, label) {
                (Some(SplitName::Test(number)), Some(_)) => self.tests.entry(*number).or_default(),
                (Some(SplitName::Test(_)), None) => {
                    self.untested += 1;
                    continue;
                }
                (None | Some(SplitName::Train), Some(_)) => &mut self.train,
                (None | Some(SplitName::Train), None) | (Some(SplitName::Unlabeled), _) => {
                    self.unlabeled.paths.push(path.join(&member.name));
                    continue;
                }
            };
            files.paths.push(path.join(&member.name));
            files.labels.get_or_insert_default().extend(label.map(|label| self.numbers[label]));
        }
    }
}

/// The classes of all archives: in the order that they say, where all say the same one; else
/// numbers by value, or by name.
fn class_names(archives: &[Archive]) -> Vec<String> {
    let contents = || archives.iter().map(|archive| &archive.contents);
    let mut labeled = contents().filter(|contents| !contents.labels.is_empty());
    if let Some(first) = labeled.next()
        && first.ordered
        && labeled.all(|other| other.ordered && other.labels == first.labels)
    {
        return first.labels.clone();
    }
    let names: BTreeSet<&String> = contents().flat_map(|contents| &contents.labels).collect();
    by_value(names.into_iter().cloned().collect())
}
