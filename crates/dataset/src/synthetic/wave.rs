//! Periodic functions of period 1, from additions and multiplications alone: the same bits
//! everywhere, and vector code without help.

/// Nearest whole number, for magnitudes below 2^22.
#[inline(always)]
fn round(x: f32) -> f32 {
    const MAGIC: f32 = 12_582_912.0;
    (x + MAGIC) - MAGIC
}

/// Distance to the nearest whole number with its sign, in [-0.5, 0.5].
#[inline(always)]
pub(crate) fn centered(x: f32) -> f32 {
    x - round(x)
}

/// Triangle wave: 1 at whole numbers, -1 half-way between.
#[inline(always)]
pub(crate) fn triangle(x: f32) -> f32 {
    1.0 - 4.0 * centered(x).abs()
}

/// Two parabolas a period, close to sin(2 pi x).
#[inline(always)]
pub(crate) fn smooth(x: f32) -> f32 {
    let t = centered(x);
    t * (8.0 - 16.0 * t.abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waves_have_period_one_and_the_stated_extremes() {
        for k in -3..=3 {
            let k = k as f32;
            assert_eq!((triangle(k), triangle(k + 0.5), triangle(k + 0.25)), (1.0, -1.0, 0.0));
            assert_eq!((smooth(k), smooth(k + 0.25), smooth(k - 0.25)), (0.0, 1.0, -1.0));
        }
    }

    #[test]
    fn the_smooth_wave_is_nearly_a_sine() {
        for i in 0..1000 {
            let x = i as f32 / 250.0 - 2.0;
            assert!((smooth(x) - (std::f32::consts::TAU * x).sin()).abs() < 0.06, "{x}");
        }
    }
}
