//! Which libtorch is chosen, and the real installation with a stand-in for Python that "downloads"
//! small wheels made here.

use std::collections::HashMap;
use std::io::{Cursor, Write};
use std::os::unix::fs::PermissionsExt;

use tempfile::TempDir;
use zip::write::SimpleFileOptions;

use super::*;

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let root = tempfile::tempdir().unwrap();
    for (name, content) in files {
        put(&root.path().join(name), content.as_bytes());
    }
    root
}

fn put(path: &Path, content: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

const HEADER: &str = "#define TORCH_VERSION_MAJOR 2\n#define TORCH_VERSION \\\n  \"2.11.0\"\n";
const GOOD: &[(&str, &str)] = &[
    ("lib/libtorch_cpu.so", ""),
    ("lib/libtorch.so", ""),
    ("include/torch/headeronly/version.h", HEADER),
];
const NOWHERE: &str = "/nonexistent";

fn choose(
    asked: Option<Flavor>,
    vars: &[(&str, &Path)],
    recorded: Option<&Path>,
    system: &Path,
) -> Result<Option<Libtorch>, String> {
    let vars: HashMap<_, _> = vars.iter().copied().collect();
    let env = |name: &str| vars.get(name).map(|path| path.as_os_str().to_owned());
    existing(asked, &env, recorded, system).map_err(|error| {
        assert!(error.is::<Usage>());
        error.to_string()
    })
}

#[test]
fn libtorch_of_the_user_comes_before_that_of_the_system() {
    let (user, system, nowhere) = (folder(GOOD), folder(GOOD), Path::new(NOWHERE));
    let vars = [("LIBTORCH", user.path())];
    let expected = Libtorch::User { variable: "LIBTORCH", lib: user.path().join("lib") };
    assert_eq!(choose(Some(Flavor::Cpu), &vars, None, system.path()), Ok(Some(expected)));
    // A value that cargo read from the configuration is not the user's.
    assert_eq!(choose(Some(Flavor::Cpu), &vars, Some(user.path()), nowhere), Ok(None));

    let old = folder(&[GOOD[0], GOOD[1], ("build-version", "2.1.0\n")]);
    assert_eq!(choose(Some(Flavor::Cpu), &[], None, system.path()), Ok(Some(Libtorch::System)));
    assert_eq!(choose(Some(Flavor::Cuda), &[], None, system.path()), Ok(None));
    assert_eq!(choose(Some(Flavor::Cpu), &[], None, old.path()), Ok(None));
    assert_eq!(choose(None, &[], Some(nowhere), system.path()), Ok(None));
}

#[test]
fn a_libtorch_that_does_not_fit_is_refused() {
    let nowhere = Path::new(NOWHERE);
    let (good, bare) = (folder(GOOD), folder(&GOOD[..1]));
    let old = folder(&[GOOD[0], ("build-version", "2.10.0+cpu\n")]);
    for (root, asked, expected) in [
        (old.path(), Some(Flavor::Cpu), "is libtorch 2.10.0: set it to"),
        (old.path(), Some(Flavor::Cpu), old.path().to_str().unwrap()),
        (bare.path(), Some(Flavor::Cpu), "neither build-version nor"),
        (good.path(), Some(Flavor::Cuda), "has no libtorch_cuda.so"),
        (nowhere, Some(Flavor::Cpu), "has no libtorch_cpu in"),
        (Path::new("libtorch"), Some(Flavor::Cpu), "is not an absolute path"),
        (Path::new(""), Some(Flavor::Cpu), "is not an absolute path"),
    ] {
        let error = choose(asked, &[("LIBTORCH", root)], None, nowhere).unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
    let bypass = [("LIBTORCH", old.path()), ("LIBTORCH_BYPASS_VERSION_CHECK", Path::new("1"))];
    assert!(choose(Some(Flavor::Cpu), &bypass, None, nowhere).unwrap().is_some());
}

#[test]
fn flavor_and_cache_follow_configuration_and_environment() {
    let cuda = Some(Path::new("/cache/twinview/libtorch-2.11.0-cuda"));
    assert_eq!(flavor(None, cuda), Flavor::Cuda);
    assert_eq!(flavor(Some(Flavor::Cpu), cuda), Flavor::Cpu);
    assert_eq!(flavor(None, None), Flavor::Cpu);
    assert_eq!(flavor(Some(Flavor::Cuda), None), Flavor::Cuda);

    let cache = |xdg: Option<&str>, home: Option<&str>| {
        let env = |name: &str| if name == "HOME" { home } else { xdg }.map(OsString::from);
        cache_folder(&env).map_err(|usage| usage.0)
    };
    assert_eq!(cache(Some("/x"), Some("/h")), Ok("/x/twinview".into()));
    assert_eq!(cache(None, Some("/h")), Ok("/h/.cache/twinview".into()));
    assert_eq!(cache(Some("relative"), Some("/h")), Ok("/h/.cache/twinview".into()));
    assert!(cache(None, None).unwrap_err().contains("XDG_CACHE_HOME"));
}

#[test]
fn the_configuration_is_what_cargo_reads_and_written_only_when_changed() {
    let root = folder(&[(".cargo/config.toml", "")]);
    let file = root.path().join(cargo_config::FILE);
    let write = |libtorch: Option<&str>, lib: Option<&str>| {
        cargo_config::write(root.path(), libtorch.map(Path::new), lib.map(Path::new))
    };
    write(Some("/a \"b"), Some("/a b/lib")).unwrap();
    assert_eq!(
        fs::read_to_string(&file).unwrap(),
        "[env]\nLIBTORCH = \"/a \\\"b\"\n\n[build]\n\
         rustflags = [\"-C\", \"link-arg=-Wl,-rpath,/a b/lib\"]\n\
         rustdocflags = [\"-C\", \"link-arg=-Wl,-rpath,/a b/lib\"]\n"
    );
    assert_eq!(cargo_config::recorded(root.path()).as_deref(), Some(Path::new("/a \"b")));
    let first = fs::metadata(&file).unwrap().modified().unwrap();
    write(Some("/a \"b"), Some("/a b/lib")).unwrap();
    assert_eq!(fs::metadata(&file).unwrap().modified().unwrap(), first);
    let error = write(None, Some("/a,b")).unwrap_err();
    assert!(error.is::<Usage>() && error.to_string().contains("/a,b"), "{error}");
    write(None, None).unwrap();
    assert_eq!(cargo_config::recorded(root.path()), None);
    assert_eq!(files_in(&root.path().join(".cargo")), ["config.toml", "libtorch.toml"]);
}

#[test]
fn only_the_needed_files_are_unpacked() {
    for (entry, cpu, cuda) in [
        ("torch/nn/modules/conv.py", None, None),
        ("torch/lib/libtorch_python.so", None, None),
        ("nvidia/cu13/include/cupti.h", None, None),
        ("torch/include/c10/D.h", Some("include/c10/D.h"), Some("include/c10/D.h")),
        ("torch/lib/libtorch_cpu.so", Some("lib/libtorch_cpu.so"), Some("lib/libtorch_cpu.so")),
        ("torch/lib/libtorch.so", None, Some("lib/libtorch.so")),
        ("nvidia/cu13/lib/libnvperf_host.so", None, Some("lib/libnvperf_host.so")),
        ("nvidia/cudnn/lib/libcudnn.so.9", None, Some("lib/libcudnn.so.9")),
    ] {
        assert_eq!(Flavor::Cpu.target_path(entry), cpu.map(PathBuf::from), "{entry}");
        assert_eq!(Flavor::Cuda.target_path(entry), cuda.map(PathBuf::from), "{entry}");
    }
}

const TORCH: &[(&str, &str)] = &[
    ("torch/__init__.py", "python"),
    ("torch/include/c10/core/Device.h", "header"),
    ("torch/lib/libtorch.so", "shell"),
    ("torch/lib/libtorch_cpu.so", "cpu"),
    ("torch/lib/libtorch_cuda.so", "cuda"),
];
const CUDART: &[(&str, &str)] = &[("nvidia/cu13/lib/libcudart.so.13", "cudart")];
// Of the stand-in for Python, in the shell.
const HELP: &str = r#"case "$*" in *--help) echo "  --resume-retries N"; exit 0;; esac"#;
const DOWNLOAD: &str = r#"echo "$*" >> "$here/calls"
    while [ $# -gt 1 ]; do
        [ "$1" = --dest ] && dest=$2
        [ "$1" = --requirement ] && cat "$2" >> "$here/calls" && name=$(cut -d= -f1 "$2")
        shift
    done
    if [ -e "$here/index/$name.whl" ]; then cp "$here/index/$name.whl" "$dest"; fi"#;

/// An index with two wheels, a cache, and a Python whose pip serves one from the other.
struct World(TempDir);

impl World {
    fn new() -> Self {
        let world = Self(tempfile::tempdir().unwrap());
        world.put_wheel("torch", &zip_of(TORCH));
        world.put_wheel("nvidia-cuda-runtime", &zip_of(CUDART));
        world.python(&format!("{HELP}\n{DOWNLOAD}"));
        world
    }

    fn put_wheel(&self, name: &str, content: &[u8]) {
        put(&self.0.path().join(format!("index/{name}.whl")), content);
    }

    /// Makes the stand-in for Python run the given shell script.
    fn python(&self, script: &str) {
        let path = self.0.path().join("python3");
        // Written by another process: a file held open for writing, even by a fork of a test beside
        // this one, can't be executed.
        let mut shell = Command::new("sh");
        shell.args(["-c", r#"printf '%s' "$1" > "$0" && chmod +x "$0""#]).arg(&path);
        let script = format!("#!/bin/sh\nhere={}\n{script}\n", self.0.path().display());
        assert!(shell.arg(script).status().unwrap().success());
    }

    fn cache(&self) -> PathBuf {
        self.0.path().join("cache")
    }

    fn install(&self, flavor: Flavor) -> Result<PathBuf, String> {
        let installed = install::install(&self.cache(), flavor, &self.0.path().join("python3"));
        installed.map_err(|error| format!("{error:#}"))
    }

    /// The command lines with which pip downloaded, each followed by what it was to download.
    fn calls(&self) -> Vec<String> {
        let log = fs::read_to_string(self.0.path().join("calls")).unwrap_or_default();
        log.split_inclusive("--hash=sha256:").map(str::to_owned).collect()
    }

    /// Every file under the cache but the lock.
    fn cached(&self) -> Vec<String> {
        let mut names = files_in(&self.cache());
        names.retain(|name| name != "setup.lock");
        names
    }
}

/// The paths of all files in a folder, sorted.
fn files_in(root: &Path) -> Vec<String> {
    let (mut folders, mut names) = (vec![root.to_owned()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            match entry.unwrap().path() {
                path if path.is_dir() => folders.push(path),
                path => names.push(path.strip_prefix(root).unwrap().display().to_string()),
            }
        }
    }
    names.sort();
    names
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
fn installs_each_flavor_once() {
    let world = World::new();
    let target = world.install(Flavor::Cpu).unwrap();
    assert_eq!(world.cached(), CPU_FILES);
    let link = fs::read_link(target.join("lib/libtorch.so")).unwrap();
    assert_eq!(link, Path::new("libtorch_cpu.so"));
    assert_eq!(fs::read_to_string(target.join("build-version")).unwrap(), "2.11.0+cpu\n");
    let mode = fs::metadata(target.join("lib/libtorch_cpu.so")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o755);
    let calls = world.calls();
    assert!(calls[0].contains("--require-hashes") && calls[0].contains("--resume-retries=10"));
    assert!(calls[0].ends_with("\ntorch===2.11.0 --hash=sha256:"), "{calls:?}");
    assert_eq!(calls.len(), 3 + 1);

    let cuda = world.install(Flavor::Cuda).unwrap();
    assert_eq!(fs::read_to_string(cuda.join("lib/libtorch.so")).unwrap(), "shell");
    assert!(cuda.join("lib/libtorch_cuda.so").is_file());
    assert_eq!(fs::read_to_string(cuda.join("build-version")).unwrap(), "2.11.0+cu130\n");
    assert_eq!(world.calls().len(), 3 + 16 + 1);

    // From here on neither Python nor the index is needed.
    world.python("exit 1");
    assert_eq!(world.install(Flavor::Cpu).unwrap(), target);
}

#[test]
fn what_goes_wrong_is_said_and_leaves_no_libtorch() {
    let world = World::new();
    for (script, expected) in [
        ("exit 1".to_owned(), "python3 with pip, which fetches libtorch, not found"),
        (format!("{HELP}\nexit 3"), "-m pip download"),
        (format!("{HELP}\nexit 3"), "exit status: 3"),
    ] {
        world.python(&script);
        let error = world.install(Flavor::Cpu).unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
    fs::remove_file(world.0.path().join("python3")).unwrap();
    assert!(world.install(Flavor::Cpu).unwrap_err().contains("python3 with pip"));

    for damaged in [&b"not a zip"[..], &zip_of(&[("../outside", "")])] {
        let world = World::new();
        world.put_wheel("nvidia-cuda-runtime", damaged);
        let error = world.install(Flavor::Cpu).unwrap_err();
        assert!(error.contains("cannot unpack") && error.contains("cuda-runtime.whl"), "{error}");
        let wheels = |name: &String| name.starts_with("libtorch-2.11.0-cpu.wheels/");
        assert!(world.cached().iter().all(wheels), "{:?}", world.cached());
    }
}

#[test]
fn two_at_once_fetch_once_and_replace_what_an_interrupted_run_left() {
    let world = World::new();
    put(&world.cache().join("libtorch-2.11.0-cpu.partial/lib/junk"), b"half");
    put(&world.cache().join("libtorch-2.11.0-cpu/lib/libtorch_cpu.so"), b"half");
    std::thread::scope(|scope| {
        let runs = [(); 2].map(|()| scope.spawn(|| world.install(Flavor::Cpu)));
        runs.into_iter().for_each(|run| drop(run.join().unwrap().unwrap()));
    });
    assert_eq!(world.calls().len(), 3 + 1);
    assert_eq!(world.cached(), CPU_FILES);
}
