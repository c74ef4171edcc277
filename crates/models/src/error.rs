//! Errors of building models.

/// Why a model can't be built.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The image is consumed before the last convolution.
    #[error(
        "encoder.conv: {layers} convolutions of stride 2 need images of at least {least} pixels, found {found}"
    )]
    ImageTooSmall {
        /// Convolutions of the encoder.
        layers: i64,
        /// Smallest side that leaves one pixel.
        least: i64,
        /// Side of the images.
        found: i64,
    },
    /// There is no residual network of this depth.
    #[error("encoder.resnet.depth: expected 18, 34 or 50, found {found}")]
    Depth {
        /// Its value.
        found: i64,
    },
    /// Patches have another side than those that there are.
    #[error("encoder.vit.patch_size: expected 8, 12, 14 or 16, found {found}")]
    Patch {
        /// Its value.
        found: i64,
    },
    /// Patches don't cover the images that position embeddings are for.
    #[error(
        "encoder.vit.img_size: expected a multiple of encoder.vit.patch_size, {patch}, up to {most}, found {found}"
    )]
    NotWholePatches {
        /// Side of the patches.
        patch: i64,
        /// Largest side.
        most: i64,
        /// Its value.
        found: i64,
    },
    /// A setting is out of its range.
    #[error("{key}: expected {expected}, found {found}")]
    Range {
        /// The key in the config.
        key: &'static str,
        /// What is allowed.
        expected: &'static str,
        /// Its value.
        found: String,
    },
    /// A size that must be positive isn't.
    #[error("{key}: expected a positive number, found {found}")]
    NotPositive {
        /// The key in the config.
        key: &'static str,
        /// Its value.
        found: i64,
    },
}
