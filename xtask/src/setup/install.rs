//! Puts a libtorch together in the cache: fetch wheels, unpack aside, move into place.
//!
//! The `torch` wheel holds headers and libraries for CPU and CUDA alike; even its CPU library is
//! linked to two small CUDA libraries, which come as wheels of their own. The list for CUDA is what
//! the `torch` wheel's metadata asks for, resolved once. The user's own pip fetches the wheels: it
//! knows their index, proxy and certificates.

use std::fs::{Permissions, TryLockError};
use std::io::{self, BufReader, BufWriter, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;
use fs_err::os::unix::fs::symlink;
use fs_err::{self as fs, File};

use crate::scratch::Scratch;
use crate::workspace::{answer, run};

/// The libtorch release that the `tch` dependency of this workspace is made for.
pub const VERSION: &str = "2.11.0";

/// Which libtorch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flavor {
    /// Runs on the CPU only; about 500 MB.
    Cpu,
    /// Runs on the CPU and on NVIDIA GPUs; about 3.8 GB.
    Cuda,
}

// One wheel a line, pinned by checksum, as pip reads them.
const CPU: &str = include_str!("../../wheels/cpu.txt");
const CUDA: &str = include_str!("../../wheels/cuda.txt");

/// For these wheels, whatever Python pip runs on.
const PIP: &str = "-m pip download --disable-pip-version-check --no-deps --only-binary=:all: \
    --require-hashes --python-version 3.11 --implementation cp --abi cp311 \
    --platform manylinux_2_28_x86_64 --platform manylinux_2_27_x86_64 \
    --platform manylinux_2_25_x86_64 --platform manylinux_2_18_x86_64 \
    --platform manylinux2014_x86_64 --platform manylinux2010_x86_64 \
    --platform manylinux1_x86_64";

/// The libraries of a CPU libtorch. `libtorch.so` is not among them: the wheel's own is an empty
/// shell that pulls in the CUDA library, so a link to `libtorch_cpu.so` stands in for it.
const CPU_LIBRARIES: &[&str] =
    &["libc10.so", "libtorch_cpu.so", "libgomp.so.1", "libcudart.so.13", "libcupti.so.13"];

/// Need a Python to load.
const PYTHON_LIBRARIES: &[&str] = &["libtorch_python.so", "libshm.so"];

impl Flavor {
    /// The name of the finished folder in the cache.
    pub fn folder(self) -> String {
        format!("libtorch-{VERSION}-{}", if self == Self::Cpu { "cpu" } else { "cuda" })
    }

    /// The content of `build-version`, by which published libtorch archives tell what they are.
    fn build_version(self) -> String {
        format!("{VERSION}+{}", if self == Self::Cpu { "cpu" } else { "cu130" })
    }

    /// The requirements by which pip fetches its wheels.
    pub fn wheels(self) -> Vec<&'static str> {
        let cuda = if self == Self::Cuda { CUDA } else { "" };
        CPU.lines().chain(cuda.lines()).collect()
    }

    /// Where a file of a wheel goes in the finished folder; none if it is not wanted.
    pub fn target_path(self, entry: &str) -> Option<PathBuf> {
        if let Some(header) = entry.strip_prefix("torch/include/") {
            return Some(Path::new("include").join(header));
        }
        let (folder, name) = entry.rsplit_once('/')?;
        let library = folder == "torch/lib"
            || (folder.starts_with("nvidia/") && folder.ends_with("/lib") && name.contains(".so"));
        let wanted = match self {
            Self::Cpu => CPU_LIBRARIES.contains(&name),
            Self::Cuda => !PYTHON_LIBRARIES.contains(&name),
        };
        (library && wanted).then(|| Path::new("lib").join(name))
    }

    /// Whether the folder is one that [`install`] finished.
    fn is_finished(self, folder: &Path) -> bool {
        let version = fs::read_to_string(folder.join("build-version"));
        version.is_ok_and(|text| text.trim() == self.build_version())
            && folder.join("lib/libtorch_cpu.so").is_file()
    }
}

/// Makes sure that the libtorch is in `cache`, and returns its folder. Offline and instant when it
/// is.
pub fn install(cache: &Path, flavor: Flavor, python: &Path) -> anyhow::Result<PathBuf> {
    let target = cache.join(flavor.folder());
    if flavor.is_finished(&target) {
        return Ok(target);
    }
    fs::create_dir_all(cache)?;
    let lock = File::create(cache.join("setup.lock"))?;
    match lock.try_lock() {
        Err(TryLockError::WouldBlock) => {
            println!("==> waiting for another set-up to finish");
            lock.lock()?;
        }
        locked => locked?,
    }
    if flavor.is_finished(&target) {
        return Ok(target); // by the set-up that held the lock
    }
    let wheels = cache.join(format!("{}.wheels", flavor.folder()));
    fetch(flavor, python, &wheels)?;
    let scratch = Scratch::create(cache.join(format!("{}.partial", flavor.folder())))?;
    for entry in fs::read_dir(&wheels)? {
        let wheel = entry?.path();
        if wheel.extension().is_some_and(|extension| extension == "whl") {
            println!("==> unpacking {}", wheel.display());
            unpack(&wheel, &scratch.path, flavor)
                .with_context(|| format!("cannot unpack {}", wheel.display()))?;
        }
    }
    if flavor == Flavor::Cpu {
        symlink("libtorch_cpu.so", scratch.path.join("lib/libtorch.so"))?;
    }
    // Last, as it marks the rest as complete.
    fs::write(scratch.path.join("build-version"), flavor.build_version() + "\n")?;
    scratch.publish(&target)?;
    fs::remove_dir_all(wheels)?;
    Ok(target)
}

/// Completes the folder of wheels. pip compares their checksums and keeps those that are there.
fn fetch(flavor: Flavor, python: &Path, folder: &Path) -> anyhow::Result<()> {
    let mut help = Command::new(python);
    help.args(["-m", "pip", "download", "--help"]);
    let help = answer(help).with_context(|| {
        let name = python.display();
        let hint = format!("install it, or set LIBTORCH to the folder of a libtorch {VERSION}");
        format!("{name} with pip, which fetches libtorch, not found: {hint}")
    })?;
    let resume = help.contains("--resume-retries").then_some("--resume-retries=10");
    fs::create_dir_all(folder)?;
    let requirement = folder.join("requirement.txt");
    // One by one: pip saves nothing until it has fetched all that it was asked for.
    for wheel in flavor.wheels() {
        fs::write(&requirement, wheel)?;
        let mut pip = Command::new(python);
        pip.args(PIP.split_whitespace()).args(resume).arg("--dest").arg(folder);
        pip.arg("--requirement").arg(&requirement);
        run(pip)?;
    }
    Ok(())
}

/// Unpacks the wanted files of one wheel.
fn unpack(wheel: &Path, target: &Path, flavor: Flavor) -> anyhow::Result<()> {
    let mut archive = zip::ZipArchive::new(BufReader::new(File::open(wheel)?))?;
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index)?;
        // None for names that lead out of the folder.
        let name = entry.enclosed_name().context("a path leads out of the archive")?;
        let path = name.to_str().and_then(|name| flavor.target_path(name));
        let Some(path) = path.filter(|_| entry.is_file()) else { continue };
        let path = target.join(path);
        let mode = entry.unix_mode().map_or(0o644, |mode| mode & 0o755 | 0o600);
        fs::create_dir_all(path.parent().context("a file is in a folder")?)?;
        let mut file = BufWriter::with_capacity(1 << 18, File::create(&path)?);
        io::copy(&mut entry, &mut file)?;
        file.flush()?;
        fs::set_permissions(path, Permissions::from_mode(mode))?;
    }
    Ok(())
}
