//! Pages: HTML files that need no network, no font and, to be read, no script.
//!
//! Plain formatting with one rule: whatever comes from a file goes through [`escape`]. Wide things
//! (tables, sheets) scroll inside a box of their own, which the keyboard reaches, so that a page
//! itself never does. What a page may load is said to the browser too: nothing.

mod comparison;
mod confusion;
mod curves;
mod map;
mod pictures;
mod report;
mod settings;
mod summary;
mod table;

pub use comparison::html as comparison;
pub use report::html as report;

use crate::markup::escape;

/// Lets in the style that is in the page itself.
const INLINE_STYLE: &str = "style-src 'unsafe-inline'";

const STYLE: &str = include_str!("style.css");

/// What a page consists of.
struct Page {
    title: String,
    /// Below the title.
    header: String,
    sections: Vec<Section>,
    /// Style beside the common one.
    style: String,
    /// What reacts to pointer and keyboard; empty for none.
    script: &'static str,
}

/// A part with a heading.
struct Section {
    id: &'static str,
    heading: &'static str,
    content: String,
}

impl Section {
    fn new(id: &'static str, heading: &'static str, content: String) -> Self {
        Self { id, heading, content }
    }
}

impl Page {
    /// The whole page; sections that have nothing to show are left out.
    fn html(self) -> String {
        let Self { title, header, mut sections, style, script } = self;
        sections.retain(|section| !section.content.is_empty());
        let links: String = sections
            .iter()
            .map(|Section { id, heading, .. }| {
                format!("<li><a href=\"#{id}\">{heading}</a></li>\n")
            })
            .collect();
        let sections: String = sections
            .iter()
            .map(|Section { id, heading, content }| {
                format!("<section id=\"{id}\">\n<h2>{heading}</h2>\n{content}</section>\n")
            })
            .collect();
        let (allowed, script) = match script {
            "" => ("", String::new()),
            script => ("; script-src 'unsafe-inline'", format!("<script>\n{script}</script>\n")),
        };
        format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; \
             {INLINE_STYLE}{allowed}\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n<link rel=\"icon\" href=\"data:,\">\n\
             <title>{0}</title>\n<style>\n{STYLE}{style}</style>\n</head>\n<body>\n\
             <a class=\"skip\" href=\"#content\">Skip to the content</a>\n<header>\n<p class=\"brand\">Twinview</p>\n\
             <h1>{0}</h1>\n{header}<nav aria-label=\"Sections\">\n<ul>\n{links}</ul>\n</nav>\n</header>\n\
             <main id=\"content\" tabindex=\"-1\">\n{sections}</main>\n{script}</body>\n</html>\n",
            escape(&title),
        )
    }
}

/// Something wide, in a box that scrolls by itself and that the keyboard reaches.
fn scrolling(label: &str, content: &str) -> String {
    format!(
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{}\">\n{content}</div>\n",
        escape(label)
    )
}

/// Terms and what they mean.
fn definitions<'a>(terms: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let items = terms.map(|(term, definition)| {
        let (term, definition) = (escape(term), escape(definition));
        format!("<dt>{term}</dt>\n<dd>{definition}</dd>\n")
    });
    format!("<dl>\n{}</dl>\n", items.collect::<String>())
}

#[cfg(test)]
mod tests;
