//! The passes of a step: views to features, projections and, where patches are masked, projections
//! of patches.

use methods::{PatchProjections, Projections};
use models::Mode;
use tch::{Device, Kind, Tensor, no_grad};

use super::networks::{Encoded, EncoderInput, ImageRange, Patches};
use super::{DeviceBatch, Learner};

/// Features and projections of a batch.
pub(super) struct Forward {
    /// What the student made of this process's images, with the graph of the encoder but where it
    /// is trained in parts.
    pub own: Encoded,
    /// What the student made of all images, with a graph.
    pub all: Encoded,
    /// Features of global views `[views * images, features]`, by the networks that the probe and
    /// the metrics read, without a graph; of the first two at least.
    eval_features: Tensor,
    /// The masks of this process's images, boolean, on the device.
    masks: Option<Tensor>,
    pub projections: Projections,
}

impl Forward {
    /// Features of the first and of the second global view, each `[images, features]`.
    pub fn global_features(&self, images: i64) -> (Tensor, Tensor) {
        let of_view = |view: i64| self.eval_features.narrow(0, view * images, images);
        (of_view(0), of_view(1))
    }

    /// What the student was given of `batch`.
    pub fn input<'a>(&'a self, batch: &'a DeviceBatch) -> EncoderInput<'a> {
        student_input(batch, self.masks.as_ref())
    }
}

fn student_input<'a>(batch: &'a DeviceBatch, masks: Option<&'a Tensor>) -> EncoderInput<'a> {
    let patches = masks.map_or(Patches::Unused, Patches::Masked);
    EncoderInput { views: &batch.views, patches }
}

/// The masked patches among those of all global views of a batch.
struct Masked {
    /// Their places `[masked patches]` among `views * images * patches`.
    places: Tensor,
    /// See [`PatchProjections::weights`].
    weights: Tensor,
}

impl Masked {
    /// Their rows of patches `[views * images, patches, features]`.
    fn of(&self, patches: &Tensor) -> Tensor {
        patches.flatten(0, 1).index_select(0, &self.places)
    }
}

/// What the networks that probes and metrics read, and a teacher, made of a batch.
struct OfTeacher {
    eval_features: Tensor,
    /// [`Projections::teacher`]
    global: Vec<Tensor>,
    /// Projections of masked patches.
    patches: Option<Tensor>,
}

impl Learner {
    /// Encodes and projects the views of a batch.
    pub(super) fn forward(&self, batch: &DeviceBatch) -> Result<Forward, group::Error> {
        let images = batch.images;
        let mode = self.student_mode;
        let (own_images, counts) = self.shares(images);
        let device = self.student.store.device();
        let masks = batch.masks.as_ref().map(|masks| masks.to_device(device).to_kind(Kind::Bool));
        let input = student_input(batch, masks.as_ref());
        let encode = || self.student.encode(input, own_images, mode);
        let own = if self.split { no_grad(encode) } else { encode() };
        let views = own.features.size()[0] / own_images.count;
        let global_views = batch.views[0].size()[0] / own_images.count;
        // The graph is cut at the features where heads and loss see more than one graph of the
        // encoder.
        let all = match self.is_cut() {
            false => own.shallow_clone(),
            true => no_grad(|| self.gather(&own, [views, global_views], &counts))?.as_leaves(),
        };
        let student = self.student.project(&all.features, images);
        let masked = self.masked(batch, global_views, &counts)?;
        let of_teacher = self.pass_of_teacher(batch, own_images, masked.as_ref())?;
        let OfTeacher { eval_features, global: teacher, patches } = match of_teacher {
            Some(of_teacher) => of_teacher,
            None => {
                let global = match self.method.frozen_teacher() {
                    Some(frozen) => {
                        let own_features = frozen.features(&batch.views[0]);
                        self.group
                            .gather_rows(&own_features, global_views, &counts)?
                            .split(images, 0)
                    }
                    None => student[..global_views as usize].iter().map(Tensor::detach).collect(),
                };
                let eval_features = all.features.narrow(0, 0, 2 * images).detach();
                OfTeacher { eval_features, global, patches: None }
            }
        };
        let patches = match (masked, &all.patches, patches) {
            (Some(masked), Some(own), Some(teacher)) => Some(PatchProjections {
                student: self.student.project_patches(&masked.of(own)),
                teacher,
                weights: masked.weights,
            }),
            _ => None,
        };
        let features =
            (0..global_views).map(|view| all.features.narrow(0, view * images, images)).collect();
        let projections = Projections { student, teacher, features, patches };
        Ok(Forward { own, all, eval_features, masks, projections })
    }

    /// What the momentum teacher makes of the global views, as they are; `None` where there is
    /// none. The networks of `train.ema` are no teacher.
    fn pass_of_teacher(
        &self,
        batch: &DeviceBatch,
        own_images: ImageRange,
        masked: Option<&Masked>,
    ) -> Result<Option<OfTeacher>, group::Error> {
        let Some(teacher) = self.teacher.as_ref().filter(|_| self.ema.is_none()) else {
            return Ok(None);
        };
        let (_, counts) = self.shares(batch.images);
        let views = batch.views[0].size()[0] / own_images.count;
        no_grad(|| {
            let input = EncoderInput {
                views: std::slice::from_ref(&batch.views[0]),
                patches: masked.map_or(Patches::Unused, |_| Patches::Seen),
            };
            let own = teacher.networks.encode(input, own_images, Mode::Train);
            let all = self.gather(&own, [views, views], &counts)?;
            let patches = masked.zip(all.patches.as_ref());
            Ok(Some(OfTeacher {
                global: teacher.networks.project(&all.features, batch.images),
                patches: patches
                    .map(|(masked, rows)| teacher.networks.project_patches(&masked.of(rows))),
                eval_features: all.features,
            }))
        })
    }

    /// What all processes encoded, of so many views and global views.
    fn gather(
        &self,
        own: &Encoded,
        [views, global_views]: [i64; 2],
        counts: &[usize],
    ) -> Result<Encoded, group::Error> {
        let gather = |rows: &Tensor, views| self.group.gather_rows(rows, views, counts);
        let patches = own.patches.as_ref();
        Ok(Encoded {
            features: gather(&own.features, views)?,
            patches: patches.map(|rows| gather(rows, global_views)).transpose()?,
        })
    }

    /// The masked patches of the global views of all processes; `None` where there are none.
    fn masked(
        &self,
        batch: &DeviceBatch,
        global_views: i64,
        counts: &[usize],
    ) -> Result<Option<Masked>, group::Error> {
        let Some(masks) = &batch.masks else { return Ok(None) };
        let (device, kind) = (self.student.store.device(), self.student.store.kind());
        // They are counted on the host, so that a GPU isn't waited for where there is one process.
        let masks = match self.group.is_alone() {
            true => masks.shallow_clone(),
            false => self
                .group
                .gather_rows(&masks.to_device(device), global_views, counts)?
                .to_device(Device::Cpu),
        };
        let (weights, places) = PatchProjections::places(&masks, kind);
        let none = places.size()[0] == 0;
        let masked =
            Masked { places: places.to_device(device), weights: weights.to_device(device) };
        Ok((!none).then_some(masked))
    }
}
