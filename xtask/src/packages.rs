//! Which wheels contain libtorch, and which of their files a build needs.
//!
//! PyTorch's wheel for Python contains all of libtorch, headers included. On Linux it is built with
//! CUDA; without the CUDA libraries it is a libtorch for the CPU at a tenth of the size.

use crate::error::Error;

/// The libtorch that pairs with the tch of this workspace.
pub(crate) const VERSION: &str = "2.11.0";

/// The hashes of all wheels, as pip's requirements file.
pub(crate) const LOCK: &str = include_str!("../libtorch.txt");

/// The package that contains it.
pub(crate) const TORCH: &str = "torch==2.11.0";

/// The libraries that `libtorch_cpu.so` itself links on Linux, with or without CUDA.
const ALWAYS_ON_LINUX: [&str; 2] = ["nvidia-cuda-runtime==13.0.96", "nvidia-cuda-cupti==13.0.85"];

/// The other libraries that this PyTorch requires for CUDA, by its own metadata and that of
/// `cuda-toolkit` 13.0.2, without those that only Python uses.
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

/// What CUDA's headers include beside those of the libraries: libtorch's header of NCCL reads them.
const HEADERS_FOR_CUDA: [&str; 2] = ["nvidia-cuda-crt==13.0.88", "nvidia-cuda-cccl==13.0.85"];

/// The files of the wheels that are unpacked.
pub(crate) const KEEP: [&str; 4] =
    ["torch/lib/*", "torch/include/*", "nvidia/*/lib/*.so*", "nvidia/*/include/*"];

/// The part of PyTorch that only Python uses.
const PYTHON_ONLY: [&str; 1] = ["torch/lib/libtorch_python.*"];

const CUDA_ONLY: [&str; 5] = [
    "nvidia/*/include/*",
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
    /// The content of this libtorch's `build-version`.
    pub(crate) fn version(self) -> String {
        match self {
            Self::Cpu => format!("{VERSION}+cpu"),
            Self::Cuda => format!("{VERSION}+cuda"),
        }
    }

    /// The size of all its wheels on x86-64 Linux.
    pub(crate) fn download_size(self) -> &'static str {
        match self {
            Self::Cpu => "0.5 GB",
            Self::Cuda => "2.5 GB",
        }
    }

    /// Its wheels on an operating system, which is named as in `std::env::consts::OS`.
    pub(crate) fn wheels(self, os: &str) -> Result<Vec<&'static str>, Error> {
        match (os, self) {
            ("linux", Self::Cpu) => Ok([&[TORCH], ALWAYS_ON_LINUX.as_slice()].concat()),
            ("linux", Self::Cuda) => {
                let parts = [&[TORCH], &ALWAYS_ON_LINUX[..], &FOR_CUDA[..], &HEADERS_FOR_CUDA[..]];
                Ok(parts.concat())
            }
            ("macos", Self::Cpu) => Ok(vec![TORCH]),
            ("macos", Self::Cuda) => {
                Err(Error::line("there is no CUDA on macOS; omit --cuda (MPS is included)"))
            }
            _ => Err(Error::line("freeze builds on Linux and macOS; on Windows, use WSL")),
        }
    }

    /// The unpacked files that it does not need.
    pub(crate) fn skip(self) -> Vec<&'static str> {
        match self {
            Self::Cpu => [PYTHON_ONLY.as_slice(), &CUDA_ONLY].concat(),
            Self::Cuda => PYTHON_ONLY.to_vec(),
        }
    }
}

/// The lines of a lock file that hold one requirement and its hashes.
pub(crate) fn locked(lock: &str, wheel: &str) -> Option<String> {
    let mut lines = lock.lines().skip_while(|line| line.trim_end_matches('\\').trim() != wheel);
    let requirement = lines.next()?;
    let hashes = lines.take_while(|line| line.starts_with(' '));
    Some(std::iter::once(requirement).chain(hashes).flat_map(|line| [line, "\n"]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hashes(wheel: &str) -> usize {
        locked(LOCK, wheel).map_or(0, |lines| lines.matches("--hash=sha256:").count())
    }

    #[test]
    fn every_wheel_has_one_hash_for_each_platform() {
        for wheel in Variant::Cuda.wheels("linux").expect("Linux has CUDA") {
            assert_eq!(hashes(wheel), if wheel == TORCH { 3 } else { 2 }, "{wheel}");
        }
        for wheel in Variant::Cpu.wheels("macos").expect("macOS has a CPU") {
            assert_eq!(hashes(wheel), 3, "{wheel}");
        }
    }

    #[test]
    fn no_hash_is_left_over() {
        let wheels = Variant::Cuda.wheels("linux").expect("Linux has CUDA");
        let used: usize = wheels.iter().map(|wheel| hashes(wheel)).sum();
        assert_eq!(LOCK.matches("--hash=").count(), used);
    }

    #[test]
    fn one_requirement_is_cut_out_of_a_lock_file() {
        let lock = "# hashes\na==1 \\\n    --hash=sha256:0 \\\n    --hash=sha256:1\n\
                    a-b==1 \\\n    --hash=sha256:2\n";
        let lines = "a==1 \\\n    --hash=sha256:0 \\\n    --hash=sha256:1\n";
        assert_eq!(locked(lock, "a==1").as_deref(), Some(lines));
        assert_eq!(locked(lock, "b==1"), None);
    }

    #[test]
    fn only_linux_has_cuda() {
        assert!(Variant::Cuda.wheels("linux").is_ok_and(|wheels| wheels.len() == 18));
        assert!(Variant::Cuda.wheels("macos").is_err());
        assert_eq!(Variant::Cpu.wheels("macos"), Ok(vec!["torch==2.11.0"]));
        assert!(Variant::Cpu.wheels("windows").is_err());
    }

    #[test]
    fn torch_is_the_version_that_is_checked() {
        assert_eq!(TORCH, format!("torch=={VERSION}"));
    }
}
