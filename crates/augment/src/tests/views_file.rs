//! Files of views: what is read, and what is wrong with others.

use crate::{Recipe, ViewsFile};

const VIEWS: &str = r#"{
  "image_size": 96,
  "views": [
    {"count": 2, "size": 1.0, "transforms": [{"horizontal_flip": {"p": 0.5}}]},
    {"count": 3, "size": 0.5, "transforms": []},
    {"count": 1, "size": 40, "transforms": []}
  ]
}"#;

fn recipes(text: &str) -> Result<Vec<Recipe>, String> {
    let file = ViewsFile::parse(text, "my.json").map_err(|error| error.to_string())?;
    file.recipes("my.json").map_err(|error| error.to_string())
}

#[test]
fn a_file_gives_a_recipe_for_each_view() {
    let expected = recipes(VIEWS).unwrap();
    let sizes: Vec<usize> = expected.iter().map(|recipe| recipe.size).collect();
    assert_eq!(sizes, [96, 96, 48, 48, 48, 40]);
    let count = |recipe: &Recipe| recipe.transforms.len();
    assert_eq!(expected.iter().map(count).sum::<usize>(), 2);
    // As a configuration has them, and the record of a run.
    let config = VIEWS.replace("\"views\": [", "\"seed\": 0, \"augment\": {\"views\": [");
    let config = config.replace("  ]\n}", "  ], \"probe\": {\"transforms\": []}}}");
    assert_eq!(recipes(&config), Ok(expected.clone()));
    assert_eq!(recipes(&format!(r#"{{"format": 2, "config": {config}}}"#)), Ok(expected));
}

#[test]
fn what_is_wrong_is_named_with_its_line() {
    for (old, new, place, says) in [
        ("\"p\"", "\"q\"", "my.json:4:", ": no key is called q; the keys are p"),
        ("\"count\": 3", "\"counts\": 3", "my.json:5:", "counts; did you mean count?"),
        ("horizontal_flip", "flop", "my.json:4:", "or solarize, found flop"),
        ("\"views\"", "\"viwes\"", "my.json:3:", "viwes; did you mean views?"),
        ("0.5}}", "1.5}}", "my.json: views.0: ", ".p`: expected a number from 0 to 1, found 1.5"),
        ("40", "5000", "my.json:6:", "or 2 to 4096 pixels, found 5000"),
        ("  ]\n}", "  ]", "my.json:7:", "the text (is a bracket or a quote missing?)"),
    ] {
        let error = recipes(&VIEWS.replacen(old, new, 1)).unwrap_err();
        assert!(error.starts_with(place) && error.ends_with(says), "{new}: {error}");
        assert_eq!(error.lines().count(), 1);
    }
    let none = "my.json: expected one list of views, found none";
    assert_eq!(recipes(r#"{"image_size": 8}"#), Err(none.to_owned()));
    let none = "my.json: expected at least one view, found none";
    assert_eq!(recipes(r#"{"image_size": 8, "views": []}"#), Err(none.to_owned()));
}
