//! Choosing a hyper-parameter from a grid by validation accuracy.

use serde::{Deserialize, Serialize};

/// The end of the grid at which the best value lies: a wider grid might do better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GridEdge {
    /// The smallest value was best.
    Smallest,
    /// The largest value was best.
    Largest,
}

/// The first of the best of some accuracies, and whether it is the first or last of several.
///
/// # Panics
/// If there are none.
pub(crate) fn best_of(accuracies: &[f64]) -> (usize, Option<GridEdge>) {
    let mut best = 0;
    for (index, &accuracy) in accuracies.iter().enumerate() {
        if accuracy > accuracies[best] {
            best = index;
        }
    }
    (best, edge_of(best, accuracies.len()))
}

/// Whether the value at `index` is the first or last of several.
pub(super) fn edge_of(index: usize, count: usize) -> Option<GridEdge> {
    match index {
        _ if count < 2 => None,
        0 => Some(GridEdge::Smallest),
        last if last == count - 1 => Some(GridEdge::Largest),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_equals_is_best_and_edges_are_reported() {
        assert_eq!(best_of(&[0.1, 0.5, 0.5, 0.2]), (1, None));
        assert_eq!(best_of(&[0.5, 0.4, 0.5]), (0, Some(GridEdge::Smallest)));
        assert_eq!(best_of(&[0.5, 0.5, 0.2]), (0, Some(GridEdge::Smallest)));
        assert_eq!(best_of(&[0.1, 0.2, 0.5]), (2, Some(GridEdge::Largest)));
        assert_eq!(best_of(&[0.5]), (0, None));
    }
}
