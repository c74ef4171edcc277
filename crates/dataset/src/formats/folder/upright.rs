//! Turning images upright: from the pixels of a file to those of the picture.

use image::metadata::Orientation;

/// How the columns and rows of an upright image are those of its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Turn {
    /// Whether the file's rows are the image's columns.
    pub swapped: bool,
    /// Whether the file's columns, and its rows, are counted from the other end.
    pub mirrored: [bool; 2],
}

impl Turn {
    /// The turn that a camera notes.
    pub fn of(orientation: Orientation) -> Self {
        let (swapped, mirrored) = match orientation {
            Orientation::NoTransforms => (false, [false, false]),
            Orientation::FlipHorizontal => (false, [true, false]),
            Orientation::Rotate180 => (false, [true, true]),
            Orientation::FlipVertical => (false, [false, true]),
            Orientation::Rotate90 => (true, [false, true]),
            Orientation::Rotate270 => (true, [true, false]),
            Orientation::Rotate90FlipH => (true, [false, false]),
            Orientation::Rotate270FlipH => (true, [true, true]),
        };
        Self { swapped, mirrored }
    }

    /// A pair of across and down in the file, for one of the upright image; and back, as the two
    /// change places or stay.
    pub fn swap<T>(self, [across, down]: [T; 2]) -> [T; 2] {
        if self.swapped { [down, across] } else { [across, down] }
    }
}
