import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readConfigFile } from '../gateway/config/config-file.ts';

/** Reads a file of `count` entries, and of eight times as many; how many times the processor time the second takes. */
function growth(count: number, text: (count: number) => string): number {
  const time = (entries: number): number => {
    const source = text(entries);
    const began = process.cpuUsage();
    readConfigFile('venue.yaml', source, []);
    const { user, system } = process.cpuUsage(began);
    return user + system;
  };
  time(count);
  const small = Math.max(time(count), time(count));
  return time(count * 8) / small;
}

const list = (count: number, entry: (i: number) => string): string => Array.from({ length: count }, (_, i) => entry(i + 1)).join('\n');

/** Linear time is 8 times as long, and quadratic time up to 64. */
const FAR_FROM_QUADRATIC = 24;

const SHAPES: [name: string, count: number, text: (count: number) => string][] = [
  ['accounts', 8000, (n) => `capacities: { accounts: 100000 }\naccounts:\n${list(n, (i) => `- {id: ${i}, name: a${i}}`)}\n`],
  ['keys of one mapping', 4000, (n) => `accounts:\n- id: 1\n  name: a\n  deposits:\n${list(n, (i) => `    A${i}: 1`)}\n`],
  [
    'aliases',
    1000,
    (n) => `capacities: { accounts: 100000 }\nassets: [{ id: 1, name: USD, decimals: 6 }]\naccounts:
- { id: 1, name: a1, deposits: &start { USD: 1 } }\n${list(n, (i) => `- {id: ${i + 1}, name: a${i + 1}, deposits: *start}`)}\n`,
  ],
  [
    'problems',
    1000,
    (n) =>
      `assets:\n${list(n, (i) => `- { id: ${i}, name: A${i}, decimals: 2 }`)}\naccounts:\n- id: 1\n  name: a\n  deposits:\n${list(n, (i) => `    B${i}: 1`)}\n`,
  ],
];

for (const [name, count, text] of SHAPES) {
  test(`the time to read a configuration grows with its size, not with its square: ${name}`, () => {
    const times = growth(count, text);
    assert.ok(times < FAR_FROM_QUADRATIC, `eight times as many took ${times.toFixed(1)} times as long`);
  });
}

test('an alias stands for the last anchor above it, and a key given twice is a problem wherever it is', () => {
  const { venue, problems } = readConfigFile(
    'venue.yaml',
    `assets: [{ id: 1, name: USD, decimals: 2 }]
accounts:
- { id: 1, name: &name one }
- { id: 2, name: &name two, deposits: &start { USD: 1 } }
- { id: 3, name: three, deposits: *start }
- { id: 4, name: *name }
`,
    [],
  );
  assert.deepEqual(problems, ['venue.yaml:6:3: accounts[3]: account name two is used twice; choose another']);
  assert.deepEqual(
    venue.accounts.map(({ name, deposits }) => [name, deposits.length]),
    [
      ['one', 0],
      ['two', 1],
      ['three', 1],
    ],
  );
  for (const [text, place] of [
    ['accounts:\n- { id: 1, name: a, deposits: { USD: 1, USD: 2 } }\n', /^venue\.yaml:2:41: not valid YAML: Map keys must be unique$/],
    ['accounts:\n- { id: 1, name: a, name: b }\n', /^venue\.yaml:2:21: not valid YAML/],
  ] as const)
    assert.throws(
      () => readConfigFile('venue.yaml', text, []),
      ({ problems: [first] }: { problems: string[] }) => place.test(first),
    );
});
