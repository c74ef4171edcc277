//! Compiles the interface to a GPU's streams, which libtorch has and `tch` doesn't.

fn main() {
    for source in ["shim.cpp", "shim.h"] {
        println!("cargo::rerun-if-changed=src/cuda/{source}");
    }
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
        .flag(format!("-isystem{}", include.display()))
        .flag(format!("-isystem{}", include.join("torch/csrc/api/include").display()))
        .file("src/cuda/shim.cpp")
        .compile("models_cuda");
    println!("cargo::rustc-link-search=native={}", std::path::Path::new(&lib).display());
    for library in ["torch_cpu", "c10"] {
        println!("cargo::rustc-link-lib={library}");
    }
}
