import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LATENCY_BOUNDS_US } from '../gateway/latency-buckets.ts';
import { PublishLatency } from '../gateway/market/publish-latency.ts';

function counted(latencies: PublishLatency): Record<string, number> {
  const found: Record<string, number> = {};
  for (const [i, events] of latencies.latency.buckets.entries()) if (events > 0) found[String(LATENCY_BOUNDS_US[i] ?? 'above')] = events;
  return found;
}

test('each event counts from its own time stamp to the end of its flush', () => {
  const latencies = new PublishLatency();
  latencies.note(1000);
  latencies.note(1000);
  latencies.note(1200);
  latencies.begin(true);
  latencies.note(1250); // during the flush: counts for the next one
  latencies.end(1290);
  assert.deepEqual([counted(latencies), latencies.latency.count, latencies.latency.sumUs], [{ 100: 1, 300: 2 }, 3, 290 + 290 + 90]);
  latencies.begin(true);
  latencies.end(2_001_250);
  assert.deepEqual([counted(latencies), latencies.latency.count], [{ 100: 1, 300: 2, above: 1 }, 4]);
});

test('unsent events do not count, and a flush counts once', () => {
  const latencies = new PublishLatency();
  latencies.note(1000);
  latencies.begin(false);
  latencies.end(1100);
  assert.equal(latencies.latency.count, 0);
  latencies.note(2000);
  latencies.begin(true);
  latencies.end(2010);
  latencies.end(9999);
  assert.deepEqual([counted(latencies), latencies.latency.count], [{ 50: 1 }, 1]);
});

test('more time stamps between two flushes than its initial capacity', () => {
  const latencies = new PublishLatency();
  for (let i = 0; i < 5000; i++) latencies.note(i);
  latencies.begin(true);
  latencies.end(5000);
  assert.deepEqual([latencies.latency.count, latencies.latency.sumUs], [5000, (5000 * 5001) / 2]);
});
