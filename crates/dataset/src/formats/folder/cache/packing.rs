//! Packing a folder: each image decoded or copied, into binaries.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use files::{AtomicFolder, FolderError};
use sha2::{Digest, Sha256};

use super::decoded_images::DecodedImages;
use super::record::{RECORDS, Record, RecordWriter};
use super::stored_images::WholeWriter;
use super::{LEFT_OUT, TEST, below, entry, number_of, path_hash};
use crate::formats::folder::bad_files::BadFiles;
use crate::formats::folder::decode::decode;
use crate::formats::folder::file_stamp::FileStamp;
use crate::formats::folder::listing::{Files, Listing, no_images};
use crate::formats::stl10::{self, Order, Shape};
use crate::names::Names;
use crate::progress::Job;
use crate::resize::{Planes, Resizer};
use crate::store::aspect_side;
use crate::{Error, OpenOptions, Store};

/// A folder being packed.
pub(super) struct Packing<'a> {
    pub dir: &'a Path,
    /// The folder, links resolved, and a hash of that.
    pub folder: &'a Path,
    pub place: u64,
    pub listing: &'a Listing,
    pub stamps: &'a [Vec<Option<FileStamp>>],
    pub earlier: DecodedImages,
    pub options: &'a OpenOptions<'a>,
}

impl Packing<'_> {
    /// Packs into `packed`.
    ///
    /// # Errors
    /// Where files can't be used and `bad` refuses: after all files have been looked at. What was
    /// decoded is left in the cache then, and where the job is interrupted.
    pub fn run(&self, packed: &Path, bad: &BadFiles) -> Result<(), Error> {
        let size = self.options.image_size;
        let mut shape = Shape::new(size, size, self.listing.class_names.len(), Order::RowMajor);
        if let Some(cache_dir) = packed.parent() {
            files::create_cache_dir(cache_dir).map_err(Error::io(cache_dir, "write"))?;
        }
        let folder = match AtomicFolder::create(packed) {
            Err(FolderError::NotEmpty { .. }) => return Ok(()),
            folder => folder?,
        };
        let records = RecordWriter::create(folder.path(), self.place, size);
        let records = records.map_err(Error::io(packed, "write"))?;
        entry::note_source(folder.path(), self.folder)?;
        let total = self.listing.splits().map(|(_, files)| files.paths.len()).sum();
        let job = Job::begin("decoding images", total, self.options.progress)?;
        let mut unusable = Vec::new();
        for ((split, files), stamps) in self.listing.splits().zip(self.stamps) {
            let images = folder.path().join(stl10::file_names(split).0);
            let whole = (self.options.store == Store::Aspect && split != TEST)
                .then(|| WholeWriter::create(folder.path(), split, size))
                .transpose()
                .map_err(Error::io(packed, "write"))?;
            let part =
                SplitPacking { packing: self, split: number_of(split), files, stamps, whole };
            let of_split = match part.decode_all(&images, &shape, &job, &records) {
                Err(Error::Interrupted) => {
                    leave(folder, &records);
                    return Err(Error::Interrupted);
                }
                decoded => decoded?,
            };
            if let Some(whole) = part.whole.filter(|_| !of_split.is_empty() && bad.is_left_out()) {
                whole.close_gaps(folder.path(), split, size, &of_split)?;
            }
            unusable.push(of_split);
        }
        if !bad.is_left_out()
            && let Some(error) = refusal(&unusable)
        {
            leave(folder, &records);
            return Err(error);
        }
        self.finish(&folder, &mut shape, unusable, &records, bad)?;
        let committed = folder.commit();
        // Until here it is locked: others delete what nobody is writing.
        drop(records);
        match committed {
            // Another process was faster; what it packed is the same.
            Err(FolderError::NotEmpty { .. }) => Ok(()),
            other => Ok(other?),
        }
    }

    /// Takes out what can't be used, and writes names, labels and shape.
    fn finish(
        &self,
        folder: &AtomicFolder,
        shape: &mut Shape,
        unusable: Vec<BTreeMap<usize, Error>>,
        records: &RecordWriter,
        bad: &BadFiles,
    ) -> Result<(), Error> {
        let folder = folder.path();
        for ((split, files), unusable) in self.listing.splits().zip(&unusable) {
            let (images, labels) = stl10::file_names(split);
            if !unusable.is_empty() {
                stl10::remove_images(&folder.join(images), shape.image_bytes(), unusable)?;
            }
            let kept = files.without(unusable, self.listing.class_folders)?;
            shape.set_count(split, kept.paths.len());
            let names = kept.paths.iter();
            let names = names.map(|path| below(self.dir, path).to_string_lossy());
            Names::write(&folder.join(stl10::names_file(split)), names)?;
            if let Some(classes) = &kept.labels {
                stl10::write_labels(&folder.join(labels), classes, shape)?;
            }
        }
        if bad.is_left_out() {
            let lines = unusable.iter().flat_map(BTreeMap::values);
            let text: String = lines.map(|error| format!("{error}\n")).collect();
            let path = folder.join(LEFT_OUT);
            fs::write(&path, text).map_err(Error::io(&path, "write"))?;
        }
        if unusable.iter().any(|unusable| !unusable.is_empty()) {
            let of_split = |split: u8| {
                let mut splits = self.listing.splits().zip(&unusable);
                let found = splits.find(|((name, _), _)| number_of(name) == split);
                found.expect("a split of the listing").1
            };
            let mut kept = records.records();
            for record in &mut kept {
                let before = of_split(record.split).range(..record.place as usize).count();
                record.place -= before as u32;
            }
            records.replace(&kept).map_err(Error::io(&folder.join(RECORDS), "write"))?;
        }
        shape.write(folder)
    }
}

/// Leaves what was decoded, if anything was.
fn leave(folder: AtomicFolder, records: &RecordWriter) {
    if !records.records().is_empty() {
        folder.leave();
    }
}

/// Why files can't be used, as one error, each with a line in the log if there are several.
fn refusal(unusable: &[BTreeMap<usize, Error>]) -> Option<Error> {
    let errors: Vec<&Error> = unusable.iter().flat_map(BTreeMap::values).collect();
    let first = errors.first()?.to_string();
    if errors.len() > 1 {
        errors.iter().for_each(|error| tracing::warn!("{error}"));
    }
    let by_system = errors.iter().all(|error| error.is_of_system());
    Some(Error::Unusable { files: errors.len(), first, by_system })
}

/// A split being packed.
struct SplitPacking<'a> {
    packing: &'a Packing<'a>,
    split: u8,
    files: &'a Files,
    stamps: &'a [Option<FileStamp>],
    /// For whole images, where they are kept too.
    whole: Option<WholeWriter>,
}

impl SplitPacking<'_> {
    /// Decodes the images of the split into one file. What can't be used is black there, and handed
    /// back by its index.
    fn decode_all(
        &self,
        path: &Path,
        shape: &Shape,
        job: &Job<'_>,
        records: &RecordWriter,
    ) -> Result<BTreeMap<usize, Error>, Error> {
        let unusable = Mutex::new(BTreeMap::new());
        stl10::write_images(
            path,
            self.files.paths.len(),
            shape.image_bytes(),
            job,
            || (Resizer::new(), Planes::default()),
            |(resizer, whole), index, planes| {
                match self.decode_one(resizer, index, planes, whole) {
                    Ok(record) => {
                        let added = self.whole.as_ref().map_or(Ok(()), |to| to.add(index, whole));
                        let added =
                            added.and_then(|()| record.map_or(Ok(()), |of| records.add(of)));
                        added.map_err(Error::io(path, "write"))?;
                    }
                    Err(error) => {
                        planes.fill(0);
                        let mut unusable = unusable.lock().unwrap_or_else(PoisonError::into_inner);
                        unusable.insert(index, error);
                    }
                }
                Ok(())
            },
        )?;
        Ok(unusable.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    /// The pixels of one file, and where they are kept the whole ones: from an earlier opening, or
    /// decoded. No record without a stamp.
    fn decode_one(
        &self,
        resizer: &mut Resizer,
        index: usize,
        planes: &mut [u8],
        whole: &mut Planes,
    ) -> Result<Option<Record>, Error> {
        let Packing { dir, earlier, options, .. } = self.packing;
        let (path, stamp) = (&self.files.paths[index], self.stamps[index]);
        let name = path_hash(dir, path);
        let mut whole = self.whole.is_some().then_some(whole);
        let found =
            stamp.and_then(|stamp| earlier.copy_of_file(name, stamp, planes, whole.as_deref_mut()));
        let (content, pixels) = match found {
            Some(Record { content, pixels, .. }) => (content, pixels),
            None => {
                let bytes = self.packing.listing.source.read(path, stamp)?;
                let content = Sha256::digest(&bytes)[..16].try_into().expect("sixteen bytes");
                match earlier.copy_of_content(&content, planes, whole.as_deref_mut()) {
                    Some(record) => (content, record.pixels),
                    None => {
                        let image = decode(path, &bytes, options.image_size)?;
                        resizer.fit_image(&image, planes, options.image_size);
                        if let Some(whole) = whole {
                            resizer.fit_whole(&image, whole, aspect_side(options.image_size));
                        }
                        (content, crc32fast::hash(planes))
                    }
                }
            }
        };
        let record = |stamp| Record {
            split: self.split,
            place: index as u32,
            path: name,
            stamp,
            content,
            pixels,
        };
        Ok(stamp.map(record))
    }
}

impl Files {
    /// These files but for those at some indices.
    ///
    /// # Errors
    /// If the split has none left, or one of its classes where these are folders.
    fn without(
        &self,
        unusable: &BTreeMap<usize, Error>,
        class_folders: bool,
    ) -> Result<Self, Error> {
        let kept: Vec<usize> =
            (0..self.paths.len()).filter(|index| !unusable.contains_key(index)).collect();
        let labels = self.labels.as_ref();
        let label = |index: usize| labels.map(|labels| labels[index]);
        let class = |index: usize| label(index).filter(|_| class_folders);
        let left: HashSet<Option<u16>> = kept.iter().map(|&index| class(index)).collect();
        for &index in unusable.keys() {
            if !left.contains(&class(index)) {
                return Err(no_images(self.paths[index].parent().unwrap_or(Path::new(""))));
            }
        }
        Ok(Self {
            paths: kept.iter().map(|&index| self.paths[index].clone()).collect(),
            labels: labels.map(|labels| kept.iter().map(|&index| labels[index]).collect()),
        })
    }
}
