//! Near-duplicates of each other, with the one to keep.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;

use dataset::{ConcatSplits, ImageDimensions};
use eval::Duplicates;
use report::{Frame, SheetRow};
use serde_json::{Value, json};

use crate::app::tiles;

/// Images of which one is enough.
pub struct DuplicateGroup {
    /// The one to keep: the largest image, of equals the one with the shortest name, then the
    /// first.
    keep: Member,
    /// The others, by name.
    others: Vec<Member>,
}

/// An image of a group.
struct Member {
    row: usize,
    /// Cosine to the most similar one of its group.
    cosine: f64,
    /// Width and height of its file; `None` where the set has no such file.
    size: Option<(u32, u32)>,
}

impl DuplicateGroup {
    /// The groups of the pairs in `found`; the set was read from `paths`.
    pub fn all(found: &Duplicates, images: &ConcatSplits<'_>, paths: &[PathBuf]) -> Vec<Self> {
        let mut cosines = BTreeMap::new();
        for (row, cosine) in
            found.pairs.iter().flat_map(|pair| pair.rows.map(|row| (row, pair.cosine)))
        {
            let highest: &mut f64 = cosines.entry(row).or_insert(cosine);
            *highest = highest.max(cosine);
        }
        let dimensions = ImageDimensions::default();
        let size = |name: &str| dimensions.of(&dataset::image_file(paths, name)?);
        let group = |rows| Self::new(rows, &cosines, images, &size);
        found.groups().into_iter().map(group).collect()
    }

    /// The group of the images at `rows`, at least one, each of which has a cosine.
    fn new(
        rows: Vec<usize>,
        cosines: &BTreeMap<usize, f64>,
        images: &ConcatSplits<'_>,
        size: &dyn Fn(&str) -> Option<(u32, u32)>,
    ) -> Self {
        let member = |row: usize| {
            let name = images.record(row).name;
            Member { row, cosine: cosines[&row], size: name.and_then(|name| size(&name)) }
        };
        let mut members: Vec<Member> = rows.into_iter().map(member).collect();
        let name = |member: &Member| images.record(member.row).to_string();
        members.sort_by_cached_key(|member| (name(member), member.row));
        let pixels = |member: &Member| {
            member.size.map(|(width, height)| u64::from(width) * u64::from(height))
        };
        let best = members.iter().enumerate().min_by_key(|(at, member)| {
            // Copies have longer names: "photo (1).jpg", "copy of photo.jpg".
            (Reverse(pixels(member)), name(member).chars().count(), *at)
        });
        let keep = members.remove(best.expect("a group has members").0);
        Self { keep, others: members }
    }

    /// As JSON: the image to keep, and the others.
    pub fn value(&self, images: &ConcatSplits<'_>) -> Value {
        let others: Vec<_> = self.others.iter().map(|other| images.record(other.row)).collect();
        json!({"keep": images.record(self.keep.row), "others": others})
    }

    /// As a row of a contact sheet.
    pub fn row(&self, images: &ConcatSplits<'_>) -> SheetRow {
        let tile = |member: &Member, words: String, frame| {
            let size = member.size.map(|(width, height)| format!("{width} × {height}"));
            let words: Vec<String> = [words].into_iter().chain(size).collect();
            tiles::tile(images, member.row, &words, frame)
        };
        let other = |member: &Member| tile(member, tiles::cosine(member.cosine), Frame::Plain);
        SheetRow {
            query: Some(tile(&self.keep, "keep".to_owned(), Frame::Query)),
            tiles: self.others.iter().map(other).collect(),
        }
    }
}

/// A line for each group, the image to keep first; nothing where there are none.
pub fn groups_text(groups: &[DuplicateGroup], images: &ConcatSplits<'_>) -> String {
    let mut text = String::new();
    if groups.is_empty() {
        return text;
    }
    let plural = if groups.len() == 1 { "" } else { "s" };
    let _ = writeln!(text, "{} group{plural}; of each, keep the first:", groups.len());
    for DuplicateGroup { keep, others } in groups {
        let names = std::iter::once(keep).chain(others);
        let names: Vec<String> = names.map(|one| images.record(one.row).to_string()).collect();
        let _ = writeln!(text, "{}", names.join("  "));
    }
    text
}
