//! What a shell and a manual are given: scripts that the shell reads and that complete, pages that
//! render.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use end_to_end::Place;

/// Gives `input` to a program; none where there is no such program.
fn feed(program: &mut Command, input: &str) -> Option<Output> {
    let pipes = program.stdin(Stdio::piped());
    let pipes = pipes.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = pipes.spawn().ok()?;
    let mut stdin = child.stdin.take().expect("a pipe");
    // A program that reads no input may have closed it.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    Some(child.wait_with_output().expect("it ends"))
}

/// What bash offers after `words` by the script, the last of them not finished.
fn offered(script: &str, words: &[&str]) -> Vec<String> {
    let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
    let last = words.len() - 1;
    let [current, before] = [&quoted[last], &quoted[last - 1]];
    let driver = format!(
        "{script}\nCOMP_WORDS=({})\nCOMP_CWORD={last}\n_twinview twinview {current} {before}\n\
         printf '%s\\n' \"${{COMPREPLY[@]}}\"\n",
        quoted.join(" ")
    );
    let answer = feed(Command::new("bash").args(["--norc", "-s"]), &driver).expect("bash");
    let errors = String::from_utf8_lossy(&answer.stderr);
    assert!(answer.status.success() && errors.is_empty(), "{errors}");
    let answer = String::from_utf8(answer.stdout).expect("UTF-8");
    answer.lines().map(str::to_owned).collect()
}

#[test]
fn bash_completes_commands_methods_and_options() {
    let place = Place::new();
    let script = place.run(&["completions", "bash"]).done().stdout;
    let read = feed(Command::new("bash").arg("-n"), &script).expect("bash");
    assert!(read.status.success() && read.stderr.is_empty(), "{read:?}");
    assert_eq!(offered(&script, &["twinview", "eval"]), ["evaluate"]);
    assert_eq!(offered(&script, &["twinview", "data", "p"]), ["pack"]);
    assert_eq!(offered(&script, &["twinview", "pretrain", "sim"]), ["simclr", "simsiam"]);
    assert_eq!(offered(&script, &["twinview", "pretrain", "dino", "--precision", "b"]), ["bf16"]);
    assert!(
        offered(&script, &["twinview", "pretrain", "dino", "--batch"])
            .contains(&"--batch-size".to_owned())
    );
}

#[test]
fn every_shell_has_a_script_and_no_other() {
    let place = Place::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = place.run(&["completions", shell]).done().stdout;
        for word in ["twinview", "pretrain", "batch-size"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
        let document = place.run(&["completions", shell, "--json"]).done().json();
        assert_eq!(document["script"].as_str().unwrap().trim_end(), script.trim_end());
    }
    place.refuses(&["completions", "tcsh"], &["tcsh", "bash, elvish, fish"]);
}

/// A page as `man` shows it; none where there is no man-db, the `man` of most systems.
fn rendered(page: &str) -> Option<String> {
    let version = Command::new("man").arg("--version").output().ok()?;
    if !version.stdout.starts_with(b"man ") {
        return None;
    }
    let mut man = Command::new("man");
    man.args(["--warnings", "-l", "-"]);
    man.envs([("MANWIDTH", "100"), ("LC_ALL", "C.UTF-8"), ("MANPAGER", "cat")]);
    let shown = feed(&mut man, page)?;
    let errors = String::from_utf8_lossy(&shown.stderr);
    assert!(shown.status.success() && errors.is_empty(), "{errors}");
    Some(String::from_utf8(shown.stdout).expect("UTF-8"))
}

#[test]
fn manual_pages_render() {
    let place = Place::new();
    let about = place.run(&["man"]).done().stdout;
    assert!(about.contains(".TH twinview 1"), "{about}");
    let written = place.run(&["man", "--out", "share/man1", "--json"]).done().json();
    let pages = written["pages"].as_array().unwrap();
    assert!(pages.len() > 10, "{written}");
    for (page, says) in [
        ("twinview.1", "twinview-pretrain(1)"),
        ("twinview-pretrain.1", "twinview pretrain dino --data photos "),
        ("twinview-data-pack.1", "--skip-bad"),
    ] {
        let text = String::from_utf8(place.read(&format!("share/man1/{page}"))).unwrap();
        for section in [".TH ", ".SH NAME", ".SH SYNOPSIS", ".SH OPTIONS", ".SH EXAMPLES"] {
            assert!(text.lines().any(|line| line.starts_with(section)), "{page}: {section}");
        }
        if let Some(shown) = rendered(&text) {
            assert!(shown.contains(says), "{page}: {shown}");
        }
    }
    // Written anew over what is there; nothing else is left.
    place.run(&["man", "--out", "share/man1"]).done();
    let there = std::fs::read_dir(place.path("share/man1")).unwrap().count();
    assert_eq!(there, pages.len());
    place.put("file", "");
    place.refuses(&["man", "--out", "file/man1"], &["file/man1: expected a writable folder"]);
}

/// Options that every command has stand below its own.
#[test]
fn help_has_the_global_options_apart() {
    let place = Place::new();
    for command in ["pretrain", "evaluate", "neighbors", "report"] {
        let help = place.run(&[command, "--help"]).done().stdout;
        let (own, global) = help.split_once("\nGlobal options:\n").unwrap();
        for option in ["--verbose", "--quiet", "--json"] {
            assert!(global.contains(option) && !own.contains(option), "{command}: {option}");
        }
    }
}
