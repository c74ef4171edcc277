//! Palette TIFF, which the decoder refuses: decoded as gray indices, then looked up.

use image::RgbImage;

/// Tags of an image file directory.
const BITS_PER_SAMPLE: u16 = 258;
const PHOTOMETRIC: u16 = 262;
const COLOR_MAP: u16 = 320;
/// Values of [`PHOTOMETRIC`].
const BLACK_IS_ZERO: u16 = 1;
const PALETTE: u16 = 3;
/// Entries of the color map of 8-bit indices.
const COLORS: usize = 256;

/// A palette TIFF file made readable.
pub(super) struct PaletteTiff {
    /// The file with its indices declared as gray.
    pub gray: Vec<u8>,
    colors: Box<[[u8; 3]; COLORS]>,
}

impl PaletteTiff {
    /// Reads the directory of the first page; `None` unless it has 8-bit indices and a color map.
    ///
    /// # Reference
    /// TIFF 6.0, sections 2 and 5: a color map holds 16-bit reds, then greens, then blues.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let file = File { bytes, little: bytes.starts_with(b"II*\0") };
        if !file.little && !bytes.starts_with(b"MM\0*") {
            return None;
        }
        let directory = file.long(4)?;
        let entries = usize::from(file.short(directory)?);
        let entry_of = |tag: u16| {
            let mut entries = (0..entries).map(|number| directory + 2 + 12 * number);
            entries.find(|&entry| file.short(entry) == Some(tag))
        };
        let photometric = entry_of(PHOTOMETRIC)? + 8;
        let bits = file.short(entry_of(BITS_PER_SAMPLE)? + 8)?;
        if file.short(photometric)? != PALETTE || bits != 8 {
            return None;
        }
        let map = file.long(entry_of(COLOR_MAP)? + 8)?;
        let mut colors = Box::new([[0; 3]; COLORS]);
        for (index, color) in colors.iter_mut().enumerate() {
            for (channel, value) in color.iter_mut().enumerate() {
                *value = (file.short(map + 2 * (COLORS * channel + index))? >> 8) as u8;
            }
        }
        let mut gray = bytes.to_vec();
        let number = BLACK_IS_ZERO;
        let number = if file.little { number.to_le_bytes() } else { number.to_be_bytes() };
        gray.get_mut(photometric..photometric + 2)?.copy_from_slice(&number);
        Some(Self { gray, colors })
    }

    /// The colors of decoded indices, which are the same in all channels.
    pub fn look_up(&self, image: &mut RgbImage) {
        for pixel in image.pixels_mut() {
            pixel.0 = self.colors[usize::from(pixel.0[0])];
        }
    }
}

/// Numbers in the byte order of a file.
struct File<'a> {
    bytes: &'a [u8],
    little: bool,
}

impl File<'_> {
    fn short(&self, at: usize) -> Option<u16> {
        let bytes = self.bytes.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if self.little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) })
    }

    fn long(&self, at: usize) -> Option<usize> {
        let bytes = self.bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
        let value = if self.little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) };
        usize::try_from(value).ok()
    }
}
