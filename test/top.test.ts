/** `openbell top`: rates of two samples, and lines that fit a terminal. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MetricSamples, quantileBetween } from '../gateway/tools/cli/metric-samples.ts';
import { topLines, topView } from '../gateway/tools/cli/top-view.ts';
import { DemoExchange } from './support/demo-exchange.ts';
import { openbell } from './support/exchange-process.ts';

const page = (seq: number, fills: number, buckets: readonly number[], trades: readonly number[]): string => `
# HELP openbell_seq Sequences.
# TYPE openbell_seq gauge
openbell_seq{stage="sequenced"} ${seq}
openbell_seq{stage="history"} ${seq - 3}
openbell_reports_total{kind="Fill"} ${fills}
openbell_journal_syncs_total ${seq / 10}
openbell_journal_sync_seconds_total ${seq / 1000}
openbell_ring_depth{ring="command"} 7
openbell_order_to_report_seconds_bucket{le="0.001"} ${buckets[0]}
openbell_order_to_report_seconds_bucket{le="0.01"} ${buckets[1]}
openbell_order_to_report_seconds_bucket{le="+Inf"} ${buckets[2]}
${trades.map((count, i) => `openbell_symbol_trades_total{symbol="S${i}"} ${count}`).join('\n')}
openbell_symbol_last_price{symbol="S1"} 59988.43
openbell_symbol_last_price{symbol="S2"} 0
openbell_symbol_trades_total{symbol="A \\"quoted\\" name"} 0
a line that is none
`;

describe('the view of top', () => {
  const before = MetricSamples.parse(page(100, 10, [5, 5, 5], [1, 1, 1]), 1000);
  const after = MetricSamples.parse(page(300, 20, [55, 104, 105], [1, 9, 5]), 3000);
  const view = topView(before, after, {});

  it('has rates per second, latencies between the samples, and the busiest symbols first', () => {
    assert.deepEqual([view.seconds, view.rates.commands, view.rates.fills, view.historyLag], [2, 100, 5, 3]);
    assert.deepEqual(view.latency, { p50: 1, p99: 10 });
    assert.ok(Math.abs((view.journal.syncMs ?? 0) - 10) < 1e-6);
    assert.deepEqual(view.symbols.map(({ name, trades }) => [name, trades]).slice(0, 3), [
      ['S1', 4],
      ['S2', 2],
      ['A \\"quoted\\" name', 0],
    ]);
    assert.equal(view.rings.command, 7);
  });

  it('has no price for a symbol without trades', () => {
    assert.deepEqual(view.symbols.map(({ name, lastPrice }) => [name, lastPrice]).slice(0, 2), [
      ['S1', 59988.43],
      ['S2', null],
    ]);
    const lines = topLines(view, 80, 24);
    assert.deepEqual([lines.some((line) => /^S1 .* 59988\.43$/.test(line)), lines.some((line) => /^S2 .* -$/.test(line))], [true, true]);
  });

  it('has no rate below 0 after a restart, and no latency without an order', () => {
    const restarted = topView(after, before, {});
    assert.deepEqual([restarted.rates.commands, restarted.latency, restarted.journal.syncMs], [0, { p50: null, p99: null }, null]);
    assert.equal(
      quantileBetween(before, MetricSamples.parse(page(100, 10, [5, 5, 9], []), 0), 'openbell_order_to_report_seconds', 0.5),
      Number.POSITIVE_INFINITY,
    );
  });

  it('fits 80 x 24, with many symbols, long names and warnings', () => {
    const many = MetricSamples.parse(
      page(
        1e15,
        1e9,
        [1e9, 1e9, 1e9],
        Array.from({ length: 2000 }, (_, i) => i * 1e6),
      ),
      5000,
    );
    const idle = MetricSamples.parse(page(100, 10, [5, 5, 5], Array(2000).fill(0)), 1000);
    const crowded = topView(idle, many, { reasons: ['x'.repeat(200)], warnings: Array.from({ length: 5 }, () => 'w'.repeat(300)) });
    for (const [columns, rows] of [
      [80, 24],
      [120, 50],
    ]) {
      const lines = topLines(crowded, columns, rows);
      assert.ok(lines.length < rows && lines.every((line) => line.length <= columns && !line.includes('\n')));
      assert.ok(lines.some((line) => line.startsWith('S1999')));
    }
  });

  it('shows a running exchange, and says when there is none', async (t) => {
    const demo = new DemoExchange();
    t.after(() => demo.stop());
    await demo.start();
    await demo.client.orders.place({ symbol: 'BTC-USD', side: 'buy', quantity: '0.5', price: '59000.00' });
    const port = String(demo.ports.http);
    const once = JSON.parse((await openbell(['top', '--once', '--interval', '1', '--json', '--http-port', port])).stdout);
    assert.deepEqual([once.ready, once.orders.resting, once.sessions.open], [true, 1, 1]);
    assert.ok(once.symbols.some(({ name }: { name: string }) => name === 'BTC-USD'));
    const gone = await openbell(['top', '--once', '--http-port', '1', '--json']);
    assert.deepEqual([gone.code, JSON.parse(gone.stdout).error.code], [3, 'UNREACHABLE']);
  });
});
