//! Each check on files of a few lines.

use super::*;

fn files(files: &[(&str, &str)]) -> Files {
    files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect()
}

const TABLE: &str = "```arrows\n\
    images ->\n\
    models -> images, tch\n\
    cli -> models\n\
    golden -> tch\n\n\
    without libtorch: images\n\
    for tests: golden\n\
    ```\n";
const CRATES: [(&str, &[(&str, &str)]); 4] = [
    ("images", &[("serde", "null")]),
    ("models", &[("images", "null"), ("tch", "null"), ("golden", "\"dev\"")]),
    ("cli", &[("models", "null")]),
    ("golden", &[("tch", "null")]),
];

/// What is found with this table where a crate has these dependencies in place of its own.
fn arrows_found(table: &str, changed: &str, dependencies: &[(&str, &str)]) -> Vec<String> {
    let packages = CRATES.map(|(name, own)| {
        let dependencies = if name == changed { dependencies } else { own };
        let dependencies: Vec<String> = dependencies
            .iter()
            .map(|(to, kind)| format!(r#"{{"name": "{to}", "kind": {kind}}}"#))
            .collect();
        format!(r#"{{"name": "{name}", "dependencies": [{}]}}"#, dependencies.join(","))
    });
    let metadata = format!(r#"{{"packages": [{}]}}"#, packages.join(","));
    arrows::check(&files(&[(arrows::FILE, table)]), &[metadata]).unwrap()
}

#[test]
fn arrows_are_exactly_the_dependencies() {
    assert!(arrows_found(TABLE, "", &[]).is_empty());
    // Of every kind.
    for kind in ["null", "\"build\"", "\"dev\""] {
        assert_eq!(
            arrows_found(TABLE, "images", &[("models", kind)]),
            [
                "ARCHITECTURE.md: `images ->`: no `models`",
                "ARCHITECTURE.md: `without libtorch:` is wrong about `images`",
            ]
        );
    }
    assert_eq!(
        arrows_found(TABLE, "cli", &[("golden", "null"), ("tch", "null")]),
        [
            "ARCHITECTURE.md: `cli ->`: no `golden`",
            "ARCHITECTURE.md: `cli ->`: no `tch`",
            "ARCHITECTURE.md: `cli ->`: `models` is too much",
        ]
    );
    let cases = [
        (("libtorch: images", "libtorch: images, cli"), "`without libtorch:` is wrong about `cli`"),
        (("libtorch: images", "libtorch:"), "`without libtorch:` is wrong about `images`"),
        (("golden -> tch\n", ""), "the crates: no `golden`"),
        (("golden -> tch", "golden -> tch\nold ->"), "the crates: `old` is too much"),
    ];
    for ((from, to), expected) in cases {
        let expected = format!("ARCHITECTURE.md: {expected}");
        assert_eq!(arrows_found(&TABLE.replace(from, to), "", &[]), [expected]);
    }
    assert!(arrows::table(&files(&[(arrows::FILE, "```arrows\nimages\n```\n")])).is_err());
    let table = arrows::table(&files(&[(arrows::FILE, TABLE)])).unwrap();
    assert_eq!(arrows::on_libtorch(&table), ["golden", "models"]);
}

#[test]
fn dead_links_are_found() {
    let text = "[a](b.md) [c](../README.md#top) [d](gone.md) [e](https://x.y/z) [f](#here)\n\
                ```\n[not](a-link)\n```\n<img src=\"p.png\">\n[r]: ../src/\n[s]: ../../out\n";
    let tree = [("docs/a.md", text), ("docs/b.md", ""), ("README.md", ""), ("src/lib.rs", "")];
    assert_eq!(
        documents::check(&files(&tree)),
        [
            "docs/a.md:1: `gone.md` leads nowhere",
            "docs/a.md:5: `p.png` leads nowhere",
            "docs/a.md:7: `../../out` leads nowhere",
        ]
    );
}

#[test]
fn what_a_method_lacks_is_found() {
    let fixture = "crates/methods/tests/fixtures/simclr.json";
    let whole = [
        ("configs/gpu/simclr.json", ""),
        ("configs/cpu/simclr.json", ""),
        ("configs/seed/simclr.json", ""),
        ("configs/schema.json", ""),
        (fixture, ""),
        ("README.md", "| `simclr` | SimCLR |\n"),
    ];
    assert!(methods::check(&files(&whole)).is_empty());
    assert_eq!(
        methods::check(&files(&[("configs/gpu/byol.json", ""), (fixture, ""), whole[2]])),
        [
            "configs/gpu/byol.json: no crates/methods/tests/fixtures/byol.json",
            "configs/gpu/byol.json: no configs/cpu/byol.json",
            "configs/gpu/byol.json: no configs/seed/byol.json",
            "configs/gpu/byol.json: no row `byol` in README.md or docs",
            "crates/methods/tests/fixtures/simclr.json: no configs/gpu/simclr.json",
            "configs/seed/simclr.json: no configs/gpu/simclr.json",
        ]
    );
}

#[test]
fn long_files_long_lines_and_unsafe_are_found() {
    let check = |path: &str, text: &str| {
        let mut findings = sources::check(&files(&[(path, text)]));
        findings.retain(|finding| !finding.ends_with("which tidy allows there"));
        findings
    };
    assert!(check("a.rs", &"x\n".repeat(500)).is_empty());
    assert_eq!(check("a.rs", &"x\n".repeat(501)), ["a.rs: 501 lines, at most 500 wanted"]);

    let long = "x".repeat(101);
    assert_eq!(check("a.rs", &long), ["a.rs:1: more than 100 columns"]);
    assert_eq!(check("a.md", &format!("\n{long}")), ["a.md:2: more than 100 columns"]);
    assert!(check("a.rs", &format!("f(\"{long}\\\n{long}\")\n{}", "ä".repeat(100))).is_empty());
    assert!(check("a.md", &format!("| {long} |\n[{long}](b)\n```\n{long}\n```\n")).is_empty());

    // Put together here, as tidy reads this file too.
    let text = ["// ", "let a = "].map(|before| format!("{before}{} {{ f() }}\n", "unsafe"));
    let text = text.concat();
    let found = check("crates/eval/src/a.rs", &text);
    assert_eq!(found, ["crates/eval/src/a.rs:2: `unsafe` is not allowed here"; 1]);
    assert!(check("crates/augment/src/kernels/sse.rs", &text).is_empty());
    let all = sources::check(&files(&[("crates/augment/src/kernels/sse.rs", &text)]));
    assert!(
        all.contains(&"crates/models/src/device.rs: no `unsafe`, which tidy allows there".into())
    );
}
