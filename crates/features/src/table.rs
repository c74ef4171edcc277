//! The images and metadata of a file of features.

use dataset::ConcatSplits;

/// The rows of a file, one an image, and its metadata.
#[derive(Clone, Debug)]
pub struct Table<'a> {
    /// The images, in the order of the rows.
    pub images: &'a ConcatSplits<'a>,
    /// Features per image.
    pub features: usize,
    /// Patches per image, where the features are those of its patches, one patch after the other;
    /// `None` for features of whole images.
    pub patches: Option<usize>,
    /// The cluster of each image, from 1; `None` for no such column.
    pub clusters: Option<&'a [u32]>,
    /// Metadata by name, such as the run and checkpoint that the features come from; written to
    /// Parquet and safetensors.
    pub about: Vec<(&'static str, String)>,
}

impl Table<'_> {
    /// Shape of all features: `[images, features]`, or `[images, patches, features of a patch]`.
    pub(crate) fn shape(&self) -> Vec<usize> {
        match self.patches {
            None => vec![self.images.len(), self.features],
            Some(patches) => vec![self.images.len(), patches, self.features / patches],
        }
    }

    /// [`about`](Self::about) with `split_names` and `class_names` as JSON lists.
    pub(crate) fn metadata(&self) -> Vec<(&'static str, String)> {
        let splits: Vec<&str> = self.images.splits().iter().map(|(name, _)| *name).collect();
        let list = |names: &[&str]| serde_json::to_string(names).expect("names are valid JSON");
        let classes: Vec<&str> = self.images.class_names().iter().map(String::as_str).collect();
        let mut metadata = self.about.clone();
        metadata.extend(self.patches.map(|patches| ("patches", patches.to_string())));
        metadata.extend([("split_names", list(&splits)), ("class_names", list(&classes))]);
        metadata
    }
}
