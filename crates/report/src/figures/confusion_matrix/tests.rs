use super::*;

fn drawing(counts: &[Vec<u64>], names: &[&str]) -> String {
    let class_names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    let figure = ConfusionFigure { title: "a <title>", class_names: &class_names, counts };
    figure.svg()
}

#[test]
fn cells_say_their_share_of_the_true_class_and_their_images() {
    let svg =
        drawing(&[vec![3, 1], vec![0, 1000]], &["<cat>", "a name of more than 24 characters"]);
    for text in [">75<", ">3<", ">25<", ">1<", ">100<", ">1000<"] {
        assert!(svg.contains(text), "{text}: {svg}");
    }
    assert!(!svg.contains(">0<"), "an empty cell stays empty");
    assert_eq!(svg.matches("&lt;cat&gt;").count(), 2, "a row and a column");
    assert!(svg.contains("a &lt;title&gt;") && svg.contains("a name of more than 24 …"));
    assert!(!svg.contains("NaN") && !svg.contains("inf"));
}

#[test]
fn a_file_is_what_its_name_says() {
    let folder = tempfile::tempdir().unwrap();
    for (name, start) in [("a.png", &b"\x89PNG"[..]), ("b.SVG", b"<")] {
        let path = folder.path().join(name);
        write_confusion_matrix(&path, "title", &[], &[vec![1]]).unwrap();
        assert!(std::fs::read(&path).unwrap().starts_with(start), "{name}");
    }
    let error = check_figure_name(Path::new("c.jpg")).unwrap_err().to_string();
    assert_eq!(error, "c.jpg: expected a name that ends in .png or .svg");
}

#[test]
fn small_shares_are_not_none_and_large_ones_not_all() {
    assert_eq!([0.004, 0.006, 0.5].map(percent), ["<1", "1", "50"]);
    assert_eq!([0.996, 1.0].map(percent), [">99", "100"]);
}

#[test]
fn any_number_of_classes_is_drawn() {
    for classes in [0, 1, 15, 30, 80, 150, 256] {
        let counts: Vec<Vec<u64>> = (0..classes)
            .map(|row| (0..classes).map(|column| u64::from(row == column)).collect())
            .collect();
        let svg = drawing(&counts, &["one"; 3]);
        let cells = svg.matches("<rect").count();
        assert_eq!(cells, classes + 7, "a cell a class, the paper, the frame, the scale");
        let bytes = png(Path::new("x.png"), &svg).unwrap();
        assert!(bytes.starts_with(b"\x89PNG"), "{classes}");
        let named = classes <= 150;
        assert_eq!(svg.contains(">one<"), named && classes > 0, "{classes}");
    }
}

#[test]
fn the_scale_only_gets_darker_and_numbers_are_legible() {
    let mut before = f64::INFINITY;
    for percent in 0..=100 {
        let color = color(f64::from(percent) / 100.0);
        let light = luminance(color);
        assert!(light < before, "{percent}");
        before = light;
        let ink = if ink(color) == "#ffffff" { 1.0 } else { 0.0 };
        let contrast = (light.max(ink) + 0.05) / (light.min(ink) + 0.05);
        assert!(contrast >= 4.5, "{percent}: {contrast}");
    }
}
