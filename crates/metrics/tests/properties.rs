//! What must hold for any features.

use metrics::{contrastive_hits, correlation_hits};
use proptest::prelude::*;
use tch::Tensor;

/// Features `[24, 8]`: a center for each image, drawn from `seed`, plus noise.
fn images(seed: u64) -> Tensor {
    let mut draw = Generator(seed);
    let centers: Vec<f64> = (0..24 * 8).map(|_| draw.next()).collect();
    let values = centers.into_iter().map(|center| (center + 0.3 * draw.next()) as f32);
    Tensor::from_slice(&values.collect::<Vec<_>>()).view([24, 8])
}

/// A small linear congruential generator, enough to place points: values in -1..1.
struct Generator(u64);

impl Generator {
    fn next(&mut self) -> f64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn metrics_do_not_ask_which_view_is_first(seed: u64) {
        let (a, b) = (images(seed), images(seed ^ 1));
        prop_assert_eq!(contrastive_hits(&a, &b), contrastive_hits(&b, &a));
        prop_assert_eq!(correlation_hits(&a, &b), correlation_hits(&b, &a));
        let itself = contrastive_hits(&a, &a);
        prop_assert_eq!(itself.correct, itself.total);
    }
}
