import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LATENCY_BOUNDS_US } from '../gateway/latency-buckets.ts';
import { MarketHop } from '../gateway/market/market-hop.ts';

function counted(hop: MarketHop): Record<string, number> {
  const found: Record<string, number> = {};
  for (const [i, events] of hop.latency.buckets.entries()) if (events > 0) found[String(LATENCY_BOUNDS_US[i] ?? 'above')] = events;
  return found;
}

test('each event counts from its own time stamp to the end of its flush', () => {
  const hop = new MarketHop();
  hop.note(1000);
  hop.note(1000);
  hop.note(1200);
  hop.begin(true);
  hop.note(1250); // during the flush: counts for the next one
  hop.end(1290);
  assert.deepEqual([counted(hop), hop.latency.count, hop.latency.sumUs], [{ 100: 1, 300: 2 }, 3, 290 + 290 + 90]);
  hop.begin(true);
  hop.end(2_001_250);
  assert.deepEqual([counted(hop), hop.latency.count], [{ 100: 1, 300: 2, above: 1 }, 4]);
});

test('unsent events do not count, and a flush counts once', () => {
  const hop = new MarketHop();
  hop.note(1000);
  hop.begin(false);
  hop.end(1100);
  assert.equal(hop.latency.count, 0);
  hop.note(2000);
  hop.begin(true);
  hop.end(2010);
  hop.end(9999);
  assert.deepEqual([counted(hop), hop.latency.count], [{ 50: 1 }, 1]);
});

test('more time stamps between two flushes than its initial capacity', () => {
  const hop = new MarketHop();
  for (let i = 0; i < 5000; i++) hop.note(i);
  hop.begin(true);
  hop.end(5000);
  assert.deepEqual([hop.latency.count, hop.latency.sumUs], [5000, (5000 * 5001) / 2]);
});
