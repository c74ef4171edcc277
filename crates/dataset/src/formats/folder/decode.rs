//! Decodes one image file to RGB bytes: the first page or frame.
//!
//! As torchvision's `convert("RGB")`: gray becomes three equal channels, palettes are looked up,
//! alpha is dropped. Beyond it, 16 bits are scaled (not clipped) to 8, and the turn that a camera
//! notes in EXIF is found.

use std::fs::{self, File};
use std::io::{Cursor, Read};
use std::ops::Range;
use std::panic;
use std::path::Path;

use image::metadata::Orientation;
use image::{ColorType, DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};

use super::file_stamp::FileStamp;
use super::jpeg::{self, Decompressor};
use super::tiff_palette::PaletteTiff;
use crate::Error;
use crate::memory::{self, Refused, Reservation};
use crate::resize::DecodedImage;

/// The least width and height of a source image: smaller ones are icons and tracking pixels.
const MIN_SIDE: u32 = 8;
const MAX_SIDE: u32 = 1 << 15;
pub(super) const MAX_FILE_BYTES: u64 = 1 << 30;
const MAX_DECODED_BYTES: u64 = 1 << 30;

/// The formats that are read, by their names in messages.
const FORMATS: [(ImageFormat, &str); 7] = [
    (ImageFormat::Jpeg, "JPEG"),
    (ImageFormat::Png, "PNG"),
    (ImageFormat::WebP, "WebP"),
    (ImageFormat::Tiff, "TIFF"),
    (ImageFormat::Bmp, "BMP"),
    (ImageFormat::Gif, "GIF"),
    (ImageFormat::Pnm, "PNM"),
];

/// The name of a format that is read.
pub(super) fn format_name(format: ImageFormat) -> Option<&'static str> {
    FORMATS.into_iter().find(|(known, _)| *known == format).map(|(_, name)| name)
}

/// Decodes the `bytes` of the file at `path` by their content, whatever its ending says. A JPEG
/// file may be reduced in decoding, to about twice `side` pixels on its shorter side or more.
pub(super) fn decode(path: &Path, bytes: &[u8], side: usize) -> Result<DecodedImage, Error> {
    let (format, format_name) = format_of(path, bytes)?;
    let failed = failure(path, format_name);
    // A mistake in a decoder is about this image alone.
    let decoded = panic::catch_unwind(|| {
        if format == ImageFormat::Jpeg {
            return jpeg_pixels(path, bytes, side, &failed);
        }
        let palette = (format == ImageFormat::Tiff).then(|| PaletteTiff::read(bytes)).flatten();
        let bytes = palette.as_ref().map_or(bytes, |palette| &palette.gray);
        let mut image = pixels(path, bytes, format, &failed)?;
        if let Some(palette) = palette {
            palette.look_up(&mut image.pixels);
        }
        Ok(image)
    });
    decoded.unwrap_or_else(|_| Err(failed("what the decoder fails on".into())))
}

/// What an image file says before its pixels.
pub(super) struct Header {
    pub is_jpeg: bool,
    /// Width and height in pixels.
    pub size: [u32; 2],
    /// The turn that makes it upright.
    pub orientation: Orientation,
}

/// The header of the file at `path`, whose content is `bytes`.
pub(super) fn header(path: &Path, bytes: &[u8]) -> Result<Header, Error> {
    let (format, format_name) = format_of(path, bytes)?;
    let failed = failure(path, format_name);
    let read = panic::catch_unwind(|| {
        if format == ImageFormat::Jpeg {
            let (_, size) = jpeg_header(path, bytes, &failed)?;
            let orientation = jpeg::orientation(bytes);
            return Ok(Header { is_jpeg: true, size: size.into(), orientation });
        }
        let palette = (format == ImageFormat::Tiff).then(|| PaletteTiff::read(bytes)).flatten();
        let bytes = palette.as_ref().map_or(bytes, |palette| &palette.gray);
        let (decoder, orientation) = decoder(path, bytes, format, &failed)?;
        Ok(Header { is_jpeg: false, size: decoder.dimensions().into(), orientation })
    });
    read.unwrap_or_else(|_| Err(failed("what the decoder fails on".into())))
}

/// The RGB pixels of some rows of the JPEG file at `path`, reduced to 1 / `denominator`, in
/// `pixels`.
pub(super) fn jpeg_rows(
    path: &Path,
    bytes: &[u8],
    denominator: u32,
    rows: Range<usize>,
    pixels: &mut Vec<u8>,
) -> Result<(), Error> {
    let failed = failure(path, "JPEG");
    let (decompressor, size) = jpeg_header(path, bytes, &failed)?;
    let reduced = (size.0.div_ceil(denominator), rows.len() as u32);
    // Inks and pixels.
    let taken = decompressor.coefficient_bytes() + 2 * rgb_bytes(reduced);
    let _reservation = reserve(path, size, taken)?;
    jpeg::rows(decompressor, denominator, rows, pixels).map_err(failed)
}

/// The format of a file, by its content, and its name in messages.
fn format_of(path: &Path, bytes: &[u8]) -> Result<(ImageFormat, &'static str), Error> {
    let guessed = image::guess_format(bytes).ok();
    let known = FORMATS.into_iter().find(|(format, _)| Some(*format) == guessed);
    known.ok_or_else(|| not_an_image(path, describe(bytes, guessed)))
}

fn failure(path: &Path, format: &'static str) -> impl Fn(String) -> Error {
    move |found| Error::Decode { path: path.to_path_buf(), format, found }
}

/// The content of an image file. Its `stamp` is from when it was listed.
pub(super) fn read(path: &Path, stamp: Option<FileStamp>) -> Result<Vec<u8>, Error> {
    let metadata = fs::metadata(path).map_err(Error::io(path, "open"))?;
    // Reading a pipe or a device might never end.
    if !metadata.is_file() {
        return Err(not_an_image(path, "no plain file".into()));
    }
    if metadata.len() > MAX_FILE_BYTES {
        return Err(Error::Length {
            path: path.to_path_buf(),
            expected: format!("at most {MAX_FILE_BYTES} bytes"),
            found_bytes: metadata.len(),
        });
    }
    let mut file = File::open(path).map_err(Error::io(path, "open"))?;
    let mut bytes = buffer(path, metadata.len())?;
    let read = file.by_ref().take(MAX_FILE_BYTES).read_to_end(&mut bytes);
    read.map_err(Error::io(path, "read"))?;
    let now = file.metadata().and_then(|now| FileStamp::of_metadata(&now));
    let now = now.map_err(Error::io(path, "read"))?;
    if stamp.is_some_and(|stamp| stamp != now) {
        return Err(Error::Changed {
            path: path.to_path_buf(),
            found: format!("it changed to {} bytes", bytes.len()),
        });
    }
    Ok(bytes)
}

/// An empty vector with room for the `length` bytes of the file at `path`, or of a part of it.
pub(super) fn buffer(path: &Path, length: u64) -> Result<Vec<u8>, Error> {
    let buffer = usize::try_from(length).ok().and_then(memory::try_buffer);
    let path = || path.to_path_buf();
    buffer.ok_or_else(|| Error::Memory { path: path(), size: None, bytes: length, available: None })
}

/// Reserves the memory for an image of `size`.
fn reserve(path: &Path, size: (u32, u32), bytes: u64) -> Result<Reservation, Error> {
    Reservation::new(bytes).map_err(|refused| {
        let available = match refused {
            Refused::Limit(limit) => Some(limit),
            Refused::System => None,
        };
        Error::Memory { path: path.to_path_buf(), size: Some(size), bytes, available }
    })
}

/// The bytes of one copy of an image.
fn rgb_bytes((width, height): (u32, u32)) -> u64 {
    3 * u64::from(width) * u64::from(height)
}

fn not_an_image(path: &Path, found: String) -> Error {
    Error::NotAnImage { path: path.to_path_buf(), found }
}

fn pixels(
    path: &Path,
    bytes: &[u8],
    format: ImageFormat,
    failed: &impl Fn(String) -> Error,
) -> Result<DecodedImage, Error> {
    let (decoder, orientation) = decoder(path, bytes, format, failed)?;
    let (size, decoded) = (decoder.dimensions(), decoder.total_bytes());
    // Some decoders build the image in memory of their own, and what isn't RGB is converted.
    let of_decoder = match format {
        ImageFormat::Png | ImageFormat::Pnm | ImageFormat::Bmp => 0,
        _ => decoded,
    };
    let converted = if decoder.color_type() == ColorType::Rgb8 { 0 } else { rgb_bytes(size) };
    let reservation = reserve(path, size, of_decoder + decoded + converted + rgb_bytes(size))?;
    let image = DynamicImage::from_decoder(decoder).map_err(|error| failed(error.to_string()))?;
    let pixels = image.into_rgb8();
    let extent = (f64::from(pixels.width()), f64::from(pixels.height()));
    Ok(DecodedImage { pixels, extent, orientation, _reservation: reservation })
}

/// A decoder whose image has a size that is read, and the turn that makes that upright.
fn decoder<'a>(
    path: &Path,
    bytes: &'a [u8],
    format: ImageFormat,
    failed: &impl Fn(String) -> Error,
) -> Result<(impl ImageDecoder + 'a, Orientation), Error> {
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits());
    let mut decoder = reader.into_decoder().map_err(|error| failed(error.to_string()))?;
    check_dimensions(path, decoder.dimensions(), decoder.total_bytes(), failed)?;
    // An image with damaged metadata is still an image.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    Ok((decoder, orientation))
}

/// A JPEG file whose size is one that is read, and its width and height.
fn jpeg_header<'a>(
    path: &Path,
    bytes: &'a [u8],
    failed: &impl Fn(String) -> Error,
) -> Result<(Decompressor<'a>, (u32, u32)), Error> {
    let decompressor = Decompressor::new(bytes).map_err(failed)?;
    let (width, height) = decompressor.dimensions();
    check_dimensions(path, (width, height), rgb_bytes((width, height)), failed)?;
    Ok((decompressor, (width, height)))
}

fn jpeg_pixels(
    path: &Path,
    bytes: &[u8],
    side: usize,
    failed: &impl Fn(String) -> Error,
) -> Result<DecodedImage, Error> {
    let (decompressor, (width, height)) = jpeg_header(path, bytes, failed)?;
    let side = side.try_into().unwrap_or(u32::MAX);
    let denominator = jpeg::denominator((width, height), side);
    let reduced = (width.div_ceil(denominator), height.div_ceil(denominator));
    // Inks, pixels, planes.
    let taken = decompressor.coefficient_bytes() + 3 * rgb_bytes(reduced);
    let reservation = reserve(path, (width, height), taken)?;
    let pixels = jpeg::pixels(decompressor, denominator).map_err(failed)?;
    let extent = [width, height].map(|side| f64::from(side) / f64::from(denominator)).into();
    Ok(DecodedImage {
        pixels,
        extent,
        orientation: jpeg::orientation(bytes),
        _reservation: reservation,
    })
}

/// Checks the size that a header states: nothing of it was allocated yet.
fn check_dimensions(
    path: &Path,
    (width, height): (u32, u32),
    total_bytes: u64,
    failed: &impl Fn(String) -> Error,
) -> Result<(), Error> {
    if width.min(height) < MIN_SIDE {
        return Err(Error::TooSmall { path: path.to_path_buf(), min: MIN_SIDE, width, height });
    }
    if total_bytes > MAX_DECODED_BYTES || width.max(height) > MAX_SIDE {
        let most = format!("more than {MAX_DECODED_BYTES} bytes or {MAX_SIDE} pixels a side");
        return Err(failed(format!("one of {width} x {height} pixels, {most}")));
    }
    Ok(())
}

fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_DECODED_BYTES);
    limits
}

/// What a file is that is not an image we read.
fn describe(bytes: &[u8], format: Option<ImageFormat>) -> String {
    let start = &bytes[..bytes.len().min(64)];
    match format {
        _ if bytes.is_empty() => "an empty file".into(),
        Some(format) => format!("a {format:?} image"),
        None if start.iter().all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace()) => {
            "text".into()
        }
        None => format!("unknown content of {} bytes", bytes.len()),
    }
}
