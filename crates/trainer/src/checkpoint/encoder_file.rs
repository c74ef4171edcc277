//! `encoder.safetensors`: an encoder's weights as a file that others load.

use std::collections::HashMap;
use std::path::Path;

use crate::{Config, EncoderAndHead, Error, checkpoint};

/// Writes the encoder of `networks`, weights and running statistics, by their names in it, as
/// safetensors. The metadata `twinview` says how the encoder is built and what it takes.
///
/// # Errors
/// [`Error::Io`].
pub fn write_encoder(path: &Path, networks: &EncoderAndHead, config: &Config) -> Result<(), Error> {
    // One key, so that equal encoders are equal files: a map of several has no order.
    let about = serde_json::json!({
        "encoder": config.encoder,
        "image_size": config.image_size,
        "input": "RGB / 255, NCHW",
    });
    let metadata = HashMap::from([("twinview".to_owned(), about.to_string())]);
    checkpoint::write(path, &networks.encoder_tensors(), metadata)
}
