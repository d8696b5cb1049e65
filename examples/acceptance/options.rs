//! What the command line asks for.

use tch::{Cuda, Device};

use crate::measures::Scale;

/// What to run on, and how much.
#[derive(Debug)]
pub(crate) struct Options {
    /// Where everything lies.
    pub(crate) device: Device,
    /// Whether a few seconds have to do.
    pub(crate) small: bool,
}

impl Options {
    /// Reads them.
    ///
    /// # Errors
    /// If one is unknown, or the device is not there.
    pub(crate) fn parse(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self { device: Device::cuda_if_available(), small: false };
        while let Some(word) = words.next() {
            match word.as_str() {
                "--small" => options.small = true,
                "--device" => options.device = device(words.next().as_deref())?,
                _ => {
                    return Err(format!("unknown option `{word}`; there are --device and --small"));
                }
            }
        }
        Ok(options)
    }

    /// How much is measured.
    pub(crate) const fn scale(&self) -> Scale {
        let device = self.device;
        if self.small {
            Scale { device, width: 32, rounds: 3, tensors: 200 }
        } else {
            Scale { device, width: 768, rounds: 20, tensors: 10_000 }
        }
    }
}

fn device(name: Option<&str>) -> Result<Device, String> {
    match name {
        Some("cpu") => Ok(Device::Cpu),
        Some("cuda") if Cuda::is_available() => Ok(Device::Cuda(0)),
        Some("cuda") => Err("no CUDA device is available".to_owned()),
        _ => Err("`--device` is `cpu` or `cuda`".to_owned()),
    }
}
