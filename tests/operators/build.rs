//! Compiles the recorder, which is a callback in C++.

fn main() {
    println!("cargo::rerun-if-changed=src/recorder.cpp");
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
        .file("src/recorder.cpp")
        .compile("operators_recorder");
    println!("cargo::rustc-link-search=native={}", std::path::Path::new(&lib).display());
    for library in ["torch_cpu", "c10"] {
        println!("cargo::rustc-link-lib={library}");
    }
}
