//! Pictures in the format that their file's name says.

use std::io::Cursor;
use std::path::Path;

use ::image::{ImageFormat, RgbImage};

use super::jpeg;
use crate::Error;

/// A format of pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PictureFormat {
    /// `.png`.
    Png,
    /// `.jpg` or `.jpeg`.
    Jpeg,
    /// `.webp`, lossless.
    WebP,
}

impl PictureFormat {
    /// The format for the extension of `path`; case does not matter.
    ///
    /// # Errors
    /// [`Error::PictureName`].
    pub fn of(path: &Path) -> Result<Self, Error> {
        let extension = path.extension().unwrap_or_default().to_string_lossy();
        match extension.to_ascii_lowercase().as_str() {
            "png" => Ok(Self::Png),
            "jpg" | "jpeg" => Ok(Self::Jpeg),
            "webp" => Ok(Self::WebP),
            _ => Err(Error::PictureName { path: path.to_owned() }),
        }
    }
}

/// Writes `image` in the format that the name of the file says, whole or not at all.
///
/// # Errors
/// [`Error::PictureName`], [`Error::Argument`] for a picture that is too large for its format,
/// [`Error::Io`].
pub fn save_picture(image: &RgbImage, path: &Path) -> Result<(), Error> {
    let bytes = match PictureFormat::of(path)? {
        PictureFormat::Png => encode(image, path, ImageFormat::Png)?,
        PictureFormat::Jpeg => jpeg(image)?,
        PictureFormat::WebP => encode(image, path, ImageFormat::WebP)?,
    };
    Ok(files::write(path, &bytes)?)
}

fn encode(image: &RgbImage, path: &Path, format: ImageFormat) -> Result<Vec<u8>, Error> {
    let mut bytes = Cursor::new(Vec::new());
    let encoded = image.write_to(&mut bytes, format);
    encoded.map_err(|error| Error::io(path, "encode")(std::io::Error::other(error)))?;
    Ok(bytes.into_inner())
}

#[cfg(test)]
mod tests {
    use ::image::Rgb;

    use super::*;

    #[test]
    fn a_file_is_what_its_name_says() {
        let folder = tempfile::tempdir().unwrap();
        let image = RgbImage::from_fn(8, 4, |x, y| Rgb([30 * x as u8, 60 * y as u8, 9]));
        for (name, format) in [
            ("a.png", ImageFormat::Png),
            ("b.JPG", ImageFormat::Jpeg),
            ("c.jpeg", ImageFormat::Jpeg),
            ("d.webp", ImageFormat::WebP),
        ] {
            let path = folder.path().join(name);
            save_picture(&image, &path).unwrap();
            let bytes = std::fs::read(&path).unwrap();
            assert_eq!(::image::guess_format(&bytes).unwrap(), format, "{name}");
            let read = ::image::load_from_memory(&bytes).unwrap().into_rgb8();
            assert!(format == ImageFormat::Jpeg || read == image, "{name}");
        }
        for name in ["a.tiff", "a", "png"] {
            let error = save_picture(&image, Path::new(name)).unwrap_err().to_string();
            assert_eq!(
                error,
                format!("{name}: expected a name that ends in .png, .jpg, .jpeg or .webp")
            );
        }
    }
}
