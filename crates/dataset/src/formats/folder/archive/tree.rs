//! The members of archives as folders and images, as if all archives were unpacked into one folder,
//! those of a split into a folder of its name.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::Archive;
use crate::formats::folder::entries::Entries;
use crate::formats::folder::split_name::SplitName;

/// Folders in archives, by the paths that they would have if they were unpacked.
#[derive(Debug, Default)]
pub struct Tree {
    folders: BTreeMap<PathBuf, Folder>,
}

#[derive(Debug, Default)]
struct Folder {
    folders: BTreeSet<PathBuf>,
    images: Vec<PathBuf>,
    others: Vec<PathBuf>,
}

impl Tree {
    /// The members of `archives`, which are in `dir` or are `dir` itself.
    pub(super) fn new(dir: &Path, archives: &[Archive]) -> Self {
        let mut tree = Self::default();
        tree.folders.entry(dir.to_owned()).or_default();
        for archive in archives {
            tree.add(dir, archive);
        }
        tree
    }

    fn add(&mut self, dir: &Path, archive: &Archive) {
        let contents = &archive.contents;
        let names = || contents.members.iter().map(|member| member.name.as_str());
        let top = top(names().collect(), archive.split);
        let base = match archive.split {
            Some(split) => dir.join(split.folder()),
            None => dir.to_owned(),
        };
        for name in names() {
            self.folder_of(dir, &base, &name[top..]).images.push(archive.path.join(name));
        }
        // They are only told of, wherever they are.
        let root = self.folders.entry(dir.to_owned()).or_default();
        root.others.extend(contents.others.iter().map(|name| archive.path.join(name)));
    }

    /// The folder of the member `name`, which is made where it is not there.
    fn folder_of(&mut self, dir: &Path, base: &Path, name: &str) -> &mut Folder {
        let mut path = base.to_owned();
        if let Some((folders, _)) = name.rsplit_once('/') {
            path.push(folders);
        }
        if !self.folders.contains_key(&path) {
            let mut inner = path.as_path();
            while inner != dir
                && let Some(above) = inner.parent()
            {
                self.folders.entry(above.to_owned()).or_default().folders.insert(inner.to_owned());
                inner = above;
            }
        }
        self.folders.entry(path).or_default()
    }

    /// What is in the folder at `path`.
    pub(in super::super) fn entries(&self, path: &Path) -> Entries {
        let Some(folder) = self.folders.get(path) else { return Entries::default() };
        Entries {
            folders: folder.folders.iter().cloned().collect(),
            images: folder.images.clone(),
            others: folder.others.clone(),
        }
    }
}

/// The length of what all names begin with and what says nothing: folders that hold nothing but one
/// folder, and a folder of the archive's split.
fn top(names: Vec<&str>, split: Option<SplitName>) -> usize {
    let mut length = 0;
    loop {
        let rest = |name: &&str| name[length..].to_owned();
        let Some(first) = names.first().map(rest) else { return length };
        let Some((folder, _)) = first.split_once('/') else { return length };
        let of_folder = SplitName::of_name(folder);
        let is_split = of_folder.is_some();
        let says_nothing = |name: &&str| {
            let inner = name[length..].strip_prefix(folder)?.strip_prefix('/')?;
            (is_split || inner.contains('/')).then_some(())
        };
        if (is_split && of_folder != split) || names.iter().any(|name| says_nothing(name).is_none())
        {
            return length;
        }
        length += folder.len() + 1;
    }
}
