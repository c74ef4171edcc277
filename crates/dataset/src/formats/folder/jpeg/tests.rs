//! Against libjpeg-turbo, bit for bit (tools/golden/jpeg.py).

use std::path::{Path, PathBuf};

use image::DynamicImage;

use super::*;

#[test]
fn the_reduction_leaves_twice_the_size() {
    let cases = [
        ((4000, 3000), 96, 8),
        ((3000, 4000), 188, 4),
        ((1536, 1536), 96, 8),
        ((1535, 4000), 96, 4),
        ((448, 448), 96, 2),
        ((383, 383), 96, 1),
        ((384, 383), 96, 1),
        ((8, 8), 4096, 1),
        ((4000, 3000), u32::MAX, 1),
    ];
    for (size, side, expected) in cases {
        assert_eq!(denominator(size, side), expected, "{size:?} to {side}");
    }
}

#[test]
fn inks_are_mixed_as_pillow_mixes_them() {
    // round(a * b / 255) of bytes is never a tie, as 255 is odd.
    let inks = [0, 255, 128, 0, 10, 20, 30, 40, 0, 0, 0, 255];
    let expected = [255, 0, 127, 207, 198, 190, 0, 0, 0];
    assert_eq!(cmyk_to_rgb(&inks.map(|ink| 255 - ink)), expected);
}

/// The upright pixels at 1 / `denominator` of the size.
fn decode(bytes: &[u8], denominator: u32) -> Result<RgbImage, String> {
    let decompressor = Decompressor::new(bytes)?;
    let mut image = DynamicImage::from(pixels(decompressor, denominator)?);
    image.apply_orientation(orientation(bytes));
    Ok(image.into_rgb8())
}

/// Checks the files that a table lists: the number of whole and of damaged ones.
fn check_files(folder: &Path) -> [usize; 2] {
    let (mut wrong, mut counts) = (Vec::new(), [0; 2]);
    let mut table = csv::Reader::from_path(folder.join("files.csv")).unwrap();
    for row in table.records() {
        let row = row.unwrap();
        let bytes = std::fs::read(folder.join(&row[0])).unwrap();
        counts[0] += usize::from(&row[1] == "whole");
        counts[1] += usize::from(&row[1] == "damaged");
        for (index, denominator) in [1, 2, 4, 8].into_iter().enumerate() {
            let found = decode(&bytes, denominator);
            let found = found.map(|image| crc32fast::hash(image.as_raw()));
            let right = match &row[1] {
                "whole" => found.as_ref().is_ok_and(|sum| sum.to_string() == row[2 + index]),
                "damaged" => found.is_err(),
                _ => found.is_ok(),
            };
            if !right {
                wrong.push(format!("{} ({}) at 1/{denominator}: {found:?}", &row[0], &row[1]));
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong: {wrong:#?}", wrong.len());
    counts
}

#[test]
fn kinds_of_files_are_read_as_libjpeg_reads_them() {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/jpeg/kinds"));
    assert_eq!(check_files(&folder), [62, 26]);
}

/// Rows that are skipped, and those that are never asked for, change nothing.
#[test]
fn some_rows_are_those_of_all() {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/jpeg/kinds"));
    let mut table = csv::Reader::from_path(folder.join("files.csv")).unwrap();
    let mut compared = 0;
    for row in table.records() {
        let row = row.unwrap();
        if &row[1] != "whole" {
            continue;
        }
        let bytes = std::fs::read(folder.join(&row[0])).unwrap();
        for denominator in [1, 2, 4, 8] {
            let all = pixels(Decompressor::new(&bytes).unwrap(), denominator).unwrap();
            let (width, height) = (3 * all.width() as usize, all.height() as usize);
            for rows in [0..height, 0..1, height / 3..height.div_ceil(2), height - 1..height] {
                let mut some = vec![7; 5];
                let decompressor = Decompressor::new(&bytes).unwrap();
                super::rows(decompressor, denominator, rows.clone(), &mut some).unwrap();
                let expected = &all.as_raw()[rows.start * width..rows.end * width];
                assert!(some == expected, "{} at 1/{denominator}, {rows:?}", &row[0]);
                compared += 1;
            }
        }
    }
    assert_eq!(compared, 62 * 16);
}

#[test]
fn thousands_of_scans_are_refused() {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/reference"));
    let bytes = std::fs::read(folder.join("p_images/jpeg_progressive_444.jpg")).unwrap();
    // The first scan, which can be decoded again and again, ends at the next table.
    let first = bytes.windows(2).position(|pair| pair == [0xff, 0xda]).unwrap();
    let length = bytes[first..].windows(2).position(|pair| pair == [0xff, 0xc4]).unwrap();
    let (head, rest) = bytes.split_at(first + length);
    let repeated = |count| [head, &head[first..].repeat(count), rest].concat();
    decode(&repeated(500), 1).unwrap();
    let error = decode(&repeated(2000), 1).unwrap_err();
    assert_eq!(error, "one of 1025 scans or more");
}

/// `TWINVIEW_JPEG` is a folder that tools/golden/jpeg.py wrote.
#[test]
#[ignore = "needs files that Pillow and libjpeg-turbo make"]
fn any_number_of_files_is_read_as_libjpeg_reads_them() {
    let folder = std::env::var_os("TWINVIEW_JPEG").expect("TWINVIEW_JPEG is set");
    let [whole, damaged] = check_files(Path::new(&folder));
    assert!(whole > 0 && damaged > 0, "{whole} whole files, {damaged} damaged");
}
