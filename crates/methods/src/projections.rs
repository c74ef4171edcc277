//! The input of a loss.

use optim::StepCount;
use tch::Tensor;

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
    /// Steps done and steps in total, for schedules.
    pub progress: StepCount,
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
