//! HTML pages that load nothing from outside and, to be read, need no script.
//!
//! Wide content (tables, image sheets) scrolls in boxes of its own, so that a page never scrolls
//! sideways. The Content-Security-Policy forbids all loading.

mod before_after;
mod comparison;
mod configuration;
mod confusion_matrix;
mod curves;
mod evaluation;
mod feature_map;
mod header;
mod pictures;
mod run_report;
mod score_table;
mod tiles;

pub use comparison::html as comparison;
pub use run_report::report_page;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::html::document;

/// The policy of a page without a script.
const POLICY: &str = "default-src 'none'; img-src data:; style-src 'unsafe-inline'";

/// Shows the sentences that are true with a script alone.
const HELP: &str = "for (const help of document.querySelectorAll('.help')) help.hidden = false;\n";

const STYLE: &str = include_str!("style.css");

/// The parts of a page.
struct Page {
    title: String,
    /// Below the title.
    header: Markup,
    sections: Vec<Section>,
    /// CSS rules beside the common ones.
    style: String,
    /// Scripts; the page is whole without them.
    scripts: Vec<&'static str>,
}

/// A part with a heading; left out where it has no content.
struct Section {
    id: &'static str,
    heading: &'static str,
    content: Option<Markup>,
}

impl Section {
    fn new(id: &'static str, heading: &'static str, content: impl Into<Option<Markup>>) -> Self {
        Self { id, heading, content: content.into() }
    }
}

impl Page {
    /// The text of the page.
    fn html(self) -> String {
        let Self { title, header, mut sections, style, scripts } = self;
        sections.retain(|section| section.content.is_some());
        document(html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta http-equiv="Content-Security-Policy" content={
                        (POLICY) @if !scripts.is_empty() { "; script-src 'unsafe-inline'" }
                    };
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    link rel="icon" href="data:,";
                    title { (title) }
                    style { (PreEscaped(STYLE)) (style) }
                }
                body {
                    a.skip href="#content" { "Skip to content" }
                    header {
                        p.brand { "Twinview" }
                        h1 { (title) }
                        (header)
                        nav aria-label="Sections" {
                            ul {
                                @for Section { id, heading, .. } in &sections {
                                    li { a href={ "#" (id) } { (heading) } }
                                }
                            }
                        }
                    }
                    main id="content" tabindex="-1" {
                        @for Section { id, heading, content } in &sections {
                            section id=(id) { h2 { (heading) } @if let Some(c) = content { (c) } }
                        }
                    }
                    @if !scripts.is_empty() {
                        script {
                            @for script in scripts { (PreEscaped(script)) }
                            (PreEscaped(HELP))
                        }
                    }
                }
            }
        })
    }
}

#[cfg(test)]
mod tests;
