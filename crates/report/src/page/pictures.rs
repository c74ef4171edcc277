//! Pictures that runs left behind, carried inside the page.

use std::fs;
use std::io;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::scrolling;
use crate::comparison::by_method;
use crate::markup::escape;
use crate::{Comparison, Error, Run};

/// What recipes do to some images: each different sheet once, with the methods that it holds for.
pub fn augmentation(comparison: &Comparison, runs: &[Run]) -> Result<String, Error> {
    let mut sheets: Vec<(Picture, Vec<String>)> = Vec::new();
    for (method, picture) in of_each(comparison, runs, "augmentation.png")? {
        match sheets
            .iter_mut()
            .find(|(sheet, _)| sheet.png == picture.png)
        {
            Some((_, methods)) => methods.push(method),
            None => sheets.push((picture, vec![method])),
        }
    }
    if sheets.is_empty() {
        return Ok(String::new());
    }
    let alone = sheets.len() == 1 && sheets[0].1.len() == comparison.rows.len();
    let figures: String = sheets
        .iter()
        .map(|(picture, methods)| {
            let whose = if alone {
                "all methods".to_owned()
            } else {
                methods.join(", ")
            };
            let alt =
                format!("Sheet of augmented views of some images, one image a row, for {whose}");
            picture.figure(&whose, &alt)
        })
        .collect();
    Ok(format!(
        "<p>One image a row: the original in the first column, then views of it as the recipe draws them.</p>\n\
         <div class=\"pictures\">\n{figures}</div>\n"
    ))
}

/// For each method the training images nearest to some test images.
pub fn neighbors(comparison: &Comparison, runs: &[Run]) -> Result<String, Error> {
    let pictures = of_each(comparison, runs, "neighbors.png")?;
    if pictures.is_empty() {
        return Ok(String::new());
    }
    let figures: String = pictures
        .iter()
        .map(|(method, picture)| {
            let alt = format!(
                "Test images and the training images nearest to each in the features of {method}"
            );
            picture.figure(method, &alt)
        })
        .collect();
    Ok(format!(
        "<p>One test image a row, in the first column; then its nearest training images by the method’s features, the \
         nearest first. Labels play no part.</p>\n<div class=\"pictures two\">\n{figures}</div>\n"
    ))
}

/// The picture called `name` of the first run of each method that has one, best method first.
fn of_each(
    comparison: &Comparison,
    runs: &[Run],
    name: &str,
) -> Result<Vec<(String, Picture)>, Error> {
    let methods = by_method(runs);
    let mut found = Vec::new();
    for row in &comparison.rows {
        for run in &methods[row.method.as_str()] {
            if let Some(picture) = Picture::read(&run.folder.join(name))? {
                found.push((row.method.clone(), picture));
                break;
            }
        }
    }
    Ok(found)
}

struct Picture {
    png: Vec<u8>,
    width: u32,
    height: u32,
}

impl Picture {
    /// The picture at `path`; `None` where there is no file.
    fn read(path: &Path) -> Result<Option<Self>, Error> {
        let png = match fs::read(path) {
            Ok(png) => png,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::io(path, "read it")(error)),
        };
        let size = png
            .strip_prefix(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")
            .and_then(|rest| rest.first_chunk::<8>());
        let Some(&[a, b, c, d, e, f, g, h]) = size else {
            return Err(Error::content(path, None, "a PNG image")(format!(
                "{} other bytes",
                png.len()
            )));
        };
        Ok(Some(Self {
            width: u32::from_be_bytes([a, b, c, d]),
            height: u32::from_be_bytes([e, f, g, h]),
            png,
        }))
    }

    fn figure(&self, caption: &str, alt: &str) -> String {
        let image = format!(
            "<img src=\"data:image/png;base64,{}\" width=\"{}\" height=\"{}\" alt=\"{}\">\n",
            STANDARD.encode(&self.png),
            self.width,
            self.height,
            escape(alt)
        );
        format!(
            "<figure>\n<figcaption>{}</figcaption>\n{}</figure>\n",
            escape(caption),
            scrolling(alt, &image)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::PNG;
    use super::*;
    use crate::sample;

    #[test]
    fn a_sheet_that_is_the_same_is_shown_once() {
        let folder = tempfile::tempdir().unwrap();
        let paths = ["a", "b", "c"].map(|name| sample::finished(folder.path(), name, 0, &[0.5]));
        fs::write(paths[0].join("augmentation.png"), PNG).unwrap();
        fs::write(paths[1].join("augmentation.png"), PNG).unwrap();
        let runs = paths.each_ref().map(|path| Run::read(path).unwrap());
        let html = augmentation(&Comparison::of(&runs), &runs).unwrap();
        assert_eq!(html.matches("<img ").count(), 1);
        assert!(
            html.contains("<figcaption>a, b</figcaption>")
                && html.contains("width=\"8\" height=\"4\"")
        );
        fs::write(paths[2].join("augmentation.png"), PNG).unwrap();
        let html = augmentation(&Comparison::of(&runs), &runs).unwrap();
        assert!(html.contains("<figcaption>all methods</figcaption>"));
    }

    #[test]
    fn a_picture_that_is_none_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = sample::finished(folder.path(), "a", 0, &[0.5]);
        fs::write(path.join("neighbors.png"), "GIF89a").unwrap();
        let runs = [Run::read(&path).unwrap()];
        let error = neighbors(&Comparison::of(&runs), &runs).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("neighbors.png: expected a PNG image"),
            "{error}"
        );
    }
}
