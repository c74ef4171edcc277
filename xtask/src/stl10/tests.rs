//! The real download from a server that misbehaves, and the real unpacking of hostile archives.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use sha2::{Digest, Sha256};
use tar::{EntryType, Header};
use tempfile::TempDir;

use super::any_archive::{self, names};
use super::archive::Member;
use super::*;

/// How the server answers one request for the archive.
#[derive(Clone, Copy)]
struct Reply {
    status: u16,
    /// Whether it heeds the range that is asked for, and by how much it shifts it.
    range: Option<usize>,
    /// What it has in place of the archive.
    body: fn(&[u8]) -> Vec<u8>,
    /// The connection ends after so many bytes.
    cut: usize,
    /// Instead of ending, it stays open, and nothing comes.
    stall: bool,
}

const GOOD: Reply =
    Reply { status: 200, range: Some(0), body: <[u8]>::to_vec, cut: usize::MAX, stall: false };

const fn cut(cut: usize) -> Reply {
    Reply { cut, ..GOOD }
}

const fn stall(cut: usize) -> Reply {
    Reply { cut, stall: true, ..GOOD }
}

const fn status(status: u16) -> Reply {
    Reply { status, range: None, cut: 0, ..GOOD }
}

fn serve(
    stream: &mut TcpStream,
    archive: &[u8],
    reply: Reply,
    asked: Option<usize>,
) -> io::Result<()> {
    let body = (reply.body)(archive);
    let (total, start) = (body.len(), asked.and_then(|start| Some(start + reply.range?)));
    let first = start.unwrap_or(0);
    let status = if start.is_some() { 206 } else { reply.status };
    write!(stream, "HTTP/1.1 {status} X\r\nContent-Length: {}\r\n", total - first)?;
    if start.is_some() {
        write!(stream, "Content-Range: bytes {first}-{}/{total}\r\n", total - 1)?;
    }
    stream.write_all(b"Connection: close\r\n\r\n")?;
    stream.write_all(&body[first..first.saturating_add(reply.cut).min(total)])?;
    if reply.stall {
        stream.read_to_end(&mut Vec::new())?; // until the client gives up
    }
    Ok(())
}

/// Gives one reply to each request in turn, and the last to all that follow. Returns the address
/// and the ranges that are asked for.
fn server(archive: Vec<u8>, replies: Vec<Reply>) -> (String, Arc<Mutex<Vec<Option<usize>>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/stl10_binary.tar.gz", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&asked);
    std::thread::spawn(move || {
        for (index, stream) in listener.incoming().enumerate() {
            let mut stream = stream.unwrap();
            let lines = BufReader::new(&stream).lines().map_while(Result::ok);
            let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
            let range = head.iter().find_map(|line| {
                let line = line.to_ascii_lowercase();
                line.strip_prefix("range: bytes=")?.trim_end_matches('-').parse().ok()
            });
            log.lock().unwrap().push(range);
            // A client that hangs up early is part of the tests.
            let _ = serve(&mut stream, &archive, replies[index.min(replies.len() - 1)], range);
        }
    });
    (url, asked)
}

/// What goes into a test archive: type, path, content.
type Entry<'a> = (EntryType, &'a str, &'a [u8]);

const IMAGES: &[u8] = &[5; 3000];
const ENTRIES: &[Entry] = &[
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

fn md5_of_bytes(bytes: &[u8]) -> &'static str {
    format!("{:x}", md5::compute(bytes)).leak()
}

fn sha256_of_bytes(bytes: &[u8]) -> &'static str {
    let sha256 = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    sha256.leak()
}

/// A folder to download to, and an archive that is published.
struct World {
    dir: TempDir,
    archive: Archive,
    body: Vec<u8>,
}

impl World {
    fn new() -> Self {
        Self::publishing(tar_gz(ENTRIES))
    }

    fn publishing(body: Vec<u8>) -> Self {
        let members = vec![
            Member { name: "train_X.bin", bytes: 3000, md5: Some(md5_of_bytes(IMAGES)) },
            Member { name: "class_names.txt", bytes: 100, md5: None },
        ];
        let archive = Archive {
            url: "http://unused",
            bytes: body.len() as u64,
            sha256: sha256_of_bytes(&body),
            folder: "stl10_binary",
            members: members.leak(),
        };
        Self { dir: tempfile::tempdir().unwrap(), archive, body }
    }

    fn part(&self) -> PathBuf {
        self.dir.path().join("stl10_binary.tar.gz.part")
    }

    /// Downloads from a server that gives these replies; returns the ranges asked for as well.
    fn download(&self, replies: &[Reply]) -> (Result<bool, String>, Vec<Option<usize>>) {
        let (url, asked) = server(self.body.clone(), replies.to_vec());
        let outcome = self.download_from(&url);
        (outcome, asked.lock().unwrap().clone())
    }

    fn download_from(&self, url: &str) -> Result<bool, String> {
        let stall = Duration::from_millis(200);
        let policy = RetryPolicy { stall, retries: 2, pause: Duration::from_millis(1) };
        download(&self.archive, self.dir.path(), url, &policy).map_err(|error| format!("{error:#}"))
    }

    fn assert_complete(&self) {
        assert_eq!(names(self.dir.path()), ["stl10_binary"]);
        let folder = self.dir.path().join("stl10_binary");
        assert_eq!(fs::read(folder.join("train_X.bin")).unwrap(), IMAGES);
        assert_eq!(fs::read(folder.join("class_names.txt")).unwrap(), b"bird\n");
        assert_eq!(names(&folder).len(), 2);
    }
}

#[test]
fn a_broken_download_is_resumed() {
    let whole = Reply { range: None, ..GOOD };
    let cases: [(&[Reply], &[Option<usize>]); 4] = [
        (&[GOOD], &[None]),
        (&[cut(1000), stall(500), status(503), GOOD], &[None, Some(1000), Some(1500), Some(1500)]),
        // Servers without ranges make it start over.
        (&[cut(1000), whole], &[None, Some(1000)]),
        (&[cut(1000), status(416), GOOD], &[None, Some(1000), None]),
    ];
    for (replies, expected) in cases {
        let world = World::new();
        let (outcome, asked) = world.download(replies);
        outcome.unwrap();
        world.assert_complete();
        assert_eq!(asked, expected);
    }
}

#[test]
fn wrong_offers_are_refused() {
    let body = tar_gz(ENTRIES);
    let other_bytes = Reply { body: |archive| vec![7; archive.len()], ..GOOD };
    let other_length = Reply { body: |_| b"<html>Sorry</html>".to_vec(), ..GOOD };
    let shifted = Reply { range: Some(1), ..GOOD };
    let same = Reply { range: None, ..cut(1000) };
    // Replies, what is said, the number of requests, and how much is kept to be resumed.
    let cases: [(&[Reply], String, usize, u64); 6] = [
        (&[status(404)], "HTTP status 404".to_owned(), 1, 0),
        (&[other_length], format!("expected {} bytes, offered 18", body.len()), 1, 0),
        (&[other_bytes], format!("expected SHA-256 {}, found ", sha256_of_bytes(&body)), 1, 0),
        (&[cut(1000), shifted], "from 1000, offered bytes from 1001".to_owned(), 2, 1000),
        // Servers that never get further.
        (&[same], "gave up after 1000 of".to_owned(), 3, 1000),
        (&[stall(10), stall(0)], "gave up after 10 of".to_owned(), 3, 10),
    ];
    for (replies, expected, requests, kept) in cases {
        let world = World::new();
        let (outcome, asked) = world.download(replies);
        let error = outcome.unwrap_err();
        assert!(error.contains(&expected) && error.contains("http://127.0.0.1"), "{error}");
        assert_eq!(asked.len(), requests, "{error}");
        assert_eq!(fs::metadata(world.part()).map_or(0, |part| part.len()), kept, "{error}");
        assert_eq!(names(world.dir.path()).len(), usize::from(kept > 0));
    }
}

#[test]
fn what_was_refused_is_fetched_again() {
    let world = World::new();
    let other = Reply { body: |archive| vec![7; archive.len()], ..GOOD };
    world.download(&[other]).0.unwrap_err();
    world.download(&[GOOD]).0.unwrap();
    world.assert_complete();
    // Of the empty text, by sha256sum.
    assert_eq!(&sha256_of_bytes(b"")[..16], "e3b0c44298fc1c14");
}

#[test]
fn no_server_and_another_download_are_errors() {
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let world = World::publishing(b"x".to_vec());
    let error = world.download_from(&format!("http://{gone}/")).unwrap_err();
    assert!(error.contains("gave up after 0 of 1 bytes"), "{error}");
    assert_eq!(names(world.dir.path()), [""; 0]);
    let error = world.download_from("ftp://host/").unwrap_err();
    assert_eq!(error, "--url ftp://host/: expected http:// or https://");
    let other = File::create(world.part()).unwrap();
    other.lock().unwrap();
    let error = world.download_from("http://unused").unwrap_err();
    assert!(error.contains("another download"), "{error}");
}

#[test]
fn a_part_is_resumed_or_thrown_away() {
    let body = tar_gz(ENTRIES);
    let junk = |length| (vec![1; length], None);
    for (part, expected) in [
        (body[..2000].to_vec(), Some(vec![Some(2000)])),
        junk(2000),
        junk(body.len()),
        junk(body.len() + 1),
    ] {
        let world = World::new();
        fs::write(world.part(), part).unwrap();
        fs::create_dir_all(world.dir.path().join(".stl10_binary.partial/half")).unwrap();
        let (outcome, asked) = world.download(&[GOOD]);
        outcome.unwrap();
        world.assert_complete();
        assert!(expected.is_none_or(|expected| asked == expected), "{asked:?}");
    }
}

#[test]
fn files_that_are_there_are_checked_and_left_alone() {
    let world = World::new();
    let target = world.dir.path().join("stl10_binary");
    assert_eq!(world.download(&[GOOD]).0, Ok(true));
    assert_eq!(world.download_from("http://unused"), Ok(false));

    let images = target.join("train_X.bin");
    let wrong: &[u8] = &[6; 3000];
    for (content, expected) in [
        (wrong, format!("{}: expected MD5 {}, found", images.display(), md5_of_bytes(IMAGES))),
        (b"short", "expected 3000 bytes, found 5".to_owned()),
    ] {
        fs::write(&images, content).unwrap();
        let error = world.download_from("http://unused").unwrap_err();
        assert!(error.contains(&expected), "{error}");
        assert_eq!(fs::read(&images).unwrap(), content);
    }
    fs::remove_file(&images).unwrap();
    assert!(world.download_from("http://unused").unwrap_err().contains("is missing"));
}

#[test]
fn archives_with_anything_unexpected_are_refused() {
    let (images, classes, regular) = (ENTRIES[1], ENTRIES[2], EntryType::Regular);
    let cases: &[(&[Entry], &str)] = &[
        (&[(regular, "stl10_binary/../evil", b"x")], "unexpected file \"stl10_binary/../evil\""),
        (&[(regular, "../stl10_binary/train_X.bin", IMAGES)], "unexpected file \"../stl10"),
        (&[(regular, "/stl10_binary/train_X.bin", IMAGES)], "unexpected file \"/stl10"),
        (&[(regular, "train_X.bin", IMAGES)], "unexpected file \"train_X.bin\""),
        (&[images, classes, (regular, "stl10_binary/extra", b"x")], "unexpected file"),
        (&[images, images, classes], "unexpected file \"stl10_binary/train_X.bin\""),
        (&[(EntryType::Directory, "elsewhere/", b"")], "is a Directory entry"),
        (&[(EntryType::Symlink, "stl10_binary/train_X.bin", b"")], "is a Symlink entry"),
        (&[(EntryType::Link, "stl10_binary/train_X.bin", b"")], "is a Link entry"),
        (&[(EntryType::Fifo, "stl10_binary/train_X.bin", b"")], "is a Fifo entry"),
        (&[(EntryType::GNULongName, "stl10_binary/train_X.bin", b"x")], "is a GNULongName entry"),
        (&[(regular, "stl10_binary/train_X.bin", &[5; 3001])], "expected 3000 bytes, found 3001"),
        (&[(regular, "stl10_binary/train_X.bin", &[5; 2999])], "expected 3000 bytes, found 2999"),
        (&[(regular, "stl10_binary/class_names.txt", &[65; 101])], "expected at most 100 bytes"),
        (&[(regular, "stl10_binary/train_X.bin", &[6; 3000])], "expected MD5"),
        (&[images], "class_names.txt is missing"),
        (&[], "is missing"),
    ];
    let whole = tar_gz(ENTRIES);
    let damaged =
        [(whole[..2000].to_vec(), "cannot write"), (b"no gzip".to_vec(), "cannot unpack")];
    let hostile = cases.iter().map(|(entries, expected)| (tar_gz(entries), *expected));
    for (body, expected) in hostile.chain(damaged) {
        // Although its checksum is as published. Only the archive itself is left.
        let world = World::publishing(body);
        let error = world.download(&[GOOD]).0.unwrap_err();
        assert!(error.contains(expected), "{error}\nshould say: {expected}");
        assert_eq!(names(world.dir.path()), ["stl10_binary.tar.gz.part"]);
    }
}

/// The seeds of the fuzz target.
fn seeds() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/untar");
    let read = |name: String| (name.clone(), fs::read(folder.join(name)).unwrap());
    names(&folder).into_iter().map(read).collect()
}

#[test]
fn of_the_seeds_only_the_whole_archive_is_unpacked() {
    for (name, tar) in seeds() {
        assert_eq!(
            any_archive::unpack(tempfile::tempdir().unwrap().path(), &tar),
            name == "whole.tar",
            "{name}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn damaged_archives_write_no_other_files(
        seed in any::<Index>(),
        edits in vec((any::<Index>(), any::<u8>()), 0..6),
        cut in any::<Option<Index>>(),
    ) {
        let (_, mut tar) = seed.get(&seeds()).clone();
        for (index, byte) in edits {
            let at = index.index(tar.len());
            tar[at] = byte;
        }
        if let Some(cut) = cut {
            tar.truncate(cut.index(tar.len() + 1));
        }
        any_archive::unpack(tempfile::tempdir().unwrap().path(), &tar);
    }
}
