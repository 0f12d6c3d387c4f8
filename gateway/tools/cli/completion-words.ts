import type { Argument, Command, Option } from 'commander';

/** Values that are not in the command line's own definition. */
export interface CompletionValues {
  readonly contexts: () => Promise<readonly string[]>;
  /** Of the exchange; none if it does not answer soon. */
  readonly symbols: () => Promise<readonly string[]>;
}

const SYMBOL_ARGUMENTS: ReadonlySet<string> = new Set(['symbol', 'symbols']);

/**
 * What can follow at the cursor.
 * @param program with the command that the words name, if they name one
 * @param names of all commands
 * @param words behind `openbell` up to the cursor; the last one is being written, and may be empty
 * @returns nothing where a file, a number or a text of the user's follows
 */
export async function completionWords(
  program: Command,
  names: readonly string[],
  words: readonly string[],
  values: CompletionValues,
): Promise<string[]> {
  const current = words.at(-1) ?? '';
  let command = program;
  let taken = 0;
  let open: Option | undefined;
  for (const word of words.slice(0, -1)) {
    // A shell may split `--flag=value` at its sign.
    if (word === '=') continue;
    if (open !== undefined) open = undefined;
    else if (word.startsWith('-')) open = word.includes('=') ? undefined : withValue(optionOf(command, word));
    else {
      const next = taken === 0 ? command.commands.find((each) => each.name() === word) : undefined;
      if (next === undefined && command === program) return [];
      if (next === undefined) taken++;
      else command = next;
    }
  }
  const begins = (word: string): boolean => word.startsWith(current === '=' ? '' : current);
  if (open !== undefined) return (await valuesOf(open, values)).filter(begins);
  if (current.startsWith('-')) return flagsOf(command).filter(begins);
  if (command === program) return names.filter(begins);
  const below = taken === 0 ? command.commands.filter((each) => !isHidden(each)).map((each) => each.name()) : [];
  return [...below, ...(await argumentValues(command, taken, values))].filter(begins);
}

/** The option of a command or of those above it. */
function optionOf(command: Command, word: string): Option | undefined {
  const found = command.options.find(({ long, short }) => word === long || word === short);
  return found ?? (command.parent ? optionOf(command.parent, word) : undefined);
}

function withValue(option: Option | undefined): Option | undefined {
  return option?.required || option?.optional ? option : undefined;
}

function flagsOf(command: Command): string[] {
  const all = new Set<string>();
  for (let each: Command | null = command; each !== null; each = each.parent)
    for (const { long, hidden } of each.options) if (long && !hidden && (each === command || long !== '--version')) all.add(long);
  return [...all, '--help'];
}

async function valuesOf(option: Option, { contexts, symbols }: CompletionValues): Promise<readonly string[]> {
  if (option.argChoices !== undefined) return option.argChoices;
  if (option.long === '--context') return contexts();
  return option.long === '--symbol' ? symbols() : [];
}

async function argumentValues(command: Command, taken: number, { contexts, symbols }: CompletionValues): Promise<readonly string[]> {
  const list = command.registeredArguments;
  const last: Argument | undefined = list.at(-1);
  const argument = list[taken] ?? (last?.variadic ? last : undefined);
  if (argument === undefined) return [];
  if (argument.argChoices !== undefined) return argument.argChoices;
  const parent = command.parent?.name();
  if (parent === 'context' && command.name() !== 'add') return contexts();
  if (SYMBOL_ARGUMENTS.has(argument.name()) || (parent === 'symbol' && command.name() !== 'add')) return symbols();
  return [];
}

function isHidden(command: Command): boolean {
  return (command as Command & { readonly _hidden?: boolean })._hidden === true;
}
