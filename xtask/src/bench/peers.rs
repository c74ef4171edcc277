//! What people use otherwise, doing the same work on the same images in the same run.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::parts::{Own, read};
use super::records::Records;
use crate::runner::run;
use crate::workspace::{self, Workspace};

/// As `tools/bench/augment.py` names them.
const LIBRARIES: [&str; 4] =
    ["torchvision v1 (PIL)", "torchvision v2 (tensors)", "kornia (batches)", "albumentations"];

/// A Python environment with other libraries, in a folder that does not outlive the run.
pub struct Peers {
    python: PathBuf,
    scripts: PathBuf,
}

impl Peers {
    /// Makes the environment: pinned versions from whatever index the user's pip is set up for.
    ///
    /// # Errors
    /// When there is no Python 3, or its pip fails.
    pub fn install(workspace: &Workspace, folder: &Path) -> anyhow::Result<Self> {
        let environment = folder.join("python");
        let scripts = workspace.root.join("tools/bench");
        let mut make = Command::new("python3");
        make.args(["-m", "venv"]).arg(&environment);
        workspace::run(make)?;
        let python = environment.join("bin/python");
        let mut install = Command::new(&python);
        // Without pip's cache, which would keep gigabytes of what is thrown away here.
        install.args(["-m", "pip", "install", "--disable-pip-version-check", "--no-cache-dir"]);
        install.arg("--requirement").arg(scripts.join("requirements.txt"));
        workspace::run(install)?;
        Ok(Self { python, scripts })
    }

    /// The recipes of all contenders in each library, on one thread.
    pub fn augmentation(&self, own: &Own<'_>, records: &mut Records) -> anyhow::Result<()> {
        for library in LIBRARIES {
            let mut command = self.script("augment.py", &[library]);
            command.arg(own.recipes()).arg(own.data());
            command.arg(own.effort.secs.to_string());
            // One thread; and no look for a newer version.
            for variable in ["OMP_NUM_THREADS", "MKL_NUM_THREADS", "NO_ALBUMENTATIONS_UPDATE"] {
                command.env(variable, "1");
            }
            read(&run(command)?, records)?;
        }
        Ok(())
    }

    /// The training loop as most write it, and tuned for the processor.
    pub fn training(&self, own: &Own<'_>, bf16: bool, records: &mut Records) -> anyhow::Result<()> {
        let loops = ["default", "channels_last", "channels_last, bf16"];
        for name in &loops[..if bf16 { 3 } else { 2 }] {
            let mut command = self.script("train.py", &[name]);
            command.arg(own.data());
            command.args([own.effort.batch, own.effort.steps].map(|number| number.to_string()));
            read(&run(command)?, records)?;
        }
        Ok(())
    }

    /// JPEG files with libjpeg-turbo.
    pub fn photos(&self, photos: &Path, records: &mut Records) -> anyhow::Result<()> {
        let mut command = self.script("photos.py", &[]);
        command.arg(photos).arg("96");
        read(&run(command)?, records)
    }

    fn script(&self, name: &str, args: &[&str]) -> Command {
        let mut command = Command::new(&self.python);
        // No compiled copies beside the scripts.
        command.arg("-B").arg(self.scripts.join(name));
        command.args(args.iter().map(OsStr::new));
        command
    }
}
