//! Detects truncated JPEG files; the decoder would silently fill the missing part with gray.

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

/// Where the first scan begins: walks the segments, which all state their length.
fn first_scan(bytes: &[u8]) -> Option<usize> {
    let mut at = 2;
    loop {
        let &[first, marker, high, low] = bytes.get(at..at + 4)? else {
            return None;
        };
        match (first, marker) {
            (MARKER, MARKER) => at += 1, // padding
            (MARKER, START_OF_SCAN) => return Some(at),
            (MARKER, _) => at += 2 + usize::from(u16::from_be_bytes([high, low])),
            _ => return None,
        }
    }
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
