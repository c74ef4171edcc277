//! Trains by a method that is not among those of the crate `methods`: alignment and uniformity.
//!
//! ```sh
//! cargo run -p examples --bin custom_method -- runs/custom_method
//! ```

use methods::{CustomConfig, Method, MethodConfig, MethodContext, MethodError, Projections};
use serde::Deserialize;
use serde_json::json;
use tch::Tensor;
use trainer::Trainer;

fn main() -> anyhow::Result<()> {
    let [folder] = examples::arguments("custom_method FOLDER")?;
    let mut config = examples::tiny_config()?;
    // The run records the method by this name and with these numbers.
    config.method = MethodConfig::Custom(CustomConfig {
        name: "align_uniform".to_owned(),
        settings: json!({"power": 2.0, "sharpness": 2.0, "weight": 1.0}),
    });
    let session = Trainer::prepare_with(config, examples::tiny_set()?, examples::origin(), &build)?;
    examples::train(session, &folder)
}

/// Hyper-parameters of the method; those that aren't there and those that are too many are refused.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// Exponent of the distance between the two views of an image.
    power: f64,
    /// Multiplies squared distances between images.
    sharpness: f64,
    /// Weight of uniformity beside alignment.
    weight: f64,
}

/// Views of an image are to lie close together, images to spread evenly over the sphere.
///
/// # Reference
/// Wang and Isola 2020, arXiv 2005.10242, section 4.2.
#[derive(Debug)]
struct AlignUniform(Settings);

/// The method of a configuration: this one, or else one of the crate.
fn build(config: &MethodConfig, place: &MethodContext) -> Result<Box<dyn Method>, MethodError> {
    let MethodConfig::Custom(custom) = config else {
        return config.build(place);
    };
    let settings = Settings::deserialize(&custom.settings).map_err(|error| MethodError::Range {
        key: "custom.settings",
        expected: "power, sharpness and weight",
        found: error.to_string(),
    })?;
    Ok(Box::new(AlignUniform(settings)))
}

impl Method for AlignUniform {
    fn loss(&self, views: &Projections) -> Tensor {
        let Settings { power, sharpness, weight } = self.0;
        let (p1, p2) = views.pair();
        let (a, b) = (unit_rows(p1), unit_rows(p2)); // [B, d]
        let kind = a.kind();
        let apart = (&a - &b).square();
        let apart = apart.sum_dim_intlist([1i64].as_slice(), false, kind); // [B]
        let alignment = apart.pow_tensor_scalar(power / 2.0).mean(kind);
        let uniformity = |x: &Tensor| {
            let pairs = x.pdist(2.0).square(); // [B (B - 1) / 2]
            (pairs * -sharpness).exp().mean(kind).log()
        };
        alignment + (uniformity(&a) + uniformity(&b)) * (weight / 2.0)
    }

    fn loss_terms(&self, _images: i64) -> i64 {
        1 // Uniformity is no mean over terms.
    }
}

/// # Shapes
/// `[B, d]` -> `[B, d]`, each row of length 1.
fn unit_rows(x: &Tensor) -> Tensor {
    let squares = x.square();
    let length = squares.sum_dim_intlist([1i64].as_slice(), true, x.kind());
    x * length.clamp_min(1e-12).rsqrt()
}

#[cfg(test)]
mod tests {
    use tch::nn::VarStore;
    use tch::{Device, Kind};

    use super::*;

    fn built(settings: serde_json::Value) -> Result<Box<dyn Method>, MethodError> {
        let store = VarStore::new(Device::Cpu);
        let place = MethodContext {
            path: store.root(),
            weight_rng: models::WeightRng { seed: 0, stream: models::WeightStream::Student },
            dimension: 2,
            image_size: 32,
            global_views: 2,
            compute: Kind::Float,
        };
        let name = "align_uniform".to_owned();
        build(&MethodConfig::Custom(CustomConfig { name, settings }), &place)
    }

    #[test]
    fn the_loss_is_that_of_the_paper() {
        let settings = json!({"power": 2.0, "sharpness": 2.0, "weight": 0.5});
        let method = built(settings).unwrap();
        let view = |rows: [[f32; 2]; 2]| Tensor::from_slice2(&rows);
        let student = vec![view([[3.0, 0.0], [0.0, 1.0]]), view([[0.0, 2.0], [1.0, 0.0]])];
        let views = Projections {
            teacher: student.iter().map(Tensor::detach).collect(),
            features: student.iter().map(Tensor::shallow_clone).collect(),
            student,
            patches: None,
        };
        // Views and images are at right angles: squared distances of 2, so 2 + 0.5 * log(exp(-4)).
        assert!(method.loss(&views).double_value(&[]).abs() < 1e-5);
    }

    #[test]
    fn settings_that_do_not_fit_are_refused() {
        let settings = json!({"power": 2.0, "sharpness": 2.0, "wait": 0.5});
        let error = built(settings).unwrap_err().to_string();
        assert!(error.starts_with("method.custom.settings: expected power, "), "{error}");
        assert!(error.contains("wait"), "{error}");
    }
}
