//! TensorBoard event files: scalars and images, written as the records that TensorBoard reads.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use files::RecordLog;
use loader::LoaderConfig;
use run::{EpochRecord, METRICS};

use crate::Error;

/// How an event file calls pictures of red, green and blue.
const RGB: u64 = 3;

/// How an event file calls the start of a session.
const SESSION_START: u64 = 1;

/// Images whose views are shown, and how many times.
const SHOWN: [usize; 2] = [6, 3];

/// An event file that is being written.
#[derive(Debug)]
pub struct EventFile(RecordLog);

impl EventFile {
    /// Begins a new event file in `folder` for a run that has done `steps`. Readers drop what
    /// earlier files say of later steps: these steps are done again.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn create(folder: &Path, steps: u64) -> Result<Self, Error> {
        let now = now_secs();
        let name = run::file::tensorboard(now as u64, std::process::id());
        let mut events = Self(RecordLog::open(&folder.join(name))?);
        let mut event = Message::default();
        event.double(1, now);
        event.bytes(3, b"brain.Event:2");
        events.record(&event.0)?;
        if steps > 0 {
            events.session_start(steps + 1)?;
        }
        Ok(events)
    }

    /// Marks the start of a session whose first step is `step`.
    fn session_start(&mut self, step: u64) -> Result<(), Error> {
        let mut session = Message::default();
        session.varint(1, SESSION_START);
        let mut event = Message::default();
        event.double(1, now_secs());
        event.varint(2, step);
        event.bytes(7, &session.0);
        self.record(&event.0)
    }

    /// Appends the metrics of an epoch.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn epoch(&mut self, epoch: &EpochRecord) -> Result<(), Error> {
        let values = METRICS.iter().filter_map(|metric| Some((metric.tag(), metric.raw(epoch)?)));
        self.scalars(epoch.step, &values.collect::<Vec<_>>())
    }

    /// Appends one value for each tag at `step`, and hands them to the system.
    fn scalars(&mut self, step: u64, values: &[(String, f64)]) -> Result<(), Error> {
        let mut summary = Message::default();
        for (tag, scalar) in values {
            let mut value = Message::default();
            value.bytes(1, tag.as_bytes());
            value.float(2, *scalar as f32);
            summary.bytes(1, &value.0);
        }
        self.summary(step, &summary)
    }

    /// Appends what augmentation does to a few images, as a picture at step 0.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Loader`] where an image can't be read.
    pub fn augmentation(&mut self, plan: &LoaderConfig) -> Result<(), Error> {
        let [rows, repeats] = SHOWN;
        let sheet = augment::preview(&plan.unlabeled, &plan.views, plan.seed, rows, repeats);
        let unreadable = |error: dataset::Error| loader::Error::Set(error.to_string());
        let picture = sheet.map_err(unreadable).map_err(Error::Loader)?.into_image();
        match dataset::jpeg(&picture) {
            Ok(file) => self.image("augmentation", &file, picture.dimensions().into()),
            // Views that are too large for a picture are no reason not to train.
            Err(_) => Ok(()),
        }
    }

    /// Appends a picture at step 0: an encoded file, and its width and height in pixels.
    fn image(&mut self, tag: &str, file: &[u8], [width, height]: [u32; 2]) -> Result<(), Error> {
        let mut image = Message::default();
        image.varint(1, height.into());
        image.varint(2, width.into());
        image.varint(3, RGB);
        image.bytes(4, file);
        let mut value = Message::default();
        value.bytes(1, tag.as_bytes());
        value.bytes(4, &image.0);
        let mut summary = Message::default();
        summary.bytes(1, &value.0);
        self.summary(0, &summary)
    }

    fn summary(&mut self, step: u64, summary: &Message) -> Result<(), Error> {
        let mut event = Message::default();
        event.double(1, now_secs());
        event.varint(2, step);
        event.bytes(5, &summary.0);
        self.record(&event.0)
    }

    /// One record: length, its checksum, the data, its checksum.
    fn record(&mut self, data: &[u8]) -> Result<(), Error> {
        let length = (data.len() as u64).to_le_bytes();
        let parts: [&[u8]; 4] =
            [&length, &masked_crc(&length).to_le_bytes(), data, &masked_crc(data).to_le_bytes()];
        Ok(self.0.append(&parts.concat())?)
    }
}

fn now_secs() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64())
}

/// A protocol buffer message being encoded.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn raw_varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    fn key(&mut self, field: u64, wire: u64) {
        self.raw_varint(field << 3 | wire);
    }

    fn varint(&mut self, field: u64, value: u64) {
        self.key(field, 0);
        self.raw_varint(value);
    }

    fn double(&mut self, field: u64, value: f64) {
        self.key(field, 1);
        self.0.extend(value.to_le_bytes());
    }

    fn bytes(&mut self, field: u64, value: &[u8]) {
        self.key(field, 2);
        self.raw_varint(value.len() as u64);
        self.0.extend(value);
    }

    fn float(&mut self, field: u64, value: f32) {
        self.key(field, 5);
        self.0.extend(value.to_le_bytes());
    }
}

/// CRC-32C (Castagnoli), rotated and offset as the record format wants it.
fn masked_crc(data: &[u8]) -> u32 {
    let crc = !data.iter().fold(!0u32, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| {
            crc >> 1 ^ (0x82f6_3b78 & (crc & 1).wrapping_neg())
        })
    });
    crc.rotate_right(15).wrapping_add(0xa282_ead8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksum_has_its_published_check_value() {
        // CRC-32C of "123456789" is 0xe3069283.
        assert_eq!(
            masked_crc(b"123456789"),
            0xe306_9283u32.rotate_right(15).wrapping_add(0xa282_ead8)
        );
    }

    /// The records of the event file in `folder`.
    fn records(folder: &Path) -> Vec<Vec<u8>> {
        let file = std::fs::read_dir(folder).unwrap().next().unwrap();
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        let mut rest = &bytes[..];
        let mut records = Vec::new();
        while !rest.is_empty() {
            let length = u64::from_le_bytes(rest[..8].try_into().unwrap()) as usize;
            assert_eq!(masked_crc(&rest[..8]).to_le_bytes(), rest[8..12]);
            let data = &rest[12..12 + length];
            assert_eq!(masked_crc(data).to_le_bytes(), rest[12 + length..16 + length]);
            records.push(data.to_vec());
            rest = &rest[16 + length..];
        }
        records
    }

    #[test]
    fn a_resumed_run_tells_readers_to_drop_later_steps() {
        let folder = tempfile::tempdir().unwrap();
        EventFile::create(folder.path(), 300).unwrap();
        let records = records(folder.path());
        assert_eq!(records.len(), 2);
        // step 301 as a varint, then a session log whose status is 1.
        assert_eq!(records[1][9..], [0x10, 0xad, 0x02, 0x3a, 0x02, 0x08, 0x01]);
    }

    #[test]
    fn records_frame_the_events() {
        let folder = tempfile::tempdir().unwrap();
        let mut events = EventFile::create(folder.path(), 0).unwrap();
        events.scalars(300, &[("loss".to_owned(), 0.5)]).unwrap();
        events.image("views", b"file", [640, 2]).unwrap();
        let records = records(folder.path());
        assert_eq!(records.len(), 3);
        // step 300 as a varint, then the summary with tag and value.
        assert_eq!(records[1][9..12], [0x10, 0xac, 0x02]);
        assert!(
            records[1].ends_with(&[b"\x0a\x04loss\x15".as_slice(), &0.5f32.to_le_bytes()].concat())
        );
        // Height, width, colors, file; inside a value, inside a summary.
        let image = b"\x08\x02\x10\x80\x05\x18\x03\x22\x04file";
        let value = [b"\x0a\x05views\x22\x0d".as_slice(), image].concat();
        let summary = [b"\x2a\x18\x0a\x16".as_slice(), &value].concat();
        assert!(records[2].ends_with(&summary), "{:?}", records[2]);
    }
}
