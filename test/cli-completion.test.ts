/** What can follow at the cursor of a command line. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { completionWords } from '../gateway/tools/cli/completion-words.ts';
import { COMMAND_NAMES, cliProgram } from './support/cli-program.ts';

const program = await cliProgram();
const values = { contexts: async () => ['local', 'prod', 'none'], symbols: async () => ['BTC-USD', 'ETH-USD'] };
const complete = (line: string) => completionWords(program, COMMAND_NAMES, line.split(' '), values);

const TABLE: [line: string, words: string[]][] = [
  ['symb', ['symbol']],
  ['nothing', []],
  ['nothing ', []],
  ['symbol ', ['ls', 'show', 'add', 'set']],
  ['symbol s', ['show', 'set']],
  ['symbol show ', ['BTC-USD', 'ETH-USD']],
  ['symbol show B', ['BTC-USD']],
  ['symbol add ', []],
  ['symbol show --host ls ', ['BTC-USD', 'ETH-USD']],
  ['symbol show --host=ls E', ['ETH-USD']],
  ['symbol show --json E', ['ETH-USD']],
  ['book BTC-USD ', []],
  ['halt BTC-USD E', ['ETH-USD']],
  ['context use ', ['local', 'prod', 'none']],
  ['context add ', []],
  ['phase h', ['halted']],
  ['phase halted E', ['ETH-USD']],
  ['phase auction X --sub-phase ', ['pre-open', 'opening-auction', 'closing-auction']],
  ['account 1 --or', ['--orders']],
  ['account se', ['set']],
  ['account set 2 --max-open', ['--max-open-orders']],
  ['account set 2 --tra', ['--trades']],
  ['sessions ls --kind d', ['drop-copy']],
  ['sessions ls -a ', []],
  ['sessions ls --context p', ['prod']],
  ['sessions ls --context = p', ['prod']],
  ['sessions ls --token-file ', []],
  ['order b', ['buy']],
  ['order explain --cl', ['--client-id']],
  ['kill-switch on --symbol B', ['BTC-USD']],
  ['completion ', ['bash', 'zsh', 'fish']],
];

for (const [line, words] of TABLE) test(`openbell ${line}|`, async () => assert.deepEqual(await complete(line), words));

test('all commands complete, and none fails at any place', async () => {
  assert.deepEqual(await complete(''), [...COMMAND_NAMES]);
  for (const name of COMMAND_NAMES)
    for (const rest of ['', '-', '--', 'x', 'x y z ', '--json ', '--nothing x ', '= '])
      for (const word of await complete(`${name} ${rest}`)) assert.doesNotMatch(word, /\s/);
});
