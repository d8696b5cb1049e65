//! Handwritten digits of 8 × 8 pixels.

use std::fs;
use std::path::Path;

use tch::{Device, Kind, Tensor};

use crate::Dataset;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/digits/data/digits.csv");

/// The side of an image in pixels.
pub const SIDE: i64 = 8;
/// The value of a black pixel.
const BLACK: f64 = 16.0;
/// The average distortion of an image, as a share of its side.
const DISTORTION: f64 = 0.22;

/// All digits, as images of one channel with pixels from 0 to 1.
///
/// # Errors
/// If the file cannot be read, or a line is not a label and 64 pixels.
pub fn load() -> Result<Dataset, String> {
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

/// The digits with random rotation, shear, scale and translation, so that a network learns strokes
/// and not pixels.
pub fn distort(images: &Tensor) -> Tensor {
    let count = images.size().first().copied().unwrap_or(0);
    let straight = Tensor::from_slice(&[1.0_f32, 0.0, 0.0, 0.0, 1.0, 0.0]).view([1, 2, 3]);
    let bent = straight + Tensor::randn([count, 2, 3], (Kind::Float, Device::Cpu)) * DISTORTION;
    let grid = Tensor::affine_grid_generator(&bent, images.size(), false);
    let (bilinear, zeros) = (0, 0);
    images.grid_sampler(&grid, bilinear, zeros, false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_there() {
        let digits = load().unwrap();
        assert_eq!(digits.inputs.size(), [1797, 1, SIDE, SIDE]);
        assert_eq!(
            (digits.inputs.min().double_value(&[]), digits.inputs.max().double_value(&[])),
            (0.0, 1.0)
        );
        assert_eq!(
            Vec::<i64>::try_from(digits.labels.unique_dim(0, true, false, false).0).unwrap(),
            (0..10).collect::<Vec<_>>()
        );
    }

    #[test]
    fn a_line_is_a_label_and_64_pixels() {
        let image = vec!["3"; 64].join(",");
        assert_eq!(read(&format!("7,{image}")), Some((7, vec![3.0; 64])));
        assert_eq!(read(&format!("7,{image},3")), None);
        assert_eq!(read("7"), None);
    }
}
