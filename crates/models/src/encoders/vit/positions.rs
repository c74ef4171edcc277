//! Position embeddings of another grid of patches.

use tch::Tensor;

/// Position embeddings of patches, interpolated from one grid to another: bicubic and antialiased,
/// as timm does, so that a network that learned one size gives the same features here at another.
/// DINOv2's own code does the same for its networks with registers only; those without it
/// interpolates without antialiasing.
///
/// # Shapes
/// `patches` `[1, rows * columns, d]` of the grid `from` -> the same of the grid `to`.
pub fn resample_positions(patches: &Tensor, from: [i64; 2], to: [i64; 2]) -> Tensor {
    if from == to {
        return patches.shallow_clone();
    }
    let features = patches.size()[2];
    patches
        .reshape([1, from[0], from[1], features])
        .permute([0, 3, 1, 2])
        .internal_upsample_bicubic2d_aa(to, false, None, None)
        .flatten(2, 3)
        .transpose(1, 2)
}
