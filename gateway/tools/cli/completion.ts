import { Argument, Command } from 'commander';
import { completionWords } from './completion-words.ts';
import { askAdmin, type ConnectionFlags, connectionOptions, print, printJson } from './connection.ts';
import { ExitCode, run } from './exit.ts';

/** Longest wait for the names of symbols, ms: a user waits at the prompt. */
const SYMBOLS_MS = 1000;
const MOST_SYMBOLS = 1000;

const BASH = `# openbell completion bash
_openbell() {
  local IFS=$'\\n'
  COMPREPLY=($("\${COMP_WORDS[0]}" completion words -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _openbell openbell`;

const ZSH = `#compdef openbell
# openbell completion zsh
_openbell() {
  local -a candidates
  candidates=("\${(@f)$("\${words[1]}" completion words -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ -n "\${candidates[1]}" ]]; then compadd -a candidates; else _files; fi
}
# Loaded from a directory of fpath, this is the function at its first call.
if [[ "\${funcstack[1]}" == _openbell ]]; then _openbell "$@"; else compdef _openbell openbell; fi`;

const FISH = `# openbell completion fish
function __openbell_complete
  set -l words (commandline -opc) (commandline -ct)
  set -l found ($words[1] completion words -- $words[2..-1] 2>/dev/null)
  if test (count $found) -gt 0
    printf '%s\\n' $found
  else
    __fish_complete_path (commandline -ct)
  end
end
complete -c openbell -f -a '(__openbell_complete)'`;

const SCRIPTS: Readonly<Record<string, string>> = { bash: BASH, zsh: ZSH, fish: FISH };

/** @param names of all commands */
export function completionCommand(names: readonly string[]): (program: Command) => void {
  return (program) => {
    const command = program
      .command('completion')
      .summary('completion for bash, zsh and fish')
      .description(
        'Prints a script that completes commands, flags, their values, contexts and, if the exchange answers within a second, symbols.',
      )
      .helpCommand(false)
      .addArgument(new Argument('<shell>', 'the shell').choices(Object.keys(SCRIPTS)))
      .option('--json', 'JSON instead of text')
      .addHelpText(
        'after',
        `
Examples:
  source <(openbell completion bash)
  openbell completion bash > ~/.local/share/bash-completion/completions/openbell
  mkdir -p ~/.zfunc && openbell completion zsh > ~/.zfunc/_openbell   # fpath=(~/.zfunc $fpath) before compinit in ~/.zshrc
  mkdir -p ~/.config/fish/completions && openbell completion fish > ~/.config/fish/completions/openbell.fish`,
      );
    command.action((shell: string) =>
      run(async () => {
        if (command.opts<{ json?: true }>().json) printJson({ shell, script: SCRIPTS[shell] });
        else print(SCRIPTS[shell]);
        return ExitCode.Ok;
      }),
    );
    // For the scripts: what follows at the cursor, one a line. An error prints nothing, because the user is at a prompt.
    command
      .command('words', { hidden: true })
      .argument('[words...]')
      .action(async (words: string[]) => {
        const found = await completionWords(program, names, words, {
          contexts: contextNames,
          symbols: () => symbolNames(words.slice(0, -1)),
        }).catch(() => []);
        if (found.length > 0) print(found.join('\n'));
        // A question to an exchange that does not answer is not awaited.
        process.exit(ExitCode.Ok);
      });
  };
}

async function contextNames(): Promise<readonly string[]> {
  const { NO_CONTEXT, readContexts } = await import('./contexts-file.ts');
  return [...(await readContexts()).all.keys(), NO_CONTEXT];
}

/** @param words with the flags that say which exchange */
async function symbolNames(words: readonly string[]): Promise<readonly string[]> {
  const probe = connectionOptions(new Command('openbell').allowUnknownOption().allowExcessArguments().exitOverride());
  probe.configureOutput({ writeErr: () => undefined, writeOut: () => undefined });
  let flags: ConnectionFlags | undefined;
  probe.action(() => {
    flags = probe.opts<ConnectionFlags>();
  });
  await probe.parseAsync([...words], { from: 'user' });
  if (flags === undefined) return [];
  const late = new Promise<{ name: string }[]>((resolve) => setTimeout(() => resolve([]), SYMBOLS_MS));
  const symbols = await Promise.race([askAdmin<{ readonly name: string }[]>(flags, '/v1/symbols'), late]);
  return symbols.slice(0, MOST_SYMBOLS).map(({ name }) => name);
}
