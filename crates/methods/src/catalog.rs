//! What there is to choose from, for people.

/// What keeps a method's projections from collapsing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Other images push.
    Contrastive,
    /// A teacher's sharpened and centred assignments.
    Clustering,
}

impl Family {
    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Contrastive => "contrastive",
            Self::Clustering => "clustering",
        }
    }
}

/// A row of the table of methods.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The key in configs and the word on the command line.
    pub name: &'static str,
    /// The title that papers use.
    pub title: &'static str,
    /// What keeps it from collapsing.
    pub family: Family,
    /// Its idea in one line.
    pub summary: &'static str,
    /// Where it was published.
    pub paper: &'static str,
}

/// Every method of the registry, in the order of its variants.
pub const CATALOG: &[Entry] = &[
    Entry {
        name: "simclr",
        title: "SimCLR",
        family: Family::Contrastive,
        summary: "tell the other view of an image from those of all other images",
        paper: "arXiv 2002.05709",
    },
    Entry {
        name: "dino",
        title: "DINO",
        family: Family::Clustering,
        summary: "predict a momentum teacher's centred, sharpened assignment of the other view",
        paper: "arXiv 2104.14294",
    },
];
