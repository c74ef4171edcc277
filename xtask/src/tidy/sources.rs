//! Lengths of files, test modules and lines, and the files that may hold `unsafe`.

use super::Files;

const MAX_LINES: usize = 500;
const MAX_COLUMNS: usize = 100;
/// Lines of a test module at the end of a file; longer ones are files of their own.
const MAX_TEST_LINES: usize = 60;

/// Where `unsafe` is allowed: SIMD kernels, memory maps, calls into other libraries, the program's
/// allocator and signals, and the allocator with which a test counts allocations.
const UNSAFE: &[&str] = &[
    "crates/augment/src/kernels/",
    "crates/cli/src/app/crash.rs",
    "crates/dataset/src/formats/folder/jpeg/libjpeg.rs",
    "crates/dataset/src/mmap.rs",
    "crates/dataset/src/transpose.rs",
    "crates/group/src/c10d/",
    "crates/loader/tests/allocations.rs",
    "crates/models/src/allocator.rs",
    "crates/models/src/cuda/",
    "crates/models/src/device.rs",
    "crates/models/src/libtorch.rs",
    "crates/models/src/to_tensor.rs",
    "crates/python/src/array.rs",
    "crates/python/src/dlpack.rs",
    "crates/python/src/source.rs",
    "tests/operators/src/lib.rs",
];

/// Finds long files, test modules and lines, and `unsafe` in other files than those listed.
pub fn check(files: &Files) -> Vec<String> {
    let mut findings = Vec::new();
    let mut used = Vec::new();
    for (path, text) in files {
        let rust = path.ends_with(".rs");
        if !rust && !path.ends_with(".md") {
            continue;
        }
        let lines = text.lines().count();
        if rust && lines > MAX_LINES {
            findings.push(format!("{path}: {lines} lines, at most {MAX_LINES} wanted"));
        }
        let tests = text.lines().skip_while(|line| *line != "mod tests {").count();
        if rust && tests > MAX_TEST_LINES + 2 {
            findings.push(format!(
                "{path}: {tests} lines of tests, more than {MAX_TEST_LINES} are wanted in tests.rs"
            ));
        }
        let mut fenced = false;
        let mut quotes = 0;
        for (line, number) in text.lines().zip(1..) {
            fenced ^= !rust && line.trim_start().starts_with("```");
            let string = rust && (line.contains('"') || quotes % 2 == 1);
            quotes += line.replace("\\\"", "").replace("'\"'", "").matches('"').count();
            let table_or_link = !rust && (line.starts_with('|') || line.contains("]("));
            if line.chars().count() > MAX_COLUMNS && !fenced && !string && !table_or_link {
                findings.push(format!("{path}:{number}: more than {MAX_COLUMNS} columns"));
            }
            let code = line.split("//").next().unwrap_or_default();
            // Put together here, as this file is read too.
            let unsafe_code = ["{", "fn ", "impl ", "extern ", "trait "]
                .iter()
                .any(|what| code.contains(&format!("{} {what}", "unsafe")));
            if rust && unsafe_code {
                match UNSAFE.iter().find(|allowed| path.starts_with(**allowed)) {
                    Some(allowed) => used.push(allowed),
                    None => findings.push(format!("{path}:{number}: `unsafe` is not allowed here")),
                }
            }
        }
    }
    let unused = UNSAFE.iter().filter(|allowed| !used.contains(allowed));
    findings.extend(unused.map(|path| format!("{path}: no `unsafe`, which tidy allows there")));
    findings
}
