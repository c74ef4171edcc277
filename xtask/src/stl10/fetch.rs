//! Downloading one large file over a connection that may not last.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, anyhow};
use indicatif::ProgressBar;
use ureq::http::{HeaderMap, header};
use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};

/// When to give up.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// How long the server may send nothing.
    pub stall: Duration,
    /// How often to try again without getting any further.
    pub retries: u32,
    /// The pause before the first new try; it doubles with each.
    pub pause: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { stall: Duration::from_secs(30), retries: 6, pause: Duration::from_secs(1) }
    }
}

/// Why one try ended early.
enum Failure {
    /// Another try may do better.
    Passing(anyhow::Error),
    /// It would end the same.
    Final(anyhow::Error),
}

/// Appends to `file` what it lacks of the `bytes` bytes at `url`.
///
/// # Errors
/// When the server refuses, offers something of another size, or stops for good; when `file` can't
/// be written.
pub fn fetch(
    url: &str,
    file: &mut File,
    bytes: u64,
    patience: &Patience,
    progress: &ProgressBar,
) -> anyhow::Result<()> {
    let agent = ureq::Agent::config_builder()
        .tls_config(TlsConfig::builder().root_certs(root_certificates()?).build())
        .http_status_as_error(false)
        .timeout_connect(Some(patience.stall))
        .timeout_per_read(Some(patience.stall))
        .user_agent(concat!("twinview/", env!("CARGO_PKG_VERSION")))
        .build()
        .new_agent();
    let begun = length(file)?;
    let mut furthest = begun;
    let mut failures = 0;
    loop {
        let error = match attempt(&agent, url, file, bytes, progress) {
            Ok(()) => return Ok(()),
            Err(Failure::Final(error)) => return Err(error.context(url.to_owned())),
            Err(Failure::Passing(error)) => error,
        };
        let have = length(file)?;
        // A server that can't resume and always stops at the same place does not count as progress.
        failures = if have > furthest { 1 } else { failures + 1 };
        furthest = furthest.max(have);
        // A server from which nothing has come yet is more likely wrong than busy.
        let retries = if furthest > begun { patience.retries } else { patience.retries.min(2) };
        if failures > retries {
            return Err(error.context(format!("{url}: gave up after {have} of {bytes} bytes")));
        }
        let pause = patience.pause * 2u32.pow(failures - 1);
        let secs = pause.as_secs_f32();
        progress.suspend(|| {
            eprintln!("{error:#}; trying again from byte {have} in {secs} s");
        });
        std::thread::sleep(pause);
    }
}

/// The certificates to trust: those of the file that `SSL_CERT_FILE` names, as other programs do,
/// else the usual public ones.
fn root_certificates() -> anyhow::Result<RootCerts> {
    let Some(path) = std::env::var_os("SSL_CERT_FILE") else {
        return Ok(RootCerts::WebPki);
    };
    let context = || format!("SSL_CERT_FILE={}", Path::new(&path).display());
    let pem = fs::read(&path).with_context(context)?;
    let certificates = parse_pem(&pem).filter_map(|item| match item {
        Ok(PemItem::Certificate(certificate)) => Some(Ok(certificate)),
        Ok(_) => None,
        Err(error) => Some(Err(error)),
    });
    let certificates = certificates.collect::<Result<Vec<_>, _>>().with_context(context)?;
    Ok(RootCerts::from(certificates))
}

fn length(file: &File) -> anyhow::Result<u64> {
    Ok(file.metadata()?.len())
}

/// One request, and the body as far as it comes.
fn attempt(
    agent: &ureq::Agent,
    url: &str,
    file: &mut File,
    bytes: u64,
    progress: &ProgressBar,
) -> Result<(), Failure> {
    let have = match length(file).map_err(Failure::Final)? {
        have if have == bytes => return Ok(()),
        have if have > bytes => restart(file)?,
        have => have,
    };
    let mut request = agent.get(url).header(header::ACCEPT_ENCODING, "identity");
    if have > 0 {
        request = request.header(header::RANGE, format!("bytes={have}-"));
    }
    let response = request.call().map_err(classify)?;
    let status = response.status().as_u16();
    let start = match status {
        200 => {
            check_size(content_length(response.headers()), bytes)?;
            restart(file)?
        }
        206 => {
            let (start, total) = content_range(response.headers()).ok_or_else(|| {
                Failure::Final(anyhow!("HTTP 206 without a Content-Range that can be read"))
            })?;
            check_size(total, bytes)?;
            if start != have {
                let error = anyhow!("asked for bytes from {have}, offered bytes from {start}");
                return Err(Failure::Final(error));
            }
            have
        }
        416 => {
            restart(file)?;
            return Err(Failure::Passing(anyhow!("HTTP 416: cannot resume from byte {have}")));
        }
        408 | 429 | 500..=599 => return Err(Failure::Passing(anyhow!("HTTP status {status}"))),
        _ => return Err(Failure::Final(anyhow!("HTTP status {status}"))),
    };
    progress.set_position(start);
    progress.reset_eta();
    copy(&mut response.into_body().into_reader(), file, start, bytes, progress)
}

fn copy(
    body: &mut impl Read,
    file: &mut File,
    start: u64,
    bytes: u64,
    progress: &ProgressBar,
) -> Result<(), Failure> {
    let cannot_write = |error| Failure::Final(anyhow!("cannot write: {error}"));
    file.seek(SeekFrom::Start(start)).map_err(cannot_write)?;
    let mut have = start;
    let mut buffer = vec![0; 1 << 17];
    loop {
        match body.read(&mut buffer) {
            Ok(0) if have == bytes => return Ok(()),
            Ok(0) => {
                return Err(Failure::Passing(anyhow!("the server stopped early")));
            }
            Ok(n) if have + n as u64 > bytes => {
                restart(file)?;
                return Err(Failure::Final(anyhow!("more than the expected {bytes} bytes")));
            }
            Ok(n) => {
                file.write_all(&buffer[..n]).map_err(cannot_write)?;
                have += n as u64;
                progress.set_position(have);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                return Err(Failure::Passing(anyhow!("the server stopped: {error}")));
            }
        }
    }
}

/// Forgets what was downloaded.
fn restart(file: &mut File) -> Result<u64, Failure> {
    file.set_len(0).map_err(|error| Failure::Final(anyhow!("cannot write: {error}")))?;
    Ok(0)
}

fn check_size(offered: Option<u64>, expected: u64) -> Result<(), Failure> {
    match offered {
        Some(offered) if offered != expected => Err(Failure::Final(anyhow!(
            "expected {expected} bytes, offered {offered}; not the published file"
        ))),
        _ => Ok(()),
    }
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.trim().parse().ok()
}

/// The first byte and, where it is said, the size of the whole: `bytes 10-99/100`.
fn content_range(headers: &HeaderMap) -> Option<(u64, Option<u64>)> {
    let value = headers.get(header::CONTENT_RANGE)?.to_str().ok()?;
    let (range, total) = value.trim().strip_prefix("bytes ")?.split_once('/')?;
    let start = range.split_once('-')?.0.trim().parse().ok()?;
    Some((start, total.trim().parse().ok()))
}

/// Whether it is the network, which may recover, or the request.
fn classify(error: ureq::Error) -> Failure {
    use ureq::Error::{ConnectionFailed, HostNotFound, Io, Protocol, Timeout};
    match error {
        // So come certificates that can't be trusted.
        Io(error) if error.kind() == io::ErrorKind::InvalidData => Failure::Final(error.into()),
        Timeout(_) | Io(_) | HostNotFound | ConnectionFailed | Protocol(_) => {
            Failure::Passing(error.into())
        }
        other => Failure::Final(other.into()),
    }
}
