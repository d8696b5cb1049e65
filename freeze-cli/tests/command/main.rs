//! Each subcommand, run as its users run it.

mod ast;
mod check;
mod describe;
mod explain;
mod files;
mod fix;
mod fmt;
mod help;
mod hooks;
mod import;
mod lsp;
mod messages;
mod model;
#[cfg(target_os = "linux")]
mod output;
mod plan;
mod printed;
mod schema;
mod simulate;
#[path = "../support/mod.rs"]
mod support;
mod watch;
