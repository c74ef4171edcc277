//! A queue of normalized projections of earlier batches (memory bank).

use tch::{Tensor, no_grad};

use crate::MethodContext;
use crate::similarity::normalize;

/// The newest rows first; as many as fit.
#[derive(Debug)]
pub(crate) struct Queue(Tensor);

impl Queue {
    /// A queue of `size` random unit rows, registered as `queue`.
    pub(crate) fn new(context: &MethodContext, size: i64) -> Self {
        Self(context.unit_rows("queue", size, false))
    }

    /// A queue of `size` rows of zeros of another size than projections, registered as `queue`.
    pub(crate) fn zeros(context: &MethodContext, size: i64, dimension: i64) -> Self {
        Self(context.zeros("queue", &[size, dimension]))
    }

    /// # Shapes
    /// `[size, dimension]`
    pub(crate) fn rows(&self) -> &Tensor {
        &self.0
    }

    /// For each of the unit `rows` the row of the queue with the largest dot product.
    ///
    /// # Shapes
    /// `[n, dimension]` -> `[n, dimension]`
    pub(crate) fn nearest(&self, rows: &Tensor) -> Tensor {
        no_grad(|| {
            let index = rows.matmul(&self.0.tr()).argmax(-1, false);
            self.0.index_select(0, &index)
        })
    }

    /// The rows that the queue has once `rows` are in it.
    pub(crate) fn after(&self, rows: &[&Tensor]) -> Tensor {
        no_grad(|| {
            let size = self.0.size()[0];
            let mut all: Vec<Tensor> = rows.iter().map(|rows| normalize(rows)).collect();
            all.push(self.0.shallow_clone());
            Tensor::cat(&all, 0).narrow(0, 0, size)
        })
    }

    /// Puts `rows`, scaled to unit length, before the others; the oldest drop out.
    pub(crate) fn push(&mut self, rows: &[&Tensor]) {
        let newest = self.after(rows);
        no_grad(|| self.0.copy_(&newest));
    }
}
