//! Gets libtorch and tells cargo where it is.
//!
//! A libtorch that the user has comes first: `LIBTORCH_USE_PYTORCH`, then `LIBTORCH`, then one of
//! the system. Without any, one is put together from published wheels in the user's cache, outside
//! the clone, where the next clone finds it.

mod cargo_config;
mod install;
#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use fs_err as fs;
use serde_json::Value;

use crate::Usage;
use crate::workspace::{Workspace, answer, capture, executables};
pub use install::Flavor;
use install::VERSION;

/// A libtorch of the right version.
#[derive(Debug, PartialEq, Eq)]
pub enum Libtorch {
    /// One that the user has, by the variable of this name, with its libraries.
    User { variable: &'static str, lib: PathBuf },
    /// One that linker and loader find by themselves.
    System,
    /// One from published wheels, in the cache.
    Managed { root: PathBuf },
}

impl Libtorch {
    /// A cargo command that uses it. It inherits the `LIBTORCH` that cargo read from the
    /// configuration when it started this process, which may have been changed since.
    pub fn cargo(&self, workspace: &Workspace, args: &[&str]) -> Command {
        let mut command = workspace.cargo(args);
        match self {
            Self::Managed { root } => command.env("LIBTORCH", root),
            Self::System => command.env_remove("LIBTORCH"),
            Self::User { .. } => &mut command,
        };
        command
    }

    /// Runs a cargo command that builds, and returns its messages about executables.
    pub fn build(&self, workspace: &Workspace, args: &[&str]) -> anyhow::Result<Vec<Value>> {
        let mut command = self.cargo(workspace, args);
        command.arg("--message-format=json-render-diagnostics");
        Ok(executables(&capture(command)?))
    }
}

/// Makes sure that there is a libtorch and that cargo finds it, and prints where it is: of the
/// `asked` flavor, or else the configured one, or one for CPU.
///
/// # Errors
/// [`Usage`] when the environment names a libtorch that does not fit or this platform has no
/// published one; any other error when fetching fails.
pub fn ensure(workspace: &Workspace, asked: Option<Flavor>) -> anyhow::Result<Libtorch> {
    require_compiler()?;
    let file = cargo_config::FILE;
    if std::env::var_os("RUSTFLAGS").is_some() {
        eprintln!("warning: RUSTFLAGS replaces the run path to libtorch in {file}");
    }
    let recorded = cargo_config::recorded(&workspace.root);
    let env = |name: &str| std::env::var_os(name);
    let libtorch = match existing(asked, &env, recorded.as_deref(), Path::new("/usr"))? {
        Some(libtorch) => libtorch,
        None => {
            let flavor = flavor(asked, recorded.as_deref());
            let cache = cache_folder(&env)?;
            require_platform()?;
            Libtorch::Managed { root: install::install(&cache, flavor, Path::new("python3"))? }
        }
    };
    let (name, root, lib) = match &libtorch {
        Libtorch::User { variable, lib } => (format!("by {variable}"), None, Some(lib.clone())),
        Libtorch::System => ("of the system".to_owned(), None, None),
        Libtorch::Managed { root } => {
            (root.display().to_string(), Some(root.as_path()), Some(root.join("lib")))
        }
    };
    println!("==> libtorch: {name}");
    cargo_config::write(&workspace.root, root, lib.as_deref())?;
    Ok(libtorch)
}

/// The libtorch that the user has, checked; none if there is none.
fn existing(
    asked: Option<Flavor>,
    env: &dyn Fn(&str) -> Option<OsString>,
    recorded: Option<&Path>,
    system: &Path,
) -> anyhow::Result<Option<Libtorch>> {
    let check_version = env("LIBTORCH_BYPASS_VERSION_CHECK").is_none();
    if env("LIBTORCH_USE_PYTORCH").is_some() {
        return Ok(Some(python_libtorch(check_version)?));
    }
    // cargo passes on what the configuration says as if the user had set it.
    if let Some(root) = env("LIBTORCH").map(PathBuf::from).filter(|set| Some(&**set) != recorded) {
        let include = env("LIBTORCH_INCLUDE").map_or_else(|| root.clone(), PathBuf::from);
        let lib = env("LIBTORCH_LIB").map_or_else(|| root.clone(), PathBuf::from).join("lib");
        let has = |file: &str| lib.join(file).exists();
        let problem = if lib.is_relative() {
            "is not an absolute path".to_owned()
        } else if !has("libtorch_cpu.so") && !has("libtorch_cpu.dylib") {
            format!("has no libtorch_cpu in {}", lib.display())
        } else if asked == Some(Flavor::Cuda) && !has("libtorch_cuda.so") {
            format!("has no libtorch_cuda.so in {}", lib.display())
        } else {
            match version_of(&root).or_else(|| version_of(&include)) {
                Some(version) if check_version && version != VERSION => {
                    format!("is libtorch {version}")
                }
                None if check_version => {
                    "has neither build-version nor include/torch/headeronly/version.h".to_owned()
                }
                _ => return Ok(Some(Libtorch::User { variable: "LIBTORCH", lib })),
            }
        };
        let hint = format!("set it to the folder of a libtorch {VERSION}, or unset it");
        return Err(Usage(format!("LIBTORCH={} {problem}: {hint}", root.display())).into());
    }
    let managed = asked.is_none() && recorded.is_some();
    let fits = || {
        system.join("lib/libtorch.so").exists() && version_of(system).as_deref() == Some(VERSION)
    };
    Ok((asked != Some(Flavor::Cuda) && !managed && fits()).then_some(Libtorch::System))
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

/// The libtorch of the Python environment, found as `torch-sys` finds it.
fn python_libtorch(check_version: bool) -> anyhow::Result<Libtorch> {
    let python = if std::env::var_os("VIRTUAL_ENV").is_some() { "python" } else { "python3" };
    let script = "import os, torch; print(torch.__version__); \
                  print(os.path.join(os.path.dirname(torch.__file__), 'lib'))";
    let mut command = Command::new(python);
    command.args(["-c", script]);
    let printed = answer(command).unwrap_or_default();
    let problem = match printed.split_once('\n') {
        None => format!("cannot import torch: install torch {VERSION} there"),
        Some((version, _)) if check_version && version.split('+').next() != Some(VERSION) => {
            format!("has torch {version}: install {VERSION} there")
        }
        Some((_, lib)) => {
            return Ok(Libtorch::User { variable: "LIBTORCH_USE_PYTORCH", lib: lib.into() });
        }
    };
    Err(Usage(format!("LIBTORCH_USE_PYTORCH is set, but {python} {problem}, or unset it")).into())
}

/// Which libtorch to keep in the cache: the one that is asked for, or else recorded.
fn flavor(asked: Option<Flavor>, recorded: Option<&Path>) -> Flavor {
    let cuda = recorded.and_then(Path::file_name) == Some(Flavor::Cuda.folder().as_ref());
    asked.unwrap_or(if cuda { Flavor::Cuda } else { Flavor::Cpu })
}

/// The folder outside the clone that all clones share.
pub fn cache_folder(env: &dyn Fn(&str) -> Option<OsString>) -> Result<PathBuf, Usage> {
    let xdg = env("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || Some(PathBuf::from(env("HOME")?).join(".cache"));
    let cache = xdg.or_else(home).map(|cache| cache.join("twinview"));
    cache.ok_or_else(|| Usage("no folder for a cache: set XDG_CACHE_HOME or HOME".into()))
}

/// Published wheels are for one platform only.
fn require_platform() -> Result<(), Usage> {
    if cfg!(all(target_os = "linux", target_arch = "x86_64", target_env = "gnu")) {
        return Ok(());
    }
    let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
    Err(Usage(format!(
        "no libtorch is published for {os} on {arch}: set LIBTORCH to the folder of a libtorch \
         {VERSION}, or LIBTORCH_USE_PYTORCH=1 with torch {VERSION} installed in Python"
    )))
}

/// `torch-sys` compiles C++; without a compiler it fails late and at length.
fn require_compiler() -> Result<(), Usage> {
    let compiler = std::env::var("CXX").unwrap_or_default();
    // CXX may carry a wrapper or flags: "ccache g++".
    let program = compiler.split_whitespace().next().unwrap_or("c++");
    let mut command = Command::new(program);
    command.arg("--version");
    let hint = "install one (on Debian and Ubuntu: g++), or set CXX";
    let error = || Usage(format!("no C++ compiler: `{program}` not found; {hint}"));
    answer(command).map(drop).ok_or_else(error)
}
