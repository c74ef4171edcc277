//! The program itself: its exit codes, its one-line errors, and that it leaves nothing
//! half-written.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

fn xtask(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_xtask")).args(args).output().unwrap()
}

/// The one line on standard error.
fn error_line(output: &Output) -> String {
    let text = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(text.lines().count(), 1, "{text}");
    text.trim_end().to_owned()
}

#[test]
fn help_names_every_verb() {
    let help = xtask(&["help"]);
    assert!(help.status.success());
    let help = String::from_utf8(help.stdout).unwrap();
    for verb in ["setup", "download-stl10", "demo", "test", "ci", "tidy", "golden"] {
        assert!(help.lines().any(|line| line.trim_start().starts_with(verb)), "{verb}: {help}");
    }
}

#[test]
fn wrong_arguments_exit_with_2() {
    for args in [&["setpu"][..], &["ci", "--fast"], &["download-stl10", "--url", "nowhere"]] {
        let output = xtask(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(error_line(&output).starts_with("error: "));
    }
}

/// Says that it has a document of `length` bytes, sends this much of it to whoever asks, and waits.
/// Hands back its address.
fn serve(length: usize, document: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/stl10_binary.tar.gz", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let head = BufReader::new(&stream).lines().map_while(Result::ok);
            head.take_while(|line| !line.is_empty()).for_each(drop);
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close");
            let _ = write!(stream, "{head}\r\n\r\n{document}");
            let _ = stream.read_to_end(&mut Vec::new());
        }
    });
    url
}

#[test]
fn an_archive_that_is_not_stl10_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("data");
    let url = serve(18, "<html>Moved</html>");
    let output = xtask(&["download-stl10", "--dir", dir.to_str().unwrap(), "--url", &url]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        error_line(&output),
        format!("error: {url}: expected 2640397119 bytes, offered 18; not the published file")
    );
    assert_eq!(fs::read_dir(&dir).unwrap().count(), 0);
}

#[test]
fn files_in_the_way_are_left_alone() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("stl10_binary");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("train_X.bin"), "mine").unwrap();
    let output = xtask(&["download-stl10", "--dir", root.path().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    let error = error_line(&output);
    assert!(error.contains("train_X.bin: expected 138240000 bytes, found 4"), "{error}");
    assert_eq!(fs::read_to_string(folder.join("train_X.bin")).unwrap(), "mine");
}

#[test]
fn ctrl_c_leaves_what_was_downloaded_to_go_on_from() {
    let root = tempfile::tempdir().unwrap();
    let url = serve(2_640_397_119, "the first few bytes");
    let dir = root.path().to_str().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.args(["download-stl10", "--dir", dir, "--url", &url]).stdout(Stdio::null());
    let mut xtask = command.spawn().unwrap();
    let part = root.path().join("stl10_binary.tar.gz.part");
    while fs::metadata(&part).map_or(0, |part| part.len()) < 19 {
        assert_eq!(xtask.try_wait().unwrap(), None);
        std::thread::sleep(Duration::from_millis(5));
    }
    let kill = Command::new("kill").args(["-INT", &xtask.id().to_string()]).status().unwrap();
    assert!(kill.success());
    assert_eq!(xtask.wait().unwrap().code(), Some(130));
    assert_eq!(fs::read_to_string(&part).unwrap(), "the first few bytes");
    assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
}
