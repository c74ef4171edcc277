//! Power cuts at any moment: an ext4 file system in a file is shut down without writing what it has
//! not written yet, and mounted again.
//!
//! This needs root, `mount` and `mkfs.ext4`; elsewhere it is skipped with the reason.
//! `TWINVIEW_CUTS` asks for more than a few cuts.

#![cfg(target_os = "linux")]

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use end_to_end::{Finished, Place, assert_same_tensors, png, pretrain};
use tempfile::TempDir;

/// Cuts in all.
fn cuts() -> u64 {
    let asked = std::env::var("TWINVIEW_CUTS").ok();
    asked.map_or(12, |text| text.parse().expect("TWINVIEW_CUTS is a number"))
}

/// A file system in a file.
struct Disk {
    folder: TempDir,
    shutdown: PathBuf,
    options: &'static str,
}

impl Disk {
    /// A new one; `Err` with the reason where that can't be had.
    fn new(options: &'static str) -> Result<Self, String> {
        let folder = tempfile::tempdir().unwrap();
        let shutdown = Path::new(env!("CARGO_TARGET_TMPDIR")).join("shutdown");
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/power_cuts/shutdown.c");
        run(Command::new("cc").arg("-o").arg(&shutdown).arg(source))?;
        let (image, at) = (folder.path().join("image"), folder.path().join("at"));
        fs::File::create(&image).and_then(|file| file.set_len(400 << 20)).unwrap();
        fs::create_dir(&at).unwrap();
        run(Command::new("mkfs.ext4").args(["-q", "-F"]).arg(&image))?;
        let disk = Self { folder, shutdown, options };
        disk.mount()?;
        Ok(disk)
    }

    fn at(&self) -> PathBuf {
        self.folder.path().join("at")
    }

    fn mount(&self) -> Result<(), String> {
        let options = format!("loop,{}", self.options);
        let image = self.folder.path().join("image");
        run(Command::new("mount").args(["-o", &options]).arg(image).arg(self.at()))
    }

    fn unmount(&self) -> Result<(), String> {
        run(Command::new("umount").arg(self.at()))
    }

    /// Cuts the power of a process that works on it.
    fn cut(&self) {
        run(Command::new(&self.shutdown).arg(self.at())).unwrap();
    }

    /// After a cut, when nobody uses it any more.
    fn switch_on(&self) {
        self.unmount().unwrap();
        self.mount().unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = self.unmount();
    }
}

/// Runs a command to its end; what it says where it fails.
fn run(command: &mut Command) -> Result<(), String> {
    let program = command.get_program().to_string_lossy().into_owned();
    match command.output() {
        Err(error) => Err(format!("{program}: {error}")),
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(format!("{program}: {}", String::from_utf8_lossy(&output.stderr).trim())),
    }
}

/// A place on a disk of its own whose power is cut.
struct Cuts {
    place: Place,
    disk: Disk,
    random: u64,
}

impl Cuts {
    fn new(options: &'static str) -> Result<Self, String> {
        let disk = Disk::new(options)?;
        let place = Place::within(&disk.at()).furnish();
        for number in 0..12 {
            place.put(&format!("pictures/{number}.png"), png([90, 120, 200], number));
        }
        run(Command::new("sync").arg("-f").arg(disk.at()))?;
        Ok(Self { place, disk, random: 12_345 })
    }

    /// Runs a command and cuts the power before `longest` has passed; whether it was done before.
    fn cut(&mut self, words: &[&str], longest: Duration) -> bool {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let share = (self.random >> 33) as f64 / f64::from(1u32 << 31);
        let mut child =
            self.place.command(words).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        sleep(longest.mul_f64(share));
        let done = child.try_wait().unwrap().is_some_and(|status| status.success());
        self.disk.cut();
        let _ = child.kill();
        child.wait().unwrap();
        self.disk.switch_on();
        done
    }

    /// Runs a command in peace, and how long that takes and a little more.
    #[track_caller]
    fn timed(&self, words: &[&str]) -> Duration {
        let begun = Instant::now();
        self.place.run(words).done();
        begun.elapsed().mul_f64(1.15)
    }
}

const STEPS: [&str; 4] = ["--max-steps", "8", "--set", "checkpoint.every_steps=1"];

/// A run that is cut again and again ends with the bits of one that was not.
fn pretraining(cuts: &mut Cuts, count: u64) {
    let run = |name| [&pretrain("simclr.json", name)[..], &STEPS].concat();
    let longest = cuts.timed(&run("whole"));
    let resume = ["pretrain", "simclr", "--run", "run", "--resume"];
    let words = |place: &Place| match place.path("run/config.json").exists() {
        true => resume.to_vec(),
        false => run("run"),
    };
    for number in 0..count {
        if cuts.cut(&words(&cuts.place), longest) || number % 6 == 5 || number + 1 == count {
            let last: Finished = cuts.place.run(&words(&cuts.place)).done();
            let place = &cuts.place;
            assert_eq!(place.timeless_metrics("run"), place.timeless_metrics("whole"), "{last:#?}");
            assert_same_tensors(&place.newest("run"), &place.newest("whole"));
            fs::remove_dir_all(place.path("run")).unwrap();
        }
    }
}

/// What a command writes is whole or not there, and there where it said that it was done; then the
/// command can be given again.
fn writing(cuts: &mut Cuts, words: &[&str], [out, file]: [&str; 2], count: u64) {
    let remove = |place: &Place| {
        let out = place.path(out);
        let _ = if out.is_dir() { fs::remove_dir_all(out) } else { fs::remove_file(out) };
        place.clear_cache();
    };
    let longest = cuts.timed(words);
    let whole = cuts.place.read(file);
    for _ in 0..count {
        remove(&cuts.place);
        run(Command::new("sync").arg("-f").arg(cuts.disk.at())).unwrap();
        let done = cuts.cut(words, longest);
        match fs::read(cuts.place.path(file)) {
            Ok(found) => assert!(found == whole, "{words:?}: {} bytes", found.len()),
            Err(error) => assert!(!done, "{words:?}: {error}"),
        }
        if !cuts.place.path(file).exists() {
            cuts.place.run(words).done();
            assert!(cuts.place.read(file) == whole, "{words:?}");
        }
    }
}

/// A comparison that is cut goes on with its runs.
fn comparing(cuts: &mut Cuts, count: u64) {
    let words = |out: &'static str| {
        let compare = ["compare", "--methods", "moco", "--data", "data", "--out", out];
        let tiny = ["--epochs", "1", "--batch-size", "16", "--set", "encoder.conv.width=8"];
        [&compare[..], &tiny].concat()
    };
    let longest = cuts.timed(&words("all"));
    for number in 0..count {
        cuts.cut(&words("out"), longest);
        if number % 4 == 3 || number + 1 == count {
            let last = cuts.place.run(&words("out")).done();
            let [out, all] = ["out", "all"].map(|out| format!("{out}/runs/moco-seed0"));
            let place = &cuts.place;
            assert_eq!(place.timeless_metrics(&out), place.timeless_metrics(&all), "{last:#?}");
            assert_same_tensors(&place.newest(&out), &place.newest(&all));
            let board = |out: &str| place.read_json(&format!("{out}/leaderboard.json"));
            let score = |out: &str| board(out)["rows"][0]["linear"].clone();
            assert_eq!(score("out"), score("all"), "{last:#?}");
            fs::remove_dir_all(place.path("out")).unwrap();
        }
    }
}

#[test]
fn what_was_done_survives_power_cuts() {
    // Two ways of ordering data and names; the second may leave old bytes in new files.
    for (options, part) in [("data=ordered", 0), ("data=writeback", 1)] {
        let mut cuts = match Cuts::new(options) {
            Ok(cuts) => cuts,
            Err(reason) => {
                let _ = writeln!(std::io::stderr(), "skipped: {reason}");
                return;
            }
        };
        // A half each, of five commands: the first has three eighths, the others an eighth or so.
        let half = (self::cuts() + part) / 2;
        let each = (half / 8).max(1);
        pretraining(&mut cuts, half.saturating_sub(5 * each).max(1));
        comparing(&mut cuts, each);
        let set = ["--image-size", "32", "--unlabeled", "900", "--train", "90", "--test", "90"];
        let synth = [&["data", "synth", "--out", "set"][..], &set].concat();
        writing(&mut cuts, &synth, ["set", "set/unlabeled_X.bin"], each);
        let pack = ["data", "pack", "pictures", "--image-size", "16", "--out", "packed"];
        writing(&mut cuts, &pack, ["packed", "packed/unlabeled_X.bin"], each);
        let embed = |out| ["embed", "whole", "--out", out];
        writing(&mut cuts, &embed("f.npy"), ["f.npy", "f.npy"], each);
        let quick = ["report", "whole", "--quick", "--out", "page.html"];
        writing(&mut cuts, &quick, ["page.html", "page.html"], each);
    }
}
