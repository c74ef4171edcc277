//! Handling of unreadable files and folders: an error, or left out.

use crate::Error;

/// Errors end the opening of a set, or are gathered while the set goes without what caused them.
#[derive(Clone, Debug)]
pub(super) enum BadFiles {
    Refused,
    LeftOut(Vec<String>),
}

impl BadFiles {
    /// A value, or none where what it was made of is left out.
    pub fn leave_out<T>(&mut self, result: Result<T, Error>) -> Result<Option<T>, Error> {
        match (result, self) {
            (Ok(value), _) => Ok(Some(value)),
            (Err(error), Self::Refused) => Err(error),
            (Err(error), Self::LeftOut(lines)) => {
                lines.push(error.to_string());
                Ok(None)
            }
        }
    }

    /// Whether what can't be used is left out.
    pub fn is_left_out(&self) -> bool {
        matches!(self, Self::LeftOut(_))
    }
}
