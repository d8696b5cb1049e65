//! The digits, read from their file.

use std::fs;
use std::path::Path;

use freeze_examples::Dataset;
use tch::Tensor;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/digits/data/digits.csv");

/// Pixels of an image's side.
const SIDE: i64 = 8;
/// The value of a black pixel.
const BLACK: f64 = 16.0;

/// All digits, as images of one channel with pixels from 0 to 1.
///
/// # Errors
/// If the file cannot be read, or a line of it is no label and 64 pixels.
pub(crate) fn load() -> Result<Dataset, String> {
    let path = Path::new(FILE);
    let text = fs::read_to_string(path).map_err(|error| format!("{FILE}: {error}"))?;
    let mut labels: Vec<i64> = Vec::new();
    let mut pixels: Vec<f32> = Vec::new();
    for (index, line) in text.lines().enumerate().skip(1) {
        let (label, image) =
            read(line).ok_or_else(|| format!("{FILE}:{}: no label and 64 pixels", index + 1))?;
        labels.push(label);
        pixels.extend(image);
    }
    let images = Tensor::from_slice(&pixels).view([-1, 1, SIDE, SIDE]) / BLACK;
    Ok(Dataset { inputs: images, labels: Tensor::from_slice(&labels) })
}

/// A line's label and pixels.
fn read(line: &str) -> Option<(i64, Vec<f32>)> {
    let (label, pixels) = line.split_once(',')?;
    let pixels: Vec<f32> = pixels.split(',').map(str::parse).collect::<Result<_, _>>().ok()?;
    let whole = i64::try_from(pixels.len()) == Ok(SIDE * SIDE);
    Some((label.parse().ok()?, pixels)).filter(|_| whole)
}
