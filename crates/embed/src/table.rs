//! What goes into a file.

use dataset::ConcatSplits;

/// The images of a file, a row each, and what is said of all of them.
#[derive(Clone, Debug)]
pub struct Table<'a> {
    /// The images, in the order of the rows.
    pub images: &'a ConcatSplits<'a>,
    /// Number of features of an image.
    pub features: usize,
    /// Where the features come from, by name, for the formats that have room for it.
    pub about: Vec<(&'static str, String)>,
}

impl Table<'_> {
    /// [`about`](Self::about), and the names that the numbers of labels and splits stand for, as
    /// JSON lists.
    pub(crate) fn metadata(&self) -> Vec<(&'static str, String)> {
        let splits: Vec<&str> = self.images.splits().iter().map(|(name, _)| *name).collect();
        let list = |names: &[&str]| serde_json::to_string(names).expect("names are valid JSON");
        let classes: Vec<&str> = self.images.class_names().iter().map(String::as_str).collect();
        let mut metadata = self.about.clone();
        metadata.extend([("split_names", list(&splits)), ("class_names", list(&classes))]);
        metadata
    }
}
