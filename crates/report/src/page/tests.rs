//! Whole pages: they are self-contained and well-formed, and show nothing from a file as markup.

use std::fs;
use std::path::{Path, PathBuf};

use super::feature_map;
use crate::picture::tests::PNG;
use crate::tests::sample;
use crate::{Comparison, ConfusionMatrix, Run, RunReport, report_page, write_comparison};

/// Every element is closed, in the right order; headings go down one level at a time.
fn assert_well_formed(html: &str) {
    let mut open = Vec::new();
    let mut level = 0;
    // What is between these is no markup.
    let (before, script) = html.split_once("<script>").unwrap_or((html, "</script>"));
    let after = script.split_once("</script>").unwrap().1;
    let markup = before.to_owned() + after;
    for part in markup.split('<').skip(1) {
        let (tag, _) = part.split_once('>').expect("a tag that ends");
        let name = tag.split([' ', '\n', '/']).next().unwrap_or_default();
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "closed by {tag}");
        } else if !tag.ends_with('/')
            && !["!DOCTYPE", "meta", "link", "img", "input", "wbr"].contains(&name)
        {
            open.push(name);
        }
        if let ["h", number] = [&name[..name.len().min(1)], &name[name.len().min(1)..]]
            && let Ok(number) = number.parse::<u32>()
        {
            assert!(number <= level + 1, "{tag} after level {level}");
            level = number;
        }
    }
    assert!(open.is_empty(), "left open: {open:?}");
}

/// The page needs nothing from outside, and every picture and figure says what it shows.
fn assert_stands_alone(html: &str) {
    assert!(!html.replace("http://www.w3.org/2000/svg", "").contains("://"));
    assert!(html.contains("default-src 'none'") && html.contains("<html lang=\"en\">"));
    assert!(html.contains("class=\"skip\" href=\"#content\"") && html.contains("id=\"content\""));
    let drawings = html.split("<svg ").skip(1);
    for drawing in drawings.map(|rest| rest.split_once('>').unwrap().0) {
        let named = drawing.contains("role=\"img\" aria-label=\"");
        assert!(named || drawing.contains("aria-hidden=\"true\""), "{drawing}");
    }
    assert_eq!(html.matches("<img ").count(), html.matches(" alt=\"").count());
    assert_well_formed(html);
}

/// A finished run of a method, and an unfinished one of another, whose folders hold what a page
/// could stumble over.
fn hostile(folder: &Path) -> [PathBuf; 2] {
    let paths = [
        sample::finished(folder, "<i>x</i>", 0, &[0.2, 0.3]),
        sample::unfinished(folder, "dino", 0, &[0.2]),
    ];
    for path in &paths {
        fs::write(path.join("augmentation.png"), PNG).unwrap();
        fs::write(path.join("neighbors.png"), PNG).unwrap();
        let config = path.join("config.json");
        let text = fs::read_to_string(&config).unwrap();
        let text = text.replace("image folder", "<script>alert(1)</script>");
        fs::write(config, text.replace("data/photos", "/srv/secret/photos")).unwrap();
    }
    paths
}

#[test]
fn a_comparison_stands_alone_and_nothing_from_a_file_is_markup() {
    let folder = tempfile::tempdir().unwrap();
    let runs = hostile(folder.path()).map(|path| Run::read(&path).unwrap());
    let out = tempfile::tempdir().unwrap();
    write_comparison(out.path(), &runs, "twinview compare --set 'a<b'").unwrap();
    let html = fs::read_to_string(out.path().join("report.html")).unwrap();
    assert_eq!(html.matches("<script").count(), 1);
    assert!(!html.contains("<script>alert") && !html.contains("<i>"));
    assert!(html.contains("&lt;script&gt;") && html.contains("&lt;i&gt;x&lt;/i&gt;"));
    assert!(html.contains("src=\"data:image/png;base64,iVBORw0KGgo"));
    assert!(html.contains("unfinished"));
    assert!(html.contains("<code>twinview compare --set 'a&lt;b'</code>"), "{html}");
    assert_stands_alone(&html);
}

#[test]
fn a_comparison_without_pictures_has_no_empty_sections() {
    let folder = tempfile::tempdir().unwrap();
    let path = sample::finished(folder.path(), "simclr", 0, &[0.2]);
    let run = [Run::read(&path).unwrap()];
    let html = super::comparison(&Comparison::of(&run), &run, &[], "").unwrap();
    assert!(!html.contains("\"augmentation\"") && !html.contains("\"neighbors\""));
    assert!(!html.contains("#augmentation"));
}

fn html(reports: &[RunReport]) -> String {
    report_page(reports).unwrap()
}

#[test]
fn a_report_stands_alone_and_nothing_from_a_file_is_markup() {
    let folder = tempfile::tempdir().unwrap();
    let mut reports = hostile(folder.path()).map(|path| RunReport::read(&path).unwrap());
    let names = ["<script>alert(2)</script>", "\" onload=\"alert(3)"];
    reports[0].map = Some(feature_map::tests::map(&names, 7));
    reports[0].notes = vec!["<b>bold</b>".to_owned()];
    reports[0].nearest = Some(super::tiles::tests::sheet());
    reports[0].misclassified = Some(super::tiles::tests::sheet());
    let evaluation = reports[0].run.evaluation.as_mut().unwrap();
    evaluation.confusions = vec![ConfusionMatrix {
        protocol: "<u>".to_owned(),
        class_names: names.map(str::to_owned).to_vec(),
        counts: vec![vec![1, 2], vec![3, 4]],
    }];
    let html = html(&reports);
    assert_eq!(html.matches("<script").count(), 1, "only the page's own");
    for markup in ["<i>", "<b>bold", "<u>", "\" onload", "alert(2)</script>"] {
        assert!(!html.contains(markup), "{markup}");
    }
    assert!(html.contains("&lt;script&gt;alert(2)&lt;/script&gt;"));
    assert!(!html.contains("secret") && !html.contains(folder.path().to_str().unwrap()));
    // The picture in the folder is left out where the images are there one by one.
    assert_eq!(html.matches("data:image/png;").count(), 2);
    for id in [
        "scores",
        "curves",
        "augmentation",
        "neighbors",
        "misclassified",
        "confusion",
        "map",
        "configuration",
        "definitions",
    ] {
        assert!(html.contains(&format!("<section id=\"{id}\">")), "{id}");
    }
    assert_stands_alone(&html);
}

#[test]
fn a_report_of_an_unfinished_run_says_how_far_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = sample::unfinished(folder.path(), "dino", 4, &[0.25]);
    let config = path.join("config.json");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(config, text.replace("\"epochs\":1", "\"epochs\":30")).unwrap();
    let html = html(&[RunReport::read(&path).unwrap()]);
    assert!(html.contains("<li>dino-seed4: unfinished: 1 of 30 epochs done.</li>"), "{html}");
    assert!(html.contains("<title>dino-seed4</title>") && html.contains("dino, seed 4"));
    for absent in ["id=\"confusion\"", "id=\"map\"", "id=\"neighbors\"", "id=\"misclass"] {
        assert!(!html.contains(absent), "{absent}");
    }
    assert_stands_alone(&html);
}

#[test]
fn a_report_of_a_run_that_has_just_begun_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = sample::unfinished(folder.path(), "dino", 0, &[]);
    let html = html(&[RunReport::read(&path).unwrap()]);
    assert!(html.contains("No epoch has finished yet.") && html.contains("0 of 1 epochs done"));
    assert!(!html.contains("<script"));
    assert_stands_alone(&html);
}

#[test]
fn scores_have_intervals() {
    let folder = tempfile::tempdir().unwrap();
    let path = sample::finished(folder.path(), "simclr", 0, &[0.25, 0.5]);
    let html = html(&[RunReport::read(&path).unwrap()]);
    // The linear one as evaluated; the probe's by 100 of 200 images (Wilson).
    assert!(html.contains("<small>40.0–60.0</small>"), "{html}");
    assert!(html.contains("<small>43.1–56.9</small>") && html.contains("95 % interval"));
}

/// Images without labels have no accuracies: no column of them, and no sentence about them.
#[test]
fn columns_without_a_number_are_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = sample::unfinished(folder.path(), "simclr", 0, &[0.25]);
    let metrics = path.join("metrics.jsonl");
    let text = fs::read_to_string(&metrics).unwrap();
    fs::write(&metrics, text.replace("\"test_probe_acc\":0.25", "\"test_probe_acc\":null"))
        .unwrap();
    let report = RunReport::read(&path).unwrap();
    let comparison = Comparison::of(std::slice::from_ref(&report.run));
    let runs = std::slice::from_ref(&report.run);
    let compared = super::comparison(&comparison, runs, &[], "twinview").unwrap();
    for page in [html(std::slice::from_ref(&report)), compared] {
        assert!(page.contains("Effective rank") && page.contains("Contrastive accuracy (%)"));
        for absent in ["Probe, last", "Linear", "Chance (%)", "test split", "is bold", "interval,"]
        {
            assert!(!page.contains(absent), "{absent}: {page}");
        }
        assert_stands_alone(&page);
    }
    let labeled = sample::finished(folder.path(), "dino", 0, &[0.25]);
    let page = html(&[report, RunReport::read(&labeled).unwrap()]);
    assert!(page.contains("Probe, last") && page.contains("Linear (%)"), "one has them: {page}");
}

#[test]
fn steps_are_drawn_and_can_be_pointed_at() {
    let folder = tempfile::tempdir().unwrap();
    let path = sample::unfinished(folder.path(), "simclr", 0, &[0.25]);
    let metrics = path.join("metrics.jsonl");
    let steps = (1..=14).map(|step| {
        format!("{{\"kind\":\"step\",\"step\":{step},\"epoch\":1,\"loss\":{step}.5,\"lr\":0.1}}\n")
    });
    let text = steps.collect::<String>() + &fs::read_to_string(&metrics).unwrap();
    fs::write(&metrics, text).unwrap();
    let report = RunReport::read(&path).unwrap();
    let html = html(std::slice::from_ref(&report));
    assert!(html.contains(">Loss</text>") && html.contains(">step</text>"), "{html}");
    assert!(html.contains("&quot;14.50&quot;]") && html.contains("script-src"));
    assert!(html.contains("unfinished after 14 steps, 1.4 epochs; 1 epoch was planned"));
    let page = super::comparison(
        &Comparison::of(std::slice::from_ref(&report.run)),
        &[report.run],
        &[],
        "twinview",
    );
    let page = page.unwrap();
    assert!(page.contains("Loss by step") && page.contains(">simclr</text>"), "{page}");
    assert_stands_alone(&page);
}

#[test]
fn a_report_of_several_runs_tells_them_apart() {
    let folder = tempfile::tempdir().unwrap();
    let parents = ["a", "b"].map(|name| folder.path().join(name));
    let paths = [
        sample::finished(&parents[0], "simclr", 0, &[0.2, 0.3]),
        sample::finished(&parents[1], "simclr", 0, &[0.4, 0.5]),
    ];
    fs::remove_file(paths[1].join("evaluation.json")).unwrap();
    let reports = paths.map(|path| RunReport::read(&path).unwrap());
    let html = html(&reports);
    assert!(html.contains("simclr-seed0 and simclr-seed0 (2)"));
    assert!(html.contains("<dd>2 (simclr)</dd>"));
    assert!(
        html.contains("<strong>50.0</strong>")
            && html.contains("All runs have the same configuration.")
    );
    assert_stands_alone(&html);
}

#[test]
fn a_report_of_the_same_runs_is_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let reports = hostile(folder.path()).map(|path| RunReport::read(&path).unwrap());
    assert_eq!(html(&reports), html(&reports));
}
