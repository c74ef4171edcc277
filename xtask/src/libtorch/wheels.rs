//! Which published wheels make up a libtorch, pinned by checksum, and what is taken from each.
//!
//! The `torch` wheel holds headers and libraries for CPU and CUDA alike; even its CPU library is
//! linked to two small CUDA libraries, which come as wheels of their own. The list for CUDA is what
//! the `torch` wheel's metadata asks for, resolved once.

use std::path::{Path, PathBuf};

/// The libtorch release that the `tch` dependency of this workspace is made for.
pub const VERSION: &str = "2.11.0";

/// Which libtorch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flavour {
    /// Runs on the CPU only; about 500 MB.
    Cpu,
    /// Runs on the CPU and on NVIDIA GPUs; about 3.8 GB.
    Cuda,
}

/// One published wheel.
#[derive(Clone, Copy, Debug)]
pub struct Wheel {
    /// Its file name, which by convention says name, version and platform tags.
    pub file: &'static str,
    /// SHA-256 of the file.
    pub sha256: &'static str,
}

const fn wheel(file: &'static str, sha256: &'static str) -> Wheel {
    Wheel { file, sha256 }
}

const CPU: &[Wheel] = &[
    wheel(
        "torch-2.11.0-cp311-cp311-manylinux_2_28_x86_64.whl",
        "7aa2f9bbc6d4595ba72138026b2074be1233186150e9292865e04b7a63b8c67a",
    ),
    wheel(
        "nvidia_cuda_runtime-13.0.96-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl",
        "7f82250d7782aa23b6cfe765ecc7db554bd3c2870c43f3d1821f1d18aebf0548",
    ),
    wheel(
        "nvidia_cuda_cupti-13.0.85-py3-none-manylinux_2_25_x86_64.whl",
        "4eb01c08e859bf924d222250d2e8f8b8ff6d3db4721288cf35d14252a4d933c8",
    ),
];

const CUDA_ONLY: &[Wheel] = &[
    wheel(
        "nvidia_cublas-13.1.0.3-py3-none-manylinux_2_27_x86_64.whl",
        "ee8722c1f0145ab246bccb9e452153b5e0515fd094c3678df50b2a0888b8b171",
    ),
    wheel(
        "nvidia_cuda_nvrtc-13.0.88-py3-none-manylinux2010_x86_64.manylinux_2_12_x86_64.whl",
        "ad9b6d2ead2435f11cbb6868809d2adeeee302e9bb94bcf0539c7a40d80e8575",
    ),
    wheel(
        "nvidia_cudnn_cu13-9.19.0.56-py3-none-manylinux_2_27_x86_64.whl",
        "d20e1734305e9d68889a96e3f35094d733ff1f83932ebe462753973e53a572bf",
    ),
    wheel(
        "nvidia_cufft-12.0.0.61-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl",
        "6c44f692dce8fd5ffd3e3df134b6cdb9c2f72d99cf40b62c32dde45eea9ddad3",
    ),
    wheel(
        "nvidia_cufile-1.15.1.6-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl",
        "08a3ecefae5a01c7f5117351c64f17c7c62efa5fffdbe24fc7d298da19cd0b44",
    ),
    wheel(
        "nvidia_curand-10.4.0.35-py3-none-manylinux_2_27_x86_64.whl",
        "1aee33a5da6e1db083fe2b90082def8915f30f3248d5896bcec36a579d941bfc",
    ),
    wheel(
        "nvidia_cusolver-12.0.4.66-py3-none-manylinux_2_27_x86_64.whl",
        "0a759da5dea5c0ea10fd307de75cdeb59e7ea4fcb8add0924859b944babf1112",
    ),
    wheel(
        "nvidia_cusparse-12.6.3.3-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl",
        "2b3c89c88d01ee0e477cb7f82ef60a11a4bcd57b6b87c33f789350b59759360b",
    ),
    wheel(
        "nvidia_cusparselt_cu13-0.8.0-py3-none-manylinux2014_x86_64.whl",
        "25e30a8a7323935d4ad0340b95a0b69926eee755767e8e0b1cf8dd85b197d3fd",
    ),
    wheel(
        "nvidia_nccl_cu13-2.28.9-py3-none-manylinux_2_18_x86_64.whl",
        "e4553a30f34195f3fa1da02a6da3d6337d28f2003943aa0a3d247bbc25fefc42",
    ),
    wheel(
        "nvidia_nvjitlink-13.0.88-py3-none-manylinux2010_x86_64.manylinux_2_12_x86_64.whl",
        "13a74f429e23b921c1109976abefacc69835f2f433ebd323d3946e11d804e47b",
    ),
    wheel(
        "nvidia_nvshmem_cu13-3.4.5-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl",
        "290f0a2ee94c9f3687a02502f3b9299a9f9fe826e6d0287ee18482e78d495b80",
    ),
    wheel(
        "nvidia_nvtx-13.0.85-py3-none-manylinux1_x86_64.manylinux_2_5_x86_64.whl",
        "4936d1d6780fbe68db454f5e72a42ff64d1fd6397df9f363ae786930fd5c1cd4",
    ),
];

/// The libraries of a CPU libtorch. `libtorch.so` is not among them: the wheel's own is an empty
/// shell that pulls in the CUDA library, so a link to `libtorch_cpu.so` stands in for it.
const CPU_LIBRARIES: &[&str] =
    &["libc10.so", "libtorch_cpu.so", "libgomp.so.1", "libcudart.so.13", "libcupti.so.13"];

/// Needs a Python to load, and nothing here does.
const PYTHON_LIBRARIES: &[&str] = &["libtorch_python.so", "libshm.so"];

impl Flavour {
    /// The name of the finished folder in the cache.
    pub fn folder(self) -> String {
        match self {
            Self::Cpu => format!("libtorch-{VERSION}-cpu"),
            Self::Cuda => format!("libtorch-{VERSION}-cuda"),
        }
    }

    /// The content of `build-version`, the file in which published libtorch archives say what they
    /// are.
    pub fn build_version(self) -> String {
        match self {
            Self::Cpu => format!("{VERSION}+cpu"),
            Self::Cuda => format!("{VERSION}+cu130"),
        }
    }

    /// The wheels that it is made of.
    pub fn wheels(self) -> Vec<Wheel> {
        match self {
            Self::Cpu => CPU.to_vec(),
            Self::Cuda => [CPU, CUDA_ONLY].concat(),
        }
    }

    /// Where a file of a wheel goes in the finished folder; none if it is not wanted.
    pub fn place(self, entry: &str) -> Option<PathBuf> {
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
}

impl Wheel {
    /// The arguments with which pip downloads exactly this file, whatever Python it runs on.
    pub fn pip_args(&self) -> Vec<String> {
        let mut parts = self.file.trim_end_matches(".whl").split('-');
        let mut part = || parts.next().expect("a wheel's name has five parts");
        let (name, version, python, abi, platforms) = (part(), part(), part(), part(), part());
        // `===` compares the text: `==` would take a local version (2.11.0+cpu) of another index.
        let requirement = format!("{}==={version}", name.replace('_', "-"));
        let platform = platforms.split('.').next().unwrap_or(platforms);
        let (implementation, release) = match python.strip_prefix("cp3") {
            Some(minor) => ("cp", format!("3.{minor}")),
            None => ("py", "3.11".to_owned()),
        };
        ["--python-version", &release, "--implementation", implementation]
            .into_iter()
            .chain(["--abi", abi, "--platform", platform, &requirement])
            .map(str::to_owned)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pip_is_asked_for_the_pinned_file() {
        assert_eq!(
            CPU[0].pip_args().join(" "),
            "--python-version 3.11 --implementation cp --abi cp311 \
             --platform manylinux_2_28_x86_64 torch===2.11.0"
        );
        assert_eq!(
            CPU[1].pip_args().join(" "),
            "--python-version 3.11 --implementation py --abi none \
             --platform manylinux2014_x86_64 nvidia-cuda-runtime===13.0.96"
        );
    }

    #[test]
    fn checksums_are_whole() {
        for wheel in Flavour::Cuda.wheels() {
            assert_eq!(wheel.sha256.len(), 64, "{}", wheel.file);
            assert!(wheel.sha256.bytes().all(|b| b.is_ascii_hexdigit()), "{}", wheel.file);
        }
    }

    #[test]
    fn only_what_is_needed_is_taken() {
        let place =
            |flavour: Flavour, entry| flavour.place(entry).map(|path| path.display().to_string());
        let both = |entry| (place(Flavour::Cpu, entry), place(Flavour::Cuda, entry));
        let some = |path: &str| Some(path.to_owned());
        assert_eq!(both("torch/nn/modules/conv.py"), (None, None));
        assert_eq!(both("torch/lib/libtorch_python.so"), (None, None));
        let header = some("include/c10/core/Device.h");
        assert_eq!(both("torch/include/c10/core/Device.h"), (header.clone(), header));
        let library = some("lib/libtorch_cpu.so");
        assert_eq!(both("torch/lib/libtorch_cpu.so"), (library.clone(), library));
        assert_eq!(both("torch/lib/libtorch.so"), (None, some("lib/libtorch.so")));
        assert_eq!(
            both("nvidia/cu13/lib/libnvperf_host.so"),
            (None, some("lib/libnvperf_host.so"))
        );
        assert_eq!(both("nvidia/cudnn/lib/libcudnn.so.9"), (None, some("lib/libcudnn.so.9")));
        assert_eq!(both("nvidia/cu13/include/cupti.h"), (None, None));
    }
}
