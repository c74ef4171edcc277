//! What an archive holds: images, their labels, and other members.

use std::collections::HashMap;
use std::path::Path;

use super::name::Name;
use super::samples::Samples;
use crate::Error;
use crate::formats::folder::entries::{is_read, is_system};

/// Where the bytes of a member are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Location {
    /// So many bytes of the archive.
    Stored { offset: u64, length: u64 },
    /// A member of a zip archive.
    Zip(ZipMember),
    /// A row of a row group of a Parquet file.
    Row { group: u32, row: u32 },
}

/// Where a member of a zip archive is, and how it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ZipMember {
    /// Place of its local header.
    pub header: u64,
    /// Bytes in the archive.
    pub packed: u64,
    pub length: u64,
    pub deflated: bool,
    pub crc: u32,
}

/// An image in an archive.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Member {
    /// Its path in the archive, parts joined by `/`.
    pub name: String,
    pub location: Location,
    /// The number of its label among [`Contents::labels`].
    pub label: Option<u32>,
}

/// What an archive holds.
#[derive(Debug, Default)]
pub(super) struct Contents {
    /// The images, in the order in which they are read; each name is there once.
    pub members: Vec<Member>,
    /// Places of the images, ordered by name.
    by_name: Vec<u32>,
    /// Names of members that aren't used.
    pub others: Vec<String>,
    /// Texts of the labels, each once.
    pub labels: Vec<String>,
    /// Whether the order of the labels is that of the classes.
    pub ordered: bool,
    /// What can't be used.
    pub damage: Vec<Error>,
}

impl Contents {
    pub fn is_labeled(&self) -> bool {
        self.members.iter().any(|member| member.label.is_some())
    }

    /// The same, with a member for each name to be found by it.
    pub fn indexed(mut self) -> Self {
        let mut by_name: Vec<u32> = (0..self.members.len() as u32).collect();
        by_name.sort_unstable_by_key(|&at| &self.members[at as usize].name);
        self.by_name = by_name;
        self
    }

    /// The member of this name.
    pub fn member(&self, name: &str) -> Option<&Member> {
        let of = |at: &u32| self.members[*at as usize].name.as_str();
        let at = self.by_name.binary_search_by(|at| of(at).cmp(name)).ok()?;
        Some(&self.members[self.by_name[at] as usize])
    }
}

/// Gathers what an archive holds.
#[derive(Default)]
pub(super) struct ContentsBuilder {
    images: HashMap<String, Location>,
    others: Vec<String>,
    samples: Samples,
    damage: Vec<Error>,
}

impl ContentsBuilder {
    /// Adds a member. One of the same name takes the place of an earlier one, as in unpacking.
    pub fn add(&mut self, name: &Name, location: Location) {
        if name.parts().any(|part| is_system(part.as_ref())) {
            return;
        }
        if is_read(Path::new(name.as_str())) {
            self.images.insert(name.as_str().to_owned(), location);
        } else {
            self.others.push(name.as_str().to_owned());
        }
    }

    /// Adds a member that isn't used.
    pub fn add_other(&mut self, name: &Name) {
        self.others.push(name.as_str().to_owned());
    }

    /// Where an image that was added is.
    pub fn location(&self, name: &Name) -> Option<Location> {
        self.images.get(name.as_str()).copied()
    }

    /// Adds the label of a WebDataset sample from its file `.cls` or `.json`.
    pub fn add_label(&mut self, path: &Path, name: &Name, content: &[u8]) {
        match self.samples.add(path, name.as_str(), content) {
            Ok(true) => {}
            Ok(false) => self.others.push(name.as_str().to_owned()),
            Err(error) => self.damage.push(error),
        }
    }

    /// Adds what can't be used.
    pub fn add_damage(&mut self, error: Error) {
        self.damage.push(error);
    }

    pub fn finish(self) -> Contents {
        let Self { images, mut others, samples, damage } = self;
        let member = |(name, location): (String, Location)| {
            let label = samples.label(&name);
            Member { name, location, label }
        };
        let mut members: Vec<Member> = images.into_iter().map(member).collect();
        members.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        others.sort_unstable();
        let labels = samples.into_labels();
        Contents { members, others, labels, damage, ..Contents::default() }.indexed()
    }
}
