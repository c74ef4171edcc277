//! The commands of docs/photos.md, as they stand there, on a folder of small pictures; training is
//! cut short.

use std::fs;

use end_to_end::{Place, picture};

/// The lines of shell blocks of a page of the documentation.
fn commands(page: &str) -> Vec<String> {
    let path = format!("{}/../docs/{page}", env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(path).unwrap();
    let blocks = text.split("```sh\n").skip(1);
    let lines = blocks.flat_map(|block| block.split("```").next().unwrap().lines());
    lines.map(str::to_owned).collect()
}

/// Adds the column of labels to the selected images.
fn fill_in(place: &Place) {
    let table = String::from_utf8(place.read("next.csv")).unwrap();
    let mut lines = table.lines();
    let mut filled = format!("{},label\n", lines.next().unwrap());
    for line in lines {
        let number = line.split('/').nth(1).unwrap().split('.').next().unwrap();
        let class = ["cat", "dog"][number.parse::<usize>().unwrap() % 2];
        filled += &format!("{line},{class}\n");
    }
    place.put("next.csv", filled);
}

#[test]
fn every_command_of_the_page_works() {
    let place = Place::new();
    for number in 0..48 {
        let (kind, album) = (number % 2, number / 24);
        place.put(&format!("photos/202{album}/{number:02}.png"), picture(kind, number));
    }
    for number in 0..12 {
        let (kind, class) = (number % 2, ["cat", "dog"][number % 2]);
        place.put(&format!("labeled/{class}/{number:02}.png"), picture(kind, 50 + number));
    }
    place.put("photos/notes.txt", "taken in spring");
    let lines = commands("photos.md");
    assert_eq!(lines.len(), 12, "{lines:#?}");
    for line in &lines {
        let mut words: Vec<&str> = line.split_whitespace().collect();
        assert_eq!(words.remove(0), "twinview", "{line}");
        if words[0] == "pretrain" {
            words.extend(["--max-steps", "4", "--image-size", "32"]);
        }
        let finished = place.run(&words).done();
        match words[0] {
            "data" => {
                assert!(finished.stdout.contains(" 48 images"), "{}", finished.stdout);
                assert!(finished.stderr.contains("not used: notes.txt"), "{}", finished.stderr);
            }
            "pretrain" => assert!(finished.stderr.contains("4 steps"), "{}", finished.stderr),
            "select" => fill_in(&place),
            "evaluate" => assert!(finished.stdout.contains("folds"), "{}", finished.stdout),
            _ => {}
        }
    }
    let labels = String::from_utf8(place.read("labels.csv")).unwrap();
    assert_eq!(labels.lines().count(), 49, "{labels}");
    let page = String::from_utf8(place.read("report.html")).unwrap();
    assert!(page.contains("neighbors") && page.contains("t-SNE"));
    for file in ["photos.png", "duplicates.png", "outliers.png", "next.csv", "unsure.png"] {
        assert!(!place.read(file).is_empty(), "{file}");
    }
}
