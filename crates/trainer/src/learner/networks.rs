//! An encoder with its projection head: the student, and the teacher that follows it.

use models::{
    Encoder, FlatParameters, MASK_TOKEN, Mode, ModelError, ProjectionHead, Tokens, WeightRng,
    WeightStream,
};
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
    /// The same for patches, where they have a head of their own.
    patch_projection: Option<ProjectionHead>,
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
    /// New networks for square images of `side` pixels. For a method that masks patches the encoder
    /// learns a mask token.
    ///
    /// # Errors
    /// [`ModelError`] where sizes don't fit, or the encoder has no patches to mask.
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
        let mut encoder = config.encoder.build(&(&root / "encoder"), rng, side, dtypes.compute)?;
        let masks = config.method.masks();
        if masks.is_some() && !encoder.add_mask_token(&(&root / "encoder")) {
            let key = "encoder";
            let expected = "a vision transformer, whose patches the method masks (--encoder)";
            let found = config.encoder.name().to_owned();
            return Err(ModelError::Range { key, expected, found });
        }
        let inputs = encoder.feature_size();
        let head =
            |name: &str| config.projection.build(&(&root / name), rng, inputs, dtypes.compute);
        let projection = head("projection")?;
        let patch_projection = match masks.is_some_and(|masks| masks.separate_heads) {
            true => Some(head("patch_projection")?),
            false => None,
        };
        let of_device = match device {
            Device::Cpu => CPU_CHUNK,
            _ => i64::MAX,
        };
        let asked = config.train.micro_batch;
        let at_once = asked.map_or(of_device, |images| of_device.min(images as i64));
        Ok(Self { store, encoder, projection, patch_projection, at_once })
    }

    /// The encoder's weights and running statistics by their names in it, sorted. The mask token,
    /// which only training needs, is no part of it.
    pub fn encoder_tensors(&self) -> Vec<(String, Tensor)> {
        let all = self.store.variables().into_iter();
        let mut named: Vec<_> = all
            .filter_map(|(name, tensor)| Some((name.strip_prefix("encoder.")?.to_owned(), tensor)))
            .filter(|(name, _)| name != MASK_TOKEN)
            .collect();
        named.sort_by(|a, b| a.0.cmp(&b.0));
        named
    }

    /// The learned token that stands in for masked patches, where the method masks some.
    pub(crate) fn mask_token(&self) -> Option<Tensor> {
        self.store.variables().remove(&format!("encoder.{MASK_TOKEN}"))
    }

    /// What the views of a step that trains are encoded to, in their order, by passes in `mode`. An
    /// encoder with batch statistics is given each view of all images on its own and whole, so that
    /// a view is normalized by its own statistics; these then move the running ones, the first
    /// view's first.
    pub fn encode(&self, input: EncoderInput, of: ImageRange, mode: Mode) -> Encoded {
        let most = match self.encoder.uses_batch_statistics() {
            true => of.count,
            false => self.at_once,
        };
        let parts = of.parts(input.views, most);
        let encoded: Vec<_> = parts.map(|part| self.encode_part(input, &part, mode)).collect();
        let patches: Vec<_> = encoded.iter().filter_map(|part| part.patches.as_ref()).collect();
        let features: Vec<_> = encoded.iter().map(|part| &part.features).collect();
        Encoded {
            features: Tensor::cat(&features, 0),
            patches: (!patches.is_empty()).then(|| Tensor::cat(&patches, 0)),
        }
    }

    fn encode_part(&self, input: EncoderInput, part: &Part, mode: Mode) -> Encoded {
        let (rows, mode) = (&part.rows, mode.from(part.place));
        let tokens = match input.patches {
            Patches::Masked(masks) if part.first < input.views[0].size()[0] => {
                let masks = masks.narrow(0, part.first, rows.size()[0]);
                self.encoder.forward_masked(rows, &masks, mode)
            }
            Patches::Seen if part.first < input.views[0].size()[0] => {
                self.encoder.forward_tokens(rows, mode)
            }
            _ => None,
        };
        match tokens {
            Some(Tokens { features, patches }) => Encoded { features, patches: Some(patches) },
            None => Encoded { features: self.encoder.forward(rows, mode), patches: None },
        }
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

    /// Projections of patches, by their own head where they have one.
    ///
    /// # Shapes
    /// `[patches, feature_size]` -> `[patches, output]`
    pub(crate) fn project_patches(&self, features: &Tensor) -> Tensor {
        self.patch_projection.as_ref().unwrap_or(&self.projection).forward(features)
    }

    /// The gradient of a loss with respect to the encoder's weights `encoder`, given `upstream`,
    /// its gradient with respect to what [`encode`](Self::encode) gave for `input`: features and,
    /// where there are such, patches. The views go through the encoder once more, in the `mode` of
    /// the first time, and the graph is that of one chunk at a time; not for an encoder with batch
    /// statistics.
    ///
    /// # Shapes
    /// -> `[weights]`
    ///
    /// # Reference
    /// Gao et al. 2021, arXiv 2101.06983, section 3.2, steps 3 and 4.
    pub(crate) fn gradient_in_chunks(
        &self,
        input: EncoderInput,
        of: ImageRange,
        upstream: &[Tensor],
        encoder: &FlatParameters,
        mode: Mode,
    ) -> Tensor {
        let mut gradient = encoder.flat().zeros_like();
        for part in of.parts(input.views, self.at_once) {
            let encoded = self.encode_part(input, &part, mode);
            let rows = part.rows.size()[0];
            let count = encoded.tensors().len();
            let upstream: Vec<Tensor> =
                upstream[..count].iter().map(|all| all.narrow(0, part.first, rows)).collect();
            // The gradient of this sum with respect to what was encoded is `upstream`.
            gradient += encoder.gradient(&encoded.dot(&upstream));
        }
        gradient
    }
}

/// What an encoder is given of a step.
#[derive(Clone, Copy, Debug)]
pub struct EncoderInput<'a> {
    /// Views of this process's images, those of one size together: each tensor
    /// `[views * images, 3, h, w]`, float in 0..=1.
    pub views: &'a [Tensor],
    /// What of the patches of the first ones, the global views.
    pub patches: Patches<'a>,
}

/// What of the patches of global views an encoder is asked for.
#[derive(Clone, Copy, Debug)]
pub enum Patches<'a> {
    /// Nothing.
    Unused,
    /// Their features.
    Seen,
    /// Their features, with a mask token in the place of those that are masked: boolean
    /// `[views * images, patches]`.
    Masked(&'a Tensor),
}

/// What an encoder made of the views of a step.
#[derive(Debug)]
pub struct Encoded {
    /// Features of each view, in their order, `[views * images, feature_size]`.
    pub features: Tensor,
    /// Features of the patches of the global views, `[views * images, patches, feature_size]`,
    /// where they were asked for.
    pub patches: Option<Tensor>,
}

impl Encoded {
    /// All of it.
    pub(super) fn tensors(&self) -> Vec<&Tensor> {
        [&self.features].into_iter().chain(&self.patches).collect()
    }

    pub(super) fn shallow_clone(&self) -> Self {
        let patches = self.patches.as_ref().map(Tensor::shallow_clone);
        Self { features: self.features.shallow_clone(), patches }
    }

    /// The same as inputs of another graph.
    pub(super) fn as_leaves(&self) -> Self {
        let leaf = |rows: &Tensor| rows.detach().set_requires_grad(true);
        Self { features: leaf(&self.features), patches: self.patches.as_ref().map(leaf) }
    }

    /// The sum of its products with tensors of the same shapes, a scalar.
    pub(super) fn dot(&self, others: &[Tensor]) -> Tensor {
        let kind = self.features.kind();
        let products = self.tensors().into_iter().zip(others);
        let sums: Vec<Tensor> = products.map(|(own, other)| (own * other).sum(kind)).collect();
        Tensor::stack(&sums, 0).sum(kind)
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

    /// Moves toward the student: `m := (1 - share) * m + share * w` for every weight. `share`, a
    /// scalar, is 1 minus the momentum.
    /// Running statistics don't follow: they are of what the teacher sees.
    ///
    /// # Reference
    /// He et al. 2019, arXiv 1911.05722, equation 2.
    pub fn ema_update(&mut self, student: &FlatParameters, share: &Tensor) {
        no_grad(|| {
            let mut flat = self.parameters.flat().shallow_clone();
            let _ = flat.lerp_tensor_(&self.shared(student), share);
        });
    }

    /// Moves running statistics as weights, for networks that see no batches themselves.
    pub(crate) fn ema_statistics(&mut self, student: &EncoderAndHead, share: &Tensor) {
        let from = student.store.variables();
        no_grad(|| {
            for (name, mut buffer) in models::buffers(&self.networks.store) {
                match buffer.kind() {
                    Kind::Int64 => buffer.copy_(&from[&name]),
                    _ => _ = buffer.lerp_tensor_(&from[&name], share),
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
                let share = Tensor::from(1.0 - case["coefficient"].as_f64().unwrap());
                teacher.ema_update(&student, &share.to_kind(kind));
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
