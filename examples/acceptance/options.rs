//! What the command line asks for.

use std::time::Duration;

use tch::{Cuda, Device};

use crate::measures::Scale;
use crate::pace::Patience;
use crate::python::Network;

/// What to run on, and how much.
#[derive(Debug)]
pub(crate) struct Options {
    /// Where everything lies.
    pub(crate) device: Device,
    /// Whether to take seconds in place of minutes; the times then mean little.
    pub(crate) small: bool,
    /// Whether Python's PyTorch runs beside the tuner.
    pub(crate) python: bool,
}

impl Options {
    /// Reads them.
    ///
    /// # Errors
    /// If one is unknown, or the device does not exist.
    pub(crate) fn parse(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self { device: Device::cuda_if_available(), small: false, python: true };
        while let Some(word) = words.next() {
            match word.as_str() {
                "--small" => options.small = true,
                "--without-python" => options.python = false,
                "--device" => options.device = device(words.next().as_deref())?,
                _ => {
                    return Err(format!(
                        "unknown option `{word}`; there are --device, --small and --without-python"
                    ));
                }
            }
        }
        Ok(options)
    }

    /// How much is measured beside tch.
    pub(crate) const fn scale(&self) -> Scale {
        let device = self.device;
        if self.small {
            Scale { device, width: 32, rounds: 3, tensors: 200 }
        } else {
            Scale { device, width: 768, rounds: 20, tensors: 10_000 }
        }
    }

    /// A network that fills the device.
    pub(crate) const fn network(&self) -> Network {
        match (self.small, self.device) {
            (true, _) => Network { width: 32, rows: 64 },
            (false, Device::Cuda(_)) => Network { width: 1024, rows: 8192 },
            (false, _) => Network { width: 256, rows: 256 },
        }
    }

    /// How long the ways are warmed up and measured.
    pub(crate) const fn patience(&self) -> Patience {
        if self.small {
            Patience { warm_up: Duration::from_millis(1), turn: Duration::from_millis(1), turns: 3 }
        } else {
            Patience {
                warm_up: Duration::from_millis(500),
                turn: Duration::from_millis(100),
                turns: 20,
            }
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
