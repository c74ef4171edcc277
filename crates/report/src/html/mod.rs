//! Markup that pages and figures share. [`maud`] escapes every value that it writes, so that text
//! from a file can't become markup.

use std::fmt::Write;

use maud::{Markup, Render, html};

/// The text of a whole document. Characters that XML does not allow become U+FFFD, so that an SVG
/// file stays well-formed whatever a method or class is called.
pub fn document(markup: Markup) -> String {
    let allowed = |c: char| match c {
        '\n' | '\t' => c,
        '\u{fffe}' | '\u{ffff}' => '\u{fffd}',
        c if c.is_control() => '\u{fffd}',
        c => c,
    };
    markup.0.chars().map(allowed).collect()
}

/// A coordinate in pixels, written with one decimal.
pub struct Px(pub f64);

impl Render for Px {
    fn render_to(&self, buffer: &mut String) {
        write!(buffer, "{:.1}", self.0).expect("a String takes any text");
    }
}

/// A fraction in percent with one digit, as `12.5`.
pub fn percent(fraction: f64) -> String {
    format!("{:.1}", 100.0 * fraction)
}

/// A text that may break after each of `separators`, rather than within a word.
pub fn breakable(text: &str, separators: &[char]) -> Markup {
    html! {
        @for (number, part) in text.split_inclusive(separators).enumerate() {
            @if number > 0 { wbr; }
            (part)
        }
    }
}

/// A box for wide content, which scrolls on its own and takes keyboard focus.
pub fn scroll_box(label: &str, content: &Markup) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label=(label) { (content) }
    }
}

/// Terms and their definitions.
pub fn definition_list<'a>(terms: impl IntoIterator<Item = (impl Render, &'a str)>) -> Markup {
    html! {
        dl {
            @for (term, definition) in terms {
                dt { (term) }
                dd { (definition) }
            }
        }
    }
}

/// A table: its caption, the headings of its columns, and its rows, each a `tr` element.
pub fn table(
    class: Option<&str>,
    caption: Option<&str>,
    headings: &[&str],
    rows: &Markup,
) -> Markup {
    html! {
        table class=[class] {
            @if let Some(caption) = caption { caption { (caption) } }
            thead {
                tr {
                    @for heading in headings { th scope="col" { (heading) } }
                }
            }
            tbody { (rows) }
        }
    }
}

/// The entries of a legend, each a drawing and a name.
pub fn legend<'a>(label: &str, entries: impl IntoIterator<Item = (Markup, &'a str)>) -> Markup {
    html! {
        ul.legend aria-label=(label) {
            @for (key, name) in entries { li { (key) " " (name) } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_becomes_text() {
        let text = "<script a=\"b\" c='d'>&\u{0}é";
        let escaped = "&lt;script a=&quot;b&quot; c='d'&gt;&amp;\u{fffd}é";
        assert_eq!(
            document(html! { p title=(text) { (text) } }),
            format!("<p title=\"{escaped}\">{escaped}</p>")
        );
    }

    #[test]
    fn a_text_breaks_after_separators() {
        assert_eq!(breakable("a_<b>.c", &['_', '.']).0, "a_<wbr>&lt;b&gt;.<wbr>c");
        assert_eq!(breakable("", &['_']).0, "");
    }

    #[test]
    fn coordinates_have_one_decimal() {
        assert_eq!(html! { (Px(1.26)) " " (Px(-3.0)) }.0, "1.3 -3.0");
    }
}
