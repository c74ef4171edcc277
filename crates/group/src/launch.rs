//! What a launcher says of this process.

use crate::Error;

/// Port where the processes meet if `MASTER_PORT` isn't set, as in PyTorch.
const PORT: u16 = 29_500;

/// This process among those that were started together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Launch {
    /// This process, from 0.
    pub rank: usize,
    /// Number of processes.
    pub size: usize,
    /// This process among those on this machine, from 0.
    pub local_rank: usize,
    /// Number of processes on this machine.
    pub local_size: usize,
    /// Machine of rank 0.
    pub host: String,
    /// Port where the processes meet.
    pub port: u16,
    /// Whether the launcher (torchrun) runs a server at that port, rather than rank 0.
    pub agent: bool,
}

impl Launch {
    /// By the variables `RANK`, `WORLD_SIZE`, `LOCAL_RANK`, `LOCAL_WORLD_SIZE`, `MASTER_ADDR` and
    /// `MASTER_PORT` of torchrun, or Slurm's `SLURM_PROCID`, `SLURM_NTASKS`, `SLURM_LOCALID` and
    /// `SLURM_NTASKS_PER_NODE` with `MASTER_ADDR` beside them. `None` for a process on its own:
    /// without `MASTER_ADDR`, or with it alone.
    ///
    /// # Errors
    /// [`Error::Variable`] for a number that isn't one or is out of range.
    pub fn from_env() -> Result<Option<Self>, Error> {
        Self::from_variables(|name| std::env::var(name).ok())
    }

    /// The same, by what `variable` says.
    fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Result<Option<Self>, Error> {
        let number = |names: &[&'static str]| -> Result<Option<usize>, Error> {
            let found = names.iter().find_map(|name| Some((*name, variable(name)?)));
            let Some((name, found)) = found else {
                return Ok(None);
            };
            let wrong = || Error::Variable {
                name,
                expected: "a whole number".to_owned(),
                found: format!("{found:?}"),
            };
            found.trim().parse().map(Some).map_err(|_| wrong())
        };
        let Some(host) = variable("MASTER_ADDR").filter(|host| !host.is_empty()) else {
            return Ok(None);
        };
        let (rank, size) =
            (number(&["RANK", "SLURM_PROCID"])?, number(&["WORLD_SIZE", "SLURM_NTASKS"])?);
        let (Some(rank), Some(size)) = (rank, size) else {
            return Ok(None);
        };
        let local_rank = number(&["LOCAL_RANK", "SLURM_LOCALID"])?.unwrap_or(0);
        let local_size = number(&["LOCAL_WORLD_SIZE", "SLURM_NTASKS_PER_NODE"])?;
        let local_size = local_size.unwrap_or(local_rank + 1);
        let below = |name, limit: &str, most: usize, found: usize| match found < most {
            true => Ok(()),
            false => Err(Error::Variable {
                name,
                expected: format!("a number below {limit} {most}"),
                found: found.to_string(),
            }),
        };
        below("RANK", "WORLD_SIZE", size, rank)?;
        below("LOCAL_RANK", "LOCAL_WORLD_SIZE", local_size, local_rank)?;
        let port = number(&["MASTER_PORT"])?.unwrap_or(PORT.into());
        let port = u16::try_from(port).map_err(|_| Error::Variable {
            name: "MASTER_PORT",
            expected: "at most 65535".to_owned(),
            found: port.to_string(),
        })?;
        let agent = variable("TORCHELASTIC_USE_AGENT_STORE").as_deref() == Some("True");
        Ok(Some(Self { rank, size, local_rank, local_size, host, port, agent }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn launch(variables: &[(&str, &str)]) -> Result<Option<Launch>, Error> {
        Launch::from_variables(|name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn torchrun_and_slurm_are_understood() {
        let torchrun = [
            ("RANK", "3"),
            ("WORLD_SIZE", "4"),
            ("LOCAL_RANK", "1"),
            ("LOCAL_WORLD_SIZE", "2"),
            ("MASTER_ADDR", "node0"),
            ("MASTER_PORT", "1234"),
            ("TORCHELASTIC_USE_AGENT_STORE", "True"),
        ];
        let expected = Launch {
            rank: 3,
            size: 4,
            local_rank: 1,
            local_size: 2,
            host: "node0".to_owned(),
            port: 1234,
            agent: true,
        };
        assert_eq!(launch(&torchrun), Ok(Some(expected)));
        let slurm = [("SLURM_PROCID", "1"), ("SLURM_NTASKS", "2"), ("MASTER_ADDR", "a")];
        let found = launch(&slurm).unwrap().unwrap();
        assert_eq!((found.rank, found.size, found.port, found.agent), (1, 2, 29_500, false));
        // A shell inside a Slurm job, and no launcher.
        assert_eq!(launch(&slurm[..2]), Ok(None));
        assert_eq!(launch(&[("MASTER_ADDR", "a")]), Ok(None));
        assert_eq!(launch(&[]), Ok(None));
    }

    #[test]
    fn a_wrong_variable_is_named() {
        let says = |name: &'static str, value: &'static str| {
            let mut all = vec![(name, value)];
            all.extend([("RANK", "0"), ("WORLD_SIZE", "2"), ("MASTER_ADDR", "a")]);
            launch(&all).unwrap_err().to_string()
        };
        assert_eq!(says("RANK", "x"), "RANK: expected a whole number, found \"x\"");
        assert_eq!(says("RANK", "2"), "RANK: expected a number below WORLD_SIZE 2, found 2");
        assert_eq!(
            says("MASTER_PORT", "70000"),
            "MASTER_PORT: expected at most 65535, found 70000"
        );
    }
}
