//! Which images to label next: by k-center and by typicality, reproducibly, without those that are
//! labeled.

use std::collections::HashSet;

use end_to_end::Place;
use serde_json::Value;

fn select<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["select", "run", "--out", "next.csv"], more].concat()
}

fn lines(place: &Place) -> Vec<String> {
    String::from_utf8(place.read("next.csv")).unwrap().lines().map(str::to_owned).collect()
}

/// A flat picture of one brightness with some noise by `number`.
fn put_gray(place: &Place, name: &str, [red, blue]: [u8; 2], number: u32) {
    let noise = |x: u32, y: u32| ((x * 7 + y * 3 + number) % 5) as u8;
    let pixel = |x, y| image::Rgb([red.saturating_add(noise(x, y)), 90, blue]);
    let mut bytes = std::io::Cursor::new(Vec::new());
    let picture = image::RgbImage::from_fn(32, 32, pixel);
    picture.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    place.put(name, bytes.into_inner());
}

const RED: [u8; 2] = [230, 10];
const BLUE: [u8; 2] = [10, 230];
const DARK: [u8; 2] = [10, 10];

/// Features of the unlabeled images, by `embed`.
fn features(place: &Place, split: &str) -> Vec<Vec<f64>> {
    let embed = ["embed", "run", "--split", split, "--out", "features.csv"];
    place.run(&embed).done();
    let text = String::from_utf8(place.read("features.csv")).unwrap();
    let row = |line: &str| -> Vec<f64> {
        let row: Vec<f64> = line.split(',').skip(5).map(|number| number.parse().unwrap()).collect();
        let length = row.iter().map(|x| x * x).sum::<f64>().sqrt();
        row.into_iter().map(|x| x / length).collect()
    };
    text.lines().skip(1).map(row).collect()
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    1.0 - a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>()
}

#[test]
fn k_center_picks_the_farthest_from_all_that_are_labeled_or_picked() {
    let place = Place::trained("simclr");
    let said = place.run(&select(&["-n", "7", "--json", "--sheet", "next.png"])).done().json();
    // The same by one image at a time.
    let images = features(&place, "unlabeled");
    let mut centers = features(&place, "train");
    let nearest = |centers: &[Vec<f64>], image: &Vec<f64>| {
        centers.iter().map(|center| distance(center, image)).fold(f64::INFINITY, f64::min)
    };
    let radius = |centers: &[Vec<f64>]| {
        images.iter().map(|image| nearest(centers, image)).fold(0.0, f64::max)
    };
    let near = |value: &Value, expected: f64| (value.as_f64().unwrap() - expected).abs() < 1e-9;
    assert!(near(&said["radius_before"], radius(&centers)), "{said}");
    let table = lines(&place);
    assert_eq!((table.len(), table[0].as_str()), (8, "rank,path,distance"));
    for (number, picked) in said["selected"].as_array().unwrap().iter().enumerate() {
        let path = picked["path"].as_str().unwrap();
        let row: usize = path.strip_prefix("unlabeled/").unwrap().parse().unwrap();
        assert!(near(&picked["distance"], radius(&centers)), "{picked}");
        assert!(near(&picked["distance"], nearest(&centers, &images[row])), "{picked}");
        assert!(table[number + 1].starts_with(&format!("{},{path},0.", number + 1)));
        centers.push(images[row].clone());
    }
    assert!(near(&said["radius_after"], radius(&centers)), "{said}");
    assert!(image::open(place.path("next.png")).unwrap().width() > 500);
    let text = place.run(&select(&["-n", "7"])).done().stdout;
    assert!(text.starts_with("next.csv: 7 of 96 images to label, 32 are labeled\n"), "{text}");
    assert!(text.contains(" before, 0.") && text.trim_end().ends_with(" after"), "{text}");
    assert_eq!(lines(&place), table, "the same again");
}

#[test]
fn typicality_picks_from_each_cluster_without_labels() {
    let place = Place::trained("simclr");
    for number in 0..9 {
        put_gray(&place, &format!("photos/unlabeled/red{number}.png"), RED, number);
    }
    for number in 0..6 {
        put_gray(&place, &format!("photos/unlabeled/blue{number}.png"), BLUE, number);
    }
    for number in 0..4 {
        put_gray(&place, &format!("photos/unlabeled/dark{number}.png"), DARK, number);
    }
    let color = |line: &str| line.split(['/', ',']).nth(2).unwrap()[..3].to_owned();
    let ask = |n: &'static str, more: &[&'static str]| {
        let start = ["--data", "photos", "--strategy", "typicality", "-n", n];
        let said = place.run(&select(&[&start, more].concat())).done().stdout;
        (lines(&place), said)
    };
    let (table, _) = ask("3", &[]);
    assert_eq!(table[0], "rank,path,density,cluster");
    let colors: Vec<String> = table[1..].iter().map(|line| color(line)).collect();
    assert_eq!(colors, ["red", "blu", "dar"], "the largest first");
    assert_eq!(ask("3", &["--no-cache"]).0, table);
    // With a red one labeled, the others come first.
    put_gray(&place, "photos/train/red/0.png", RED, 77);
    let (table, _) = ask("2", &[]);
    let colors: HashSet<String> = table[1..].iter().map(|line| color(line)).collect();
    assert_eq!(colors, ["blu", "dar"].map(str::to_owned).into());
    // A copy of an unlabeled one in train is no candidate.
    let copy = place.read("photos/unlabeled/blue3.png");
    place.put("photos/train/blue/3.png", copy);
    let (table, said) = ask("18", &[]);
    assert!(said.contains("; 1 copies of labeled images left out"), "{said}");
    assert!(table.len() == 19 && !table.iter().any(|line| line.contains("blue3")), "{table:?}");
}

#[test]
fn labels_may_be_those_of_another_set() {
    let place = Place::trained("simclr");
    for (name, color) in [("a", RED), ("b", BLUE), ("c", DARK)] {
        for number in 0..3 {
            put_gray(&place, &format!("flat/{name}{number}.png"), color, number);
        }
    }
    let first = |more: &[&'static str]| {
        let start = ["--data", "flat", "-n", "1"];
        place.run(&select(&[&start, more].concat())).done();
        lines(&place)[1].clone()
    };
    // Without labels the most central one, at no distance.
    let alone = first(&[]);
    assert!(alone.starts_with("1,") && alone.ends_with(".png,"), "{alone}");
    put_gray(&place, "labeled/train/red/0.png", RED, 5);
    put_gray(&place, "labeled/train/blue/0.png", BLUE, 5);
    let far = first(&["--labeled", "labeled"]);
    assert!(far.starts_with("1,c"), "{far}");
}

#[test]
fn what_can_not_be_selected_is_refused() {
    let place = Place::trained("simclr");
    put_gray(&place, "one/train/red/0.png", RED, 0);
    place.run(&["data", "info", "one", "--image-size", "32"]).done();
    let refuses = |more: &[&str], says: &[&str]| place.refuses(&select(more), says);
    refuses(&["-n", "0"], &["-n: expected 1 to 96, the unlabeled images, found 0"]);
    refuses(&["-n", "97"], &["-n: expected 1 to 96, the unlabeled images, found 97"]);
    refuses(&["-n", "1", "--data", "one"], &["one: expected unlabeled images, found labeled ones"]);
    refuses(&["-n", "1", "--strategy", "best"], &["k-center, typicality"]);
    refuses(&["-n", "1", "--labeled", "nothing"], &["nothing: expected a folder"]);
    refuses(&[], &["-n"]);
    place.refuses(&["select", "run", "-n", "1"], &["--out"]);
    place.refuses(&["select", "no", "-n", "1", "--out", "x.csv"], &["no: expected a run"]);
}
