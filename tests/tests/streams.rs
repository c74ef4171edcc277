//! What becomes of a command whose output goes nowhere, and of one that signals reach.

#![cfg(target_os = "linux")]

use std::fs;
use std::io::Write;
use std::os::unix::fs::{FileTypeExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use end_to_end::{Finished, Place, assert_same_tensors, binary, pretrain};

/// Runs a shell's `script` in `place`, in which `$0` is the binary and `$@` are `arguments`.
fn shell(place: &Place, script: &str, arguments: &[&str]) -> Finished {
    let command = place.command_after(script, arguments);
    let mut shell = place.command(&[]);
    // As `command_after`, but for what follows the script.
    let mut words = command.get_args();
    let (_, _) = (words.next(), words.next());
    let mut plain = Command::new("bash");
    plain.arg("-c").arg(script).args(words).current_dir(place.path(""));
    for (name, value) in shell.stdin(Stdio::null()).get_envs() {
        match value {
            Some(value) => plain.env(name, value),
            None => plain.env_remove(name),
        };
    }
    Finished::new(script.to_owned(), plain.output().unwrap())
}

#[test]
fn nobody_reads_stderr() {
    let place = Place::trained("simclr");
    let run = pretrain("simclr.json", "full");
    shell(&place, r#""$0" "$@" 2> /dev/full"#, &run).ended(0);
    let run = pretrain("simclr.json", "closed");
    shell(&place, r#""$0" "$@" 2>&1 > /dev/null | head -1; exit ${PIPESTATUS[0]}"#, &run).ended(0);
    for run in ["full", "closed"] {
        assert_same_tensors(&place.newest(run), &place.newest("run"));
        let log = String::from_utf8(place.read(&format!("{run}/log.txt"))).unwrap();
        assert!(log.contains("finished; results are in"), "{log}");
    }
    let report = ["report", "run", "--quick", "--out", "report.html"];
    shell(&place, r#""$0" "$@" 2> /dev/full"#, &report).ended(0);
    assert!(place.path("report.html").exists());
}

#[test]
fn stdout_that_cannot_be_written_is_an_error_and_a_closed_pipe_is_not() {
    let place = Place::trained("simclr");
    let full = r#""$0" "$@" > /dev/full"#;
    for arguments in [
        &["methods"][..],
        &["--help"],
        &["--version"],
        &["data", "info", "data"],
        &["evaluate", "run", "--protocol", "knn", "--json"],
    ] {
        let failed = shell(&place, full, arguments).ended(1);
        let last = failed.stderr.lines().last().unwrap();
        assert!(last.starts_with("error: can't write to stdout: No space left"), "{failed:?}");
    }
    let closed = r#""$0" "$@" | true; exit ${PIPESTATUS[0]}"#;
    shell(&place, closed, &["methods"]).ended(0);
}

#[test]
fn what_is_no_plain_file_is_written_to_and_never_replaced() {
    let place = Place::trained("simclr");
    let report = |out: &'static str| ["report", "run", "--quick", "--out", out];
    let embed = ["embed", "run", "--out"];
    symlink("/dev/null", place.path("null.csv")).unwrap();
    symlink("elsewhere.html", place.path("link.html")).unwrap();
    place.run(&report("null.csv")).done();
    place.run(&[&embed[..], &["null.csv"]].concat()).done();
    assert!(place.path("null.csv").is_symlink());
    assert!(fs::metadata("/dev/null").unwrap().file_type().is_char_device());
    place.run(&report("link.html")).done();
    assert!(place.path("link.html").is_symlink());
    assert!(place.path("elsewhere.html").metadata().unwrap().len() > 1000);
    let printed = place.run(&report("/dev/stdout")).done();
    assert!(printed.stdout.contains("<html"), "{}", printed.stdout.len());
    fs::remove_file(place.path("link.html")).unwrap();
    place.put("secret.html", "");
    let mode = Command::new("chmod").args(["600"]).arg(place.path("secret.html")).status();
    assert!(mode.unwrap().success());
    place.run(&report("secret.html")).done();
    use std::os::unix::fs::PermissionsExt;
    let mode = place.path("secret.html").metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

/// Starts a long run, sends `signal` when it has logged a step, and waits for `until`; then sends
/// `then`, if anything.
fn signalled(
    place: &Place,
    [before, signal, then]: [&str; 3],
    until: impl Fn() -> bool,
) -> Finished {
    let arguments = [&pretrain("simclr.json", "run")[..], &["--epochs", "100000"]].concat();
    let mut command = place.command_after(before, &arguments);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let wait = |done: &dyn Fn() -> bool| {
        (0..60_000).any(|_| {
            sleep(Duration::from_millis(1));
            done()
        })
    };
    let send = |signal: &str| {
        let sent = Command::new("kill").args([signal, &child.id().to_string()]).status();
        assert!(sent.unwrap().success());
    };
    let metrics = place.path("run/metrics.jsonl");
    let logged = wait(&|| fs::metadata(&metrics).is_ok_and(|file| file.len() > 0));
    send(signal);
    let reached = wait(&until);
    match (reached, then) {
        (false, _) => send("-KILL"),
        (true, "") => {}
        (true, then) => send(then),
    }
    let ended = child.wait_with_output().unwrap();
    assert!(logged && reached, "{ended:?}");
    Finished::new(signal.to_owned(), ended)
}

/// A place where runs save seldom.
fn place() -> Place {
    let place = Place::furnished();
    place.put_config("simclr", |config| {
        config["checkpoint"]["every_epochs"] = 100_000.into();
        config["checkpoint"]["best"] = serde_json::Value::Null;
    });
    place
}

fn checkpoints(place: &Place) -> usize {
    fs::read_dir(place.path("run/checkpoints")).map_or(0, |found| {
        found
            .flatten()
            .filter(|entry| !entry.file_name().to_string_lossy().starts_with('.'))
            .count()
    })
}

#[test]
fn sigusr1_saves_and_goes_on() {
    let place = place();
    let ended =
        signalled(&place, ["true", "-USR1", "-TERM"], || checkpoints(&place) == 1).ended(130);
    assert!(ended.stderr.contains("saving a checkpoint (SIGUSR1)"), "{ended:?}");
    // That of the end, too.
    assert_eq!(checkpoints(&place), 2);
}

/// Runs the command with SIGHUP at its default, even where these tests run under `nohup`: a shell
/// can't take back what was ignored before it.
const HEARS_SIGHUP: &str = "exec env --default-signal=HUP \"$0\" \"$@\"";

#[test]
fn sighup_stops_as_sigterm_does_and_is_ignored_under_nohup() {
    let place = place();
    let gone = signalled(&place, [HEARS_SIGHUP, "-HUP", ""], || checkpoints(&place) == 1);
    let gone = gone.ended(130);
    assert!(gone.stderr.contains("interrupted and saved"), "{gone:?}");
    let place = self::place();
    let steps = || fs::metadata(place.path("run/metrics.jsonl")).map_or(0, |file| file.len());
    let nohup = signalled(&place, ["trap '' HUP", "-HUP", "-TERM"], || steps() > 20_000).ended(130);
    assert!(nohup.stderr.contains("interrupted and saved"), "{nohup:?}");
}

#[test]
fn a_library_that_crashes_is_a_line() {
    let place = place();
    let arguments = [&pretrain("simclr.json", "run")[..], &["--epochs", "100000"]].concat();
    let mut command = place.command(&arguments);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let metrics = place.path("run/metrics.jsonl");
    while !fs::metadata(&metrics).is_ok_and(|file| file.len() > 0) {
        sleep(Duration::from_millis(1));
    }
    assert!(
        Command::new("kill").args(["-SEGV", &child.id().to_string()]).status().unwrap().success()
    );
    let ended = Finished::new("SIGSEGV".to_owned(), child.wait_with_output().unwrap()).ended(1);
    let last = ended.stderr.lines().last().unwrap();
    assert!(last.starts_with("error: a library crashed (SIGSEGV)"), "{ended:?}");
}

/// Under another name, so that files of another version can be put beside it.
#[test]
fn another_libtorch_is_refused() {
    let place = Place::new();
    let listed = Command::new("ldd").arg(binary()).output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    let library = listed.lines().find_map(|line| line.trim().strip_prefix("libtorch_cpu.so => "));
    let library = Path::new(library.unwrap().split(' ').next().unwrap());
    let other = place.path("other/lib");
    fs::create_dir_all(&other).unwrap();
    for entry in fs::read_dir(library.parent().unwrap()).unwrap() {
        let entry = entry.unwrap();
        if let Err(error) = fs::hard_link(entry.path(), other.join(entry.file_name())) {
            let _ = writeln!(std::io::stderr(), "skipped: can't link libtorch: {error}");
            return;
        }
    }
    place.put("other/build-version", "2.10.0+cpu\n");
    let mut command = place.command(&["methods"]);
    let output = command.env("LD_LIBRARY_PATH", &other).output().unwrap();
    let failed = Finished::new("methods".to_owned(), output);
    failed.failed(1, &["expected libtorch 2.11.0, found 2.10.0+cpu"]);
}
