//! Several files as one input. Tests that read the corpora use it too.

use std::fs;
use std::path::Path;

/// Writes the files of `input` into `dir`. Each begins with a line `=X`, where `X` is the place of
/// its name in `names` (a letter from `a` on); what goes before the first such line is the first
/// file.
pub fn put_files(dir: &Path, names: &[&str], input: &[u8]) {
    for name in names {
        let _ = fs::remove_file(dir.join(name));
    }
    let mut name = names[0];
    let mut content = Vec::new();
    for line in input.split_inclusive(|&byte| byte == b'\n') {
        match line {
            [b'=', letter, b'\n'] if usize::from(letter.wrapping_sub(b'a')) < names.len() => {
                put(&dir.join(name), &mut content);
                name = names[usize::from(letter - b'a')];
            }
            line => content.extend(line),
        }
    }
    // The line break before the next `=X` belongs to nobody.
    put(&dir.join(name), &mut content);
}

fn put(path: &Path, content: &mut Vec<u8>) {
    if content.last() == Some(&b'\n') {
        content.pop();
    }
    if !content.is_empty() {
        fs::write(path, &content).expect("a file");
    }
    content.clear();
}
