//! Pictures that are embedded in a page.

use std::io;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::Error;

/// An encoded picture, PNG or JPEG.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    bytes: Vec<u8>,
    media: &'static str,
    /// Width and height in pixels.
    pub(crate) size: [u32; 2],
}

impl Picture {
    /// The JPEG in `bytes`, of `size` (width and height in pixels).
    pub fn jpeg(bytes: Vec<u8>, size: [u32; 2]) -> Self {
        Self { bytes, media: "image/jpeg", size }
    }

    /// The PNG at `path`; `None` where there is no file.
    ///
    /// # Errors
    /// [`Error::Content`] where it is no PNG, [`Error::Io`].
    pub(crate) fn read(path: &Path) -> Result<Option<Self>, Error> {
        let bytes = files::read(path).map_err(|error| Error::io(path, "read it")(error.source));
        let bytes = match bytes {
            Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                return Ok(None);
            }
            bytes => bytes?,
        };
        let size = bytes
            .strip_prefix(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")
            .and_then(|rest| rest.first_chunk::<8>());
        let Some(&[a, b, c, d, e, f, g, h]) = size else {
            return Err(Error::content(path, "a PNG image")(format!(
                "{} other bytes",
                bytes.len()
            )));
        };
        let size = [[a, b, c, d], [e, f, g, h]].map(u32::from_be_bytes);
        Ok(Some(Self { bytes, media: "image/png", size }))
    }

    /// The picture as a `data:` URI.
    pub(crate) fn uri(&self) -> String {
        format!("data:{};base64,{}", self.media, STANDARD.encode(&self.bytes))
    }
}

#[cfg(test)]
pub mod tests {
    use std::fs;

    use super::*;

    /// Bytes that begin as a PNG of 8 x 4 pixels does.
    pub const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x08\0\0\0\x04\x08\x02\0\0\0";

    #[test]
    fn a_png_is_read_with_its_size() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("picture.png");
        assert_eq!(Picture::read(&path).unwrap(), None);
        fs::write(&path, PNG).unwrap();
        let picture = Picture::read(&path).unwrap().unwrap();
        assert_eq!(picture.size, [8, 4]);
        assert!(picture.uri().starts_with("data:image/png;base64,iVBORw0KGgo"));
    }

    #[test]
    fn a_picture_that_is_none_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("neighbors.png");
        fs::write(&path, "GIF89a").unwrap();
        let error = Picture::read(&path).unwrap_err().to_string();
        assert!(error.contains("neighbors.png: expected a PNG image"), "{error}");
    }
}
