//! Masks of blocks: against statistics of DINOv2's generator (set K), and what holds for all.

use super::vectors::Vectors;
use crate::view_rng::ViewRng;
use crate::{BlockMask, ViewKey};

fn key(image: u64) -> ViewKey {
    ViewKey { seed: 1, epoch: 0, image, view: 0 }
}

fn mask(grid: usize) -> BlockMask {
    BlockMask { grid, probability: 0.5, ratio: [0.1, 0.5] }
}

fn hidden(mask: &[u8]) -> usize {
    mask.iter().map(|&byte| usize::from(byte)).sum()
}

#[test]
fn golden_numbers_of_hidden_patches_are_those_of_set_k() {
    const DRAWS: usize = 4000;
    let vectors = Vectors::read("k_dinov2");
    let mut checked = 0;
    for case in vectors.cases().filter(|case| case["loss"] == "mask_statistics") {
        let number = |key: &str| case[key].as_f64().unwrap();
        let (grid, asked) = (number("grid") as usize, number("asked") as usize);
        let counts: Vec<usize> = (0..DRAWS as u64)
            .map(|image| {
                let mut bytes = vec![0; grid * grid];
                mask(grid).cover(&mut ViewRng::of_mask(key(image)), asked, &mut bytes);
                hidden(&bytes)
            })
            .collect();
        assert!(counts.iter().all(|&count| count <= asked), "{case}");
        // Both sides are means of draws: five deviations of their difference.
        let mean = counts.iter().sum::<usize>() as f64 / DRAWS as f64;
        let deviations = |variance: f64, draws: f64| {
            5.0 * (variance * (1.0 / DRAWS as f64 + 1.0 / draws)).sqrt()
        };
        let draws = number("draws");
        let off = (mean - number("mean")).abs();
        assert!(off <= deviations(number("std").powi(2), draws), "{case}: mean {mean}");
        let exact = counts.iter().filter(|&&count| count == asked).count() as f64 / DRAWS as f64;
        let share = number("share_exact");
        let off = (exact - share).abs();
        assert!(off <= deviations(share * (1.0 - share), draws), "{case}: {exact} exact");
        checked += 1;
    }
    assert_eq!(checked, 6);
}

#[test]
fn half_of_the_views_hide_between_a_tenth_and_half_of_their_patches() {
    let blocks = mask(8);
    let counts: Vec<usize> = (0..4000)
        .map(|image| {
            let mut bytes = vec![9; 64];
            blocks.draw(key(image), &mut bytes);
            assert!(bytes.iter().all(|byte| *byte <= 1));
            hidden(&bytes)
        })
        .collect();
    let masked: Vec<_> = counts.iter().filter(|&&count| count > 0).collect();
    // 2000 expected, of deviation 32.
    assert!((1840..2160).contains(&masked.len()), "{}", masked.len());
    assert!(masked.iter().all(|count| **count <= 32));
    // Ratios are uniform: 19.2 expected less half a patch, of deviation 7.4 / sqrt(2000).
    let mean = masked.iter().map(|count| **count as f64).sum::<f64>() / masked.len() as f64;
    assert!((17.7..19.5).contains(&mean), "{mean}");
}

#[test]
fn a_mask_depends_on_every_part_of_its_key_and_nothing_else() {
    let draw = |key| {
        let mut bytes = vec![0; 256];
        BlockMask { probability: 1.0, ..mask(16) }.draw(key, &mut bytes);
        bytes
    };
    let base = key(3);
    assert_eq!(draw(base), draw(base));
    for other in [
        ViewKey { seed: 2, ..base },
        ViewKey { epoch: 1, ..base },
        ViewKey { image: 4, ..base },
        ViewKey { view: 1, ..base },
    ] {
        assert_ne!(draw(base), draw(other), "{other:?}");
    }
}

#[test]
fn numbers_out_of_range_are_named() {
    assert!(mask(3).validate().is_ok());
    for (blocks, says) in [
        (BlockMask { ratio: [0.1, 1.0], ..mask(8) }, "`ratio`: expected [low, high] with 0 < low"),
        (BlockMask { ratio: [0.5, 0.1], ..mask(8) }, "`ratio`: "),
        (BlockMask { ratio: [0.0, 0.1], ..mask(8) }, "`ratio`: "),
        (BlockMask { probability: f64::NAN, ..mask(8) }, "`probability`: "),
        (mask(2), "`grid`: expected at least 3 patches in a row, found 2"),
    ] {
        let error = blocks.validate().unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
}
