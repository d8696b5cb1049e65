//! `freeze completions`: scripts that complete its command line.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::reporter::{Options, Reporter, Stream};
use crate::{Cli, Outcome};

#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
                        freeze completions bash > ~/.local/share/bash-completion/completions/freeze\n  \
                        freeze completions zsh > ~/.zfunc/_freeze\n  \
                        freeze completions fish > ~/.config/fish/completions/freeze.fish\n  \
                        freeze completions powershell >> $PROFILE\n  \
                        freeze completions elvish >> ~/.config/elvish/rc.elv\n\n\
                        Bash needs the package bash-completion. For zsh, `~/.zfunc` must be in \
                        `fpath` before `compinit`.")]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Prints the script on standard output.
pub(crate) fn run(arguments: &CompletionsArgs, options: &Options) -> Outcome {
    let mut reporter = Reporter::new(options, Stream::Stderr);
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), "freeze", &mut script);
    reporter.print_with(|out| out.write_all(&script));
    reporter.conclude()
}
