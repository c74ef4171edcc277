//! Getting libtorch, and telling cargo where it is.
//!
//! What the user already has comes first: `LIBTORCH_USE_PYTORCH`, then `LIBTORCH`, then a libtorch
//! of the system. Without any of them one is put together from published wheels in the user's
//! cache, outside the clone, so that the next clone need not fetch it again.

mod cargo_config;
mod install;
mod pip;
mod wheels;

use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;

use crate::Usage;
use crate::workspace::{Workspace, output};
use wheels::{Flavour, VERSION};

/// What the caller asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// The one that is configured; for CPU if none is.
    Configured,
    /// One for CPU.
    Cpu,
    /// One for CPU and CUDA.
    Cuda,
}

/// A libtorch of the right version.
#[derive(Debug, PartialEq, Eq)]
pub enum Libtorch {
    /// That of a Python environment (`LIBTORCH_USE_PYTORCH`).
    Python { lib: PathBuf },
    /// The one that `LIBTORCH` names.
    User { root: PathBuf, lib: PathBuf },
    /// One that the linker and the loader find by themselves.
    System,
    /// One from published wheels, in the cache.
    Managed { root: PathBuf },
}

impl fmt::Display for Libtorch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Python { lib } => write!(f, "{} (LIBTORCH_USE_PYTORCH)", lib.display()),
            Self::User { root, .. } => write!(f, "{} (LIBTORCH)", root.display()),
            Self::System => write!(f, "{SYSTEM} (of the system)"),
            Self::Managed { root } => write!(f, "{}", root.display()),
        }
    }
}

impl Libtorch {
    /// Readies a cargo command for it. The command inherits the `LIBTORCH` that cargo read from the
    /// configuration when it started this process, which may have been changed since.
    pub fn configure(&self, command: &mut Command) {
        match self {
            Self::Managed { root } => command.env("LIBTORCH", root),
            Self::System => command.env_remove("LIBTORCH"),
            Self::Python { .. } | Self::User { .. } => command,
        };
    }

    /// The folder of its libraries, where the loader does not look there by itself.
    pub fn libraries(&self) -> Option<PathBuf> {
        match self {
            Self::Python { lib } | Self::User { lib, .. } => Some(lib.clone()),
            Self::System => None,
            Self::Managed { root } => Some(root.join("lib")),
        }
    }

    fn config(&self) -> Result<String, Usage> {
        match self {
            Self::Python { lib } | Self::User { lib, .. } => cargo_config::render(None, Some(lib)),
            Self::System => cargo_config::render(None, None),
            Self::Managed { root } => cargo_config::render(Some(root), Some(&root.join("lib"))),
        }
    }
}

/// Where `torch-sys` looks for a libtorch of the system.
const SYSTEM: &str = "/usr/lib/libtorch.so";

/// Makes sure that there is a libtorch and that cargo finds it.
///
/// # Errors
/// [`Usage`] when the environment names a libtorch that does not fit or this platform has no
/// published one; any other error when fetching fails.
pub fn ensure(workspace: &Workspace, request: Request) -> anyhow::Result<Libtorch> {
    require_compiler()?;
    if std::env::var_os("RUSTFLAGS").is_some() {
        eprintln!("warning: RUSTFLAGS replaces the run path to libtorch in {}", cargo_config::FILE);
    }
    let recorded = cargo_config::recorded(&workspace.root);
    let env = |name: &str| std::env::var_os(name);
    let libtorch = match existing(request, &env, recorded.as_deref(), Path::new("/usr"))? {
        Some(libtorch) => libtorch,
        None => {
            let flavour = flavour(request, recorded.as_deref());
            let cache = cache_folder(&env)?;
            require_platform()?;
            let python = Path::new("python3");
            Libtorch::Managed {
                root: install::install(&cache, flavour, &flavour.wheels(), python)?,
            }
        }
    };
    cargo_config::write(&workspace.root, &libtorch.config()?)?;
    Ok(libtorch)
}

/// The libtorch that the user already has, checked; none if there is none.
fn existing(
    request: Request,
    env: &dyn Fn(&str) -> Option<OsString>,
    recorded: Option<&Path>,
    system: &Path,
) -> anyhow::Result<Option<Libtorch>> {
    let check_version = env("LIBTORCH_BYPASS_VERSION_CHECK").is_none();
    if env("LIBTORCH_USE_PYTORCH").is_some() {
        return python_libtorch(check_version).map(Some);
    }
    // cargo passes on what the configuration says as if the user had set it.
    if let Some(root) = env("LIBTORCH").map(PathBuf::from).filter(|set| Some(&**set) != recorded) {
        let include = env("LIBTORCH_INCLUDE").map_or_else(|| root.clone(), PathBuf::from);
        let lib = env("LIBTORCH_LIB").map_or_else(|| root.clone(), PathBuf::from).join("lib");
        let found = version_of(&root).or_else(|| version_of(&include));
        let wrong = user_libtorch_problem(request, &lib, found.as_deref(), check_version);
        return match wrong {
            None => Ok(Some(Libtorch::User { root, lib })),
            Some(wrong) => Err(Usage(format!(
                "LIBTORCH={} {wrong}: set it to the folder of a libtorch {VERSION}, or unset it",
                root.display()
            ))
            .into()),
        };
    }
    let managed = request == Request::Configured && recorded.is_some();
    let fits = || {
        system.join("lib/libtorch.so").exists() && version_of(system).as_deref() == Some(VERSION)
    };
    Ok((request != Request::Cuda && !managed && fits()).then_some(Libtorch::System))
}

/// What is wrong with the folder that `LIBTORCH` names.
fn user_libtorch_problem(
    request: Request,
    lib: &Path,
    version: Option<&str>,
    check_version: bool,
) -> Option<String> {
    if lib.is_relative() {
        return Some("is not an absolute path".to_owned());
    }
    if !lib.join("libtorch_cpu.so").exists() && !lib.join("libtorch_cpu.dylib").exists() {
        return Some(format!("has no libtorch_cpu in {}", lib.display()));
    }
    if request == Request::Cuda && !lib.join("libtorch_cuda.so").exists() {
        return Some(format!("has no libtorch_cuda.so in {}", lib.display()));
    }
    match version {
        _ if !check_version => None,
        Some(VERSION) => None,
        Some(other) => Some(format!("is libtorch {other}")),
        None => Some("has neither build-version nor include/torch/headeronly/version.h".to_owned()),
    }
}

/// The version of the libtorch in a folder, without a suffix like `+cpu`.
fn version_of(root: &Path) -> Option<String> {
    let header = || {
        let text = fs::read_to_string(root.join("include/torch/headeronly/version.h")).ok()?;
        let after = text.split("#define TORCH_VERSION \\").nth(1)?;
        Some(after.split('"').nth(1)?.to_owned())
    };
    let version = fs::read_to_string(root.join("build-version")).ok().or_else(header)?;
    Some(version.trim().split('+').next().unwrap_or_default().to_owned())
}

/// The libtorch of the Python environment, asked as `torch-sys` asks it.
fn python_libtorch(check_version: bool) -> anyhow::Result<Libtorch> {
    let python = if std::env::var_os("VIRTUAL_ENV").is_some() { "python" } else { "python3" };
    let script = "import os, torch; print(torch.__version__); \
                  print(os.path.join(os.path.dirname(torch.__file__), 'lib'))";
    let mut command = Command::new(python);
    command.args(["-c", script]);
    let printed = output(command)?.filter(|output| output.status.success());
    let printed = printed.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let mut lines = printed.as_deref().unwrap_or_default().lines();
    let (Some(version), Some(lib)) = (lines.next(), lines.next()) else {
        let wrong = format!("LIBTORCH_USE_PYTORCH is set, but {python} cannot import torch");
        return Err(Usage(format!("{wrong}: install torch {VERSION} there, or unset it")).into());
    };
    if check_version && version.split('+').next() != Some(VERSION) {
        let wrong = format!("LIBTORCH_USE_PYTORCH is set, but {python} has torch {version}");
        return Err(Usage(format!("{wrong}: install {VERSION} there, or unset it")).into());
    }
    Ok(Libtorch::Python { lib: lib.into() })
}

/// Which libtorch to keep in the cache: as configured, unless asked otherwise.
fn flavour(request: Request, recorded: Option<&Path>) -> Flavour {
    let cuda = recorded.and_then(Path::file_name) == Some(Flavour::Cuda.folder().as_ref());
    match request {
        Request::Cuda => Flavour::Cuda,
        Request::Configured if cuda => Flavour::Cuda,
        Request::Configured | Request::Cpu => Flavour::Cpu,
    }
}

/// The folder outside the clone that all clones share.
fn cache_folder(env: &dyn Fn(&str) -> Option<OsString>) -> Result<PathBuf, Usage> {
    let xdg = env("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || Some(PathBuf::from(env("HOME")?).join(".cache"));
    let cache = xdg.or_else(home).map(|cache| cache.join("twinview"));
    cache
        .ok_or_else(|| Usage("neither XDG_CACHE_HOME nor HOME is set: no place for a cache".into()))
}

/// Published wheels are for one platform only.
fn require_platform() -> Result<(), Usage> {
    if cfg!(all(target_os = "linux", target_arch = "x86_64", target_env = "gnu")) {
        return Ok(());
    }
    Err(Usage(format!(
        "no libtorch is fetched for {} on {}: set LIBTORCH to the folder of a libtorch {VERSION}, or \
         LIBTORCH_USE_PYTORCH=1 with torch {VERSION} installed in Python",
        std::env::consts::OS,
        std::env::consts::ARCH,
    )))
}

/// `torch-sys` compiles a layer of C++; without a compiler it fails late and at length.
fn require_compiler() -> anyhow::Result<()> {
    let compiler = std::env::var_os("CXX").unwrap_or_else(|| "c++".into());
    // CXX may carry a wrapper or flags: "ccache g++".
    let program = compiler.to_string_lossy().split_whitespace().next().unwrap_or("c++").to_owned();
    let mut command = Command::new(&program);
    command.arg("--version");
    let found = output(command).context("cannot look for a C++ compiler")?;
    if found.is_none() {
        let hint = "install one (on Debian and Ubuntu: g++), or set CXX";
        return Err(Usage(format!("no C++ compiler: `{program}` not found; {hint}")).into());
    }
    Ok(())
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
