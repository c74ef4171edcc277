//! Compiles the interface to c10d, PyTorch's library for distributed training, which libtorch has.

fn main() {
    let sources =
        ["c10d.cpp", "c10d.h", "gloo", "group.hpp", "names.cpp", "nccl.cpp", "sync_batch_norm.cpp"];
    for source in sources {
        println!("cargo::rerun-if-changed=src/c10d/{source}");
    }
    #[cfg(feature = "c10d")]
    compile();
}

#[cfg(feature = "c10d")]
fn compile() {
    // torch-sys says where libtorch is.
    println!("cargo::rerun-if-env-changed=DEP_TCH_LIBTORCH_LIB");
    let lib = std::env::var_os("DEP_TCH_LIBTORCH_LIB").expect("set by torch-sys");
    let include = std::path::Path::new(&lib).parent().expect("a folder above lib").join("include");
    cc::Build::new()
        .cpp(true)
        // As libtorch, whose types have more members without it.
        .define("NDEBUG", None)
        .std("c++17")
        .warnings(false)
        // The headers of Gloo aren't part of libtorch; what c10d needs of them is declared here.
        .include("src/c10d")
        .flag(format!("-isystem{}", include.display()))
        .flag(format!("-isystem{}", include.join("torch/csrc/api/include").display()))
        .file("src/c10d/c10d.cpp")
        .file("src/c10d/names.cpp")
        .file("src/c10d/nccl.cpp")
        .file("src/c10d/sync_batch_norm.cpp")
        .compile("group_c10d");
    println!("cargo::rustc-link-search=native={}", std::path::Path::new(&lib).display());
    for library in ["torch_cpu", "c10"] {
        println!("cargo::rustc-link-lib={library}");
    }
}
