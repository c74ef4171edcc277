//! Downloads one large file over a connection that may break.

use std::io::{self, Read, Write};
use std::time::Duration;

use anyhow::{bail, ensure};
use fs_err::File;
use indicatif::ProgressBar;
use ureq::http::header::{ACCEPT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, HeaderName, RANGE};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Body, http::Response};

/// When to give up.
#[derive(Clone, Copy, Debug)]
pub struct RetryPolicy {
    /// How long the server may send nothing.
    pub stall: Duration,
    /// The number of retries in a row that bring nothing new.
    pub retries: u32,
    /// The pause before the first retry; it doubles with each.
    pub pause: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { stall: Duration::from_secs(30), retries: 6, pause: Duration::from_secs(1) }
    }
}

/// Appends to `file`, opened to append, what it lacks of the `bytes` bytes at `url`. An error when
/// the server refuses, offers something of another size, or stops for good.
pub fn fetch(
    url: &str,
    file: &mut File,
    bytes: u64,
    policy: &RetryPolicy,
    progress: &ProgressBar,
) -> anyhow::Result<()> {
    let agent = Agent::config_builder()
        .tls_config(TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build())
        .http_status_as_error(false)
        .timeout_connect(Some(policy.stall))
        .timeout_per_read(Some(policy.stall))
        .user_agent(concat!("twinview/", env!("CARGO_PKG_VERSION")))
        .build()
        .new_agent();
    let start = file.metadata()?.len();
    let (mut furthest, mut failures) = (start, 0);
    loop {
        let reason = match attempt(&agent, url, file, bytes, progress) {
            Ok(None) => return Ok(()),
            Ok(Some(reason)) => reason,
            Err(error) => return Err(error.context(url.to_owned())),
        };
        let have = file.metadata()?.len();
        // A server that can't resume and always stops at the same byte does not count as progress.
        failures = if have > furthest { 1 } else { failures + 1 };
        furthest = furthest.max(have);
        // A server that has sent nothing yet is more likely wrong than busy.
        let retries = if furthest > start { policy.retries } else { policy.retries.min(2) };
        ensure!(failures <= retries, "{url}: gave up after {have} of {bytes} bytes: {reason}");
        let pause = policy.pause * 2u32.pow(failures - 1);
        let secs = pause.as_secs_f32();
        progress.suspend(|| eprintln!("{reason}; retrying from byte {have} in {secs} s"));
        std::thread::sleep(pause);
    }
}

/// One request, and the body as far as it comes. Returns why another attempt may get further; none
/// when the file is complete.
fn attempt(
    agent: &Agent,
    url: &str,
    file: &mut File,
    bytes: u64,
    progress: &ProgressBar,
) -> anyhow::Result<Option<String>> {
    let mut have = file.metadata()?.len();
    if have == bytes {
        return Ok(None);
    }
    if have > bytes {
        file.set_len(0)?;
        have = 0;
    }
    let mut request = agent.get(url).header(ACCEPT_ENCODING, "identity");
    if have > 0 {
        request = request.header(RANGE, format!("bytes={have}-"));
    }
    let response = match request.call() {
        Ok(response) => response,
        Err(error) if is_transient(&error) => return Ok(Some(error.to_string())),
        Err(error) => return Err(error.into()),
    };
    let (start, total) = match response.status().as_u16() {
        200 => (0, number(&response, CONTENT_LENGTH, "")),
        206 => match number(&response, CONTENT_RANGE, "bytes ") {
            Some(start) if start == have => (start, number(&response, CONTENT_RANGE, "/")),
            Some(start) => bail!("asked for bytes from {have}, offered bytes from {start}"),
            None => bail!("HTTP 206 without a Content-Range that can be read"),
        },
        416 => {
            file.set_len(0)?;
            return Ok(Some(format!("HTTP 416: cannot resume from byte {have}")));
        }
        status @ (408 | 429 | 500..=599) => return Ok(Some(format!("HTTP status {status}"))),
        status => bail!("HTTP status {status}"),
    };
    if let Some(total) = total.filter(|total| *total != bytes) {
        bail!("expected {bytes} bytes, offered {total}; not the published file");
    }
    file.set_len(start)?;
    progress.set_position(start);
    progress.reset_eta();
    let mut body = response.into_body().into_reader();
    let mut buffer = vec![0; 1 << 17];
    loop {
        have = file.metadata()?.len();
        progress.set_position(have);
        match body.read(&mut buffer) {
            Ok(0) if have == bytes => return Ok(None),
            Ok(0) => return Ok(Some("the server stopped early".to_owned())),
            Ok(n) if have + n as u64 > bytes => {
                file.set_len(0)?;
                bail!("more than the expected {bytes} bytes");
            }
            Ok(n) => file.write_all(&buffer[..n])?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Ok(Some(format!("the server stopped: {error}"))),
        }
    }
}

/// The number that follows `before` in a header like `bytes 10-99/100`.
fn number(response: &Response<Body>, name: HeaderName, before: &str) -> Option<u64> {
    let (_, rest) = response.headers().get(name)?.to_str().ok()?.split_once(before)?;
    rest.split('-').next()?.trim().parse().ok()
}

/// Whether it is the network, which may recover, or the request.
fn is_transient(error: &ureq::Error) -> bool {
    use ureq::Error::{ConnectionFailed, HostNotFound, Io, Protocol, Timeout};
    match error {
        // Certificates that can't be trusted among others.
        Io(error) => error.kind() != io::ErrorKind::InvalidData,
        Timeout(_) | HostNotFound | ConnectionFailed | Protocol(_) => true,
        _ => false,
    }
}
