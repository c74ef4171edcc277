//! The page: one HTML file that needs no network, no script and no font.
//!
//! Plain formatting with one rule: whatever comes from a file goes through [`escape`]. Wide things (tables,
//! sheets) scroll inside a box of their own, which the keyboard reaches, so that the page itself never does.

mod pictures;
mod settings;
mod summary;
mod table;

use crate::figure::{Figure, Layout};
use crate::markup::escape;
use crate::{COLUMNS, Comparison, Error, Run};

const STYLE: &str = include_str!("style.css");

/// The whole page.
///
/// # Errors
/// [`Error::Content`] where a picture of a run is no PNG, [`Error::Io`].
pub fn html(comparison: &Comparison, runs: &[Run], figures: &[Figure]) -> Result<String, Error> {
    let title = summary::title(comparison);
    let sections = [
        section(
            "leaderboard",
            "Leaderboard",
            &table::leaderboard(comparison),
        ),
        section("curves", "Curves", &curves(figures, runs)),
        section("settings", "Settings", &settings::html(comparison, runs)),
        section(
            "augmentation",
            "What the encoder sees",
            &pictures::augmentation(comparison, runs)?,
        ),
        section(
            "neighbours",
            "Nearest neighbours",
            &pictures::neighbors(comparison, runs)?,
        ),
        section("definitions", "What the columns mean", &definitions()),
    ];
    Ok(format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<link rel=\"icon\" href=\"data:,\">\n\
         <title>{0}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<header>\n<p class=\"brand\">Twinview</p>\n\
         <h1>{0}</h1>\n{1}</header>\n<main>\n{2}</main>\n</body>\n</html>\n",
        escape(&title),
        summary::html(comparison, runs),
        sections.concat(),
    ))
}

/// A section, left out where it has nothing to show.
fn section(id: &str, heading: &str, content: &str) -> String {
    if content.is_empty() {
        return String::new();
    }
    format!("<section id=\"{id}\">\n<h2>{heading}</h2>\n{content}</section>\n")
}

/// Something wide, in a box that scrolls by itself and that the keyboard reaches.
fn scrolling(label: &str, content: &str) -> String {
    format!(
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{}\">\n{content}</div>\n",
        escape(label)
    )
}

/// Each figure twice: drawn for a laptop and for a phone, of which the style shows one.
fn curves(figures: &[Figure], runs: &[Run]) -> String {
    let mut seeds: Vec<u64> = runs.iter().map(|run| run.seed).collect();
    seeds.sort_unstable();
    seeds.dedup();
    let how = if seeds.len() > 1 {
        "Lines are means over the seeds that reached an epoch, bands go from the lowest to the highest."
    } else {
        "One seed a method."
    };
    let figures: String = figures
        .iter()
        .map(|figure| {
            format!(
                "<figure>\n<div class=\"wide\">{}</div>\n<div class=\"narrow\">{}</div>\n</figure>\n",
                figure.svg(&Layout::WIDE),
                figure.svg(&Layout::NARROW)
            )
        })
        .collect();
    format!("<p>{how}</p>\n<div class=\"figures\">\n{figures}</div>\n")
}

fn definitions() -> String {
    let items = COLUMNS.iter().map(|column| {
        format!(
            "<dt>{}</dt>\n<dd>{}</dd>\n",
            escape(column.heading),
            escape(column.definition)
        )
    });
    format!("<dl>\n{}</dl>\n", items.collect::<String>())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::{sample, write_comparison};

    /// Bytes that begin as a PNG of 8 x 4 pixels does.
    pub const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x08\0\0\0\x04\x08\x02\0\0\0";

    #[test]
    fn the_page_stands_alone_and_nothing_from_a_file_is_markup() {
        let folder = tempfile::tempdir().unwrap();
        let paths = [
            sample::finished(folder.path(), "<i>x</i>", 0, &[0.2, 0.3]),
            sample::unfinished(folder.path(), "dino", 0, &[0.2]),
        ];
        for path in &paths {
            fs::write(path.join("augmentation.png"), PNG).unwrap();
            fs::write(path.join("neighbors.png"), PNG).unwrap();
            let config = path.join("config.json");
            let text = fs::read_to_string(&config).unwrap();
            fs::write(
                config,
                text.replace("image folder", "<script>alert(1)</script>"),
            )
            .unwrap();
        }
        let runs: Vec<Run> = paths.iter().map(|path| Run::read(path).unwrap()).collect();
        let out = tempfile::tempdir().unwrap();
        write_comparison(out.path(), &runs).unwrap();
        let html = fs::read_to_string(out.path().join("report.html")).unwrap();
        assert!(!html.contains("<script") && !html.contains("<i>"));
        assert!(html.contains("&lt;script&gt;") && html.contains("&lt;i&gt;x&lt;/i&gt;"));
        let outside = html.replace("xmlns=\"http://www.w3.org/2000/svg\"", "");
        assert!(
            !outside.contains("http"),
            "the page needs something from outside"
        );
        assert_eq!(
            html.matches("<img ").count(),
            html.matches(" alt=\"").count()
        );
        assert!(html.contains("src=\"data:image/png;base64,iVBORw0KGgo"));
        assert!(html.contains("unfinished"));
        assert_balanced(&html);
    }

    /// Every element is closed, in the right order.
    fn assert_balanced(html: &str) {
        let mut open = Vec::new();
        for part in html.split('<').skip(1) {
            let (tag, _) = part.split_once('>').expect("a tag that ends");
            let name = tag.split([' ', '\n', '/']).next().unwrap_or_default();
            if let Some(name) = tag.strip_prefix('/') {
                assert_eq!(open.pop(), Some(name), "closed by {tag}");
            } else if !tag.ends_with('/') && !["!DOCTYPE", "meta", "link", "img"].contains(&name) {
                open.push(name);
            }
        }
        assert!(open.is_empty(), "left open: {open:?}");
    }

    #[test]
    fn a_run_without_pictures_has_no_empty_sections() {
        let folder = tempfile::tempdir().unwrap();
        let path = sample::finished(folder.path(), "simclr", 0, &[0.2]);
        let run = [Run::read(&path).unwrap()];
        let html = html(&Comparison::of(&run), &run, &[]).unwrap();
        assert!(!html.contains("id=\"augmentation\"") && !html.contains("id=\"neighbours\""));
    }
}
