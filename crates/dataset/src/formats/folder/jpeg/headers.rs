//! The segments of a JPEG file before its first scan.

const MARKER: u8 = 0xff;
const START_OF_SCAN: u8 = 0xda;
const APP1: u8 = 0xe1;

/// The content of the EXIF segment: a TIFF header and what follows it.
pub(super) fn exif(bytes: &[u8]) -> Option<&[u8]> {
    let mut segments = segments(bytes).filter(|(marker, _)| *marker == APP1);
    segments.find_map(|(_, content)| content.strip_prefix(b"Exif\0\0"))
}

/// Marker and content of the segments up to the first scan.
///
/// # Reference
/// ITU-T T.81, B.1.1.
fn segments(bytes: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    let mut next = 2;
    std::iter::from_fn(move || {
        loop {
            let &[first, marker, high, low] = bytes.get(next..next + 4)? else {
                return None;
            };
            match (first, marker) {
                (MARKER, MARKER) => next += 1, // padding
                (MARKER, START_OF_SCAN) => return None,
                (MARKER, _) => {
                    let start = next + 4;
                    next += 2 + usize::from(u16::from_be_bytes([high, low]));
                    return Some((marker, bytes.get(start..next)?));
                }
                _ => return None,
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exif_is_found_before_the_scan_only() {
        let segment = b"\xff\xe1\x00\x0aExif\0\0II".as_slice();
        let (start, scan) = (b"\xff\xd8".as_slice(), b"\xff\xda\x00\x02".as_slice());
        let other = b"\xff\xff\xe1\x00\x05abc\xff\xe0\x00\x0aExif\0\0JJ".as_slice();
        assert_eq!(exif(&[start, other, segment, scan].concat()), Some(b"II".as_slice()));
        assert_eq!(exif(&[start, scan, segment].concat()), None);
    }

    #[test]
    fn files_that_are_cut_have_no_more_segments() {
        let bytes = b"\xff\xd8\xff\xe1\x00\x0aExif\0\0II";
        for length in 0..bytes.len() {
            assert_eq!(exif(&bytes[..length]), None, "{length} bytes");
        }
        assert_eq!(exif(b"\xff\xd8\xff\xe1\x00\x00Exif\0\0"), None);
    }
}
