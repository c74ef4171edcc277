//! The progress bars in the terminal. Whatever else writes to stderr suspends them, so that lines
//! and bars don't run into each other.

use std::io;
use std::sync::OnceLock;
use std::time::Duration;

use console::Term;
use indicatif::{
    MultiProgress, ProgressBar, ProgressDrawTarget, ProgressFinish, ProgressStyle, TermLike,
};

/// Columns that a terminal echoes of Ctrl-C, beside the bar: `^C`.
const ECHO: usize = 2;
/// The most columns of a bar with its text, for a terminal of 80.
const WIDTH: usize = 80 - ECHO;
/// Bars are drawn at most so often a second.
const HERTZ: u8 = 10;
/// Columns in front of the text.
const BAR: usize = "[##########] ".len();

fn bars() -> &'static MultiProgress {
    static BARS: OnceLock<MultiProgress> = OnceLock::new();
    BARS.get_or_init(|| {
        let term = Term::buffered_stderr();
        MultiProgress::with_draw_target(match term.is_term() {
            true => ProgressDrawTarget::term_like_with_hz(Box::new(Terminal(term)), HERTZ),
            false => ProgressDrawTarget::hidden(),
        })
    })
}

/// A terminal whose last columns are left to the echo of Ctrl-C: bars are padded to the width, and
/// an echo in the next line would leave them there when they are removed.
#[derive(Debug)]
struct Terminal(Term);

impl TermLike for Terminal {
    fn width(&self) -> u16 {
        self.0.size().1.saturating_sub(ECHO as u16).max(1)
    }

    fn height(&self) -> u16 {
        self.0.size().0
    }

    fn move_cursor_up(&self, lines: usize) -> io::Result<()> {
        self.0.move_cursor_up(lines)
    }

    fn move_cursor_down(&self, lines: usize) -> io::Result<()> {
        self.0.move_cursor_down(lines)
    }

    fn move_cursor_right(&self, columns: usize) -> io::Result<()> {
        self.0.move_cursor_right(columns)
    }

    fn move_cursor_left(&self, columns: usize) -> io::Result<()> {
        self.0.move_cursor_left(columns)
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.0.write_line(text)
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.0.write_str(text)
    }

    fn clear_line(&self) -> io::Result<()> {
        self.0.clear_line()
    }

    fn flush(&self) -> io::Result<()> {
        self.0.flush()
    }
}

/// A bar at 0 of `total`; it is removed when it is dropped. While nothing is done it counts the
/// seconds.
pub fn start(total: u64, text: &str) -> ProgressBar {
    let bar = ProgressBar::new(total).with_finish(ProgressFinish::AndClear);
    let bar = bars().add(bar.with_style(style("[{bar:10}] {msg}, {elapsed}")));
    bar.set_message(fitted(&[text.to_owned()], WIDTH - BAR - ", 100h".len()));
    bar.enable_steady_tick(Duration::from_secs(1));
    bar
}

/// Shows that `done` is done, and as many of `parts` as there is room for, the first ones first.
pub fn show(bar: &ProgressBar, done: u64, parts: &[String]) {
    bar.disable_steady_tick();
    bar.set_style(style("[{bar:10}] {msg}"));
    bar.set_message(fitted(parts, WIDTH - BAR));
    bar.set_position(done);
}

/// Runs `write`, which writes to stderr, without bars in the way.
pub fn suspend<T>(write: impl FnOnce() -> T) -> T {
    bars().suspend(write)
}

/// Removes the bars, those to come too.
pub fn remove() {
    let _ = bars().clear();
    bars().set_draw_target(ProgressDrawTarget::hidden());
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("a valid template").progress_chars("##-")
}

/// The first of `parts`, with spaces between, that take at most `columns`; of the very first as
/// many characters as do.
fn fitted(parts: &[String], columns: usize) -> String {
    let mut text = String::new();
    for part in parts.iter().filter(|part| !part.is_empty()) {
        let space = usize::from(!text.is_empty());
        if text.chars().count() + space + part.chars().count() > columns {
            break;
        }
        text += &format!("{}{part}", " ".repeat(space));
    }
    match parts.first() {
        Some(first) if text.is_empty() => first.chars().take(columns).collect(),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_left_out_where_there_is_no_room() {
        let parts = ["abc", "", "de", "fghij"].map(str::to_owned);
        assert_eq!(fitted(&parts, 12), "abc de fghij");
        assert_eq!(fitted(&parts, 11), "abc de");
        assert_eq!(fitted(&parts, 5), "abc");
        assert_eq!(fitted(&parts, 2), "ab");
        assert_eq!(fitted(&[], 2), "");
    }

    #[test]
    fn a_terminal_of_80_columns_has_room_for_any_bar() {
        assert_eq!(BAR, 13);
        let long = vec!["x".repeat(7); 20];
        let length = fitted(&long, WIDTH - BAR).len();
        assert!(BAR + length + "^C".len() <= 80 && length > 50, "{length}");
    }
}
