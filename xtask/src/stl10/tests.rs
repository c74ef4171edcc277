//! The real download against a real server that misbehaves, and the real unpacking of hostile
//! archives.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use md5::{Digest, Md5};
use tar::{EntryType, Header};
use tempfile::TempDir;

use super::archive::{Member, Size};
use super::*;
use crate::digest::hex;

/// How the server answers one request for the archive.
#[derive(Clone, Copy)]
enum Reply {
    /// As asked.
    Well,
    /// The whole, whatever range was asked for.
    IgnoringRange,
    /// As asked, but the connection ends after so many bytes.
    CutAfter(usize),
    /// The whole whatever was asked for, cut after so many bytes.
    IgnoringRangeCutAfter(usize),
    /// As asked, but nothing more comes after so many bytes.
    StallAfter(usize),
    /// Bytes of the right number and the wrong content.
    WrongBytes,
    /// A document of another size.
    WrongSize,
    /// No body, and this status.
    Status(u16),
    /// Another range than was asked for.
    WrongRange,
}

/// A server of one file, and the ranges it was asked for.
struct Server {
    url: String,
    asked: Arc<Mutex<Vec<Option<usize>>>>,
}

impl Server {
    /// Gives one reply to each request in turn, and the last to all that follow.
    fn start(body: Vec<u8>, replies: &[Reply]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/stl10_binary.tar.gz", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (log, replies) = (Arc::clone(&asked), replies.to_vec());
        std::thread::spawn(move || {
            for (index, stream) in listener.incoming().enumerate() {
                let reply = replies[index.min(replies.len() - 1)];
                // A client that hangs up early is part of the tests.
                let _ = serve(stream.unwrap(), &body, reply, &log);
            }
        });
        Self { url, asked }
    }

    fn asked(&self) -> Vec<Option<usize>> {
        self.asked.lock().unwrap().clone()
    }
}

fn serve(
    mut stream: TcpStream,
    body: &[u8],
    reply: Reply,
    log: &Mutex<Vec<Option<usize>>>,
) -> std::io::Result<()> {
    let mut range = None;
    for line in BufReader::new(&stream).lines() {
        let line = line?.to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("range: bytes=") {
            range = value.trim_end_matches('-').parse::<usize>().ok();
        }
    }
    log.lock().unwrap().push(range);
    let wrong = vec![7; body.len()];
    let (body, start, end) = match reply {
        Reply::Well => (body, range, None),
        Reply::IgnoringRange => (body, None, None),
        Reply::CutAfter(n) | Reply::StallAfter(n) => (body, range, Some(n)),
        Reply::IgnoringRangeCutAfter(n) => (body, None, Some(n)),
        Reply::WrongBytes => (&*wrong, range, None),
        Reply::WrongSize => (&b"<html>Sorry</html>"[..], None, None),
        Reply::WrongRange => (body, range.map(|start| start + 1), None),
        Reply::Status(status) => {
            let head = format!("HTTP/1.1 {status} No\r\nContent-Length: 0\r\n");
            return stream.write_all(format!("{head}Connection: close\r\n\r\n").as_bytes());
        }
    };
    let (total, first) = (body.len(), start.unwrap_or(0));
    let head = match start {
        None => "HTTP/1.1 200 OK\r\n".to_owned(),
        Some(start) => format!(
            "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes {start}-{}/{total}\r\n",
            total - 1
        ),
    };
    write!(stream, "{head}Content-Length: {}\r\nConnection: close\r\n\r\n", total - first)?;
    stream.write_all(&body[first..end.map_or(total, |n| (first + n).min(total))])?;
    if let Reply::StallAfter(_) = reply {
        stream.read_to_end(&mut Vec::new())?; // until the client loses patience
    }
    Ok(())
}

/// What goes into a test archive: type, path, content.
type Entry<'a> = (EntryType, &'a str, &'a [u8]);

const IMAGES: &[u8] = &[5; 3000];
const GOOD: &[Entry] = &[
    (EntryType::Directory, "stl10_binary/", b""),
    (EntryType::Regular, "stl10_binary/train_X.bin", IMAGES),
    (EntryType::Regular, "stl10_binary/class_names.txt", b"bird\n"),
];

fn tar_gz(entries: &[Entry]) -> Vec<u8> {
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::none()));
    for (kind, path, content) in entries {
        let mut header = Header::new_gnu();
        // The safe setters refuse the very paths that must be refused on the way out.
        header.as_gnu_mut().unwrap().name[..path.len()].copy_from_slice(path.as_bytes());
        header.set_entry_type(*kind);
        header.set_mode(0o644);
        header.set_size(content.len() as u64);
        if *kind == EntryType::Symlink || *kind == EntryType::Link {
            header.set_link_name("/etc/passwd").unwrap();
        }
        header.set_cksum();
        tar.append(&header, *content).unwrap();
    }
    tar.into_inner().unwrap().finish().unwrap()
}

fn md5_text(bytes: &[u8]) -> &'static str {
    hex(&Md5::digest(bytes)).leak()
}

/// What is published, if `body` is.
fn published(body: &[u8]) -> Archive {
    let images = Member {
        name: "train_X.bin",
        size: Size::Exactly(IMAGES.len() as u64),
        md5: Some(md5_text(IMAGES)),
    };
    let names = Member { name: "class_names.txt", size: Size::AtMost(100), md5: None };
    Archive {
        url: "http://unused",
        bytes: body.len() as u64,
        md5: md5_text(body),
        folder: "stl10_binary",
        members: vec![images, names].leak(),
    }
}

/// A folder to download to.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn part(&self) -> PathBuf {
        self.0.path().join("stl10_binary.tar.gz.part")
    }

    fn download(&self, archive: &Archive, url: &str) -> Result<Outcome, String> {
        let patience = Patience {
            stall: Duration::from_millis(200),
            retries: 2,
            pause: Duration::from_millis(1),
        };
        download(archive, self.0.path(), url, &patience).map_err(|error| format!("{error:#}"))
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path()).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    fn assert_complete(&self) {
        assert_eq!(self.names(), ["stl10_binary"]);
        let folder = self.0.path().join("stl10_binary");
        assert_eq!(fs::read(folder.join("train_X.bin")).unwrap(), IMAGES);
        assert_eq!(fs::read(folder.join("class_names.txt")).unwrap(), b"bird\n");
        assert_eq!(fs::read_dir(folder).unwrap().count(), 2);
    }
}

/// Downloads the good archive from a server that gives these replies; hands back the ranges asked
/// for.
fn succeeds(replies: &[Reply]) -> Vec<Option<usize>> {
    let body = tar_gz(GOOD);
    let (place, archive) = (Place::new(), published(&body));
    let server = Server::start(body, replies);
    place.download(&archive, &server.url).unwrap();
    place.assert_complete();
    server.asked()
}

/// The error of a download that must fail, and its folder.
fn fails(replies: &[Reply]) -> (String, Place) {
    let body = tar_gz(GOOD);
    let (place, archive) = (Place::new(), published(&body));
    let server = Server::start(body, replies);
    (place.download(&archive, &server.url).unwrap_err(), place)
}

#[test]
fn a_good_server_is_asked_once() {
    assert_eq!(succeeds(&[Reply::Well]), [None]);
}

#[test]
fn a_cut_or_stalled_download_goes_on_where_it_stopped() {
    let replies = [Reply::CutAfter(1000), Reply::StallAfter(500), Reply::Status(503), Reply::Well];
    assert_eq!(succeeds(&replies), [None, Some(1000), Some(1500), Some(1500)]);
}

#[test]
fn a_server_without_ranges_makes_it_start_over() {
    assert_eq!(succeeds(&[Reply::CutAfter(1000), Reply::IgnoringRange]), [None, Some(1000)]);
    let refused = [Reply::CutAfter(1000), Reply::Status(416), Reply::Well];
    assert_eq!(succeeds(&refused), [None, Some(1000), None]);
}

#[test]
fn gives_up_on_a_server_that_never_gets_further() {
    let (error, place) = fails(&[Reply::IgnoringRangeCutAfter(1000)]);
    assert!(error.contains("gave up after 1000 of"), "{error}");
    assert!(error.contains("the server stopped"), "{error}");
    assert_eq!(fs::metadata(place.part()).unwrap().len(), 1000);
    let (error, _) = fails(&[Reply::StallAfter(10), Reply::StallAfter(0)]);
    assert!(error.contains("gave up after 10 of"), "{error}");
}

#[test]
fn wrong_offers_end_it_at_once_and_leave_nothing() {
    let bytes = tar_gz(GOOD).len();
    for (reply, expected) in [
        (Reply::Status(404), "HTTP status 404".to_owned()),
        (Reply::WrongSize, format!("expected {bytes} bytes, offered 18")),
        (Reply::WrongBytes, format!("expected MD5 {}, found ", md5_text(&tar_gz(GOOD)))),
    ] {
        let (error, place) = fails(&[reply]);
        assert!(error.contains(&expected) && error.contains("http://127.0.0.1"), "{error}");
        assert!(place.names().is_empty(), "{:?}", place.names());
    }
    let (error, _) = fails(&[Reply::CutAfter(1000), Reply::WrongRange]);
    assert!(error.contains("asked for bytes from 1000, offered bytes from 1001"), "{error}");
}

#[test]
fn no_server_is_an_error_too() {
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let place = Place::new();
    let error = place.download(&published(b"x"), &format!("http://{gone}/")).unwrap_err();
    assert!(error.contains("gave up after 0 of 1 bytes"), "{error}");
    assert!(place.names().is_empty());
    let error = place.download(&published(b"x"), "ftp://host/").unwrap_err();
    assert_eq!(error, "--url ftp://host/: expected http:// or https://");
}

#[test]
fn a_run_that_was_killed_is_taken_up() {
    let body = tar_gz(GOOD);
    let (place, archive) = (Place::new(), published(&body));
    fs::write(place.part(), &body[..2000]).unwrap();
    fs::create_dir(place.0.path().join(".stl10_binary.partial")).unwrap();
    fs::write(place.0.path().join(".stl10_binary.partial/train_X.bin"), "half").unwrap();
    let server = Server::start(body, &[Reply::Well]);
    place.download(&archive, &server.url).unwrap();
    place.assert_complete();
    assert_eq!(server.asked(), [Some(2000)]);
}

#[test]
fn a_part_of_something_else_is_thrown_away() {
    let body = tar_gz(GOOD);
    for junk in [vec![1; 2000], vec![1; body.len()], vec![1; body.len() + 1]] {
        let (place, archive) = (Place::new(), published(&body));
        fs::write(place.part(), junk).unwrap();
        let server = Server::start(body.clone(), &[Reply::Well]);
        place.download(&archive, &server.url).unwrap();
        place.assert_complete();
    }
}

#[test]
fn a_second_run_does_nothing() {
    let body = tar_gz(GOOD);
    let (place, archive) = (Place::new(), published(&body));
    let server = Server::start(body, &[Reply::Well]);
    let target = place.0.path().join("stl10_binary");
    let fetched = place.download(&archive, &server.url);
    assert_eq!(fetched, Ok(Outcome::Fetched(target.clone())));
    let present = place.download(&archive, "http://unused");
    assert_eq!(present, Ok(Outcome::Present(target.clone())));
    assert_eq!(server.asked().len(), 1);

    // Nor does it touch files that are not what it would have written.
    let images = target.join("train_X.bin");
    fs::write(&images, [6; 3000]).unwrap();
    let error = place.download(&archive, &server.url).unwrap_err();
    let expected = format!("{}: expected MD5 {}, found", images.display(), md5_text(IMAGES));
    assert!(error.starts_with(&expected), "{error}");
    fs::write(&images, "short").unwrap();
    let error = place.download(&archive, &server.url).unwrap_err();
    assert!(error.contains("expected 3000 bytes, found 5"), "{error}");
    fs::remove_file(&images).unwrap();
    assert!(place.download(&archive, &server.url).unwrap_err().contains("is missing"));
}

#[test]
fn two_at_once_do_not_write_to_one_file() {
    let place = Place::new();
    let other = fs::File::create(place.part()).unwrap();
    other.lock().unwrap();
    let error = place.download(&published(b"x"), "http://unused").unwrap_err();
    assert!(error.contains("another download"), "{error}");
}

#[test]
fn archives_with_anything_unexpected_are_refused() {
    let images = GOOD[1];
    let names = GOOD[2];
    let regular = EntryType::Regular;
    let cases: &[(&[Entry], &str)] = &[
        (&[(regular, "stl10_binary/../evil", b"x")], "unexpected file \"stl10_binary/../evil\""),
        (&[(regular, "../stl10_binary/train_X.bin", IMAGES)], "unexpected file \"../stl10"),
        (&[(regular, "/stl10_binary/train_X.bin", IMAGES)], "unexpected file \"/stl10"),
        (&[(regular, "train_X.bin", IMAGES)], "unexpected file \"train_X.bin\""),
        (&[images, names, (regular, "stl10_binary/extra", b"x")], "unexpected file"),
        (&[images, images, names], "unexpected file \"stl10_binary/train_X.bin\""),
        (&[(EntryType::Directory, "elsewhere/", b"")], "is a Directory entry"),
        (&[(EntryType::Symlink, "stl10_binary/train_X.bin", b"")], "is a Symlink entry"),
        (&[(EntryType::Link, "stl10_binary/train_X.bin", b"")], "is a Link entry"),
        (&[(EntryType::Fifo, "stl10_binary/train_X.bin", b"")], "is a Fifo entry"),
        (&[(EntryType::GNULongName, "stl10_binary/train_X.bin", b"x")], "is a GNULongName entry"),
        (&[(regular, "stl10_binary/train_X.bin", &[5; 3001])], "expected 3000 bytes, found 3001"),
        (&[(regular, "stl10_binary/train_X.bin", &[5; 2999])], "expected 3000 bytes, found 2999"),
        (&[(regular, "stl10_binary/class_names.txt", &[65; 101])], "expected at most 100 bytes"),
        (&[(regular, "stl10_binary/train_X.bin", &[6; 3000])], "expected MD5"),
        (&[images], "stl10_binary/class_names.txt is missing"),
        (&[], "is missing"),
    ];
    for (entries, expected) in cases {
        assert_refused(tar_gz(entries), expected);
    }
    let whole = tar_gz(GOOD);
    assert_refused(whole[..2000].to_vec(), "cannot write");
    assert_refused(b"no archive at all".to_vec(), "cannot unpack");
}

/// The archive is refused although its checksum is as published; only itself is left.
fn assert_refused(body: Vec<u8>, expected: &str) {
    let (place, archive) = (Place::new(), published(&body));
    let server = Server::start(body, &[Reply::Well]);
    let error = place.download(&archive, &server.url).unwrap_err();
    assert!(error.contains(expected), "{error}\nshould say: {expected}");
    assert_eq!(place.names(), ["stl10_binary.tar.gz.part"]);
}
