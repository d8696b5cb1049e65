//! Which wheels hold libtorch, and which of their files linking with it needs.
//!
//! PyTorch's wheel for Python carries all of libtorch, headers too. On Linux it is built with
//! CUDA; without the libraries of that build it serves as a libtorch for the CPU alone, at a
//! tenth of the size.

use crate::error::Error;

/// The libtorch that goes with the tch that the workspace uses.
pub(crate) const VERSION: &str = "2.11.0";

const TORCH: &str = "torch==2.11.0";

/// What `libtorch_cpu.so` itself asks for on Linux, CUDA or not.
const ALWAYS_ON_LINUX: [&str; 2] = ["nvidia-cuda-runtime==13.0.96", "nvidia-cuda-cupti==13.0.85"];

/// The rest of what this PyTorch requires for CUDA, by its own metadata and that of
/// `cuda-toolkit` 13.0.2, less what only Python uses.
const FOR_CUDA: [&str; 13] = [
    "nvidia-cublas==13.1.0.3",
    "nvidia-cuda-nvrtc==13.0.88",
    "nvidia-cudnn-cu13==9.19.0.56",
    "nvidia-cufft==12.0.0.61",
    "nvidia-cufile==1.15.1.6",
    "nvidia-curand==10.4.0.35",
    "nvidia-cusolver==12.0.4.66",
    "nvidia-cusparse==12.6.3.3",
    "nvidia-cusparselt-cu13==0.8.0",
    "nvidia-nccl-cu13==2.28.9",
    "nvidia-nvjitlink==13.0.88",
    "nvidia-nvshmem-cu13==3.4.5",
    "nvidia-nvtx==13.0.85",
];

/// Of all the wheels' files, those that are unpacked.
pub(crate) const KEEP: [&str; 3] = ["torch/lib/*", "torch/include/*", "nvidia/*/lib/*.so*"];

/// Python's side of PyTorch.
const PYTHON_ONLY: [&str; 1] = ["torch/lib/libtorch_python.*"];

const CUDA_ONLY: [&str; 4] = [
    "torch/lib/libtorch_cuda*.so",
    "torch/lib/libc10_cuda.so",
    "torch/lib/libtorch_nvshmem.so",
    "torch/lib/libcaffe2_nvrtc.so",
];

/// A libtorch with or without CUDA.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Variant {
    Cpu,
    Cuda,
}

impl Variant {
    /// What the `build-version` of this libtorch says.
    pub(crate) fn version(self) -> String {
        match self {
            Self::Cpu => format!("{VERSION}+cpu"),
            Self::Cuda => format!("{VERSION}+cuda"),
        }
    }

    /// The wheels that it is made of, on an operating system as `std::env::consts::OS` has it.
    pub(crate) fn wheels(self, os: &str) -> Result<Vec<&'static str>, Error> {
        match (os, self) {
            ("linux", Self::Cpu) => Ok([&[TORCH], ALWAYS_ON_LINUX.as_slice()].concat()),
            ("linux", Self::Cuda) => Ok([&[TORCH], &ALWAYS_ON_LINUX[..], &FOR_CUDA[..]].concat()),
            ("macos", Self::Cpu) => Ok(vec![TORCH]),
            ("macos", Self::Cuda) => {
                Err(Error::line("there is no CUDA on macOS; leave out --cuda (MPS is in it)"))
            }
            _ => Err(Error::line("freeze builds on Linux and macOS; on Windows, use WSL")),
        }
    }

    /// Of the files to be unpacked, those that are not.
    pub(crate) fn skip(self) -> Vec<&'static str> {
        match self {
            Self::Cpu => [PYTHON_ONLY.as_slice(), &CUDA_ONLY].concat(),
            Self::Cuda => PYTHON_ONLY.to_vec(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The wheels' file names in the list of hashes.
    fn listed() -> Vec<&'static str> {
        let lines = include_str!("../wheels.sha256").lines().filter(|line| !line.starts_with('#'));
        lines.map(|line| line.split_once("  ").expect("a hash and a name").1).collect()
    }

    fn wheel_fits(name: &str, wheel: &str, platform: &str) -> bool {
        let (package, version) = wheel.split_once("==").expect("a version");
        let start = format!("{}-{version}-", package.replace('-', "_"));
        name.starts_with(&start) && name.contains(platform)
    }

    #[test]
    fn every_wheel_has_one_hash_for_each_platform() {
        for (os, platforms) in [("linux", &["x86_64", "aarch64"][..]), ("macos", &["arm64"])] {
            for variant in [Variant::Cpu, Variant::Cuda] {
                for wheel in variant.wheels(os).unwrap_or_default() {
                    for platform in platforms {
                        let fits = |name: &&&str| wheel_fits(name, wheel, platform);
                        let hashes = listed().iter().filter(fits).count();
                        assert_eq!(hashes, 1, "{wheel} for {platform}");
                    }
                }
            }
        }
    }

    #[test]
    fn no_hash_is_left_over() {
        let wheels = Variant::Cuda.wheels("linux").expect("Linux has CUDA");
        for name in listed() {
            assert!(wheels.iter().any(|wheel| wheel_fits(name, wheel, "")), "{name}");
        }
    }

    #[test]
    fn only_linux_has_cuda() {
        assert!(Variant::Cuda.wheels("linux").is_ok_and(|wheels| wheels.len() == 16));
        assert!(Variant::Cuda.wheels("macos").is_err());
        assert_eq!(Variant::Cpu.wheels("macos"), Ok(vec!["torch==2.11.0"]));
        assert!(Variant::Cpu.wheels("windows").is_err());
    }

    #[test]
    fn torch_is_the_version_that_is_checked() {
        assert_eq!(TORCH, format!("torch=={VERSION}"));
    }
}
