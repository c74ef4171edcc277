//! Which libtorch is chosen, and what is said about one that does not fit.

use std::collections::HashMap;

use tempfile::TempDir;

use super::*;

/// A folder that looks like a libtorch.
fn libtorch(files: &[(&str, &str)]) -> TempDir {
    let root = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let path = root.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    root
}

const HEADER: &str = "#define TORCH_VERSION_MAJOR 2\n#define TORCH_VERSION \\\n  \"2.11.0\"\n";
const GOOD: &[(&str, &str)] = &[
    ("lib/libtorch_cpu.so", ""),
    ("lib/libtorch.so", ""),
    ("include/torch/headeronly/version.h", HEADER),
];

fn choose(
    request: Request,
    vars: &[(&str, &Path)],
    recorded: Option<&Path>,
    system: &Path,
) -> Result<Option<Libtorch>, String> {
    let vars: HashMap<_, _> = vars.iter().copied().collect();
    let env = |name: &str| vars.get(name).map(|path| path.as_os_str().to_owned());
    existing(request, &env, recorded, system).map_err(|error| {
        assert!(error.is::<Usage>());
        error.to_string()
    })
}

const NOWHERE: &str = "/nonexistent";

#[test]
fn the_users_own_comes_first() {
    let (user, system) = (libtorch(GOOD), libtorch(GOOD));
    let vars = [("LIBTORCH", user.path())];
    let root = user.path().to_owned();
    let expected = Libtorch::User { lib: root.join("lib"), root };
    assert_eq!(choose(Request::Cpu, &vars, None, system.path()), Ok(Some(expected)));
}

#[test]
fn a_value_that_cargo_read_from_the_configuration_is_not_the_users() {
    let ours = libtorch(GOOD);
    let vars = [("LIBTORCH", ours.path())];
    assert_eq!(choose(Request::Cpu, &vars, Some(ours.path()), Path::new(NOWHERE)), Ok(None));
}

#[test]
fn the_systems_serves_only_when_it_fits() {
    let good = libtorch(GOOD);
    let old = libtorch(&[GOOD[0], GOOD[1], ("build-version", "2.1.0\n")]);
    assert_eq!(choose(Request::Cpu, &[], None, good.path()), Ok(Some(Libtorch::System)));
    assert_eq!(choose(Request::Cuda, &[], None, good.path()), Ok(None));
    assert_eq!(choose(Request::Cpu, &[], None, old.path()), Ok(None));
    let recorded = Some(Path::new(NOWHERE));
    assert_eq!(choose(Request::Configured, &[], recorded, good.path()), Ok(None));
}

#[test]
fn what_does_not_fit_is_said() {
    let problem = |root: &Path, request| {
        choose(request, &[("LIBTORCH", root)], None, Path::new(NOWHERE)).unwrap_err()
    };
    let old = libtorch(&[GOOD[0], ("build-version", "2.10.0+cpu\n")]);
    let error = problem(old.path(), Request::Cpu);
    assert!(error.contains("is libtorch 2.10.0: set it to"), "{error}");
    assert!(error.contains(old.path().to_str().unwrap()), "{error}");
    let bypass = [("LIBTORCH", old.path()), ("LIBTORCH_BYPASS_VERSION_CHECK", Path::new("1"))];
    assert!(choose(Request::Cpu, &bypass, None, Path::new(NOWHERE)).unwrap().is_some());

    let bare = libtorch(&[("lib/libtorch_cpu.so", "")]);
    assert!(problem(bare.path(), Request::Cpu).contains("neither build-version nor"));
    let good = libtorch(GOOD);
    assert!(problem(good.path(), Request::Cuda).contains("has no libtorch_cuda.so"));
    assert!(problem(Path::new(NOWHERE), Request::Cpu).contains("has no libtorch_cpu in"));
    assert!(problem(Path::new("libtorch"), Request::Cpu).contains("is not an absolute path"));
    assert!(problem(Path::new(""), Request::Cpu).contains("is not an absolute path"));
}

#[test]
fn a_check_run_keeps_the_configured_flavour() {
    let cuda = Path::new("/cache/twinview/libtorch-2.11.0-cuda");
    assert_eq!(flavour(Request::Configured, Some(cuda)), Flavour::Cuda);
    assert_eq!(flavour(Request::Cpu, Some(cuda)), Flavour::Cpu);
    assert_eq!(flavour(Request::Configured, None), Flavour::Cpu);
    assert_eq!(flavour(Request::Cuda, None), Flavour::Cuda);
}

#[test]
fn the_cache_follows_the_environment() {
    let cache = |vars: &[(&str, &str)]| {
        let vars: HashMap<_, _> = vars.iter().copied().collect();
        cache_folder(&|name| vars.get(name).map(OsString::from)).map_err(|usage| usage.0)
    };
    let both = [("XDG_CACHE_HOME", "/x"), ("HOME", "/h")];
    assert_eq!(cache(&both), Ok("/x/twinview".into()));
    assert_eq!(cache(&both[1..]), Ok("/h/.cache/twinview".into()));
    assert_eq!(cache(&[("XDG_CACHE_HOME", "relative"), both[1]]), Ok("/h/.cache/twinview".into()));
    assert!(cache(&[]).unwrap_err().contains("XDG_CACHE_HOME"));
}
