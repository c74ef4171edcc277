//! An encoder with its projection head: the student, and the teacher that follows it.

use models::{Encoder, FlatParameters, Mode, ModelError, ProjectionHead, WeightRng, WeightStream};
use tch::nn::VarStore;
use tch::{Device, Kind, Tensor, no_grad};

use crate::Config;

/// Images that go through an encoder together on a CPU. What a layer needs only while it computes
/// is then a sixteenth of what 256 images of two views need, which more than halves the peak of a
/// step's memory.
const CPU_CHUNK: i64 = 32;

/// Encoder, projection head and their weights.
#[derive(Debug)]
pub struct EncoderAndHead {
    /// Holds weights and running statistics by name: `encoder.*`, `projection.*`, and what a method
    /// registers.
    pub store: VarStore,
    /// Images to features.
    pub encoder: Box<dyn Encoder>,
    /// Features to projections.
    pub projection: ProjectionHead,
    /// Most images that go through the encoder together, where it takes each on its own.
    at_once: i64,
}

/// The numeric kinds of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DTypes {
    /// Weights, moments and losses.
    pub master: Kind,
    /// Inside the networks.
    pub compute: Kind,
}

impl EncoderAndHead {
    /// New networks for square images of `side` pixels.
    ///
    /// # Errors
    /// [`ModelError`] where sizes don't fit.
    pub fn new(
        config: &Config,
        side: i64,
        stream: WeightStream,
        device: Device,
        dtypes: DTypes,
    ) -> Result<Self, ModelError> {
        let mut store = VarStore::new(device);
        store.set_kind(dtypes.master);
        let rng = WeightRng { seed: config.seed, stream };
        let root = store.root();
        let encoder = config.encoder.build(&(&root / "encoder"), rng, side, dtypes.compute)?;
        let inputs = encoder.feature_size();
        let projection =
            config.projection.build(&(&root / "projection"), rng, inputs, dtypes.compute)?;
        let of_device = match device {
            Device::Cpu => CPU_CHUNK,
            _ => i64::MAX,
        };
        let asked = config.train.micro_batch;
        let at_once = asked.map_or(of_device, |images| of_device.min(images as i64));
        Ok(Self { store, encoder, projection, at_once })
    }

    /// The encoder's weights and running statistics by their names in it, sorted.
    pub fn encoder_tensors(&self) -> Vec<(String, Tensor)> {
        let all = self.store.variables().into_iter();
        let mut named: Vec<_> = all
            .filter_map(|(name, tensor)| Some((name.strip_prefix("encoder.")?.to_owned(), tensor)))
            .collect();
        named.sort_by(|a, b| a.0.cmp(&b.0));
        named
    }

    /// Features of the views of a step that trains, in their order, by passes in `mode`. An encoder
    /// with batch statistics is given each view of all images on its own and whole, so that a view
    /// is normalized by its own statistics; these then move the running ones, the first view's
    /// first.
    ///
    /// # Shapes
    /// each of `views` `[k * of.count, 3, h, w]`, float in 0..=1 -> features
    /// `[all k * of.count, feature_size]`.
    pub fn training_features(&self, views: &[Tensor], of: ImageRange, mode: Mode) -> Tensor {
        let most = match self.encoder.uses_batch_statistics() {
            true => of.count,
            false => self.at_once,
        };
        let features: Vec<_> = of
            .parts(views, most)
            .map(|part| self.encoder.forward(&part.rows, mode.from(part.place)))
            .collect();
        Tensor::cat(&features, 0)
    }

    /// Features of images, each on its own, and nothing changes: what probes, measures and
    /// evaluation read.
    ///
    /// # Shapes
    /// `images` `[n, 3, h, w]`, float in 0..=1 -> features `[n, feature_size]`.
    pub fn features(&self, images: &Tensor) -> Tensor {
        let of = ImageRange::all(images.size()[0]);
        let features: Vec<_> = of
            .parts(std::slice::from_ref(images), self.at_once)
            .map(|part| self.encoder.forward(&part.rows, Mode::Eval))
            .collect();
        Tensor::cat(&features, 0)
    }

    /// Projections of each view. Batch normalization in the head sees one view at a time.
    ///
    /// # Shapes
    /// `features` `[views * images, feature_size]` -> `[images, output]` a view.
    pub fn project(&self, features: &Tensor, images: i64) -> Vec<Tensor> {
        let views = features.split(images, 0);
        views.iter().map(|view| self.projection.forward(view)).collect()
    }

    /// The gradient of a loss with respect to the encoder's weights `encoder`, given `upstream`,
    /// its gradient with respect to the features of `views`. They go through the encoder once more,
    /// in the `mode` of the first time, and the graph is that of one chunk at a time; not for an
    /// encoder with batch statistics.
    ///
    /// # Shapes
    /// `views` as of [`training_features`](Self::training_features), `upstream`
    /// `[all n, feature_size]` -> `[weights]`.
    ///
    /// # Reference
    /// Gao et al. 2021, arXiv 2101.06983, section 3.2, steps 3 and 4.
    pub(crate) fn gradient_in_chunks(
        &self,
        views: &[Tensor],
        of: ImageRange,
        upstream: &Tensor,
        encoder: &FlatParameters,
        mode: Mode,
    ) -> Tensor {
        let mut gradient = encoder.flat().zeros_like();
        for part in of.parts(views, self.at_once) {
            let upstream = upstream.narrow(0, part.first, part.rows.size()[0]);
            let features = self.encoder.forward(&part.rows, mode.from(part.place));
            // The gradient of this sum with respect to the features is `upstream`.
            let sum = (features * upstream).sum(gradient.kind());
            gradient += encoder.gradient(&sum);
        }
        gradient
    }
}

/// The images of a batch that a process encodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageRange {
    /// Images of the batch.
    pub images: i64,
    /// The first one, from 0.
    pub first: i64,
    /// How many.
    pub count: i64,
}

/// Rows that go through an encoder together.
struct Part {
    rows: Tensor,
    /// Rows of this process before them.
    first: i64,
    /// Rows of the batch before them, a view after the other.
    place: i64,
}

impl ImageRange {
    /// All `images` of a batch.
    pub fn all(images: i64) -> Self {
        Self { images, first: 0, count: images }
    }

    /// The rows of `views`, at most `most` of one tensor together. A part of a batch is taken a
    /// view at a time, so that the rows of a part are neighbors in the batch.
    fn parts(self, views: &[Tensor], most: i64) -> impl Iterator<Item = Part> {
        let whole = self.count == self.images;
        let runs = views.iter().flat_map(move |view| match whole || self.count == 0 {
            true => vec![view.shallow_clone()],
            false => view.split(self.count, 0),
        });
        let mut first = 0;
        let rows = runs.flat_map(move |run| {
            // No more than there are: libtorch adds the two.
            let most = most.min(run.size()[0]).max(1);
            run.split(most, 0)
        });
        rows.map(move |rows| {
            let place = match whole {
                true => first,
                false => {
                    let view = first / self.count.max(1);
                    view * self.images + self.first + first % self.count.max(1)
                }
            };
            let part = Part { first, place, rows };
            first += part.rows.size()[0];
            part
        })
    }

    /// Its rows of those of all images of the batch.
    ///
    /// # Shapes
    /// `rows` `[views * images, ...]` -> `[views * count, ...]`
    pub fn of(self, rows: &Tensor) -> Tensor {
        if self.count == self.images {
            return rows.shallow_clone();
        }
        let (shape, views) = (rows.size(), rows.size()[0] / self.images);
        let by_view = [&[views, self.images], &shape[1..]].concat();
        let own = [&[views * self.count], &shape[1..]].concat();
        rows.view(&by_view[..]).narrow(1, self.first, self.count).reshape(&own[..])
    }
}

/// A network that isn't trained but follows the student. What it normalizes over a batch has the
/// statistics of the batch in training, as the student's: its running ones are of what it saw
/// itself.
#[derive(Debug)]
pub struct Teacher {
    /// The networks.
    pub networks: EncoderAndHead,
    /// Their weights: those of the student, in its order, without what a method registers.
    pub parameters: FlatParameters,
}

impl Teacher {
    /// Becomes a copy of the student: weights and running statistics.
    pub fn copy_from(&mut self, student: &EncoderAndHead) {
        let from = student.store.variables();
        no_grad(|| {
            for (name, mut tensor) in self.networks.store.variables() {
                tensor.copy_(&from[&name]);
            }
        });
    }

    /// Moves toward the student: `m := momentum * m + (1 - momentum) * w` for every weight.
    /// Running statistics don't follow: they are of what the teacher sees.
    ///
    /// # Reference
    /// He et al. 2019, arXiv 1911.05722, equation 2.
    pub fn ema_update(&mut self, student: &FlatParameters, momentum: f64) {
        no_grad(|| {
            let mut flat = self.parameters.flat().shallow_clone();
            let _ = flat.lerp_(&self.shared(student), 1.0 - momentum);
        });
    }

    /// Moves running statistics as weights, for networks that see no batches themselves.
    pub(crate) fn ema_statistics(&mut self, student: &EncoderAndHead, momentum: f64) {
        let from = student.store.variables();
        no_grad(|| {
            for (name, mut buffer) in models::buffers(&self.networks.store) {
                match buffer.kind() {
                    Kind::Int64 => buffer.copy_(&from[&name]),
                    _ => _ = buffer.lerp_(&from[&name], 1.0 - momentum),
                }
            }
        });
    }

    /// The student's weights that have a counterpart here: its first ones.
    pub(crate) fn shared(&self, student: &FlatParameters) -> Tensor {
        student.flat().narrow(0, 0, self.parameters.flat().size()[0])
    }
}

#[cfg(test)]
mod tests {
    use golden::Tensors;
    use tch::Device;

    use super::*;
    use crate::tests::tiny_config;

    #[test]
    fn golden_momentum_update_matches_set_c() {
        let reference = golden::json("c_momentum.json");
        let tensors = Tensors::open("c_momentum.safetensors");
        for (kind, tolerance) in [(Kind::Double, 1e-12), (Kind::Float, 5e-7)] {
            for case in reference["cases"].as_array().unwrap() {
                let dtypes = DTypes { master: kind, compute: kind };
                let load = |prefix: &str| {
                    let mut store = VarStore::new(Device::Cpu);
                    store.set_kind(kind);
                    for layer in ["encoder", "projection"] {
                        for name in ["kernel", "bias"] {
                            let values = tensors.get(&format!("{prefix}.{layer}.{name}"));
                            let values = values.to_kind(kind).copy();
                            let _ = (store.root() / layer).add(name, values, true);
                        }
                    }
                    FlatParameters::flatten(&store)
                };
                let student = load("w");
                let networks = EncoderAndHead::new(
                    &tiny_config("dino"),
                    32,
                    WeightStream::Student,
                    Device::Cpu,
                    dtypes,
                )
                .unwrap();
                let mut teacher = Teacher { networks, parameters: load("m") };
                teacher.ema_update(&student, case["coefficient"].as_f64().unwrap());
                for (name, found) in teacher.parameters.named(teacher.parameters.flat()) {
                    let after = case["after"].as_str().unwrap();
                    let expected = tensors.get(&format!("{after}.{name}"));
                    let off = golden::difference(&found, expected);
                    assert!(off <= tolerance, "{name} {after}: off by {off}");
                }
            }
        }
    }
}
