//! How much is measured.

use serde_json::{Value, json};

/// Numbers that a run is made of.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// How often all contenders take their turn.
    pub rounds: usize,
    /// Seconds of a contender's turn.
    pub secs: f64,
    /// Images of a training step.
    pub batch: usize,
    /// Steps of an epoch; the second epoch counts.
    pub steps: usize,
    /// Views over which memory is watched.
    pub views: usize,
    /// Images of the sets that start-up is measured with.
    pub growth: &'static [usize],
    /// JPEG files, and the side of their images.
    pub photos: usize,
    pub photo_side: usize,
}

/// What the page is made of.
pub const FULL: Effort = Effort {
    rounds: 3,
    secs: 3.0,
    batch: 256,
    steps: 8,
    views: 1_000_000,
    growth: &[1_000, 10_000, 100_000],
    photos: 500,
    photo_side: 448,
};

/// Whether everything runs; the numbers mean nothing.
pub const QUICK: Effort = Effort {
    rounds: 1,
    secs: 0.2,
    batch: 32,
    steps: 2,
    views: 5_000,
    growth: &[300, 600],
    photos: 10,
    photo_side: 448,
};

impl Effort {
    /// What the page says of it.
    pub fn to_json(self) -> Value {
        json!({
            "rounds": self.rounds,
            "secs": self.secs,
            "batch": self.batch,
            "steps": self.steps,
        })
    }

    /// Unlabeled and labeled training images of the set that is rendered: whole epochs, with the
    /// seed's share of labeled images, 1 in 21.
    pub fn images(&self) -> (usize, usize) {
        let labeled = (self.batch as f64 / 21.0).round() as usize;
        (self.steps * (self.batch - labeled), self.steps * labeled)
    }
}
