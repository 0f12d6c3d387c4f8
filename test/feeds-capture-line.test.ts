import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { it } from 'node:test';
import { CAPTURED_LINE } from '../feeds/files/capture-replay.ts';
import { CaptureLine } from '../feeds/lines/capture-line.ts';
import { demoCapture } from '../feeds/simulator/demo-capture.ts';
import { NotingSink } from './support/loopback-venue.ts';
import { until } from './support/until.ts';

it('a truncated gzip capture is played as far as it goes, counted and logged', async (t) => {
  const whole = readFileSync(demoCapture().path);
  const sink = new NotingSink();
  const log: string[] = [];
  const line = new CaptureLine({
    source: { name: 'cut', file: { path: 'cut.jsonl.gz', content: whole.subarray(0, whole.length >> 1) } },
    adapter: (venue) => venue.create({ instruments: [] }, CAPTURED_LINE, sink),
    sink,
    log: (_fault, text) => log.push(text),
  });
  t.after(() => line.stop());
  line.start();
  await until(() => sink.words.includes('live'), 'the capture is played');
  await line.stop();
  assert.deepEqual(
    sink.words.filter((word) => word.startsWith('fault')),
    ['fault MALFORMED'],
  );
  assert.deepEqual(log, ['cut.jsonl.gz: ends too early; the recording was cut short']);
});
