//! Pictures as files, in the format that a file's name says.

use std::path::Path;

use ::image::codecs::jpeg::JpegEncoder;
use ::image::codecs::png::PngEncoder;
use ::image::codecs::webp::WebPEncoder;
use ::image::{ImageResult, RgbImage};

use crate::Error;

/// Text and frames beside photographs stay clean, at a fifth of a PNG's bytes.
const JPEG_QUALITY: u8 = 90;

/// A format of picture files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PictureFormat {
    /// `.png`
    Png,
    /// `.jpg`, `.jpeg`
    Jpeg,
    /// `.webp`, lossless.
    WebP,
}

impl PictureFormat {
    /// The format that the name of `path` says, in small or capital letters.
    ///
    /// # Errors
    /// [`Error::PictureFormat`] for another ending.
    pub fn of(path: &Path) -> Result<Self, Error> {
        let ending = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
        match &*ending {
            "png" => Ok(Self::Png),
            "jpg" | "jpeg" => Ok(Self::Jpeg),
            "webp" => Ok(Self::WebP),
            _ => Err(Error::PictureFormat { path: path.to_owned() }),
        }
    }

    fn encode(self, image: &RgbImage, bytes: &mut Vec<u8>) -> ImageResult<()> {
        match self {
            Self::Png => image.write_with_encoder(PngEncoder::new(bytes)),
            Self::Jpeg => {
                image.write_with_encoder(JpegEncoder::new_with_quality(bytes, JPEG_QUALITY))
            }
            Self::WebP => image.write_with_encoder(WebPEncoder::new_lossless(bytes)),
        }
    }
}

/// Writes `image` in the format that the name of `path` says, whole or not at all.
///
/// # Errors
/// [`Error::PictureFormat`] for an unknown ending, or if the file cannot be written, or the format
/// has no pictures of this size.
pub fn save_picture(image: &RgbImage, path: &Path) -> Result<(), Error> {
    let mut bytes = Vec::new();
    PictureFormat::of(path)?
        .encode(image, &mut bytes)
        .map_err(|error| Error::io(path, "encode")(std::io::Error::other(error)))?;
    Ok(files::write(path, &bytes)?)
}

#[cfg(test)]
mod tests {
    use ::image::{ImageFormat, ImageReader, Rgb};

    use super::*;

    #[test]
    fn a_picture_is_what_its_name_says() {
        let folder = tempfile::tempdir().unwrap();
        let image = RgbImage::from_fn(40, 24, |x, y| Rgb([(6 * x) as u8, (10 * y) as u8, 90]));
        for (name, format) in [
            ("a.png", ImageFormat::Png),
            ("a.JPG", ImageFormat::Jpeg),
            ("a.jpeg", ImageFormat::Jpeg),
            ("a.webp", ImageFormat::WebP),
        ] {
            let path = folder.path().join(name);
            save_picture(&image, &path).unwrap();
            let reader = ImageReader::open(&path).unwrap().with_guessed_format().unwrap();
            assert_eq!(reader.format(), Some(format), "{name}");
            let back = reader.decode().unwrap().into_rgb8();
            let worst = image.iter().zip(back.iter()).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
            assert!(worst <= if format == ImageFormat::Jpeg { 20 } else { 0 }, "{name}: {worst}");
        }
    }

    #[test]
    fn another_ending_is_refused() {
        let image = RgbImage::new(1, 1);
        for name in ["a.gif", "a", "png"] {
            let folder = tempfile::tempdir().unwrap();
            let error = save_picture(&image, &folder.path().join(name)).unwrap_err().to_string();
            let expected = format!("{name}: expected a name that ends in .png, .jpg or .webp");
            assert!(error.contains(&expected), "{error}");
            assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        }
    }

    #[test]
    fn a_picture_too_large_for_its_format_names_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("wide.webp");
        let error = save_picture(&RgbImage::new(20_000, 1), &path).unwrap_err().to_string();
        assert!(error.contains("wide.webp: cannot encode"), "{error}");
    }
}
