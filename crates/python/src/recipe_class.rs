//! Recipes: the views of an image, by name or from a configuration.

use std::path::Path;

use augment::{ViewsError, ViewsFile};
use pyo3::exceptions::PyOSError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::error::{unexpected, value_error};

/// Preset, method, and configuration.
const PRESETS: &[(&str, &str, &str)] = include!(concat!(env!("OUT_DIR"), "/presets.rs"));
/// The preset of a name without one.
const PRESET: &str = "gpu";

/// The views that are made of every image.
#[pyclass(frozen, module = "twinview")]
pub struct Recipe {
    views: Vec<augment::Recipe>,
}

impl Recipe {
    /// One recipe a view.
    pub fn views(&self) -> &[augment::Recipe] {
        &self.views
    }

    /// The views as JSON.
    pub fn json(&self) -> String {
        serde_json::to_string(&self.views).expect("a recipe can be written")
    }

    fn parse(text: &str, origin: &str, image_size: Option<usize>) -> Result<Recipe, ViewsError> {
        let mut file = ViewsFile::parse(text, origin)?;
        file.image_size = image_size.unwrap_or(file.image_size);
        Ok(Recipe { views: file.recipes(origin)? })
    }
}

#[pymethods]
impl Recipe {
    /// Loads a recipe.
    ///
    /// `source` is the name of a method ("simclr"; "cpu/simclr", "gpu/simclr" and "seed/simclr" for
    /// that of a preset), the path of a JSON file (a configuration of `twinview pretrain`, the
    /// `config.json` of a run, or `{"image_size": 96, "views": [...]}`), or such a dict.
    /// `image_size` replaces that of the source.
    #[staticmethod]
    #[pyo3(signature = (source, *, image_size=None))]
    fn load(source: &Bound<'_, PyAny>, image_size: Option<usize>) -> PyResult<Recipe> {
        if source.is_instance_of::<PyDict>() {
            let json = source.py().import("json")?;
            let text: String = json.call_method1("dumps", (source,))?.extract()?;
            return Recipe::parse(&text, "recipe", image_size).map_err(|mut error| {
                // There is no line that the user has seen.
                error.line_column = None;
                value_error(error.to_string())
            });
        }
        let fspath = source.py().import("os")?.call_method1("fspath", (source,));
        let Ok(name) = fspath.and_then(|path| path.extract::<String>()) else {
            let found = source.get_type().name()?;
            return Err(unexpected("recipe", "a name, the path of a file, or a dict", found));
        };
        if let Some(text) = preset(&name) {
            let recipe = Recipe::parse(text, &name, image_size);
            return recipe.map_err(|error| value_error(error.to_string()));
        }
        let text = files::read_text(Path::new(&name)).map_err(|error| {
            let error = error.source;
            let known = if name.contains(['/', '.']) { "" } else { " or the name of a method" };
            let path = files::OneLine(&name);
            PyOSError::new_err(format!("{path}: expected a file of views{known}, found {error}"))
        })?;
        Recipe::parse(&text, &name, image_size).map_err(|error| value_error(error.to_string()))
    }

    /// Side in pixels of every view, in order.
    #[getter]
    fn sizes(&self) -> Vec<usize> {
        self.views.iter().map(|view| view.size).collect()
    }

    fn __len__(&self) -> usize {
        self.views.len()
    }

    fn __eq__(&self, other: &Recipe) -> bool {
        self.views == other.views
    }

    fn __repr__(&self) -> String {
        let sizes = self.sizes();
        format!("twinview.Recipe({} views of {sizes:?} pixels)", sizes.len())
    }
}

fn preset(name: &str) -> Option<&'static str> {
    let (preset, method) = name.split_once('/').unwrap_or((PRESET, name));
    let found = PRESETS.iter().find(|known| (known.0, known.1) == (preset, method));
    found.map(|(_, _, text)| *text)
}
