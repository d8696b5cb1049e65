//! Compiles the C++ shim in `csrc/` against the libtorch that torch-sys found, and passes
//! the linker flag for it on to the packages that depend on this one.
//!
//! A package with a binary, a test or an example passes the flag on in its own build script,
//! because cargo does not hand linker flags of a library to what depends on it:
//!
//! ```ignore
//! fn main() {
//!     println!("cargo::rustc-link-arg={}", std::env::var("DEP_FREEZE_RUNTIME_LINK_ARG").unwrap());
//! }
//! ```

use std::env;
use std::error::Error;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    // torch-sys says nothing on Windows, where libraries are found by PATH.
    let Ok(lib) = env::var("DEP_TCH_LIBTORCH_LIB").map(PathBuf::from) else {
        return Err("freeze-runtime builds on Linux and macOS only".into());
    };
    compile_shim(&lib)?;

    let flag = link_flag(&lib);
    println!("cargo::rustc-link-arg={flag}");
    println!("cargo::metadata=link_arg={flag}");
    println!("cargo::metadata=libtorch_lib={}", lib.display());
    Ok(())
}

/// Every `.cpp` of `csrc/`, with the ABI and the headers of this very libtorch. They are compiled as one
/// file, since nearly all of the time is for libtorch's headers.
fn compile_shim(lib: &Path) -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=csrc");
    let mut sources = Vec::new();
    for entry in fs::read_dir("csrc")? {
        let path = entry?.path();
        if path.extension() == Some(OsStr::new("cpp")) {
            sources.push(path);
        }
    }
    if sources.is_empty() {
        return Ok(());
    }
    sources.sort();
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let include = |path: &PathBuf| format!("#include \"{}\"\n", root.join(path).display());
    let include_all = sources.iter().map(include).collect::<Vec<_>>().concat();
    let shim = PathBuf::from(env::var("OUT_DIR")?).join("shim.cpp");
    fs::write(&shim, include_all)?;

    let include = include_dir(lib);
    let api = include.join("torch/csrc/api/include");
    println!("cargo::rerun-if-env-changed=LIBTORCH_CXX11_ABI");
    let abi = env::var("LIBTORCH_CXX11_ABI").unwrap_or_else(|_| "1".into());
    let mut build = cc::Build::new();
    build
        .cpp(true)
        .std("c++17")
        .define("_GLIBCXX_USE_CXX11_ABI", abi.as_str())
        // As libtorch is built: without it, some of its classes have more members.
        .define("NDEBUG", None)
        // The stand-ins for gloo's headers, which no wheel of PyTorch has.
        .include("csrc")
        // As system headers, so that the shim's own warnings are the only ones.
        .flag("-isystem")
        .flag(&include)
        .flag("-isystem")
        .flag(&api)
        // libtorch's headers would put their every type into the tables.
        .debug(false)
        .file(&shim);
    let cuda = cuda_headers(lib);
    if has_nccl(lib, &cuda) {
        build.define("FREEZE_NCCL", None);
        build.flags(cuda.iter().flat_map(|folder| [OsStr::new("-isystem"), folder.as_os_str()]));
    }
    build.try_compile("freeze_runtime_shim")?;
    Ok(())
}

/// The folders with headers of NVIDIA's libraries: those of the wheels that PyTorch's wheel requires, which are
/// unpacked beside it, and a toolkit's.
fn cuda_headers(lib: &Path) -> Vec<PathBuf> {
    println!("cargo::rerun-if-env-changed=CUDA_HOME");
    let wheels = lib.ancestors().nth(2).map(|beside| beside.join("nvidia"));
    let wheels = wheels.into_iter().flat_map(fs::read_dir).flatten().flatten();
    let toolkit = env::var_os("CUDA_HOME").map(PathBuf::from);
    let all = wheels.map(|entry| entry.path()).chain(toolkit).map(|folder| folder.join("include"));
    let mut all: Vec<PathBuf> = all.filter(|folder| folder.is_dir()).collect();
    all.sort();
    all
}

/// Whether NCCL can be used: libtorch has it, and all that its header includes is in one of these folders.
fn has_nccl(lib: &Path, headers: &[PathBuf]) -> bool {
    let has = |name: &str| headers.iter().any(|folder| folder.join(name).exists());
    let all = [
        "nccl.h",
        "cuda_runtime_api.h",
        "cublas_v2.h",
        "cusparse.h",
        "cusolverDn.h",
        "crt/host_defines.h",
        "nv/target",
    ];
    lib.join("libtorch_cuda.so").exists() && all.into_iter().all(has)
}

/// Where the headers are: beside the libraries, unless `LIBTORCH_INCLUDE` says otherwise, which
/// torch-sys heeds too.
fn include_dir(lib: &Path) -> PathBuf {
    println!("cargo::rerun-if-env-changed=LIBTORCH_INCLUDE");
    let root = env::var_os("LIBTORCH_INCLUDE").map(PathBuf::from);
    let root = root.unwrap_or_else(|| lib.parent().unwrap_or(lib).to_path_buf());
    root.join("include")
}

/// One flag for the linker: the run path of libtorch and, where libtorch has CUDA, the library
/// that holds it. No symbol of that library is used by name (it registers its kernels when it is
/// loaded), so the linker would leave it out.
fn link_flag(lib: &Path) -> String {
    let dir = lib.display();
    println!("cargo::rerun-if-changed={dir}");
    if lib.join("libtorch_cuda.so").exists() {
        format!("-Wl,-rpath,{dir},-L{dir},--no-as-needed,-ltorch_cuda,--as-needed")
    } else {
        format!("-Wl,-rpath,{dir}")
    }
}
