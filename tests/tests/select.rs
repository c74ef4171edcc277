//! Which images to label next: by k-center and by typicality, reproducibly, without those that are
//! labeled.

use std::collections::{HashMap, HashSet};

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
    let noise = |x: u32, y: u32| ((x * 7 + y * 3 + number) % 31) as u8;
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
        // Digits that read back as the same f32, and no more.
        let row = line.split(',').skip(5).map(|number| number.parse::<f32>().unwrap());
        let row: Vec<f64> = row.map(f64::from).collect();
        unit(row)
    };
    text.lines().skip(1).map(row).collect()
}

fn unit(row: Vec<f64>) -> Vec<f64> {
    let length = row.iter().map(|x| x * x).sum::<f64>().sqrt();
    row.into_iter().map(|x| x / length).collect()
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
fn typicality_picks_the_densest_of_each_cluster_without_labels() {
    let place = Place::trained("simclr");
    for (name, color, count) in [("red", RED, 9), ("blue", BLUE, 6), ("dark", DARK, 4)] {
        for number in 0..count {
            put_gray(&place, &format!("photos/unlabeled/{name}{number}.png"), color, number);
        }
    }
    let ask = |n: &'static str, more: &[&'static str]| {
        let start = ["--data", "photos", "--strategy", "typicality", "-n", n];
        let said = place.run(&select(&[&start, more].concat())).done().stdout;
        let fields = |line: &String| line.split(',').map(str::to_owned).collect();
        (lines(&place).iter().map(fields).collect::<Vec<Vec<String>>>(), said)
    };
    let (table, _) = ask("3", &[]);
    assert_eq!(table[0], ["rank", "path", "density", "cluster"]);
    // The same clusters are a column of `embed`.
    let split = ["--data", "photos", "--split", "unlabeled"];
    let embed = ["embed", "run", "--clusters", "3", "--out", "features.csv"];
    place.run(&[&embed[..], &split].concat()).done();
    let text = String::from_utf8(place.read("features.csv")).unwrap();
    let images: HashMap<&str, (&str, Vec<f64>)> = text
        .lines()
        .skip(1)
        .map(|line| {
            let fields: Vec<&str> = line.split(',').collect();
            let row = fields[6..].iter().map(|number| f64::from(number.parse::<f32>().unwrap()));
            (fields[2], (fields[5], unit(row.collect())))
        })
        .collect();
    let density = |name: &str| {
        let (cluster, row) = &images[name];
        let others = images.iter().filter(|(other, found)| **other != name && found.0 == *cluster);
        let cosines: Vec<f64> = others.map(|(_, found)| 1.0 - distance(row, &found.1)).collect();
        cosines.iter().sum::<f64>() / cosines.len() as f64
    };
    for (picked, cluster) in table[1..].iter().zip(["1", "2", "3"]) {
        let path = picked[1].as_str();
        assert_eq!((picked[3].as_str(), images[path].0), (cluster, cluster));
        let members = images.iter().filter(|(_, found)| found.0 == cluster).count();
        if members > 1 {
            let of_cluster = images.iter().filter(|(_, found)| found.0 == cluster);
            let densest = of_cluster.map(|(name, _)| density(name)).fold(-1.0, f64::max);
            assert!((picked[2].parse::<f64>().unwrap() - densest).abs() < 2e-6, "{picked:?}");
            assert!((density(path) - densest).abs() < 2e-6, "{picked:?}");
        }
    }
    assert_eq!(ask("3", &["--no-cache"]).0, table);
    // With a copy of one labeled, the clusters of the others are left.
    place.put("photos/train/red/3.png", place.read("photos/unlabeled/red3.png"));
    let (table, said) = ask("2", &[]);
    assert!(said.contains("; 1 copy of a labeled image left out"), "{said}");
    let mut clusters = ["1", "2", "3"].to_vec();
    clusters.retain(|cluster| *cluster != images["unlabeled/red3.png"].0);
    assert_eq!([table[1][3].as_str(), table[2][3].as_str()], clusters[..]);
    // All but the copy.
    let (table, _) = ask("18", &[]);
    let paths: HashSet<&str> = table[1..].iter().map(|fields| fields[1].as_str()).collect();
    assert!(paths.len() == 18 && !paths.contains("unlabeled/red3.png"), "{paths:?}");
    let all = select(&["--data", "photos", "--strategy", "typicality", "-n", "19"]);
    place.refuses(&all, &["photos: images to select: expected 1 to 18", "found 19"]);
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
    // The radius before is known only where an image is labeled.
    let said = |more: &[&'static str]| {
        let start = ["--data", "flat", "-n", "2"];
        place.run(&select(&[&start, more].concat())).done().stdout
    };
    let text = said(&[]);
    assert!(text.starts_with("next.csv: 2 of 9 images to label, 0 are labeled\n"), "{text}");
    assert!(!text.contains("before") && !text.contains("after"), "{text}");
    std::fs::remove_dir_all(place.path("labeled/train/blue")).unwrap();
    let text = said(&["--labeled", "labeled"]);
    assert!(text.contains(", 1 is labeled\n") && text.contains(" before, "), "{text}");
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
