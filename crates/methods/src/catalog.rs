//! The table of methods that help texts and documents list.

/// What keeps a method's projections from collapsing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Negative pairs push projections apart.
    Contrastive,
    /// Features of a projection are decorrelated.
    RedundancyReducing,
    /// No negatives: a stop-gradient or momentum teacher on one side, a predictor on the other.
    NegativeFree,
    /// Projections are kept close to a normal distribution.
    Regularized,
    /// The targets are features of another network, which stays as it is.
    Distillation,
    /// Cluster assignments, confident for each image and balanced over all.
    Clustering,
}

impl Family {
    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Contrastive => "contrastive",
            Self::RedundancyReducing => "redundancy-reducing",
            Self::NegativeFree => "negative-free",
            Self::Regularized => "regularized",
            Self::Distillation => "distillation",
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
    pub fn has_seed_variant(&self) -> bool {
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
    row(("simclr", "SimCLR"), Family::Contrastive, "contrast two views of an image against all other images of the batch (NT-Xent)", "arXiv 2002.05709", &["seed", "paper"]),
    row(("nnclr", "NNCLR"), Family::Contrastive, "as SimCLR, with the nearest neighbor from a queue as the positive", "arXiv 2104.14548", &["seed", "paper", "all_views"]),
    row(("dcl", "DCL"), Family::Contrastive, "as SimCLR, without the positive pair in the denominator (decoupled contrastive loss)", "arXiv 2110.06848", &["seed", "paper", "weighted"]),
    row(("barlow_twins", "Barlow Twins"), Family::RedundancyReducing, "drive the cross-correlation matrix of the two views to the identity", "arXiv 2103.03230", &["seed", "paper"]),
    row(("hsic_twins", "HSIC-Twins"), Family::RedundancyReducing, "as Barlow Twins, with a target of -1 for off-diagonal entries", "arXiv 2104.13712", &["seed", "paper"]),
    row(("twist", "TWIST"), Family::Clustering, "consistent, confident and balanced class predictions for the two views", "arXiv 2110.07402", &["seed", "paper"]),
    row(("moco", "MoCo"), Family::Contrastive, "contrast against a queue of keys from a momentum encoder", "arXiv 1911.05722", &["seed", "v2", "v3"]),
    row(("dino", "DINO"), Family::Clustering, "self-distillation from a momentum teacher with centering and sharpening", "arXiv 2104.14294", &["seed", "paper", "sinkhorn"]),
    row(("byol", "BYOL"), Family::NegativeFree, "predict a momentum teacher's projection of the other view", "arXiv 2006.07733", &[]),
    row(("simsiam", "SimSiam"), Family::NegativeFree, "predict the other view's projection, with a stop-gradient", "arXiv 2011.10566", &[]),
    row(("vicreg", "VICReg"), Family::RedundancyReducing, "variance, invariance and covariance regularization", "arXiv 2105.04906", &[]),
    row(("swav", "SwAV"), Family::Clustering, "swapped prediction of cluster assignments balanced by Sinkhorn-Knopp", "arXiv 2006.09882", &[]),
    row(("lejepa", "LeJEPA"), Family::Regularized, "predict the center of an image's views; projections are kept an isotropic Gaussian (SIGReg)", "arXiv 2511.08544", &["paper", "minimal"]),
    row(("visreg", "VISReg"), Family::Regularized, "predict the center of an image's views; center, scale and shape of projections are regularized", "arXiv 2606.02572", &["paper", "lightly"]),
    row(("distill", "Distillation"), Family::Distillation, "learn the features of a frozen teacher, any TorchScript file, by their similarities to a queue of them", "lightly-train", &[]),
    row(("dinov2", "DINOv2"), Family::Clustering, "DINO on class tokens, prediction of masked patches (iBOT), features spread out (KoLeo); for vision transformers", "arXiv 2304.07193", &["centering", "sinkhorn"]),
];
