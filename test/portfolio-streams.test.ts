/** Streams of portfolios without a network: the transport is the test's, the positions are those of a real history. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Code } from '../engine/codes.ts';
import { ReportKind } from '../engine/wire/layout.ts';
import { PORTFOLIO } from '../gateway/endpoints/json/schemas/accounts.ts';
import type { Visit } from '../gateway/identity/identity.ts';
import type { Principal } from '../gateway/identity/principal.ts';
import {
  type PortfolioAdmission,
  type PortfolioStream,
  PortfolioStreams,
  type PortfolioTransport,
} from '../gateway/portfolio/portfolio-streams.ts';
import { Portfolios } from '../gateway/portfolio/portfolios.ts';
import type { Reject } from '../gateway/reject.ts';
import { SessionAudit } from '../gateway/sessions/session-audit.ts';
import { Slices } from '../gateway/slices.ts';
import { HistoryBusyError } from '../gateway/taps/history/history.ts';
import { HistoryWriter } from '../gateway/taps/history/writer.ts';
import { storedPositions } from '../gateway/taps/positions/position-queries.ts';
import { ReportSource } from './support/report-source.ts';
import { until } from './support/until.ts';

const SYMBOL = {
  ...{ id: 1, name: 'BTC-USD', quoteAsset: { id: 1, name: 'USD', decimals: 2 }, baseAsset: { id: 2, name: 'BTC', decimals: 8 } },
  ...{ tickMantissa: 1, tickDecimals: 0, lotMantissa: 1, lotDecimals: 0, quotePerTickLot: 100, lastPrice: 0, referencePrice: 0 },
};

class Reader implements PortfolioTransport {
  readonly texts: string[] = [];
  reject: Reject | undefined;
  ended = false;
  takes = true;

  write(text: string): boolean {
    assert.equal(PORTFOLIO.safeParse(JSON.parse(text)).error, undefined, text);
    this.texts.push(text);
    return this.takes;
  }
  end(): void {
    this.ended = true;
  }
  fail(why: Reject): void {
    this.reject = why;
  }
  get positions(): string[] {
    return this.texts.map((text) => JSON.parse(text).positions[0]?.position);
  }
}

class Bench {
  readonly dir = mkdtempSync(join(tmpdir(), 'openbell-portfolio-streams-'));
  readonly source = new ReportSource();
  readonly writer = new HistoryWriter({ dataDir: this.dir, reports: this.source.history });
  /** Queries of the history, and what they do instead of answering. */
  queries = 0;
  fault: Error | undefined;
  hold: Promise<void> | undefined;
  reports = 0;
  /** Looks of all streams: each reads the clock once. */
  looks = 0;
  expiresAt = Number.POSITIVE_INFINITY;
  draining = false;
  lastPrice = 0;
  /** Actions of the audit trail, with their outcomes and counts. */
  readonly records: string[] = [];
  readonly streams: PortfolioStreams;

  /** @param repeatMs default: what does not change is not sent again */
  constructor(t: TestContext, lateMs = 60_000, repeatMs = Number.POSITIVE_INFINITY) {
    const directory = {
      accountExists: (account: number) => account === 1,
      lastReportNo: () => this.reports,
      symbol: () => ({ ...SYMBOL, lastPrice: this.lastPrice }),
    };
    const history = {
      positions: async (range: { account: number; after: number; limit: number }) => {
        this.queries++;
        await this.hold;
        if (this.fault !== undefined) throw this.fault;
        return storedPositions(this.writer.store, range);
      },
    };
    const sources = { directory, history, book: () => undefined, feeds: undefined };
    this.streams = new PortfolioStreams({
      portfolios: new Portfolios(sources as never),
      audit: new SessionAudit(
        {
          record: ({ account, action, outcome, detail }) =>
            void this.records.push(`${account} ${action} ${outcome} ${JSON.parse(detail ?? '').messages ?? ''}`.trim()),
        },
        () => 7,
      ),
      identity: { open: true, forbid: () => undefined } as never,
      slices: new Slices(),
      draining: () => this.draining,
      nowUs: () => {
        this.looks++;
        return Date.now() * 1000;
      },
      lateMs,
      repeatMs,
    });
    t.after(async () => {
      this.streams.end();
      await this.writer.store.root.close();
      rmSync(this.dir, { recursive: true, force: true });
    });
  }

  buy(quantity: number): void {
    const reportNo = ++this.reports;
    const fill = { kind: ReportKind.Fill, account: 1, symbol: 1, reportNo, seq: reportNo, tradeId: reportNo, price: 10, quantity };
    assert.ok(this.source.put({ ...fill, timeUs: reportNo }));
    this.source.publish();
    this.writer.poll(true);
  }

  admit(query = 'account=1&interval=100', peer = 'here'): PortfolioAdmission | Reject {
    const principal = { expiresAt: this.expiresAt, subject: 'me' } as Principal;
    return this.streams.admit(new URLSearchParams(query), principal, { peer, wants: 'portfolio' } as Visit);
  }

  open(reader: Reader): PortfolioStream {
    const admission = this.admit();
    assert.ok(!('code' in admission));
    return this.streams.open(reader, admission);
  }
}

test('the whole portfolio comes first, then after each change; the history is asked only for new reports', async (t) => {
  const bench = new Bench(t);
  const reader = new Reader();
  bench.buy(2);
  bench.open(reader);
  await until(() => reader.texts.length === 1, 'the first');
  const { queries: asked, looks } = bench;
  await until(() => bench.looks > looks + 3, 'further looks');
  assert.equal(reader.texts.length, 1, 'nothing has changed');
  bench.lastPrice = 11;
  await until(() => reader.texts.length === 2, 'the mark');
  assert.equal(bench.queries, asked);
  bench.buy(3);
  await until(() => reader.texts.length === 3, 'the fill');
  assert.deepEqual(reader.positions, ['2', '2', '5']);
  assert.equal(JSON.parse(reader.texts[2]).totals[0].unrealised, '5.00');
  assert.equal(bench.streams.counters.open, 1);
});

test('a slow reader gets the newest portfolio later, and is cut when it takes nothing', async (t) => {
  const bench = new Bench(t);
  const slow = new Reader();
  slow.takes = false;
  const stream = bench.open(slow);
  const other = new Reader();
  bench.open(other);
  await until(() => slow.texts.length === 1 && other.texts.length === 1, 'the first');
  for (const quantity of [1, 1, 1]) {
    const seen = other.texts.length;
    bench.buy(quantity);
    await until(() => other.texts.length > seen, 'the reader that reads has it');
  }
  assert.equal(slow.texts.length, 1);
  slow.takes = true;
  stream.onWritten();
  await until(() => slow.texts.length === 2, 'the newest');
  assert.deepEqual(slow.positions, [undefined, '3']);
  const late = new Bench(t, 1);
  const never = new Reader();
  never.takes = false;
  late.open(never);
  await until(() => never.reject !== undefined, 'the cut');
  assert.deepEqual([never.reject?.code, late.streams.counters.open, late.streams.counters.cut], [Code.BUSY, 0, 1]);
});

test('a full queue of the history is waited for; another fault ends the stream', async (t) => {
  const bench = new Bench(t);
  bench.fault = new HistoryBusyError('full');
  const reader = new Reader();
  bench.open(reader);
  await until(() => bench.queries > 1, 'it asks again');
  bench.fault = undefined;
  await until(() => reader.texts.length === 1, 'the first');
  bench.fault = new Error('damaged');
  bench.buy(1);
  await until(() => reader.reject !== undefined, 'the end');
  assert.deepEqual([reader.reject?.code, reader.reject?.cause], [Code.BUSY, 'unavailable']);
});

test('expired credentials and a stop end streams; who has left gets nothing', async (t) => {
  const bench = new Bench(t);
  const [stays, leaves, expires] = [new Reader(), new Reader(), new Reader()];
  bench.open(stays);
  bench.open(leaves).leave();
  bench.expiresAt = Date.now() - 1;
  bench.open(expires);
  await until(() => stays.texts.length === 1 && expires.reject !== undefined, 'the first, and the end');
  assert.deepEqual([leaves.texts, expires.texts, expires.reject?.code], [[], [], Code.UNAUTHENTICATED]);
  bench.streams.end();
  assert.deepEqual([stays.ended, leaves.ended, bench.streams.counters.open], [true, false, 0]);
  const [opened, closed] = ['1 open portfolio ok', '1 close portfolio'];
  assert.deepEqual(bench.records, [opened, opened, `${closed} ok 0`, opened, `${closed} UNAUTHENTICATED 0`, `${closed} ok 1`]);
});

test('who leaves during a query gets nothing, and what does not change comes again', async (t) => {
  const bench = new Bench(t, 60_000, 1);
  const { promise, resolve } = Promise.withResolvers<void>();
  bench.hold = promise;
  const leaves = new Reader();
  const stream = bench.open(leaves);
  await until(() => bench.queries === 1, 'it asks');
  stream.leave();
  resolve();
  const stays = new Reader();
  bench.open(stays);
  await until(() => stays.texts.length > 2, 'it is sent again');
  assert.deepEqual([leaves.texts, new Set(stays.texts).size], [[], 1]);
});

test('streams are limited, of a caller and of all', (t) => {
  const bench = new Bench(t);
  const codeOf = (admission: PortfolioAdmission | Reject) => ('code' in admission ? admission.code : Code.OK);
  assert.equal(codeOf(bench.admit('account=2')), Code.UNKNOWN_ACCOUNT);
  assert.equal(codeOf(bench.admit('account=1&interval=99')), Code.BAD_PARAMETER);
  for (let peer = 0; peer < 8; peer++)
    for (let i = 0; i < 8; i++) {
      const admission = bench.admit('account=1', String(peer));
      assert.ok(!('code' in admission));
      bench.streams.open(new Reader(), admission);
      if (i === 7 && peer === 0) assert.equal(codeOf(bench.admit('account=1', '0')), Code.BUSY);
    }
  assert.equal(codeOf(bench.admit('account=1', 'another')), Code.BUSY);
  bench.draining = true;
  assert.equal(codeOf(bench.admit('account=1', 'another')), Code.DRAINING);
});
