//! Images of a data set on contact sheets, with their names, classes and cosines.

use dataset::{ConcatSplits, ImageRecord};
use eval::Neighbor;
use report::{Frame, SheetRow, Tile};

/// The most images beside each other.
pub const COLUMNS: usize = 8;

/// The image at `row`, below it its name, then `words` and its class.
pub fn tile(images: &ConcatSplits<'_>, row: usize, words: &[String], frame: Frame) -> Tile {
    let (_, split, index) = images.locate(row);
    let record = images.record(row);
    let class = class(&record);
    let words: Vec<&str> = words.iter().map(String::as_str).chain(class.as_deref()).collect();
    let mut caption = vec![record.to_string()];
    if !words.is_empty() {
        caption.push(words.join(" · "));
    }
    Tile { image: split.image(index).into(), caption, frame }
}

/// A query, which has the class `label` where that is known, and its neighbors among `images`:
/// those of its class are framed as such.
pub fn neighbors(
    query: Tile,
    label: Option<u16>,
    images: &ConcatSplits<'_>,
    nearest: &[Neighbor],
) -> SheetRow {
    let answer = |near: &Neighbor| {
        let frame = frame(label, images.record(near.row).label);
        tile(images, near.row, &[cosine(near.cosine)], frame)
    };
    SheetRow { query: Some(query), tiles: nearest.iter().map(answer).collect() }
}

/// What the frames of neighbors say, for a title; nothing where there are no classes.
pub fn legend(classes: bool) -> &'static str {
    if classes { " Frames: green for the same class, orange for another." } else { "" }
}

/// A cosine as captions have it.
pub fn cosine(cosine: f64) -> String {
    format!("{cosine:.4}")
}

/// The frame of an image of the class `label` beside one of the class `of`.
fn frame(of: Option<u16>, label: Option<u16>) -> Frame {
    match of.zip(label) {
        None => Frame::Plain,
        Some((of, label)) if of == label => Frame::Same,
        Some(_) => Frame::Other,
    }
}

fn class(record: &ImageRecord<'_>) -> Option<String> {
    let number = || record.label.map(|label| format!("class {label}"));
    record.class.map(str::to_owned).or_else(number)
}
