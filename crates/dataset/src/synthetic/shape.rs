//! Outlines, as distances in a square of side 2 around the origin.

/// What an object looks like from afar. All have about the same area (1.8), so that size gives no
/// hint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Disc,
    Square,
    Triangle,
    Cross,
    Ring,
}

impl Shape {
    /// Distance of each point (`u`, `v`) from the outline, negative inside; near the outline its
    /// slope is about 1.
    pub fn distances(self, u: &[f32], v: &[f32], out: &mut [f32]) {
        match self {
            Self::Disc => map(u, v, out, |u, v| (u * u + v * v).sqrt() - 0.757),
            Self::Square => map(u, v, out, |u, v| u.abs().max(v.abs()) - 0.671),
            Self::Triangle => {
                map(u, v, out, |u, v| (0.866_025_4 * u.abs() - 0.5 * v).max(v) - 0.589)
            }
            Self::Cross => map(u, v, out, |u, v| {
                let (u, v) = (u.abs(), v.abs());
                (u.max(v) - 0.9).max(u.min(v) - 0.3)
            }),
            Self::Ring => map(u, v, out, |u, v| ((u * u + v * v).sqrt() - 0.7).abs() - 0.205),
        }
    }
}

#[inline(always)]
fn map(u: &[f32], v: &[f32], out: &mut [f32], distance: impl Fn(f32, f32) -> f32) {
    for ((out, &u), &v) in out.iter_mut().zip(u).zip(v) {
        *out = distance(u, v);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_shapes_have_the_same_area() {
        for shape in [Shape::Disc, Shape::Square, Shape::Triangle, Shape::Cross, Shape::Ring] {
            let side: Vec<f32> = (0..400).map(|i| (i as f32 - 199.5) / 150.0).collect();
            let mut out = vec![0.0; side.len()];
            let inside: usize = side
                .iter()
                .map(|&v| {
                    shape.distances(&side, &vec![v; side.len()], &mut out);
                    out.iter().filter(|&&distance| distance < 0.0).count()
                })
                .sum();
            let area = inside as f32 / (150.0 * 150.0);
            assert!((area - 1.8).abs() < 0.05, "{shape:?} has area {area}");
        }
    }
}
