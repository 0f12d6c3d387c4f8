import assert from 'node:assert/strict';
import { it } from 'node:test';
import { ALL_INSTRUMENTS, FeedFault } from '../feeds/feed.ts';
import { FaultNotes } from '../feeds/worker/fault-notes.ts';

it('each fault of a source is a line of the log at most once a minute, with its number and the last instrument', () => {
  const lines: string[] = [];
  const notes = new FaultNotes(
    (instrument) => ['BTCUSDT', 'ETHUSDT'][instrument],
    (fault, text) => lines.push(`${fault} ${text}`),
  );
  const poll = (nowMs: number): string[] => {
    notes.poll(nowMs);
    return lines.splice(0);
  };
  assert.deepEqual(poll(0), []);
  notes.note(0, FeedFault.Refused);
  notes.note(ALL_INSTRUMENTS, FeedFault.UnknownMessage);
  assert.deepEqual(poll(1000), [`${FeedFault.UnknownMessage} UNKNOWN_MESSAGE`, `${FeedFault.Refused} REFUSED of BTCUSDT`]);
  for (let i = 0; i < 1000; i++) notes.note(i % 2, FeedFault.Refused);
  notes.note(1, FeedFault.Silent);
  assert.deepEqual(poll(60_999), [`${FeedFault.Silent} SILENT of ETHUSDT`], 'other faults do not wait for it');
  assert.deepEqual(poll(61_000), [`${FeedFault.Refused} REFUSED: 1000 times since the last line; the last one of ETHUSDT`]);
  assert.deepEqual(poll(1e9), []);
  notes.note(ALL_INSTRUMENTS, FeedFault.Closed);
  notes.note(ALL_INSTRUMENTS, FeedFault.ClockBack);
  assert.deepEqual(poll(2e9), [], 'the line logs them with the reason');
  notes.note(0, FeedFault.ClockBack);
  assert.deepEqual(poll(3e9), [`${FeedFault.ClockBack} CLOCK_BACK of BTCUSDT`], 'the clock of a venue');
  notes.note(0, FeedFault.NumberMalformed, 17);
  notes.note(1, FeedFault.NumberMalformed, 4711);
  const text = 'NUMBER_MALFORMED: 2 times since the last line; the last one of ETHUSDT at 4711';
  assert.deepEqual(poll(3e9), [`${FeedFault.NumberMalformed} ${text}`], 'a file has places');
});
