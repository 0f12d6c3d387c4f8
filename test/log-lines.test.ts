import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readableLine } from '../gateway/log-lines.ts';

const line = (fields: object): string => `${JSON.stringify({ level: 'warn', time: '2026-11-28T22:07:01.123Z', ...fields })}\n`;

test('a log line for a terminal: time, level, message and fields', () => {
  assert.equal(readableLine(line({ msg: 'exchange ready' })), '22:07:01Z warn  exchange ready\n');
  assert.equal(
    readableLine(line({ ports: { grpc: 7401 }, seq: 12, file: 'a b.yaml', topology: 'compact', msg: 'exchange ready' })),
    '22:07:01Z warn  exchange ready  ports={"grpc":7401}  seq=12  file="a b.yaml"  topology=compact\n',
  );
});

test('an error shows its stack, each line once', () => {
  const err = { type: 'Error', message: 'no room', stack: 'Error: no room\n    at write (log.ts:1:1)' };
  assert.equal(readableLine(line({ err, msg: 'failed' })), '22:07:01Z warn  failed\n  Error: no room\n      at write (log.ts:1:1)\n');
  assert.equal(readableLine(line({ err: { message: 'no room' }, msg: 'failed' })), '22:07:01Z warn  failed\n  no room\n');
});

test('no field reaches the terminal as a control character', () => {
  const hostile = '\u001b[2J\u009b31m\r\n22:07:01Z info  a forged line\u0007';
  const text = readableLine(line({ subject: hostile, [hostile]: 1, nested: [hostile], msg: hostile, err: { stack: `Error: ${hostile}` } }));
  // biome-ignore lint/suspicious/noControlCharactersInRegex: none may be left
  assert.doesNotMatch(text.replaceAll('\n', ''), /[\x00-\x1f\x7f-\x9f]/);
  assert.equal(text.split('\n').filter((part) => /^\d\d:/.test(part)).length, 1);
});

test('other text stays as it is', () => {
  for (const text of ['plain\n', '{"broken\n', '']) assert.equal(readableLine(text), text);
});
