//! Folders of images that are decoded: Ctrl-C meanwhile, and images that there is no memory for.

#![cfg(target_os = "linux")]

use std::fs;
use std::io::Cursor;
use std::path::Path;

use end_to_end::{Finished, Place, png};
use image::{GrayImage, ImageFormat, Luma};

/// A PNG of `side` x `side` gray pixels.
fn large(side: u32) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let image = GrayImage::from_pixel(side, side, Luma([90]));
    image.write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}

/// Bytes of the records of an unfinished set in the cache.
fn decoded(place: &Place) -> Option<u64> {
    let sets = fs::read_dir(place.cache().join("twinview/packed")).ok()?;
    let records = |path: &Path| fs::metadata(path.join("decoded.bin")).map(|file| file.len()).ok();
    sets.flatten().filter_map(|set| records(&set.path())).max()
}

/// Runs a command until some images are decoded, and sends it `signal` then.
fn interrupted(place: &Place, words: &[&str], signal: &str) -> Finished {
    place.interrupt(words, signal, || decoded(place).is_some_and(|bytes| bytes > 2000))
}

#[test]
fn decoding_that_is_interrupted_says_so_and_is_kept() {
    let place = Place::furnished();
    place.put("pictures/0.png", large(2000));
    for number in 1..500 {
        let path = place.path(&format!("pictures/{number}.png"));
        fs::hard_link(place.path("pictures/0.png"), path).unwrap();
    }
    let small = ["--config", "simclr.json", "--max-steps", "1"];
    let train = |run| ["pretrain", "simclr", "--data", "pictures", "--run", run];
    let train = |run| [&train(run)[..], &small].concat();
    for (words, signal, out) in [
        (&["data", "info", "pictures", "--image-size", "32"][..], "-INT", None),
        (&["data", "pack", "pictures", "--image-size", "32", "--out", "out"], "-TERM", Some("out")),
        (&train("out"), "-INT", Some("out")),
    ] {
        let ended = interrupted(&place, words, signal).ended(130);
        let last = ended.stderr.lines().last().unwrap();
        let says = "error: interrupted; images decoded so far are kept in the cache";
        assert_eq!(last, says, "{ended:#?}");
        assert!(ended.stderr.contains("press Ctrl-C again"), "{ended:#?}");
        assert!(out.is_none_or(|out| !place.path(out).exists()), "{ended:#?}");
        assert!(decoded(&place).is_some_and(|bytes| bytes > 2000));
        place.clear_cache();
    }
    // A report is not made without what could be measured.
    place.run(&train("run")).done();
    place.clear_cache();
    let report = ["report", "run", "--out", "page.html"];
    let ended = interrupted(&place, &report, "-INT").ended(130);
    assert!(ended.stderr.contains("error: interrupted"), "{ended:#?}");
    assert!(!place.path("page.html").exists());
    // What was decoded is of use.
    place.run(&["data", "info", "pictures", "--image-size", "32"]).done();
    let sets = fs::read_dir(place.cache().join("twinview/packed")).unwrap();
    assert_eq!(sets.count(), 1);
}

/// An image that is larger than the memory fails alone, by a line that names it.
#[test]
fn an_image_that_there_is_no_memory_for() {
    let place = Place::new();
    for number in 0..6 {
        place.put(&format!("pictures/{number}.png"), png([90, 120, 200], number));
    }
    let pack = ["data", "pack", "pictures", "--image-size", "32", "--out", "out"];
    place.run(&pack).done();
    let few = place.read("out/unlabeled_X.bin");
    fs::remove_dir_all(place.path("out")).unwrap();
    // 70 MB of gray, and twice 210 MB of colors.
    place.put("pictures/large.png", large(8400));
    let ordinary = address_space(&place);
    let skip = [&pack[..], &["--skip-bad"]].concat();
    // The first two are below what images may have, the last ones leave too little free.
    for more_mib in [30, 150, 300, 420] {
        let limit = format!("ulimit -v {}", ordinary + (more_mib << 10));
        let says = ["large.png: expected an image that fits into memory", "8400 x 8400 pixels"];
        place.run_after(&limit, &pack).failed(1, &says);
        let skipped = place.run_after(&limit, &skip).done();
        assert!(skipped.stderr.contains(says[0]), "{skipped:#?}");
        assert!(place.read("out/unlabeled_X.bin") == few);
        fs::remove_dir_all(place.path("out")).unwrap();
        place.clear_cache();
    }
    place.run(&pack).done();
}

/// Kibibytes of addresses that the command has before it decodes anything.
fn address_space(place: &Place) -> u64 {
    let least = |kib: u64| {
        let limit = format!("ulimit -v {kib}");
        place.run_after(&limit, &["data", "cache"]).code == Some(0)
    };
    let (mut low, mut high) = (0, 8 << 20);
    while high - low > 4 << 10 {
        let middle = (low + high) / 2;
        if least(middle) { high = middle } else { low = middle }
    }
    high
}
