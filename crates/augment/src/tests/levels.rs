//! Every instruction set gives the bytes of the portable kernels.

use proptest::prelude::*;

use super::{image, noise, waves};
use crate::{CropBox, PixelOp, Renderer, SimdLevel, ViewParams};

const SIDES: [usize; 10] = [1, 2, 3, 31, 32, 33, 95, 96, 97, 224];

/// Images that reach the ends of every range.
fn picture(kind: u8, height: usize, width: usize, seed: u32) -> Vec<u8> {
    let count = 3 * height * width;
    match kind {
        0 => waves(height, width, seed),
        1 => vec![0; count],
        2 => vec![255; count],
        3 => {
            noise(count, seed).into_iter().map(|value| if value < 128 { 0 } else { 255 }).collect()
        }
        _ => noise(count, seed),
    }
}

fn step() -> impl Strategy<Value = PixelOp> {
    let factor = || prop_oneof![0.0..=2.0, Just(0.0), Just(1.0), Just(2.0)];
    prop_oneof![
        factor().prop_map(PixelOp::Brightness),
        factor().prop_map(PixelOp::Contrast),
        factor().prop_map(PixelOp::Saturation),
        prop_oneof![-0.5..=0.5, Just(-0.5), Just(0.5)].prop_map(PixelOp::Hue),
        Just(PixelOp::Grayscale),
        (0.0..=1.0).prop_map(PixelOp::Solarize),
        (0usize..12, 0.01..5.0)
            .prop_map(|(half, sigma)| PixelOp::GaussianBlur { kernel_size: 2 * half + 1, sigma }),
    ]
}

/// Shares of the image: top, left, height, width.
fn crop(share: [f64; 4], height: usize, width: usize) -> CropBox {
    let (rows, columns) = (height as f64, width as f64);
    let (box_height, box_width) = (share[2] * rows, share[3] * columns);
    CropBox {
        top: share[0] * (rows - box_height),
        left: share[1] * (columns - box_width),
        height: box_height,
        width: box_width,
    }
}

fn render(
    level: SimdLevel,
    view: &ViewParams,
    bytes: &[u8],
    from: [usize; 2],
    to: [usize; 2],
) -> Option<Vec<u8>> {
    let mut out = vec![0; 3 * to[0] * to[1]];
    let mut renderer = Renderer::with_level(level)?;
    renderer.apply(view, &image(bytes, from[0], from[1]), to[0], to[1], &mut out);
    Some(out)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn all_levels_agree(
        from in [prop::sample::select(&SIDES[..]), prop::sample::select(&SIDES[..])],
        to in [prop::sample::select(&SIDES[..]), prop::sample::select(&SIDES[..])],
        share in prop_oneof![
            [0.0..1.0, 0.0..1.0, 0.01..1.0, 0.01..1.0],
            Just([0.0, 0.0, 1.0, 1.0]),
        ],
        flip: bool,
        steps in prop::collection::vec(step(), 0..6),
        kind in 0u8..6,
        seed: u32,
    ) {
        let bytes = picture(kind, from[0], from[1], seed);
        let narrow = to[0].min(to[1]);
        let fits = |op: &PixelOp| match op {
            PixelOp::GaussianBlur { kernel_size, .. } => kernel_size / 2 < narrow,
            _ => true,
        };
        let view = ViewParams {
            crop: crop(share, from[0], from[1]),
            flip,
            pixel_ops: steps.into_iter().filter(fits).collect(),
        };
        let scalar = render(SimdLevel::Scalar, &view, &bytes, from, to);
        for level in [SimdLevel::Avx2, SimdLevel::Avx512] {
            if let Some(bytes) = render(level, &view, &bytes, from, to) {
                prop_assert!(Some(&bytes) == scalar.as_ref(), "{:?} differs", level);
            }
        }
    }
}

/// Every pair of pixel values that hue treats apart, for several turns: all levels, and in range of
/// the channel's old extremes.
#[test]
fn hue_agrees_on_a_grid_of_colors() {
    let values: Vec<u8> = (0..=255).step_by(15).collect();
    let colors: Vec<[u8; 3]> = values
        .iter()
        .flat_map(|&r| values.iter().flat_map(move |&g| [0, 1, 127, 254, 255].map(|b| [r, g, b])))
        .collect();
    let bytes: Vec<u8> = (0..3).flat_map(|c| colors.iter().map(move |color| color[c])).collect();
    let width = colors.len();
    for turn in [-0.5, -0.33, -0.01, 0.0, 0.02, 0.25, 0.5] {
        let mut view = ViewParams::whole(width, 1);
        view.pixel_ops.push(PixelOp::Hue(turn));
        let scalar = render(SimdLevel::Scalar, &view, &bytes, [1, width], [1, width]);
        for level in [SimdLevel::Avx2, SimdLevel::Avx512] {
            if let Some(bytes) = render(level, &view, &bytes, [1, width], [1, width]) {
                assert!(Some(bytes) == scalar, "{level:?} at {turn}");
            }
        }
        let turned = scalar.unwrap_or_default();
        for (i, color) in colors.iter().enumerate() {
            let now = [turned[i], turned[width + i], turned[2 * width + i]];
            assert_eq!(now.iter().max(), color.iter().max(), "{color:?} to {now:?} at {turn}");
            assert_eq!(now.iter().min(), color.iter().min(), "{color:?} to {now:?} at {turn}");
        }
    }
}
