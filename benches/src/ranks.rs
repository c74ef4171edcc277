//! Several processes: all-reduces between two, and training by one and by two on the same cores.

use std::fs;
use std::net::TcpListener;
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};

use crate::contenders::{Contenders, announce, capture, lines, number};

/// Encoders, and what sets them; the first is the configuration's.
const ENCODERS: [(&str, &[&str]); 2] = [
    ("small encoder", &[]),
    ("ResNet-18, 64 x 64 pixels", &["--encoder", "resnet18", "--image-size", "64"]),
];

impl Contenders {
    /// Measures all-reduces, and training by one process with two threads and by two processes with
    /// one thread each.
    pub fn ranks(&mut self, data: &str) -> anyhow::Result<()> {
        self.measure(self.all_reduce())?;
        self.all_reduce_of_two()?;
        for (encoder, settings) in ENCODERS {
            for (ranks, threads) in [("1", "2"), ("2", "1")] {
                let folder = self.settings.folder.join("run");
                let mut command = self.pretrain(data, &folder);
                command.args(settings).args(["--epochs", "2", "--precision", "f32"]);
                command.args(["--ranks", ranks]).env("OMP_NUM_THREADS", threads);
                capture(command)?;
                let epochs = lines(&folder, "epoch")?;
                let epoch = epochs.last().context("the run has no epoch")?;
                let rate = number(epoch, "/images_per_sec")?;
                self.add("ranks", encoder, ranks, "images a second", rate);
                fs::remove_dir_all(folder)?;
            }
        }
        Ok(())
    }

    fn all_reduce(&self) -> Command {
        let mut command = Command::new(&self.settings.all_reduce);
        command.arg(self.effort.secs.to_string()).env("OMP_NUM_THREADS", "1");
        command
    }

    /// Two processes, which meet at a free port; the first prints.
    fn all_reduce_of_two(&mut self) -> anyhow::Result<()> {
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let [first, mut second] = ["0", "1"].map(|rank| {
            let mut command = self.all_reduce();
            command.envs([("RANK", rank), ("WORLD_SIZE", "2"), ("MASTER_ADDR", "127.0.0.1")]);
            command.env("MASTER_PORT", port.to_string());
            command
        });
        let line = announce(&second);
        let mut second = second.stdout(Stdio::null()).spawn()?;
        let measured = self.measure(first);
        let status = second.wait()?;
        measured?;
        ensure!(status.success(), "`{line}` failed");
        Ok(())
    }
}
