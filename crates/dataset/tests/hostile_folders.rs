//! Image folders with links in circles, names of any bytes, pipes, lying headers, files that
//! change: refused by one line, or left out and listed.

mod fixtures;
#[path = "fixtures/png.rs"]
mod png;

use std::fs::{self, File};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use dataset::{Dataset, Error, OpenOptions};
use fixtures::{cache_of, classes, folder, message, open, plain_png, planes, write};
use tempfile::TempDir;

fn set() -> (TempDir, PathBuf) {
    let outer = folder();
    let dir = outer.path().join("images");
    classes(&dir);
    (outer, dir)
}

/// Opens `dir` without what can't be used; gives the set and a line for each of these.
fn open_rest(dir: &Path) -> (Result<Dataset, Error>, Vec<String>) {
    let lines = Mutex::new(Vec::new());
    let note = |line: &str| lines.lock().unwrap().push(line.to_owned());
    let options = OpenOptions {
        image_size: 8,
        cache_dir: Some(cache_of(dir)),
        left_out: Some(&note),
        ..Default::default()
    };
    let set = dataset::open(dir, &options);
    (set, lines.into_inner().unwrap())
}

/// Refused with a message about `file` that says `says`; or opened without it, twice, the second
/// time from the cache.
fn check(dir: &Path, file: &str, says: &str) {
    let found = message(open(dir), file);
    assert!(found.contains(says), "{found}\nshould say\n{says}");
    for _ in 0..2 {
        let (set, lines) = open_rest(dir);
        let [line] = &lines[..] else { panic!("{lines:?}") };
        assert_eq!(*line, found);
        let set = set.unwrap();
        let (train, test) = (set.train.unwrap(), set.test.unwrap());
        assert_eq!(train.labels(), Some(&[0, 0, 1, 1][..]));
        let reds: Vec<u8> = (0..4).map(|index| planes(&train, index)[0]).collect();
        assert_eq!(reds, [10, 11, 60, 61], "the others have moved up");
        assert_eq!(test.len(), 4);
    }
    // What was left out once isn't left out silently.
    message(open(dir), file);
}

#[test]
fn images_that_can_not_be_decoded() {
    type Content = fn() -> Vec<u8>;
    let jpeg = || {
        let mut bytes = std::io::Cursor::new(Vec::new());
        let image = image::RgbImage::new(16, 16);
        image.write_to(&mut bytes, image::ImageFormat::Jpeg).unwrap();
        let mut bytes = bytes.into_inner();
        // The frame header says 32,000 x 32,000.
        let frame = bytes.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
        bytes[frame + 5..frame + 9].copy_from_slice(&[0x7d, 0, 0x7d, 0]);
        bytes
    };
    let webp = || {
        let mut bytes = b"RIFF\x1c\0\0\0WEBPVP8L\x0f\0\0\0\x2f".to_vec();
        // 14 bits of width less one, 14 of height: 16,383 x 16,383, then noise.
        bytes.extend([0xfe, 0xbf, 0xff, 0x0f, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
        bytes
    };
    let damaged = || include_bytes!("jpeg/middle-third-zeroed.jpg").to_vec();
    let cases: [(Content, &str); 7] = [
        (|| b"These are words.\n".to_vec(), "found text"),
        (Vec::new, "found an empty file"),
        (|| png::head_only(1), "found 1 x 1"),
        (|| png::head_only(32_767), "expected a whole PNG image"),
        (jpeg, "expected a whole JPEG image"),
        (damaged, "found damaged data: premature end of data segment"),
        (webp, "expected a whole WebP image"),
    ];
    for (content, says) in cases {
        for name in ["train/apple/0a.jpg", "train/apple/zz.jpg", "train/pear/0a.png"] {
            let (_outer, dir) = set();
            write(dir.join(name), content());
            check(&dir, name, says);
        }
    }
}

#[test]
fn nothing_usable_is_refused_all_the_same() {
    let (_outer, dir) = set();
    for name in ["0.png", "1.png"] {
        write(dir.join("train/pear").join(name), "text");
    }
    let found = message(open_rest(&dir).0, "train/pear");
    assert!(
        found.ends_with("expected images (.jpg, .png, .webp, .tif, .bmp, .gif), found none"),
        "{found}"
    );
    let outer = folder();
    let dir = outer.path().join("images");
    write(dir.join("a.png"), "text");
    message(open_rest(&dir).0, "images");
    let left = fs::read_dir(cache_of(&dir)).map_or(0, |entries| entries.count());
    assert_eq!(left, 0, "nothing half-written stays behind");
}

#[test]
fn a_file_that_changes_while_it_is_packed() {
    let (_outer, dir) = set();
    let changing = dir.join("train/apple/1.png");
    // Between listing and decoding: the first report of progress comes before any image is read.
    let change = |_| {
        let later = SystemTime::now() + Duration::from_secs(100);
        let file = File::options().write(true).open(&changing).unwrap();
        file.set_modified(later).unwrap();
        ControlFlow::Continue(())
    };
    let options = OpenOptions {
        image_size: 8,
        cache_dir: Some(cache_of(&dir)),
        progress: &change,
        ..Default::default()
    };
    let found = message(dataset::open(&dir, &options), "train/apple/1.png");
    assert!(found.contains("expected the file to stay as it was opened"), "{found}");
    let vanish = |_| {
        let _ = fs::remove_file(&changing);
        ControlFlow::Continue(())
    };
    let lines = Mutex::new(Vec::new());
    let note = |line: &str| lines.lock().unwrap().push(line.to_owned());
    let options = OpenOptions { progress: &vanish, left_out: Some(&note), ..options };
    let train = dataset::open(&dir, &options).unwrap().train.unwrap();
    assert_eq!(train.labels(), Some(&[0, 1, 1][..]));
    let lines = lines.into_inner().unwrap();
    assert!(lines.len() == 1 && lines[0].contains("train/apple/1.png: cannot open"), "{lines:?}");
}

#[test]
fn a_mapped_file_that_changes() {
    let (_outer, dir) = (folder(), folder());
    fixtures::stl10(dir.path());
    let path = dir.path().join("unlabeled_X.bin");
    let whole = fs::read(&path).unwrap();
    let changed = |change: &dyn Fn()| {
        let set = open(dir.path()).unwrap();
        set.unlabeled.check().unwrap();
        change();
        set.unlabeled.check().unwrap_err().to_string()
    };
    let cut = changed(&|| File::options().write(true).open(&path).unwrap().set_len(9).unwrap());
    let (name, stay) = ("unlabeled_X.bin", "expected the file to stay as it was opened");
    assert!(cut.contains(name) && cut.contains(stay), "{cut}");
    assert!(cut.ends_with(&format!("found 9 bytes in place of {}", whole.len())), "{cut}");
    write(&path, &whole);
    let other = changed(&|| {
        let file = File::options().write(true).open(&path).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
    });
    assert!(other.ends_with("found another time of change"), "{other}");
    // Whoever has mapped a file keeps it.
    let set = open(dir.path()).unwrap();
    fs::remove_file(&path).unwrap();
    set.unlabeled.check().unwrap();
    assert_eq!(set.unlabeled.image(0).bytes, &whole[..3 * 96 * 96]);
}

#[cfg(unix)]
mod unix {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;
    use std::process::Command;

    use super::*;

    #[test]
    fn links_that_lead_nowhere_or_in_circles() {
        for (target, file, says) in [
            ("gone.png", "train/apple/0a.png", "cannot open"),
            ("0a.png", "train/apple/0a.png", "cannot open"),
            ("/dev/zero", "train/apple/0a.png", "found no plain file"),
        ] {
            let (_outer, dir) = set();
            symlink(target, dir.join(file)).unwrap();
            check(&dir, file, says);
        }
        for target in [".", ".."] {
            let (_outer, dir) = set();
            symlink(target, dir.join("train/apple/0a")).unwrap();
            assert_eq!(open(&dir).unwrap().train.unwrap().labels(), Some(&[0, 0, 1, 1][..]));
        }
    }

    /// Each folder has two links to the next: 2^30 paths to the last one.
    #[test]
    fn folders_that_are_deep() {
        let (_outer, dir) = set();
        let mut deep = dir.join("train/apple");
        let begun = std::time::Instant::now();
        // Nearly as deep as the system allows.
        for _ in 0..1800 {
            deep.push("d");
        }
        fs::create_dir_all(&deep).unwrap();
        plain_png(deep.join("x.png"), 8, [9; 3]);
        let made = begun.elapsed();
        let begun = std::time::Instant::now();
        let (set, lines) = open_rest(&dir);
        assert_eq!(set.unwrap().train.unwrap().len(), 5);
        assert!(lines.is_empty(), "{lines:?}");
        // To make them takes as many steps as to list them, with a wide margin for a busy machine.
        let (listed, most) = (begun.elapsed(), 20 * made + Duration::from_secs(2));
        assert!(listed < most, "{listed:?}, {made:?} to make them");
    }

    #[test]
    fn links_that_multiply() {
        let (_outer, dir) = set();
        for depth in 0..30 {
            let from = dir.join(format!("train/apple/{depth:02}"));
            fs::create_dir(&from).unwrap();
            for name in ["a", "b"] {
                symlink(format!("../{:02}", depth + 1), from.join(name)).unwrap();
            }
        }
        fs::create_dir(dir.join("train/apple/30")).unwrap();
        let (set, lines) = open_rest(&dir);
        assert_eq!(set.unwrap().train.unwrap().len(), 4);
        assert!(lines.is_empty(), "{lines:?}");
    }

    #[test]
    fn a_pipe_does_not_stop_everything() {
        let (_outer, dir) = set();
        let pipe = dir.join("train/apple/0a.png");
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        check(&dir, "train/apple/0a.png", "found no plain file");
    }

    #[test]
    fn names_of_any_bytes() {
        let (_outer, dir) = set();
        let odd = OsStr::from_bytes(b"\xff\xfe.png");
        plain_png(dir.join("train/apple").join(odd), 8, [12, 7, 200]);
        let class = OsStr::from_bytes(b"quin\xffce");
        plain_png(dir.join("train").join(class).join("0.png"), 8, [13, 7, 200]);
        plain_png(dir.join("val").join(class).join("0.png"), 8, [14, 7, 200]);
        let set = open(&dir).unwrap();
        assert_eq!(set.train.unwrap().labels(), Some(&[0, 0, 0, 1, 1, 2][..]));
        assert_eq!(set.class_names, ["apple", "pear", "quin\u{fffd}ce"]);
        let broken = OsStr::from_bytes(b"\xfd\n.png");
        write(dir.join("train/apple").join(broken), "text");
        message(open(&dir), "\u{fffd}\\n.png");
    }

    /// The superuser may read everything, so that there is nothing to see for one.
    #[test]
    fn what_may_not_be_read() {
        use std::os::unix::fs::PermissionsExt;
        let (_outer, dir) = set();
        let (file, closed) = (dir.join("train/apple/0a.png"), dir.join("train/pear/more"));
        plain_png(&file, 8, [0; 3]);
        fs::create_dir(&closed).unwrap();
        for path in [&file, &closed] {
            fs::set_permissions(path, fs::Permissions::from_mode(0o000)).unwrap();
        }
        if File::open(&file).is_err() {
            message(open(&dir), "cannot");
            let (set, lines) = open_rest(&dir);
            assert_eq!(set.unwrap().train.unwrap().len(), 4);
            assert_eq!(lines.len(), 2, "{lines:?}");
        } else {
            assert_eq!(open(&dir).unwrap().train.unwrap().len(), 5);
        }
        fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
    }
}

#[test]
#[ignore = "half a minute"]
fn a_hundred_thousand_files_in_one_folder() {
    let outer = folder();
    let dir = outer.path().join("images");
    plain_png(dir.join("000000.png"), 8, [1, 2, 3]);
    let bytes = fs::read(dir.join("000000.png")).unwrap();
    for number in 1..100_000 {
        fs::write(dir.join(format!("{number:06}.png")), &bytes).unwrap();
    }
    write(dir.join("050000a.png"), "text");
    message(open(&dir), "050000a.png");
    let (set, lines) = open_rest(&dir);
    assert_eq!((set.unwrap().unlabeled.len(), lines.len()), (100_000, 1));
}
