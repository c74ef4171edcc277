//! Errors of the libraries as Python's exceptions, with the same texts.

use pyo3::PyErr;
use pyo3::exceptions::{PyOSError, PyRuntimeError, PyValueError};

/// A value that cannot be used.
pub fn value_error(message: impl Into<String>) -> PyErr {
    PyValueError::new_err(message.into())
}

/// `name: expected X, found Y`.
pub fn unexpected(
    name: &str,
    expected: impl std::fmt::Display,
    found: impl std::fmt::Display,
) -> PyErr {
    value_error(format!("{name}: expected {expected}, found {found}"))
}

/// What files hold or the system says is an `OSError`, a wrong argument a `ValueError`.
pub fn of_dataset(error: &dataset::Error) -> PyErr {
    let message = error.to_string();
    match error {
        dataset::Error::Argument { .. } => value_error(message),
        _ => PyOSError::new_err(message),
    }
}

/// A plan that cannot be used is a `ValueError`.
pub fn of_loader(error: &loader::Error) -> PyErr {
    let message = error.to_string();
    match error {
        loader::Error::Set(_) => PyOSError::new_err(message),
        loader::Error::Threads { .. } | loader::Error::Worker(_) | loader::Error::Stopped => {
            PyRuntimeError::new_err(message)
        }
        _ => value_error(message),
    }
}
