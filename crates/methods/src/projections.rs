//! The input of a loss.

use tch::{Kind, Tensor};

/// The projections of one batch. The global views come first.
#[derive(Debug)]
pub struct Projections {
    /// Projections by the trained networks, one tensor `[images, dimension]` a view.
    pub student: Vec<Tensor>,
    /// Projections of the global views, two or more, by the teacher, without gradient; without a
    /// teacher the student's, detached. With a frozen teacher its features
    /// `[images, feature_size]`.
    pub teacher: Vec<Tensor>,
    /// The student's features of the global views, one tensor `[images, feature_size]` a view.
    pub features: Vec<Tensor>,
    /// Projections of masked patches; `None` where the method masks none, or none of the batch is
    /// masked.
    pub patches: Option<PatchProjections>,
}

/// Projections of the masked patches of the global views, one view after the other, images in their
/// order, patches row by row.
#[derive(Debug)]
pub struct PatchProjections {
    /// By the trained networks, which see a mask token in their place, `[patches, dimension]`.
    pub student: Tensor,
    /// By the teacher, which sees them, without gradient, `[patches, dimension]`.
    pub teacher: Tensor,
    /// Weight of each patch in a mean over images and global views of the means over the masked
    /// patches of a view, `[patches]`: 1 / (masked patches of its view * images * global views).
    pub weights: Tensor,
}

impl PatchProjections {
    /// Their weights, and the places of masked patches among all, both `[masked patches]`, on the
    /// device of `masks`.
    ///
    /// # Shapes
    /// `masks` `[views * images, patches]`, 1 for a masked patch, else 0
    pub fn places(masks: &Tensor, kind: Kind) -> (Tensor, Tensor) {
        let size = masks.size();
        let places = masks.flatten(0, 1).nonzero().squeeze_dim(1);
        let masked = masks.sum_dim_intlist([1i64].as_slice(), false, kind);
        let weights = (masked * size[0]).reciprocal();
        let rows = places.divide_scalar_mode(size[1], "floor");
        (weights.index_select(0, &rows), places)
    }
}

impl Projections {
    /// The student's projections of the two views.
    ///
    /// # Panics
    /// If there are not exactly two, or their shapes differ: the trainer makes them.
    pub fn pair(&self) -> (&Tensor, &Tensor) {
        pair(&self.student)
    }

    /// The teacher's projections of the two global views.
    ///
    /// # Panics
    /// As [`pair`](Self::pair).
    pub fn teacher_pair(&self) -> (&Tensor, &Tensor) {
        pair(&self.teacher)
    }
}

fn pair(views: &[Tensor]) -> (&Tensor, &Tensor) {
    let [a, b] = views else { panic!("expected two views, found {}", views.len()) };
    assert_eq!(a.size(), b.size(), "projections of the two views");
    (a, b)
}
