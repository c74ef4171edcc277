//! What a configuration may ask of method and encoder.

use methods::AcceptedViews;
use models::InputSizes;

use crate::{Config, ConfigError};

/// Refuses to split a batch whose statistics the encoder takes.
pub(super) fn check_split(config: &Config, batch_statistics: bool) -> Result<(), ConfigError> {
    match config.train.micro_batch {
        Some(found) if batch_statistics => Err(ConfigError::Range {
            key: "train.micro_batch".to_owned(),
            expected: "null where the encoder normalizes over the batch".to_owned(),
            found: found.to_string(),
        }),
        _ => Ok(()),
    }
}

/// Refuses views with fewer patches than blocks of masks need.
pub(super) fn check_masks(config: &Config, patch_size: Option<i64>) -> Result<(), ConfigError> {
    let (Some(_), Some(patch)) = (config.method.masks(), patch_size) else { return Ok(()) };
    match config.image_size as i64 / patch {
        3.. => Ok(()),
        found => Err(ConfigError::Range {
            key: "image_size".to_owned(),
            expected: format!("at least {}, 3 patches in a row to mask", 3 * patch),
            found: format!("{} pixels, {found} patches in a row", config.image_size),
        }),
    }
}

/// Refuses views that the method or the encoder has no use for.
pub(super) fn check_views(
    config: &Config,
    sizes: InputSizes,
    accepted: AcceptedViews,
) -> Result<(), ConfigError> {
    let (views, global) = (config.view_recipes().len(), config.global_views());
    let (local, method) = (views - global, config.method.name());
    let wrong = match accepted {
        AcceptedViews { more_global: false, local: false } if views > 2 => {
            Some((format!("the two views that {method} compares"), format!("{views} views")))
        }
        AcceptedViews { more_global: false, local: true } if global > 2 => {
            let expected = format!("two global views and local ones for {method}");
            Some((expected, format!("{global} global views")))
        }
        AcceptedViews { more_global: true, local: false } if local > 0 => {
            Some((format!("global views alone for {method}"), format!("{local} local views")))
        }
        _ => None,
    };
    if let Some((expected, found)) = wrong {
        return Err(ConfigError::Range { key: "augment.views".to_owned(), expected, found });
    }
    let sides = [("image_size".to_owned(), config.image_size)].into_iter().chain(
        (0..).zip(&config.augment.views).map(|(index, group)| {
            (format!("augment.views.{index}.size"), group.size.pixels(config.image_size))
        }),
    );
    match sides.into_iter().find(|(_, side)| !sizes.contain(*side as i64)) {
        None => Ok(()),
        Some((key, side)) => {
            let found = format!("{side} pixels");
            let expected = match sizes.nearest(side as i64)[..] {
                [] => sizes.to_string(),
                [one] => format!("{sizes}, such as {one}"),
                [below, above, ..] => format!("{sizes}, such as {below} or {above}"),
            };
            Err(ConfigError::Range { key, expected, found })
        }
    }
}
