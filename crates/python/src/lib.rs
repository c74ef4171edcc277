//! The Python package `twinview`: image sets, augmented views and batches, without libtorch.
//!
//! `_twinview` is the extension module; `python/twinview` has the package around it, its type stubs
//! and what needs PyTorch. Arrays cross the border without a copy (`array`, `dlpack`), threads work
//! while other Python code runs, and errors have the texts of the libraries.

mod array;
mod dataset_class;
mod dlpack;
mod error;
mod fork_guard;
mod loader_class;
mod memory;
mod pooled_batch;
mod recipe_class;
mod render;
mod source;

/// The extension module.
#[pyo3::pymodule]
mod _twinview {
    use pyo3::prelude::*;

    #[pymodule_export]
    use crate::array::Array;
    #[pymodule_export]
    use crate::dataset_class::{Dataset, Split, from_array, open};
    #[pymodule_export]
    use crate::loader_class::{Batch, Loader, LoaderIterator};
    #[pymodule_export]
    use crate::recipe_class::Recipe;
    #[pymodule_export]
    use crate::render::render;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
