//! The head that training puts on the features and evaluation throws away.

use serde::{Deserialize, Serialize};
use tch::nn::Path;
use tch::{Kind, Tensor};

use crate::encoder::ModelError;
use crate::{InitStream, Linear};

/// Dense, ReLU, dense.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProjectionConfig {
    /// Units of the hidden layer; the seed's is 128.
    pub hidden: i64,
    /// Size of a projection; the seed's is 128.
    pub output: i64,
}

/// Features to projections.
#[derive(Debug)]
pub struct Projection {
    first: Linear,
    second: Linear,
    master: Kind,
}

impl ProjectionConfig {
    /// Builds the head for features of size `inputs` and registers its weights on `path`.
    ///
    /// # Errors
    /// [`ModelError::NotPositive`] where a size isn't.
    pub fn build(
        &self,
        path: &Path,
        stream: InitStream,
        inputs: i64,
        compute: Kind,
    ) -> Result<Projection, ModelError> {
        for (key, found) in [
            ("projection.hidden", self.hidden),
            ("projection.output", self.output),
        ] {
            if found < 1 {
                return Err(ModelError::NotPositive { key, found });
            }
        }
        let first = Linear::new(&(path / "dense1"), stream, inputs, self.hidden, compute);
        let second = Linear::new(
            &(path / "dense2"),
            stream,
            self.hidden,
            self.output,
            compute,
        );
        Ok(Projection {
            first,
            second,
            master: path.kind(),
        })
    }
}

impl Projection {
    /// # Shapes
    /// `features` `[n, inputs]` -> projections `[n, output]`, in the kind of the master weights.
    pub fn forward(&self, features: &Tensor) -> Tensor {
        let hidden = self.first.forward(features).relu();
        self.second.forward(&hidden).to_kind(self.master)
    }
}
