// Starts `freeze lsp` for policies, and shows the pages of findings.

const { execFile } = require('node:child_process');
const { commands, window, workspace } = require('vscode');
const { LanguageClient } = require('vscode-languageclient/node');

const PAGES = 'freeze-page';

let client;

function command() {
  return workspace.getConfiguration('freeze').get('path', 'freeze');
}

/** The page of the finding whose code is the name of the URI. */
function page(uri) {
  const code = uri.path.replace(/\.md$/, '');
  return new Promise((resolve) => {
    execFile(command(), ['explain', code], (error, text) => {
      resolve(error ? `\`freeze explain ${code}\` failed: ${error.message}` : text);
    });
  });
}

async function start() {
  const options = {
    documentSelector: [{ language: 'freeze' }],
    initializationOptions: { pages: `${PAGES}:{code}.md` },
  };
  client = new LanguageClient('freeze', { command: command(), args: ['lsp'] }, options);
  try {
    await client.start();
  } catch (error) {
    window.showErrorMessage(
      `The language server \`${command()} lsp\` did not start: ${error.message}. Install the ` +
        'command `freeze`, or set `freeze.path` to where it is.',
    );
  }
}

async function activate(context) {
  context.subscriptions.push(
    workspace.registerTextDocumentContentProvider(PAGES, { provideTextDocumentContent: page }),
    commands.registerCommand('freeze.restart', async () => {
      await deactivate();
      await start();
    }),
    workspace.onDidChangeConfiguration(async (change) => {
      if (change.affectsConfiguration('freeze.path')) {
        await commands.executeCommand('freeze.restart');
      }
    }),
  );
  await start();
}

async function deactivate() {
  const running = client;
  client = undefined;
  if (running?.isRunning()) {
    await running.stop();
  }
}

module.exports = { activate, deactivate };
