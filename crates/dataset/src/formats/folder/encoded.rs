//! Images in their files, which are read and decoded for each view.
//!
//! A JPEG file is decoded at 1/2, 1/4 or 1/8 of its size where a crop has pixels to spare, and only
//! down to the last row of the crops. Other formats are decoded whole.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::decode;
use super::file_stamp::FileStamp;
use super::jpeg::DENOMINATORS;
use super::source::Source;
use super::upright::Turn;
use crate::{Error, Part};

/// The most pixels that a JPEG file is decoded to, beyond which it is reduced further: 100 MB.
const MAX_PIXELS: u64 = 1 << 25;

/// Images of other formats with more pixels are decoded one at a time, whatever the number of
/// threads.
static LARGE: Mutex<()> = Mutex::new(());

/// The files of a split.
#[derive(Debug)]
pub(crate) struct EncodedFiles {
    source: Arc<Source>,
    /// By place; each as it was when it was listed.
    files: Vec<(PathBuf, Option<FileStamp>)>,
}

/// The file of an image.
#[derive(Clone, Copy, Debug)]
pub struct EncodedFile<'a> {
    source: &'a Source,
    path: &'a Path,
    stamp: Option<FileStamp>,
}

/// An image file that was read, to be decoded.
#[derive(Debug)]
pub struct EncodedImage<'a> {
    path: &'a Path,
    /// Of a JPEG file, which is decoded part by part; empty where `pixels` has all.
    bytes: Vec<u8>,
    /// Width and height in the file.
    size: [u32; 2],
    turn: Turn,
    /// Rows of RGB pixels from `first_row` on, of an image reduced to 1 / `denominator`.
    pixels: Vec<u8>,
    first_row: usize,
    denominator: u32,
}

/// A rectangle in pixels: left, top, width, height; edges anywhere.
pub type Rectangle = [f64; 4];

impl EncodedFiles {
    pub(super) fn new(source: Arc<Source>, files: Vec<(PathBuf, Option<FileStamp>)>) -> Self {
        Self { source, files }
    }

    pub fn file(&self, place: usize) -> EncodedFile<'_> {
        let (path, stamp) = &self.files[place];
        EncodedFile { source: &self.source, path, stamp: *stamp }
    }
}

impl<'a> EncodedFile<'a> {
    /// Reads the file, and its header.
    ///
    /// # Errors
    /// If it can't be read, has changed since it was listed, or is damaged.
    pub fn read(&self) -> Result<EncodedImage<'a>, Error> {
        let path = self.path;
        let bytes = self.source.read(path, self.stamp)?;
        let header = decode::header(path, &bytes)?;
        let image = EncodedImage {
            path,
            bytes,
            size: header.size,
            turn: Turn::of(header.orientation),
            pixels: Vec::new(),
            first_row: 0,
            denominator: 1,
        };
        if header.is_jpeg { Ok(image) } else { image.decode_whole() }
    }
}

impl EncodedImage<'_> {
    /// Width and height of the upright image, in pixels.
    pub fn size(&self) -> [usize; 2] {
        self.turn.swap(self.size.map(|side| side as usize))
    }

    /// How far the image is reduced in decoding for a view of `width` x `height` pixels of a crop:
    /// by 1, 2, 4 or 8, so that the crop keeps as many pixels as the view has, or by more where the
    /// image is larger than 33 megapixels. It depends on these alone.
    pub fn denominator(&self, crop: Rectangle, width: usize, height: usize) -> u32 {
        if self.bytes.is_empty() {
            return 1;
        }
        let spare = (crop[2] / width as f64).min(crop[3] / height as f64);
        let pixels = u64::from(self.size[0]) * u64::from(self.size[1]);
        let is_enough = |denominator: &&u32| f64::from(**denominator) <= spare;
        let enough = DENOMINATORS.iter().find(is_enough).copied().unwrap_or(1);
        let mut least = 1;
        while least < DENOMINATORS[0] && pixels / u64::from(least * least) > MAX_PIXELS {
            least *= 2;
        }
        enough.max(least)
    }

    /// The crop in pixels of the image reduced to 1 / `denominator`.
    pub fn reduced(&self, crop: Rectangle, denominator: u32) -> Rectangle {
        let by = f64::from(denominator);
        let [left, top, width, height] = crop.map(|number| number / by);
        // The last column and row of the file may be filled in part, and be the first ones of the
        // upright image.
        let of_file = [0, 1].map(|axis| {
            let size = self.size[axis];
            let missing = f64::from(size.div_ceil(denominator)) - f64::from(size) / by;
            if self.turn.mirrored[axis] { missing } else { 0.0 }
        });
        let [across, down] = self.turn.swap(of_file);
        [left + across, top + down, width, height]
    }

    /// Decodes the image, reduced to 1 / `denominator`, for these columns and rows of it.
    ///
    /// # Errors
    /// If the file is damaged.
    pub fn decode(
        &mut self,
        denominator: u32,
        columns: Range<usize>,
        rows: Range<usize>,
    ) -> Result<(), Error> {
        if self.bytes.is_empty() {
            return Ok(());
        }
        let [_, of_file] = self.turn.swap([columns, rows]);
        let height = self.size[1].div_ceil(denominator) as usize;
        let of_file = match self.turn.mirrored[1] {
            true => height - of_file.end..height - of_file.start,
            false => of_file,
        };
        decode::jpeg_rows(self.path, &self.bytes, denominator, of_file.clone(), &mut self.pixels)?;
        (self.first_row, self.denominator) = (of_file.start, denominator);
        Ok(())
    }

    /// Row-major planes of columns and rows that were [decoded](Self::decode), upright, in
    /// `scratch`.
    ///
    /// # Panics
    /// If they weren't.
    pub fn part<'s>(
        &self,
        columns: Range<usize>,
        rows: Range<usize>,
        scratch: &'s mut Vec<u8>,
    ) -> Part<'s> {
        let (width, height) = (columns.len(), rows.len());
        scratch.resize(3 * width * height, 0);
        let [file_width, file_height] =
            self.size.map(|side| side.div_ceil(self.denominator) as usize);
        let Turn { swapped, mirrored } = self.turn;
        let (red, rest) = scratch.split_at_mut(width * height);
        let (green, blue) = rest.split_at_mut(width * height);
        let pixels = self.pixels.as_chunks::<3>().0;
        let column = |at: usize| if mirrored[0] { file_width - 1 - at } else { at };
        let row = |at: usize| {
            (if mirrored[1] { file_height - 1 - at } else { at } - self.first_row) * file_width
        };
        let mut out = red.iter_mut().zip(green).zip(blue);
        let mut put = |pixel: &[u8; 3]| {
            let ((red, green), blue) = out.next().expect("a place for each pixel");
            [*red, *green, *blue] = *pixel;
        };
        for y in rows.clone() {
            if swapped {
                let from = column(y);
                columns.clone().for_each(|x| put(&pixels[row(x) + from]));
            } else if mirrored[0] {
                let from = row(y);
                columns.clone().for_each(|x| put(&pixels[from + column(x)]));
            } else {
                let from = row(y);
                pixels[from + columns.start..from + columns.end].iter().for_each(&mut put);
            }
        }
        Part { bytes: scratch, left: columns.start, top: rows.start, width, height }
    }

    /// Decodes an image of a format that has no parts.
    fn decode_whole(mut self) -> Result<Self, Error> {
        let is_large = u64::from(self.size[0]) * u64::from(self.size[1]) > MAX_PIXELS;
        let one = is_large.then(|| LARGE.lock().unwrap_or_else(PoisonError::into_inner));
        let bytes = std::mem::take(&mut self.bytes);
        let decoded = decode::decode(self.path, &bytes, usize::MAX)?;
        drop(one);
        self.pixels = decoded.pixels.into_raw();
        Ok(self)
    }
}

#[cfg(test)]
mod tests;
