//! Everything that learns, and the step in which it does.

use methods::{Method, Views};
use models::Parameters;
use tch::{Device, Tensor, no_grad};

use crate::networks::{Kinds, Networks, Teacher};
use crate::probe::{Probe, ProbeScore};
use crate::{Adam, Config, Error, Reduction, TeacherInit};

/// Keeps a fresh teacher's initial weights apart from the student's.
const TEACHER_NETWORK: u64 = 1;

/// Student, teacher, method, optimiser and probe of a run.
#[derive(Debug)]
pub struct Learner {
    /// The trained networks; the method's tensors are registered here too.
    pub student: Networks,
    /// The student's weights and the method's.
    pub parameters: Parameters,
    /// The momentum networks, where the method has them.
    pub teacher: Option<Teacher>,
    /// The objective.
    pub method: Box<dyn Method>,
    /// Trains [`parameters`](Self::parameters).
    pub optimizer: Adam,
    /// The online probe, where there are labels.
    pub probe: Option<Probe>,
    reduction: Reduction,
}

/// What a learner is made for.
#[derive(Clone, Copy, Debug)]
pub struct Task {
    /// Side of the views in pixels.
    pub side: i64,
    /// Number of classes of the labelled images; `None` where there are none.
    pub classes: Option<i64>,
    /// Where everything is.
    pub device: Device,
    /// The kinds of numbers.
    pub kinds: Kinds,
}

/// One batch, on the device.
#[derive(Debug)]
pub struct Step {
    /// Views of all images, one view after the other: `[views * images, 3, h, w]`.
    pub views: Tensor,
    /// Number of images.
    pub images: i64,
    /// Weak views of the labelled images `[n, 3, h, w]` and their classes `[n]`.
    pub probe: Option<(Tensor, Tensor)>,
}

/// What a step measured; all scalars on the device, so that nothing waits for it.
#[derive(Debug)]
pub struct Measured {
    /// Mean loss.
    pub loss: Tensor,
    /// Rows whose other view was the nearest, and their number.
    pub contrastive: (Tensor, i64),
    /// Rows of the cross-correlation whose diagonal was the largest, and their number.
    pub correlation: (Tensor, i64),
    /// The probe's score before its update and the number of images.
    pub probe: Option<(ProbeScore, i64)>,
    /// Features of all views that the measures were taken from, `[views * images, features]`.
    pub features: Tensor,
}

impl Learner {
    /// Everything at its initial values.
    ///
    /// # Errors
    /// [`Error`] where sizes or hyper-parameters don't fit.
    pub fn new(config: &Config, task: Task) -> Result<Self, Error> {
        let Task {
            side,
            classes,
            device,
            kinds,
        } = task;
        let student = Networks::new(config, side, 0, device, kinds)?;
        let method = config.method.build(&(student.store.root() / "method"))?;
        let parameters = Parameters::flatten(&student.store);
        let optimizer = Adam::new(&config.optimizer, &parameters);
        let teacher = match method.teacher_momentum() {
            None => None,
            Some(_) => {
                let networks = Networks::new(config, side, TEACHER_NETWORK, device, kinds)?;
                let weights = Parameters::flatten(&networks.store);
                let mut teacher = Teacher {
                    networks,
                    parameters: weights,
                };
                if config.train.teacher_init == TeacherInit::Copy {
                    teacher.copy_from(&parameters);
                }
                Some(teacher)
            }
        };
        let features = student.encoder.feature_size();
        let probe = classes.map(|classes| {
            Probe::new(
                &config.probe.optimizer,
                config.seed,
                (features, classes),
                device,
                kinds,
            )
        });
        let reduction = config.train.reduction;
        Ok(Self {
            student,
            parameters,
            teacher,
            method,
            optimizer,
            probe,
            reduction,
        })
    }

    /// The networks that probes and measures read: the teacher's where there are such.
    pub fn probed(&self) -> &Networks {
        match &self.teacher {
            Some(teacher) => &teacher.networks,
            None => &self.student,
        }
    }

    /// One step of training, the `number`-th (from 0) of `of`.
    ///
    /// The objective's update comes first; measures are of the features from before it; then the probe
    /// learns on the updated encoder, the method observes the batch, and the teacher follows.
    pub fn step(&mut self, step: &Step, number: u64, of: u64) -> Measured {
        let features = self.student.features(&step.views);
        let student = views_of(&self.student.projection.forward(&features), step.images);
        let (measured_features, teacher) = match &self.teacher {
            None => (
                features.detach(),
                student.iter().map(Tensor::detach).collect(),
            ),
            Some(teacher) => no_grad(|| {
                let features = teacher.networks.features(&step.views);
                let projections = teacher.networks.projection.forward(&features);
                (features, views_of(&projections, step.images))
            }),
        };
        let views = Views { student, teacher };
        let loss = self.method.loss(&views);
        let objective = match self.reduction {
            Reduction::Mean => loss.shallow_clone(),
            Reduction::Sum => &loss * self.method.terms(step.images),
        };
        let gradient = self.parameters.gradient(&objective);
        self.optimizer.step(&self.parameters, &gradient);
        no_grad(|| {
            let probe = self.probe_step(step);
            self.method.observe(&views);
            if let (Some(teacher), Some(momentum)) =
                (&mut self.teacher, self.method.teacher_momentum())
            {
                teacher.follow(&self.parameters, momentum.at(number, of));
            }
            measure(loss.detach(), measured_features, step.images, probe)
        })
    }

    /// Trains the probe on the labelled images of a step, seen by the encoder as it is now.
    fn probe_step(&mut self, step: &Step) -> Option<(ProbeScore, i64)> {
        let (images, labels) = step.probe.as_ref()?;
        let features = no_grad(|| self.probed().features(images));
        let probe = self.probe.as_mut()?;
        Some((
            tch::with_grad(|| probe.step(&features, labels)),
            labels.size()[0],
        ))
    }
}

/// The parts of `rows` that belong to each view.
fn views_of(rows: &Tensor, images: i64) -> Vec<Tensor> {
    rows.split(images, 0)
}

fn measure(
    loss: Tensor,
    features: Tensor,
    images: i64,
    probe: Option<(ProbeScore, i64)>,
) -> Measured {
    let (first, second) = (
        features.narrow(0, 0, images),
        features.narrow(0, images, images),
    );
    let dimension = features.size()[1];
    Measured {
        loss,
        contrastive: (eval::contrastive_correct(&first, &second), 2 * images),
        correlation: (eval::correlation_correct(&first, &second), 2 * dimension),
        probe,
        features,
    }
}
