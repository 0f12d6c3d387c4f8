/** Fills, and orders of the history, over REST: an answer has what the account had been sent when the request came, or says that it lacks something. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { ReportKind } from '../engine/wire/layout.ts';
import { readQuery } from '../gateway/endpoints/http/route.ts';
import { tradingRoutes } from '../gateway/endpoints/http/trading-routes.ts';
import type { LongList } from '../gateway/endpoints/json/json-pieces.ts';
import { Slices } from '../gateway/slices.ts';
import { History } from '../gateway/taps/history/history.ts';
import { ReportSource } from './support/report-source.ts';

const SYMBOL = { id: 1, name: 'BTC-USD', tickMantissa: 1, tickDecimals: 2, lotMantissa: 1, lotDecimals: 3, quoteAsset: { decimals: 6 } };

interface Pieces {
  readonly fills?: LongList;
  readonly orders?: LongList;
  readonly behind?: true;
}

describe('an answer from the history', { timeout: 120_000 }, () => {
  const base = mkdtempSync(join(tmpdir(), 'openbell-history-wait-'));
  const source = new ReportSource();
  const durable = { words: new Int32Array(new SharedArrayBuffer(4)), index: 0 };
  const slices = new Slices();
  /** Number of the last report that the engine has made. */
  let made = 0;
  let history: History;

  before(async () => {
    history = await History.start({ dataDir: base, reports: source.history, durable });
  });
  after(async () => {
    await history.stop();
    rmSync(base, { recursive: true, force: true });
  });

  function make(fields: object): void {
    made++;
    const order = { account: 1, symbol: 1, orderId: made, price: 100, quantity: 5 };
    assert.ok(source.put({ ...order, reportNo: made, seq: made, timeUs: made, ...fields }));
    source.publish();
  }

  /** Asks a route, whose directory is that of an engine which is ahead of the disk. */
  async function ask(path: string, text: string): Promise<Pieces> {
    const directory = { account: (id: number) => ({ id }), symbol: () => SYMBOL, lastReportNo: () => made };
    const route = tradingRoutes({ directory, history, sessions: {} } as never).find((each) => each.path === path && each.method === 'GET');
    assert.ok(route);
    const principal = { accounts: new Set([1]), via: 'open' };
    const inSlices = <T>(work: Generator<undefined, T>) => slices.run('test', work);
    const query = readQuery(route, new URLSearchParams(`account=1&${text}`));
    const request = { params: {}, query, principal, demand: () => undefined, caller: 'test', inSlices };
    return ((await route.handle(request as never)) as { pieces: Pieces }).pieces;
  }

  const rows: [path: string, text: string, list: 'fills' | 'orders', last: (no: number) => object][] = [
    ['/v1/fills', '', 'fills', (no) => ({ kind: ReportKind.Fill, tradeId: no })],
    ['/v1/orders', 'status=all', 'orders', () => ({ kind: ReportKind.Accepted })],
  ];
  for (const [path, text, list, last] of rows)
    it(`${path}?${text} waits until it has the last report, and says so if that does not come`, async () => {
      // An order that has ended, so that the engine is not asked for its present state.
      make({ kind: ReportKind.Accepted });
      make({ kind: ReportKind.Cancelled, orderId: made });
      Atomics.store(durable.words, 0, made);
      const count = (answer: Pieces) => Array.from(answer[list]?.items ?? []).length;
      let answer = await ask(path, text);
      while (answer.behind) answer = await ask(path, text);
      const had = count(answer);
      make(list === 'orders' ? { kind: ReportKind.Rejected, orderId: 0 } : last(made + 1));
      assert.deepEqual([(await ask(path, text)).behind, count(await ask(path, text))], [true, had]);
      if (list === 'orders') {
        make({ kind: ReportKind.Accepted, orderId: 100 });
        make({ kind: ReportKind.Cancelled, orderId: 100 });
      }
      Atomics.store(durable.words, 0, made);
      // On a busy machine the half of a second may pass: then the answer says so.
      do answer = await ask(path, text);
      while (answer.behind);
      assert.equal(count(answer), had + 1);
    });

  it('of a later page does not wait', async () => {
    make({ kind: ReportKind.Accepted });
    assert.equal((await ask('/v1/fills', 'before=1000')).behind, undefined);
    assert.equal((await ask('/v1/orders', 'status=all&before=1000')).behind, undefined);
  });
});
