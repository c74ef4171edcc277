//! `report`: one page about runs, finished or not, with what can still be made of their encoders
//! and images.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use end_to_end::{Place, pretrain};
use serde_json::json;

/// The page that `report` makes of `runs`, with `more` arguments.
fn page(place: &Place, runs: &[&str], more: &[&str]) -> String {
    let arguments = [&["report"], runs, &["--out", "page.html"], more].concat();
    let text = place.run(&arguments).done().stdout;
    assert!(text.contains("page.html") && text.contains("on one page"), "{text}");
    let page = String::from_utf8(place.read("page.html")).unwrap();
    assert_private(place, &page);
    page
}

/// The page loads nothing and says nothing of the machine.
fn assert_private(place: &Place, page: &str) {
    for loaded in ["src=\"http", "href=\"http", "url(http", "src=\"//"] {
        assert!(!page.contains(loaded), "the page loads something: {loaded}");
    }
    let here = place.path("");
    let here = here.to_str().unwrap().trim_end_matches('/');
    assert!(!page.contains(here), "the page says where it was made");
}

fn sections(page: &str) -> Vec<&str> {
    let parts = page.split("<section id=\"").skip(1);
    parts.map(|part| part.split('"').next().unwrap()).collect()
}

#[test]
fn a_report_shows_curves_pictures_scores_and_settings() {
    let place = Place::furnished();
    let names = String::from_utf8(place.read("data/class_names.txt")).unwrap();
    let (first, rest) = names.split_once('\n').unwrap();
    assert!(!first.is_empty());
    place.put("data/class_names.txt", format!("<script>x</script>\n{rest}"));
    let data = place.path("data");
    let mut arguments = pretrain("simclr.json", "run").map(str::to_owned);
    arguments[5] = data.to_str().unwrap().to_owned();
    place.run(&arguments.each_ref().map(String::as_str)).done();
    let run = || {
        let contents = place.contents().into_iter();
        let of_run = contents.filter(|(path, _)| path.starts_with(place.path("run")));
        of_run.collect::<Vec<_>>()
    };
    let before = run();
    let html = page(&place, &["run"], &[]);
    assert_eq!(run(), before, "a report changes no run");
    assert_eq!(
        sections(&html),
        [
            "scores",
            "evaluation",
            "curves",
            "augmentation",
            "neighbors",
            "misclassified",
            "confusion",
            "map",
            "configuration",
            "definitions",
        ]
    );
    for part in [
        "<title>run</title>",
        "finished after 2 epochs",
        ">Effective rank</text>",
        "32 test images",
        "run, linear classifier",
        "run, nearest neighbors",
        "train.<wbr>batch_<wbr>size",
        "16 steps",
        "Test images and their nearest training images",
        "taken for ",
        "> t-SNE</label>",
        "data:image/jpeg;base64,/9j/",
        "&lt;script&gt;x&lt;/script&gt;",
    ] {
        assert!(html.contains(part), "{part}");
    }
    assert_eq!(html.matches("<script").count(), 1);
    // Each of the 32 test images has a point on both planes, and each is counted once by either
    // protocol.
    assert_eq!(html.matches("<use ").count(), 2 * 32);
    assert!(
        html.contains("checked> t-SNE</label>") && html.contains("> Principal components</label>")
    );
    let confusion = html.split("<section id=\"confusion\">").nth(1).unwrap();
    let confusion = confusion.split("</section>").next().unwrap();
    let counts = confusion.split("--share:").skip(1).map(|cell| {
        let (_, count) = cell.split_once("\">").unwrap();
        count.split('<').next().unwrap().parse::<u32>().unwrap()
    });
    assert_eq!(counts.sum::<u32>(), 2 * 32);
    assert_eq!(page(&place, &["run"], &[]), html, "the same run, the same page");

    // What the folder has, and no more.
    let quick = page(&place, &["run"], &["--quick"]);
    assert_eq!(sections(&quick), ["scores", "curves", "configuration", "definitions"]);
    assert!(quick.contains("made with --quick"));
}

#[test]
fn several_runs_are_told_apart_and_what_is_missing_is_said() {
    let place = Place::trained("simclr");
    place.run(&pretrain("dino.json", "whole")).done();
    // As a run that was killed after its second epoch, and one that was killed before its first
    // checkpoint.
    for name in ["killed", "begun"] {
        copy(&place.path("run"), &place.path(name));
        fs::remove_file(place.path(&format!("{name}/summary.json"))).unwrap();
    }
    fs::remove_dir_all(place.path("begun/checkpoints")).unwrap();
    fs::write(place.path("begun/metrics.jsonl"), "").unwrap();
    let runs = ["run", "whole", "killed", "begun", "./run"];
    let arguments = [&["report", "--json", "--out", "page.html"], &runs[..]].concat();
    let value = place.run(&arguments).done().json();
    assert_eq!(value["report"], "page.html");
    assert_eq!(value["runs"].as_array().unwrap().len(), 4, "each run once: {value}");
    assert_eq!(value["runs"][2]["finished"], false);
    let html = String::from_utf8(place.read("page.html")).unwrap();
    assert_private(&place, &html);
    for part in [
        "<dd>4 (simclr, dino)</dd>",
        "killed: unfinished: 2 of 2 epochs done.",
        "begun: unfinished: 0 of 2 epochs done.",
        "begun: no checkpoint to measure",
        "<figcaption>killed</figcaption>",
        "<th scope=\"row\">method.<wbr>simclr.<wbr>temperature</th>",
    ] {
        assert!(html.contains(part), "{part}");
    }
    // Three have a map, of the same images.
    assert_eq!(html.matches("<figure class=\"map\"").count(), 3);
    assert_eq!(html.matches("background-image").count(), 1);

    // Gone, and replaced by others.
    fs::rename(place.path("data"), place.path("elsewhere")).unwrap();
    let gone = page(&place, &["run"], &[]);
    assert!(gone.contains("its images (data) are no longer where they were"));
    assert_eq!(sections(&gone), ["scores", "curves", "configuration", "definitions"]);
    let counts = ["--unlabeled", "96", "--train", "32", "--test", "32"];
    let synth = ["data", "synth", "--image-size", "32", "--seed", "1", "--out", "data"];
    place.run(&[&synth[..], &counts].concat()).done();
    let other = page(&place, &["run"], &[]);
    assert!(other.contains("other images are now in data than it was trained on"));
    fs::write(place.path("data/train_y.bin"), "x").unwrap();
    let broken = page(&place, &["run"], &[]);
    assert!(broken.contains("its images (data) can't be read"), "{broken}");
}

#[test]
fn ctrl_c_ends_a_report_that_is_drawn() {
    let place = Place::trained("simclr");
    copy(&place.path("run"), &place.path("other"));
    let before = place.contents();
    for moment in ["run: measuring and drawing", "measuring by linear"] {
        let mut report =
            place.command(&["report", "run", "other", "--no-cache", "--out", "page.html"]);
        let mut report = report.stderr(Stdio::piped()).spawn().unwrap();
        let stderr = BufReader::new(report.stderr.take().unwrap());
        let mut lines = stderr.lines().map(Result::unwrap);
        assert!(lines.any(|line| line.contains(moment)), "{moment}");
        let kill = Command::new("kill").args(["-INT", &report.id().to_string()]).status();
        assert!(kill.unwrap().success());
        assert_eq!(lines.last().as_deref(), Some("error: interrupted; nothing was written"));
        assert_eq!(report.wait().unwrap().code(), Some(130), "{moment}");
        assert_eq!(place.contents(), before, "{moment}");
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (from, to) = {
            let entry = entry.unwrap();
            (entry.path(), to.join(entry.file_name()))
        };
        if from.is_dir() {
            copy(&from, &to);
        } else {
            fs::copy(from, to).unwrap();
        }
    }
}

#[test]
fn images_without_labels_have_a_map_of_clusters() {
    let place = Place::furnished();
    let shape = json!({"width": 32, "height": 32, "channels": 3, "classes": 10});
    place.put("bare/shape.json", shape.to_string());
    place.put("bare/unlabeled_X.bin", place.read("data/unlabeled_X.bin"));
    let mut arguments = pretrain("simclr.json", "run");
    arguments[5] = "bare";
    place.run(&arguments).done();
    let html = page(&place, &["run"], &[]);
    assert_eq!(
        sections(&html),
        ["scores", "curves", "augmentation", "neighbors", "map", "configuration", "definitions"]
    );
    assert!(html.contains("its images have no labels, so there are no scores of linear or kNN"));
    // Six images with eight neighbors each, none of which has a class.
    assert_eq!(html.matches("<figure class=\"tile query\">").count(), 6);
    assert_eq!(html.matches("<figure class=\"tile plain\">").count(), 6 * 8);
    assert!(html.contains("<span>unlabeled/<wbr>0</span>"));
    assert_eq!(html.matches("<use ").count(), 2 * 96);
    let names: Vec<String> =
        (1..=10).map(|number| format!("data-name=\"cluster {number}\"")).collect();
    assert!(names.iter().all(|name| html.matches(name.as_str()).count() == 2), "{names:?}");
    assert!(html.contains("class=\"legend\"") && html.contains("10 clusters of all features"));
}

#[test]
fn labeled_images_without_a_test_split_are_their_own_neighbors() {
    let place = Place::furnished();
    for name in ["unlabeled_X", "train_X", "train_y"] {
        place.put(&format!("part/{name}.bin"), place.read(&format!("data/{name}.bin")));
    }
    place.put("part/class_names.txt", place.read("data/class_names.txt"));
    let shape = json!({"width": 32, "height": 32, "channels": 3, "classes": 10});
    place.put("part/shape.json", shape.to_string());
    let mut arguments = pretrain("simclr.json", "run");
    arguments[5] = "part";
    place.run(&[&arguments[..], &["--max-steps", "3"]].concat()).done();
    let html = page(&place, &["run"], &[]);
    for part in [
        "its images have no labeled test images; scores are over folds of the labeled ones",
        "Map of 32 labeled images",
        "class=\"tile same\"",
        "class=\"tile other\"",
        "<span>train/<wbr>0</span>",
        "finished after 3 steps, 0.38 of an epoch",
        "3 steps, 0.38 of an epoch (train.max_steps); of 2 epochs of 8 steps",
    ] {
        assert!(html.contains(part), "{part}");
    }
}

#[test]
fn what_can_not_be_reported_is_refused() {
    let place = Place::furnished();
    let refuses = |arguments: &[&str], says: &[&str]| {
        place.refuses(&[&["report"], arguments].concat(), says);
    };
    refuses(&["absent", "--out", "page.html"], &["absent", "no such folder"]);
    refuses(&["data", "--out", "page.html"], &["data: expected a run", "without config.json"]);
    refuses(&["--out", "page.html"], &["RUN"]);
    place.put("run/config.json", "{");
    refuses(&["run", "--out", "page.html"], &["run/config.json"]);
    refuses(
        &["run", "--out", "no/page.html"],
        &["no/page.html: expected a file that can be written"],
    );
    refuses(&["run", "--out", "page.html", "--device", "tpu"], &["tpu"]);
}
