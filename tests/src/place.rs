//! A folder to run the binary in.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::thread::sleep;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{Finished, binary};

/// Steps of an epoch of the tiny set with the tiny configurations: 96 + 32 images, 16 a step.
pub const STEPS_PER_EPOCH: u64 = 8;

/// The arguments that train by the tiny configuration `config`, a `METHOD.json`, on `data` into
/// `run`.
pub fn pretrain<'a>(config: &'a str, run: &'a str) -> [&'a str; 8] {
    let method = config.trim_end_matches(".json");
    ["pretrain", method, "--config", config, "--data", "data", "--run", run]
}

/// `--set` of what makes the built-in settings of `method` train in a moment: small views, a narrow
/// encoder for images of any size, and narrow layers after it. `distill` needs
/// [`Place::put_teacher`].
pub fn small(method: &str) -> Vec<&'static str> {
    let own: &[&str] = match method {
        "byol" => &[MLP, "method.byol.predictor.hidden_dims=[16]"],
        "simsiam" => &[MLP, "method.simsiam.predictor.hidden_dims=[16]"],
        "nnclr" => &[MLP, "method.nnclr.predictor.hidden_dims=[16]"],
        "swav" => &[MLP, "method.swav.prototypes=32"],
        "dino" => &[
            r#"projection={"dino_head": {"hidden_dims": [16], "bottleneck_dim": 8, "output_dim": 32}}"#,
        ],
        "dinov2" => &[
            VIT,
            r#"projection={"dino_head": {"hidden_dims": [16], "bottleneck_dim": 8, "output_dim": 32}}"#,
        ],
        "distill" => &["method.distill.teacher=teacher.pt", "method.distill.teacher_input=u8"],
        _ => &[MLP],
    };
    // The encoder takes images from 31 pixels on: local views are half as large as global ones.
    let size = match method {
        "dino" | "swav" => "image_size=64",
        _ => "image_size=32",
    };
    // What comes later wins.
    let settings = [&[ENCODER, size], own].concat();
    settings.into_iter().flat_map(|setting| ["--set", setting]).collect()
}

const ENCODER: &str = r#"encoder={"conv": {"width": 8, "layers": 4, "pool": "mean"}}"#;
const VIT: &str = r#"encoder={"vit": {"size": {"custom": {"embed_dim": 12, "num_heads": 2, "depth": 2}}, "patch_size": 8, "img_size": 32}}"#;
const MLP: &str =
    r#"projection={"mlp": {"hidden_dims": [16], "output_dim": 16, "norm": "hidden"}}"#;

/// A temporary folder that commands run in, with a cache folder of its own beside it.
#[derive(Debug)]
pub struct Place {
    dir: TempDir,
    cache: TempDir,
}

impl Default for Place {
    fn default() -> Self {
        Self::new()
    }
}

impl Place {
    /// An empty place.
    pub fn new() -> Self {
        Self::within(&std::env::temp_dir())
    }

    /// An empty place in `folder`.
    pub fn within(folder: &Path) -> Self {
        let new = || tempfile::tempdir_in(folder).expect("a temporary folder");
        Self { dir: new(), cache: new() }
    }

    /// A place with the tiny set in `data` and the tiny configurations in `simclr.json` and
    /// `dino.json`.
    pub fn furnished() -> Self {
        Self::new().furnish()
    }

    /// The same in this place.
    pub fn furnish(self) -> Self {
        let place = self;
        place.put_data("data");
        place.put_config("simclr", |_| {});
        place.put_config("dino", |_| {});
        place
    }

    /// Writes the encoder of a run of one step in a furnished place as TorchScript: `teacher.pt`,
    /// for bytes of 32 x 32 pixels.
    pub fn put_teacher(&self) {
        self.run(&[&pretrain("simclr.json", "teacher")[..], &["--max-steps", "1"]].concat()).done();
        let export = ["export", "teacher", "--format", "torchscript", "--input", "u8"];
        self.run(&[&export[..], &["--out", "teacher.pt"]].concat()).done();
    }

    /// A furnished place with a finished run of two epochs in `run`.
    pub fn trained(method: &str) -> Self {
        let place = Self::furnished();
        let config = format!("{method}.json");
        place.run(&pretrain(&config, "run")).done();
        place
    }

    /// The path of `name` here.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The cache folder.
    pub fn cache(&self) -> &Path {
        self.cache.path()
    }

    /// Empties the cache.
    pub fn clear_cache(&self) {
        for entry in fs::read_dir(self.cache.path()).expect("a folder") {
            fs::remove_dir_all(entry.expect("an entry").path()).expect("a folder");
        }
    }

    /// Writes a file, and the folders it is in.
    pub fn put(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(name);
        let folder = path.parent().expect("a file is in a folder");
        fs::create_dir_all(folder).expect("a folder");
        fs::write(path, bytes).expect("a file");
    }

    /// Reads a file.
    #[track_caller]
    pub fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// Reads a JSON file.
    #[track_caller]
    pub fn read_json(&self, name: &str) -> Value {
        serde_json::from_slice(&self.read(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// Writes the tiny set of 96 + 32 + 32 images of 32 x 32 pixels, as STL-10 binaries.
    pub fn put_data(&self, name: &str) {
        for (file, bytes) in tiny_set() {
            self.put(&format!("{name}/{file}"), bytes);
        }
    }

    /// Writes the tiny configuration of `method` to `METHOD.json`: the published one with small
    /// networks, images and batches, then changed by `edit`.
    pub fn put_config(&self, method: &str, edit: impl FnOnce(&mut Value)) {
        let mut config = tiny_config(method);
        edit(&mut config);
        let text = serde_json::to_string_pretty(&config).expect("JSON");
        self.put(&format!("{method}.json"), text);
    }

    /// The command with `arguments`, not started. It hears Ctrl-C even where the tests run in the
    /// background of a shell, which ignores it.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.program("env");
        command.arg("--default-signal=INT,TERM").arg(binary()).args(arguments);
        command
    }

    /// The command with `arguments` as a child of a shell that first runs `before`, not started.
    pub fn command_after(&self, before: &str, arguments: &[&str]) -> Command {
        let mut command = self.program("sh");
        let script = format!("{before} && exec \"$0\" \"$@\"");
        command.arg("-c").arg(script).arg(binary()).args(arguments);
        command
    }

    /// A program that runs here.
    pub fn program(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.dir.path())
            .env("OMP_NUM_THREADS", "1")
            .env("CUDA_VISIBLE_DEVICES", "")
            .env("XDG_CACHE_HOME", self.cache.path())
            .env_remove("TWINVIEW_LOG")
            .env_remove("RUST_BACKTRACE");
        command
    }

    /// Runs the command as a child of a shell that first runs `before`, such as `ulimit -f 100`.
    pub fn run_after(&self, before: &str, arguments: &[&str]) -> Finished {
        let output = self.command_after(before, arguments).output();
        let line = format!("{before}; twinview {}", arguments.join(" "));
        Finished::new(line, output.expect("a shell starts"))
    }

    /// Runs the command to its end.
    pub fn run(&self, arguments: &[&str]) -> Finished {
        let output = self.command(arguments).output().expect("twinview starts");
        Finished::new(format!("twinview {}", arguments.join(" ")), output)
    }

    /// Runs the command until `begun`, and sends it `signal` then, such as `-INT`.
    #[track_caller]
    pub fn interrupt(
        &self,
        arguments: &[&str],
        signal: &str,
        begun: impl Fn() -> bool,
    ) -> Finished {
        let mut command = self.command(arguments);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let child = child.expect("twinview starts");
        let in_time = (0..120_000).any(|_| {
            sleep(Duration::from_millis(1));
            begun()
        });
        let sent = Command::new("kill").args([signal, &child.id().to_string()]).status();
        let output = child.wait_with_output().expect("it ends");
        let ended = Finished::new(format!("twinview {}", arguments.join(" ")), output);
        let sent = sent.expect("kill starts").success();
        assert!(in_time && sent, "it ended before the signal: {ended:#?}");
        ended
    }

    /// Whether the file `name` is there and not empty.
    pub fn has(&self, name: &str) -> bool {
        fs::metadata(self.path(name)).is_ok_and(|file| file.len() > 0)
    }

    /// Renders a set into `out`: 96 unlabeled and 32 training images of 32 x 32 pixels, and what
    /// `more` says.
    pub fn synth(&self, out: &str, more: &[&str]) {
        let counts = ["--unlabeled", "96", "--train", "32", "--image-size", "32"];
        let synth = ["data", "synth", "--out", out];
        self.run(&[&synth[..], &counts, more].concat()).done();
    }

    /// Expects that the command is refused with exit code 2 and one line that contains all of
    /// `says`, and that it leaves no trace: no folder, no file, no temporary file.
    #[track_caller]
    pub fn refuses(&self, arguments: &[&str], says: &[&str]) {
        let before = self.contents();
        self.run(arguments).failed(2, says);
        assert_eq!(self.contents(), before, "something was left behind");
    }

    /// Every folder and file here and every file in the cache, with its bytes.
    pub fn contents(&self) -> Vec<(PathBuf, Option<Vec<u8>>)> {
        let mut found = Vec::new();
        walk(self.dir.path(), &mut found);
        let here = found.len();
        walk(self.cache.path(), &mut found);
        // Images that were decoded before something was refused stay, under a temporary name.
        let unfinished = |path: &Path| path.to_string_lossy().contains("/packed/.partial-");
        let mut index = 0;
        found.retain(|(path, bytes)| {
            index += 1;
            index <= here || bytes.is_some() && !unfinished(path)
        });
        found.sort();
        found
    }
}

fn walk(folder: &Path, found: &mut Vec<(PathBuf, Option<Vec<u8>>)>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            walk(&path, found);
            found.push((path, None));
        } else {
            let bytes = fs::read(&path).expect("a file");
            found.push((path, Some(bytes)));
        }
    }
}

/// The files of the tiny set, rendered once by `data synth`.
fn tiny_set() -> &'static [(String, Vec<u8>)] {
    static FILES: OnceLock<Vec<(String, Vec<u8>)>> = OnceLock::new();
    FILES.get_or_init(|| {
        let place = Place::new();
        place.synth("set", &["--test", "32"]);
        let entries = fs::read_dir(place.path("set")).expect("the set");
        entries
            .map(|entry| {
                let entry = entry.expect("an entry");
                let name = entry.file_name().into_string().expect("UTF-8");
                (name, fs::read(entry.path()).expect("a file"))
            })
            .collect()
    })
}

fn tiny_config(method: &str) -> Value {
    let text = match method {
        "simclr" => include_str!("../../configs/seed/simclr.json"),
        "dino" => include_str!("../../configs/seed/dino.json"),
        other => panic!("no tiny configuration of {other}"),
    };
    let mut config: Value = serde_json::from_str(text).expect("a valid config");
    config["image_size"] = json!(32);
    config["encoder"]["conv"]["width"] = json!(8);
    config["projection"] = json!({"mlp": {"hidden_dims": [8], "output_dim": 8, "norm": "none"}});
    // Eight features after a few steps may look like anything.
    config["health"]["on_collapse"] = json!("warn");
    for (key, value) in [
        ("epochs", json!(2)),
        ("batch_size", json!(16)),
        ("device", json!("cpu")),
        ("workers", json!(1)),
        ("log_every", json!(3)),
    ] {
        config["train"][key] = value;
    }
    config
}
