//! Headers of JPEG files: how they are coded, and whether they are cut off, which the decoder would
//! silently fill with gray.

const MARKER: u8 = 0xff;
const START_OF_SCAN: u8 = 0xda;
const END_OF_IMAGE: [u8; 2] = [MARKER, 0xd9];

/// Whether the end marker follows the first scan.
///
/// In scan data a marker byte is always followed by a zero or a restart number, so an end marker
/// there is one; the thumbnails that cameras put before the scan have end markers of their own.
pub(super) fn is_whole(bytes: &[u8]) -> bool {
    let Some(scan) = first_scan(bytes) else {
        return false;
    };
    bytes[scan..].windows(2).rev().any(|pair| pair == END_OF_IMAGE)
}

/// What the headers of a JPEG file say of how it is coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct JpegLayout {
    /// 1 for gray, 3 for color, 4 for CMYK.
    pub components: u8,
    /// Coded in a way that the usual decoder gets wrong: without interleaving in a sequential file
    /// whose first component is subsampled less than others, or with chroma finer than luma.
    pub unusual: bool,
}

impl JpegLayout {
    /// Reads the headers up to the first scan; `None` where they can't be read.
    ///
    /// # Reference
    /// ITU-T T.81, B.2.2 (frame header) and B.2.3 (scan header).
    pub fn of(bytes: &[u8]) -> Option<Self> {
        let scan = first_scan(bytes)?;
        let (marker, frame) = frame_header(bytes)?;
        let sequential = matches!(marker, 0xc0 | 0xc1);
        let components = *frame.get(5)?;
        let sampling = |number: u8| {
            let factors = frame.get(6 + 3 * usize::from(number) + 1)?;
            Some((factors >> 4, factors & 15))
        };
        let first = sampling(0)?;
        let mut finer = false;
        for number in 1..components {
            let (across, down) = sampling(number)?;
            finer |= across > first.0 || down > first.1;
        }
        let in_scan = *bytes.get(scan + 4)?;
        let unusual = finer || sequential && in_scan < components && first != (1, 1);
        Some(Self { components, unusual })
    }
}

/// Where the first scan begins: walks the segments, which all state their length.
fn first_scan(bytes: &[u8]) -> Option<usize> {
    segments(bytes).find(|(_, marker)| *marker == START_OF_SCAN).map(|(at, _)| at)
}

/// The marker of the frame header, and the header after its length.
fn frame_header(bytes: &[u8]) -> Option<(u8, &[u8])> {
    // Neither Huffman tables (c4), nor extensions (c8), nor arithmetic conditioning (cc).
    let is_frame =
        |marker: u8| matches!(marker, 0xc0..=0xcf) && !matches!(marker, 0xc4 | 0xc8 | 0xcc);
    let (at, marker) = segments(bytes).find(|(_, marker)| is_frame(*marker))?;
    Some((marker, bytes.get(at + 4..)?))
}

/// Start and marker of the segments up to the first scan.
fn segments(bytes: &[u8]) -> impl Iterator<Item = (usize, u8)> {
    let mut next = 2;
    std::iter::from_fn(move || {
        loop {
            let &[first, marker, high, low] = bytes.get(next..next + 4)? else {
                return None;
            };
            match (first, marker) {
                (MARKER, MARKER) => next += 1, // padding
                (MARKER, _) => {
                    let at = next;
                    next += 2 + usize::from(u16::from_be_bytes([high, low]));
                    return Some((at, marker));
                }
                _ => return None,
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: [u8; 8] = [0xff, 0xd8, 0xff, 0xe1, 0x00, 0x04, 0xff, 0xd9];

    #[test]
    fn the_end_marker_of_a_thumbnail_does_not_count() {
        let mut bytes = HEAD.to_vec();
        bytes.extend([0xff, 0xff, 0xda, 0x00, 0x02, 0x11, 0xff, 0x00, 0x22]);
        assert!(!is_whole(&bytes));
        bytes.extend([0xff, 0xd9, 0x00, 0x00]);
        assert!(is_whole(&bytes));
    }

    #[test]
    fn files_cut_in_their_head_are_not_whole() {
        for length in 0..HEAD.len() {
            assert!(!is_whole(&HEAD[..length]), "{length} bytes");
        }
    }
}
