//! Checks of Rust sources.

use super::Finding;
use super::tree::{File, Tree};

/// The most lines a source file may have.
const MOST_LINES: usize = 500;

/// Where `unsafe` is let in: kernels on vector registers, memory maps, calls into other libraries,
/// the program's allocator and signals, and the allocator with which a test counts allocations.
const UNSAFE: &[&str] = &[
    "crates/augment/src/kernels/",
    "crates/cli/src/app/crash.rs",
    "crates/dataset/src/mapping.rs",
    "crates/dataset/src/transpose.rs",
    "crates/loader/tests/allocations.rs",
    "crates/models/src/allocator.rs",
    "crates/models/src/device.rs",
    "crates/models/src/door.rs",
];

/// The crates that talk to people.
const SPEAKERS: &[&str] = &["crates/cli/", "benches/", "examples/", "xtask/"];

/// These checks name what they look for.
pub const SELF: &str = "xtask/src/tidy/";

fn rust(tree: &Tree) -> impl Iterator<Item = &File> {
    tree.matching("", ".rs").filter(|file| !file.path.starts_with(SELF))
}

/// A line without its comment and without the content of its strings.
fn code(line: &str) -> String {
    let mut code = String::new();
    let mut rest = line.chars().peekable();
    let mut quoted = false;
    while let Some(c) = rest.next() {
        match c {
            '\\' if quoted => _ = rest.next(),
            '\'' if !quoted && rest.peek() == Some(&'"') => _ = rest.nth(1), // the character '"'
            '"' => quoted = !quoted,
            '/' if !quoted && rest.peek() == Some(&'/') => break,
            c if !quoted => code.push(c),
            _ => {}
        }
    }
    code
}

/// Whether a word stands in some code, not as a part of a longer one.
fn has_word(code: &str, word: &str) -> bool {
    code.split(|c: char| !c.is_alphanumeric() && c != '_').any(|part| part == word)
}

/// Libraries return what they have to say; only binaries print.
pub fn no_printing_libraries(tree: &Tree, findings: &mut Vec<Finding>) {
    for file in rust(tree).filter(|file| file.path.contains("src/")) {
        if SPEAKERS.iter().any(|speaker| file.path.starts_with(speaker)) {
            continue;
        }
        for (line, text) in file.lines() {
            let code = code(text);
            for name in ["println", "eprintln", "print", "eprint", "dbg"] {
                if has_word(&code, name) && code.contains(&format!("{name}!")) {
                    let what = format!("a library does not use {name}!");
                    findings.push(Finding::new(&file.path, line, what));
                }
            }
        }
    }
}

/// The command line is flags and glue: no tensors, no knowledge of single methods.
pub fn thin_command_line(tree: &Tree, findings: &mut Vec<Finding>) {
    for file in tree.matching("crates/cli/src/", ".rs") {
        for (line, text) in file.lines() {
            let code = code(text);
            if code.contains("if method ==") {
                findings.push(Finding::new(
                    &file.path,
                    line,
                    "the command line knows no single method",
                ));
            }
            if has_word(&code, "tch") {
                findings.push(Finding::new(
                    &file.path,
                    line,
                    "the command line holds no tensor code",
                ));
            }
        }
    }
}

/// `unsafe` stays in the few files listed, and says why it is sound.
pub fn unsafe_code(tree: &Tree, findings: &mut Vec<Finding>) {
    for file in rust(tree) {
        let lines: Vec<&str> = file.lines().map(|(_, text)| text).collect();
        let allowed = UNSAFE.iter().any(|place| file.path.starts_with(place));
        for (index, text) in lines.iter().enumerate() {
            if !has_word(&code(text), "unsafe") {
                continue;
            }
            if !allowed {
                let what = "unsafe outside the files that tidy lists";
                findings.push(Finding::new(&file.path, index + 1, what));
            } else if !says_why(&lines[..=index]) {
                let what = "unsafe without a `// SAFETY:` reason above it";
                findings.push(Finding::new(&file.path, index + 1, what));
            }
        }
    }
}

/// Whether the last of these lines gives a reason, or the comment above its statement does.
fn says_why(lines: &[&str]) -> bool {
    let reason = |line: &&str| line.contains("SAFETY:") || line.contains("# Safety");
    let Some((last, above)) = lines.split_last() else {
        return false;
    };
    // The statement may have begun some lines above; its comment and attributes come before it.
    let ends = |line: &&&str| {
        let code = code(line);
        code.trim().is_empty() && !line.trim_start().starts_with("//")
            || code.trim_end().ends_with([';', '}'])
    };
    reason(last) || above.iter().rev().take_while(|line| !ends(line)).any(reason)
}

/// A file that has grown too long holds more than one noun.
pub fn length(tree: &Tree, findings: &mut Vec<Finding>) {
    for file in tree.matching("", ".rs") {
        let lines = file.text.as_deref().unwrap_or_default().lines().count();
        if lines > MOST_LINES {
            let what = format!("{lines} lines, at most {MOST_LINES} wanted");
            findings.push(Finding::new(&file.path, MOST_LINES + 1, what));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::say;
    use super::*;

    #[test]
    fn libraries_do_not_print() {
        let text = "// println!()\nlet a = \"print!\";\n  eprintln!(\"{a}\");\nblueprint!();\n";
        assert_eq!(
            say(no_printing_libraries, &[("crates/eval/src/a.rs", text)]),
            ["crates/eval/src/a.rs:3: a library does not use eprintln!"]
        );
        assert!(say(no_printing_libraries, &[("crates/cli/src/a.rs", text)]).is_empty());
        assert!(say(no_printing_libraries, &[("crates/eval/examples/a.rs", text)]).is_empty());
    }

    #[test]
    fn the_command_line_is_thin() {
        let text = "use trainer::Run;\nif method == Method::Dino {}\nlet x = tch::no_grad(f);\n";
        assert_eq!(
            say(
                thin_command_line,
                &[("crates/cli/src/a.rs", text), ("crates/eval/src/a.rs", text)]
            ),
            [
                "crates/cli/src/a.rs:2: the command line knows no single method",
                "crates/cli/src/a.rs:3: the command line holds no tensor code",
            ]
        );
    }

    #[test]
    fn unsafe_is_rare_and_explained() {
        let say = |path, text| say(unsafe_code, &[(path, text)]);
        let kernel = "crates/augment/src/kernels/sse.rs";
        let unexplained = [format!("{kernel}:2: unsafe without a `// SAFETY:` reason above it")];
        assert!(say(kernel, "// SAFETY: in bounds\nlet a = unsafe { f() };\n").is_empty());
        assert!(say(kernel, "// SAFETY: in bounds\nlet a =\n    unsafe { f() };\n").is_empty());
        assert!(say(kernel, "/// # Safety\n/// AVX2.\n#[inline]\nunsafe fn f() {}\n").is_empty());
        assert_eq!(say(kernel, "\nlet a = unsafe { f() };\n"), unexplained);
        assert_eq!(say(kernel, "let a = 1; // SAFETY: other\nunsafe { f() };\n"), unexplained);
        assert_eq!(
            say("crates/eval/src/a.rs", "// unsafe\nlet a = unsafe { f() };\n"),
            ["crates/eval/src/a.rs:2: unsafe outside the files that tidy lists"]
        );
        assert!(say("crates/eval/src/a.rs", "#![deny(unsafe_op_in_unsafe_fn)]\n").is_empty());
    }

    #[test]
    fn long_files_are_found() {
        assert!(say(length, &[("a.rs", &"x\n".repeat(500))]).is_empty());
        assert_eq!(
            say(length, &[("a.rs", &"x\n".repeat(501))]),
            ["a.rs:501: 501 lines, at most 500 wanted"]
        );
    }

    #[test]
    fn code_is_told_from_text() {
        assert_eq!(code(r#"a("b // \" c") + '"' // d"#), "a() +  ");
    }
}
