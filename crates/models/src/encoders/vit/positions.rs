//! Position embeddings of another grid of patches.

use tch::{Device, Kind, Tensor};

/// Position embeddings of patches, interpolated from one grid to another: bicubic and antialiased,
/// as timm does, so that a network that learned one size gives the same features here at another.
/// DINOv2's own code does the same for its networks with registers only; those without it
/// interpolates without antialiasing.
///
/// A product with matrices, whose gradient has the same bits again on a GPU. That of libtorch's
/// interpolation has not.
///
/// # Shapes
/// `patches` `[1, rows * columns, d]` of the grid `from` -> the same of the grid `to`.
pub fn resample_positions(patches: &Tensor, from: [i64; 2], to: [i64; 2]) -> Tensor {
    if from == to {
        return patches.shallow_clone();
    }
    let features = patches.size()[2];
    let matrix = |from, to| resampling(from, to, (patches.kind(), patches.device()));
    let rows = matrix(from[1], to[1]).matmul(&patches.reshape([from[0], from[1], features]));
    let grid = matrix(from[0], to[0]).matmul(&rows.reshape([from[0], to[1] * features]));
    grid.view([1, to[0] * to[1], features])
}

/// What makes `to` numbers of `from`.
///
/// # Shapes
/// `[to, from]`
fn resampling(from: i64, to: i64, options: (Kind, Device)) -> Tensor {
    // Each row is resampled by itself: those of the unit matrix give the columns.
    let units = Tensor::eye(from, options).view([1, from, 1, from]);
    units.internal_upsample_bicubic2d_aa([1, to], false, None, None).view([from, to]).tr()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matrices_give_what_interpolation_gives() {
        let double = (Kind::Double, Device::Cpu);
        for (from, to) in [([7, 7], [3, 3]), ([3, 5], [8, 4]), ([4, 4], [4, 9])] {
            let features = 6;
            let patches = Tensor::arange(from[0] * from[1] * features, double).sin();
            let planes = patches.view([1, from[0], from[1], features]).permute([0, 3, 1, 2]);
            let expected = planes.internal_upsample_bicubic2d_aa(to, false, None, None);
            let expected = expected.flatten(2, 3).transpose(1, 2);
            let found = resample_positions(&patches.view([1, -1, features]), from, to);
            let off = (&found - &expected).abs().max().double_value(&[]);
            assert!(found.size() == expected.size() && off < 1e-12, "{from:?} to {to:?}: {off}");
        }
    }
}
