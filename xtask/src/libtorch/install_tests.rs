//! The real set-up against a stand-in for Python that "downloads" small wheels made here.

use std::io::Cursor;

use tempfile::TempDir;
use zip::write::SimpleFileOptions;

use super::*;
use crate::digest::sha256_of;

const TORCH: &str = "torch-2.11.0-cp311-cp311-manylinux_2_28_x86_64.whl";
const CUDART: &str = "nvidia_cuda_runtime-13.0.96-py3-none-manylinux2014_x86_64.whl";

/// An index with two wheels, a cache, and a Python whose pip serves one from the other.
struct World {
    root: TempDir,
    wheels: Vec<Wheel>,
}

impl World {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let index = root.path().join("index");
        fs::create_dir(&index).unwrap();
        let torch: &[(&str, &str)] = &[
            ("torch/__init__.py", "python"),
            ("torch/include/c10/core/Device.h", "header"),
            ("torch/lib/libtorch.so", "shell"),
            ("torch/lib/libtorch_cpu.so", "cpu"),
            ("torch/lib/libtorch_cuda.so", "cuda"),
        ];
        let cudart: &[(&str, &str)] = &[("nvidia/cu13/lib/libcudart.so.13", "cudart")];
        let wheels = [(TORCH, torch), (CUDART, cudart)].map(|(file, entries)| {
            let path = index.join(file);
            fs::write(&path, zip_of(entries)).unwrap();
            Wheel { file, sha256: sha256_of(&path).unwrap().leak() }
        });
        let world = Self { root, wheels: wheels.to_vec() };
        world.python(
            r#"case "$*" in
                 *--help) echo "  --resume-retries N"; exit 0;;
               esac
               echo "$*" >> "$here/calls"
               while [ $# -gt 1 ]; do [ "$1" = --dest ] && dest=$2; shift; done
               name=$(echo "${1%%=*}" | tr - _)
               cp "$here"/index/"$name"-*.whl "$dest""#,
        );
        world
    }

    /// Makes the stand-in for Python run the given shell script.
    fn python(&self, script: &str) {
        let path = self.root.path().join("python3");
        // Written by another process: a file held open for writing, even by a fork of a test beside
        // this one, can't be executed.
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", r#"printf '%s' "$1" > "$0" && chmod +x "$0""#]).arg(&path);
        let script = format!("#!/bin/sh\nhere={}\n{script}\n", self.root.path().display());
        assert!(shell.arg(script).status().unwrap().success());
    }

    fn cache(&self) -> PathBuf {
        self.root.path().join("cache")
    }

    fn install(&self, flavour: Flavour) -> Result<PathBuf, String> {
        let python = self.root.path().join("python3");
        install(&self.cache(), flavour, &self.wheels, &python).map_err(|error| format!("{error:#}"))
    }

    fn calls(&self) -> usize {
        let log = fs::read_to_string(self.root.path().join("calls"));
        log.map_or(0, |log| log.lines().count())
    }

    /// Every file under the cache but the lock.
    fn cached(&self) -> Vec<String> {
        let mut names = Vec::new();
        list(&self.cache(), &self.cache(), &mut names);
        names.retain(|name| name != "setup.lock");
        names.sort();
        names
    }
}

fn list(root: &Path, folder: &Path, names: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            list(root, &path, names);
        } else {
            names.push(path.strip_prefix(root).unwrap().display().to_string());
        }
    }
}

fn zip_of(entries: &[(&str, &str)]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in entries {
        zip.start_file(*name, SimpleFileOptions::default().unix_permissions(0o755)).unwrap();
        zip.write_all(content.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

const CPU_FILES: [&str; 5] = [
    "libtorch-2.11.0-cpu/build-version",
    "libtorch-2.11.0-cpu/include/c10/core/Device.h",
    "libtorch-2.11.0-cpu/lib/libcudart.so.13",
    "libtorch-2.11.0-cpu/lib/libtorch.so",
    "libtorch-2.11.0-cpu/lib/libtorch_cpu.so",
];

#[test]
fn lays_out_a_cpu_libtorch_once() {
    let world = World::new();
    let target = world.install(Flavour::Cpu).unwrap();
    assert_eq!(world.cached(), CPU_FILES);
    assert_eq!(
        fs::read_link(target.join("lib/libtorch.so")).unwrap(),
        Path::new("libtorch_cpu.so")
    );
    assert_eq!(fs::read_to_string(target.join("build-version")).unwrap(), "2.11.0+cpu\n");
    let mode = fs::metadata(target.join("lib/libtorch_cpu.so")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o755);

    // From here on neither Python nor the index is needed.
    world.python("exit 1");
    assert_eq!(world.install(Flavour::Cpu).unwrap(), target);
    assert_eq!(world.calls(), 2);
}

#[test]
fn lays_out_a_cuda_libtorch_beside_it() {
    let world = World::new();
    world.install(Flavour::Cpu).unwrap();
    let target = world.install(Flavour::Cuda).unwrap();
    assert_eq!(fs::read_to_string(target.join("lib/libtorch.so")).unwrap(), "shell");
    assert!(target.join("lib/libtorch_cuda.so").is_file());
    assert_eq!(fs::read_to_string(target.join("build-version")).unwrap(), "2.11.0+cu130\n");
}

#[test]
fn fetches_only_the_wheels_that_are_missing_or_damaged() {
    let world = World::new();
    let wheels = world.cache().join("wheels");
    fs::create_dir_all(&wheels).unwrap();
    fs::copy(world.root.path().join("index").join(TORCH), wheels.join(TORCH)).unwrap();
    fs::write(wheels.join(CUDART), "cut short").unwrap();
    world.install(Flavour::Cpu).unwrap();
    assert_eq!(world.calls(), 1);
    let calls = fs::read_to_string(world.root.path().join("calls")).unwrap();
    assert!(calls.contains("--resume-retries"), "{calls}");
    assert!(calls.contains("nvidia-cuda-runtime===13.0.96"), "{calls}");
}

#[test]
fn replaces_what_an_interrupted_run_left() {
    let world = World::new();
    for left in ["libtorch-2.11.0-cpu.partial/lib/junk", "libtorch-2.11.0-cpu/lib/libtorch_cpu.so"]
    {
        let path = world.cache().join(left);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "half").unwrap();
    }
    world.install(Flavour::Cpu).unwrap();
    assert_eq!(world.cached(), CPU_FILES);
}

#[test]
fn a_wrong_checksum_names_file_expected_and_found() {
    let mut world = World::new();
    let found = world.wheels[0].sha256;
    world.wheels[0].sha256 = "00ff";
    let error = world.install(Flavour::Cpu).unwrap_err();
    let path = world.cache().join("wheels").join(TORCH);
    assert!(error.contains(path.to_str().unwrap()), "{error}");
    assert!(error.contains(&format!("expected sha256 00ff, found {found}")), "{error}");
    assert!(world.cached().is_empty(), "{:?}", world.cached());
}

#[test]
fn an_archive_that_is_none_leaves_nothing_half_done() {
    let mut world = World::new();
    let path = world.root.path().join("index").join(CUDART);
    fs::write(&path, "not a zip").unwrap();
    world.wheels[1].sha256 = sha256_of(&path).unwrap().leak();
    let error = world.install(Flavour::Cpu).unwrap_err();
    assert!(error.contains("cannot unpack") && error.contains(CUDART), "{error}");
    assert!(world.cached().iter().all(|name| name.starts_with("wheels/")), "{:?}", world.cached());
}

#[test]
fn says_what_is_missing() {
    let world = World::new();
    world.python("exit 1");
    assert!(world.install(Flavour::Cpu).unwrap_err().contains("has no pip"));
    fs::remove_file(world.root.path().join("python3")).unwrap();
    assert!(world.install(Flavour::Cpu).unwrap_err().contains("python3 not found"));
    world.python(r#"case "$*" in *--help) exit 0;; esac; exit 3"#);
    let error = world.install(Flavour::Cpu).unwrap_err();
    assert!(error.contains("-m pip download") && error.contains("exit status: 3"), "{error}");
    world.python("exit 0");
    assert!(world.install(Flavour::Cpu).unwrap_err().contains("did not deliver"));
}

#[test]
fn two_at_once_fetch_once() {
    let world = World::new();
    std::thread::scope(|scope| {
        let runs = [(); 2].map(|()| scope.spawn(|| world.install(Flavour::Cpu)));
        for run in runs {
            run.join().unwrap().unwrap();
        }
    });
    assert_eq!(world.calls(), 2);
    assert_eq!(world.cached(), CPU_FILES);
}
