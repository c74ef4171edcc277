//! What there is to choose from, for people.

/// What keeps a method's projections from collapsing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Other images push.
    Contrastive,
    /// Projected features are to differ from each other.
    RedundancyReducing,
    /// One side of the pair is held still.
    NegativeFree,
    /// Assignments to clusters, sharp for each image and even over all.
    Clustering,
}

impl Family {
    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Contrastive => "contrastive",
            Self::RedundancyReducing => "redundancy-reducing",
            Self::NegativeFree => "negative-free",
            Self::Clustering => "clustering",
        }
    }
}

/// A row of the table of methods.
#[derive(Clone, Copy, Debug)]
pub struct MethodInfo {
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
    /// The values of `variant`; none where there is only one.
    pub variants: &'static [&'static str],
}

impl MethodInfo {
    /// Whether it is one of the seed repository's, with its settings.
    pub fn has_seed_form(&self) -> bool {
        self.variants.contains(&"seed")
    }
}

const fn row(
    (name, title): (&'static str, &'static str),
    family: Family,
    summary: &'static str,
    paper: &'static str,
    variants: &'static [&'static str],
) -> MethodInfo {
    MethodInfo { name, title, family, summary, paper, variants }
}

/// Every method of the registry, in its order.
#[rustfmt::skip]
pub const METHODS: &[MethodInfo] = &[
    row(("simclr", "SimCLR"), Family::Contrastive, "tell the other view of an image from those of all other images", "arXiv 2002.05709", &["seed", "paper"]),
    row(("nnclr", "NNCLR"), Family::Contrastive, "as SimCLR, with an image's nearest earlier neighbor in its place", "arXiv 2104.14548", &["seed", "paper", "all_views"]),
    row(("dcl", "DCL"), Family::Contrastive, "as SimCLR, with the positive pair out of the denominator", "arXiv 2110.06848", &["seed", "paper", "weighted"]),
    row(("barlow_twins", "Barlow Twins"), Family::RedundancyReducing, "make the cross-correlation of the two views the identity", "arXiv 2103.03230", &["seed", "paper"]),
    row(("hsic_twins", "HSIC-Twins"), Family::RedundancyReducing, "as Barlow Twins, with off-diagonal entries drawn to -1", "arXiv 2104.13712", &["seed", "paper"]),
    row(("twist", "TWIST"), Family::Clustering, "the same clusters for both views, sharp for each image, even over all", "arXiv 2110.07402", &["seed", "paper"]),
    row(("moco", "MoCo"), Family::Contrastive, "as SimCLR, with a momentum teacher's earlier projections as negatives", "arXiv 1911.05722", &["seed", "v2", "v3"]),
    row(("dino", "DINO"), Family::Clustering, "predict a momentum teacher's centered, sharpened assignment of the other view", "arXiv 2104.14294", &["seed", "paper"]),
    row(("byol", "BYOL"), Family::NegativeFree, "predict a momentum teacher's projection of the other view", "arXiv 2006.07733", &[]),
    row(("simsiam", "SimSiam"), Family::NegativeFree, "predict the other view's projection, held fixed", "arXiv 2011.10566", &[]),
    row(("vicreg", "VICReg"), Family::RedundancyReducing, "agree, keep the variance of every feature, decorrelate them", "arXiv 2105.04906", &[]),
    row(("swav", "SwAV"), Family::Clustering, "predict the other view's assignment to prototypes, balanced over the batch", "arXiv 2006.09882", &[]),
];
