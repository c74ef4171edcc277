//! The program itself: exit codes, one-line errors, and that it leaves nothing half-written.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

fn xtask(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.args(args);
    command
}

fn download(dir: &Path, url: &str) -> Command {
    xtask(&["download-stl10", "--dir", dir.to_str().unwrap(), "--url", url])
}

/// Expects this exit code and one line on standard error, and returns the line.
fn error_line(mut command: Command, code: i32) -> String {
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.lines().count() == 1 && text.starts_with("error: "), "{text}");
    text.trim_end().to_owned()
}

#[test]
fn help_names_every_verb() {
    for args in [&[][..], &["help"], &["--help"]] {
        let help = xtask(args).output().unwrap();
        assert!(help.status.success());
        let help = String::from_utf8(help.stdout).unwrap();
        let verbs = "setup download-stl10 demo test ci tidy wheel python-test bench";
        for verb in verbs.split(' ') {
            assert!(help.lines().any(|line| line.trim_start().starts_with(verb)), "{verb}: {help}");
        }
    }
}

#[test]
fn wrong_arguments_are_named_and_exit_with_2() {
    for (args, named) in [
        (&["setpu"][..], "setup"),
        (&["ci", "--fast"], "--fast"),
        (&["bench", "--json"], "--json"),
        (&["download-stl10", "--url", "nowhere"], "nowhere"),
    ] {
        let error = error_line(xtask(args), 2);
        assert!(error.contains(named), "{error}");
    }
}

/// A server that claims a document of `length` bytes, sends this much of it to each client, and
/// waits. Returns its address.
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
    let url = serve(18, "<html>Moved</html>");
    let error = error_line(download(&root.path().join("data"), &url), 1);
    let expected = "expected 2640397119 bytes, offered 18; not the published file";
    assert_eq!(error, format!("error: {url}: {expected}"));
    assert_eq!(fs::read_dir(root.path().join("data")).unwrap().count(), 0);
}

#[test]
fn files_in_the_way_are_left_alone() {
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("stl10_binary/train_X.bin");
    fs::create_dir(file.parent().unwrap()).unwrap();
    fs::write(&file, "mine").unwrap();
    let error = error_line(download(root.path(), "http://unused"), 2);
    assert!(error.contains("train_X.bin: expected 138240000 bytes, found 4"), "{error}");
    assert_eq!(fs::read_to_string(file).unwrap(), "mine");
}

#[test]
fn ctrl_c_leaves_what_was_downloaded_to_be_resumed() {
    let root = tempfile::tempdir().unwrap();
    let url = serve(2_640_397_119, "the first few bytes");
    let mut xtask = download(root.path(), &url).stdout(Stdio::null()).spawn().unwrap();
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
