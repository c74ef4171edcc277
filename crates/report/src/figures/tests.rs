use super::*;
use crate::MeanStd;

pub fn series(name: &str, values: &[f64]) -> Series {
    let point = |(epoch, value): (u32, &f64)| (epoch, MeanStd::of([Some(*value)]).unwrap());
    Series { name: name.to_owned(), points: (1..).zip(values).map(point).collect() }
}

fn figure(series: Vec<Series>) -> Figure {
    Figure {
        name: "f",
        title: "Title".to_owned(),
        unit: "% of something that is quite long to say, so that it breaks where there is \
               little room"
            .to_owned(),
        x: "epoch",
        scale: Scale::Percent,
        series,
    }
}

#[test]
fn a_name_is_text_and_every_line_is_there() {
    let figure =
        figure(vec![series("<script>", &[0.1, 0.2]), series("b", &[0.3]), series("c", &[])]);
    for layout in [Layout::WIDE, Layout::NARROW] {
        let svg = figure.svg(&layout).into_string();
        assert!(!svg.contains("<script>") && svg.contains("&lt;script&gt;"));
        for class in ["series-0", "series-1", "series-2"] {
            assert!(svg.contains(class), "{class}");
        }
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    }
    assert!(figure.svg(&Layout::NARROW).0.len() > figure.svg(&Layout::WIDE).0.len() - 2000);
    assert_eq!(figure.unit_lines(&Layout::WIDE).len(), 1);
    assert!(figure.unit_lines(&Layout::NARROW).len() > 1);
    assert!(figure.description().ends_with("<script> 20.0 %, b 30.0 %, c (none)."));
}

#[test]
fn a_small_figure_has_no_names_but_tells_them() {
    let mut figure = figure(vec![series("a", &[4.5, 4.25]), series("b", &[4.75])]);
    figure.scale = Scale::Plain;
    let svg = figure.svg(&Layout::SMALL).into_string();
    assert_eq!(svg.matches("series-0").count(), 1);
    assert!(!svg.contains(">a<") && svg.contains(">4.2</text>"), "{svg}");
    assert!(svg.contains("a 4.250, b 4.750."), "{svg}");
}

#[test]
fn a_figure_without_epochs_says_so() {
    let svg = figure(vec![series("a", &[])]).svg(&Layout::WIDE).into_string();
    assert!(svg.contains("no finished epoch") && !svg.contains("NaN"));
}

#[test]
fn a_long_name_is_cut() {
    let figure = figure(Vec::new());
    let name = figure.label(&series(&"x".repeat(60), &[0.5]), false);
    assert_eq!(name.chars().count(), NAME_CHARS);
}
