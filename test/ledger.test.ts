/** The ledger of accounts: entries from the reports of the real state machine, through the history's writer. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { CommandKind } from '../engine/wire/layout.ts';
import { beginHistoryAt, openHistory, truncateHistory } from '../gateway/taps/history/store.ts';
import { checkStore } from '../gateway/taps/history/store-check.ts';
import { HistoryTrimmer } from '../gateway/taps/history/trimmer.ts';
import { HistoryWriter } from '../gateway/taps/history/writer.ts';
import { LEDGER_KINDS, type LedgerEntry, LedgerKind, type LedgerPlace, unpackEntries } from '../gateway/taps/ledger/ledger-entry.ts';
import { LedgerMemory, type LedgerPage, type LedgerRange, storedLedger } from '../gateway/taps/ledger/ledger-queries.ts';
import { BTC, Harness, type LongCommandFields, type ReportFields, SYMBOL, USD } from './support/exchange-fixture.ts';
import { times } from './support/long-runs.ts';
import { ReportSource } from './support/report-source.ts';
import { flow } from './support/twin-flow.ts';

const base = mkdtempSync(join(tmpdir(), 'openbell-ledger-'));
after(() => rmSync(base, { recursive: true, force: true }));
let directories = 0;
const newDir = () => join(base, String(directories++));

const ACCOUNTS = 4;
const ASSETS = [USD, BTC];
const ALL_KINDS = 2 ** LEDGER_KINDS.length - 1;
const ALL = { before: undefined, limit: 1000, asset: undefined, kinds: ALL_KINDS, fromUs: 0, toUs: Number.POSITIVE_INFINITY };

/** A change of a balance, as the state machine's balances before and after commands show it. */
interface Change {
  readonly account: number;
  readonly asset: number;
  readonly amount: bigint;
  readonly balance: number;
  /** The commands. */
  readonly firstSeq: number;
  readonly lastSeq: number;
}

/** Keeps all reports, and how balances change. */
class Recorded extends Harness {
  readonly all: ReportFields[] = [];
  readonly changes: Change[] = [];
  readonly #balances = new Map<string, number>();

  override do(fields: LongCommandFields): ReturnType<Harness['do']> {
    const firstSeq = this.exchange.seq + 1;
    const done = super.do(fields);
    this.all.push(...done.reports);
    for (let account = 1; account <= ACCOUNTS; account++)
      for (const asset of ASSETS) {
        const key = `${account} ${asset}`;
        const [before, balance] = [this.#balances?.get(key) ?? 0, this.total(account, asset)];
        if (balance === before) continue;
        this.#balances.set(key, balance);
        this.changes.push({ account, asset, amount: BigInt(balance) - BigInt(before), balance, firstSeq, lastSeq: this.exchange.seq });
      }
    return done;
  }

  total(account: number, asset: number): number {
    const { available, reserved } = this.balance(account, asset);
    return available + reserved;
  }

  get symbols(): Float64Array {
    const { baseAsset, quoteAsset, basePerLot, quotePerTickLot } = this.exchange.symbols;
    return Float64Array.of(SYMBOL, baseAsset[SYMBOL], quoteAsset[SYMBOL], basePerLot[SYMBOL], quotePerTickLot[SYMBOL]);
  }
}

const money: fc.Arbitrary<LongCommandFields> = fc.record({
  kind: fc.constantFrom(CommandKind.Deposit, CommandKind.Withdraw),
  account: fc.integer({ min: 1, max: ACCOUNTS }),
  symbol: fc.constantFrom(...ASSETS),
  quantity: fc.integer({ min: 0, max: 5000 }),
  // Keys of requests, some of which come again.
  orderId: fc.integer({ min: 0, max: 30 }),
});
const commands = fc.tuple(flow(60, 200, 3), fc.array(fc.tuple(fc.nat(200), money), { maxLength: 40 })).map(([orders, moves]) => {
  const all = [...orders];
  for (const [at, move] of moves) all.splice(Math.min(at, all.length), 0, { ...move, timeUs: all[Math.min(at, all.length - 1)]?.timeUs });
  return all;
});
const fees = fc.constantFrom([0, 0], [500, 250], [900, -300]);

function trade(given: readonly LongCommandFields[], [taker, maker]: readonly number[]): Recorded {
  const harness = new Recorded();
  harness.setUp(ACCOUNTS, { TakerFeePpm: taker, MakerFeePpm: maker }, { usd: 3_000_000, btc: 30_000 });
  for (const command of given) harness.do(command);
  return harness;
}

/** Writes reports in parts, each with a commit. */
function write(dataDir: string, reports: readonly ReportFields[], parts = 1): HistoryWriter {
  const source = new ReportSource(65_536);
  const writer = new HistoryWriter({ dataDir, reports: source.history });
  const size = Math.ceil(reports.length / parts) || 1;
  for (let at = 0; at < reports.length; at += size) {
    for (const report of reports.slice(at, at + size)) assert.ok(source.put(report));
    source.publish();
    writer.poll(true);
  }
  return writer;
}

type Asked = Partial<Omit<LedgerRange, 'account' | 'symbols'>>;

function read(
  { store }: Pick<HistoryWriter, 'store'>,
  harness: Recorded,
  account: number,
  asked: Asked = {},
  memory = new LedgerMemory(),
  most?: number,
): LedgerPage {
  return storedLedger(store, { ...ALL, account, symbols: harness.symbols, ...asked }, memory, most);
}

/** All entries, page by page. */
function pages(
  writer: Pick<HistoryWriter, 'store'>,
  harness: Recorded,
  account: number,
  asked: Asked = {},
  memory = new LedgerMemory(),
  most?: number,
): LedgerEntry[] {
  const entries: LedgerEntry[] = [];
  let before: LedgerPlace | undefined;
  do {
    const page = read(writer, harness, account, { ...asked, ...(before && { before }) }, memory, most);
    entries.push(...unpackEntries(page.packed));
    before = page.next;
  } while (before !== undefined);
  return entries;
}

/** The entries are all changes of the balances, exactly, each with the balance after it. */
function sameAs(harness: Recorded, account: number, entries: readonly LedgerEntry[]): void {
  const oldestFirst = entries.toReversed();
  for (const asset of ASSETS) {
    let balance = 0;
    const own = oldestFirst.filter((entry) => entry.asset === asset);
    for (const entry of own) {
      balance += entry.amount;
      assert.equal(entry.balance, balance, `balance after ${JSON.stringify(entry)}`);
      assert.notEqual(entry.amount, 0);
    }
    assert.equal(balance, harness.total(account, asset), `account ${account} asset ${asset}`);
    for (const change of harness.changes.filter((each) => each.account === account && each.asset === asset)) {
      const caused = own.filter(({ seq }) => seq >= change.firstSeq && seq <= change.lastSeq);
      assert.equal(
        caused.reduce((sum, { amount }) => sum + BigInt(amount), 0n),
        change.amount,
      );
      assert.equal(caused.at(-1)?.balance, change.balance);
    }
  }
  for (const [i, { seq, timeUs }] of oldestFirst.entries())
    if (i > 0) assert.ok(seq >= oldestFirst[i - 1].seq && timeUs >= oldestFirst[i - 1].timeUs, 'newest first');
  assert.equal(new Set(entries.map(({ reportNo, seq, leg }) => `${reportNo} ${seq} ${leg}`)).size, entries.length);
}

test('the sum of all entries is the balance, and each change of a balance has its entries', { timeout: 600_000 }, async () => {
  const seen = new Set<number>();
  await fc.assert(
    fc.asyncProperty(
      commands,
      fees,
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 1, max: 40 }),
      async (given, rates, parts, limit) => {
        const harness = trade(given, rates);
        const writer = write(newDir(), harness.all, parts);
        for (let account = 1; account <= ACCOUNTS; account++) {
          const entries = pages(writer, harness, account);
          for (const { kind } of entries) seen.add(kind);
          sameAs(harness, account, entries);
          assert.deepEqual(pages(writer, harness, account, { limit }), entries, 'page by page');
          assert.deepEqual(pages(writer, harness, account, { limit }, new LedgerMemory(), 7), entries, 'few reports at a time');
          for (const asset of ASSETS)
            assert.deepEqual(
              pages(writer, harness, account, { asset, limit }),
              entries.filter((entry) => entry.asset === asset),
            );
          for (const kind of Object.values(LedgerKind))
            assert.deepEqual(
              pages(writer, harness, account, { kinds: 1 << kind, limit: 3 }),
              entries.filter((entry) => entry.kind === kind),
            );
          const [fromUs, toUs] = [
            entries[Math.floor(entries.length / 2)]?.timeUs ?? 0,
            entries[Math.floor(entries.length / 4)]?.timeUs ?? 0,
          ];
          assert.deepEqual(
            pages(writer, harness, account, { fromUs, toUs, limit }),
            entries.filter(({ timeUs }) => timeUs >= fromUs && timeUs < toUs),
          );
        }
        await writer.close();
      },
    ),
    { numRuns: times(12, 150) },
  );
  assert.deepEqual(Array.from(seen).sort(), Object.values(LedgerKind), 'every kind of entry occurs');
});

/** A venue that traded, with some thousand reports. */
function traded(seed: number): Recorded {
  return trade(fc.sample(commands, { seed, numRuns: 3 }).flat(), [900, -300]);
}

test('the ledger is the same across ends at any moment', async () => {
  await fc.assert(
    fc.asyncProperty(
      commands,
      fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.boolean()), { minLength: 1, maxLength: 6 }),
      async (given, ends) => {
        const harness = trade(given, [900, -300]);
        const dataDir = newDir();
        for (const [part, isWhole] of [...ends.sort(([a], [b]) => a - b), [1, true] as const]) {
          // As after a kill: the engine publishes again what follows the watermark.
          const { watermark, store } = write(dataDir, []);
          await store.root.close();
          const published = harness.all.slice(0, Math.ceil(part * harness.all.length));
          const writer = write(
            dataDir,
            published.filter(({ seq }) => seq > watermark),
            2,
          );
          if (isWhole) await writer.close();
          else await writer.store.root.close();
        }
        const writer = write(dataDir, []);
        for (let account = 1; account <= ACCOUNTS; account++) sameAs(harness, account, pages(writer, harness, account, { limit: 100 }));
        await writer.close();
        assert.equal(checkStore(dataDir).fault, undefined);
      },
    ),
    { numRuns: times(4, 60) },
  );
});

test('of a store that an earlier release wrote, deposits are known from then on, and the answer says so', async () => {
  const harness = traded(5);
  const dataDir = newDir();
  const half = harness.all[harness.all.length >> 1].seq;
  await write(
    dataDir,
    harness.all.filter(({ seq }) => seq <= half),
  ).close();
  const old = openHistory(dataDir);
  old.root.transactionSync(() => old.ledger.clearSync());
  await old.root.close();
  const writer = write(
    dataDir,
    harness.all.filter(({ seq }) => seq > half),
  );
  for (let account = 1; account <= ACCOUNTS; account++) {
    assert.equal(read(writer, harness, account).from, half + 1);
    const entries = pages(writer, harness, account);
    const isMove = ({ leg }: LedgerEntry) => leg === 0;
    assert.ok(entries.filter(isMove).every(({ seq, balance }) => seq > half && balance >= 0));
    assert.ok(
      entries.some((entry) => !isMove(entry) && entry.seq <= half),
      'old fills',
    );
    assert.ok(
      entries.every((entry) => isMove(entry) || Number.isNaN(entry.balance)),
      'balances are not known',
    );
  }
  await writer.close();
  // A release without a ledger writes on, and then this one again.
  const later = openHistory(dataDir);
  later.root.transactionSync(() => later.meta.putSync('watermark', half + 1e6));
  await later.root.close();
  const next = write(dataDir, []);
  assert.equal(read(next, harness, 1).from, half + 1e6 + 1);
  await next.close();
});

test('a store that begins later has the balances of its beginning', async () => {
  const harness = traded(6);
  const { length } = harness.all;
  const begin = harness.all[length >> 1].seq;
  const before = harness.all.filter(({ seq }) => seq <= begin);
  const lastReportNo = Float64Array.from(
    { length: ACCOUNTS + 1 },
    (_, account) => before.filter((each) => each.account === account).length,
  );
  const balances = Array.from({ length: ACCOUNTS }, (_, i) => i + 1).flatMap((account) =>
    ASSETS.map((asset) => {
      const newest = harness.changes.findLast((each) => each.account === account && each.asset === asset && each.lastSeq <= begin);
      return { account, asset, balance: newest?.balance ?? 0 };
    }),
  );
  const dataDir = newDir();
  mkdirSync(dataDir);
  await beginHistoryAt(dataDir, begin, lastReportNo, balances);
  const writer = write(
    dataDir,
    harness.all.filter(({ seq }) => seq > begin),
  );
  for (let account = 1; account <= ACCOUNTS; account++) {
    const { lost, from } = read(writer, harness, account);
    assert.deepEqual([lost, from], [lastReportNo[account], begin + 1]);
    const entries = pages(writer, harness, account, { limit: 50 });
    for (const asset of ASSETS) {
      const own = entries.filter((entry) => entry.asset === asset);
      assert.equal(own[0].balance, harness.total(account, asset));
      let { balance } = own[0];
      for (const entry of own) {
        assert.equal(entry.balance, balance);
        balance -= entry.amount;
      }
      assert.equal(balance, balances.find((each) => each.account === account && each.asset === asset)?.balance);
    }
  }
  await writer.close();
});

test('where retention has removed reports, balances and deposits stay', async () => {
  const harness = traded(7);
  const dataDir = newDir();
  const writer = write(dataDir, harness.all, 5);
  const all = Array.from({ length: ACCOUNTS }, (_, i) => pages(writer, harness, i + 1));
  const trimmer = new HistoryTrimmer(writer.store, dataDir, 0);
  const beforeUs = harness.all[Math.floor(harness.all.length * 0.7)].timeUs;
  while (!trimmer.step(beforeUs).complete);
  for (let account = 1; account <= ACCOUNTS; account++) {
    const { lost = 0 } = read(writer, harness, account);
    assert.ok(lost > 0);
    assert.deepEqual(
      pages(writer, harness, account, { limit: 20 }),
      all[account - 1].filter(({ reportNo, leg }) => leg === 0 || reportNo > lost),
    );
  }
  await writer.close();
});

test('a cut of the log removes what came after it', async () => {
  const harness = traded(8);
  const dataDir = newDir();
  await write(dataDir, harness.all).close();
  const cut = harness.all[Math.floor(harness.all.length * 0.6)].seq;
  const whole = write(dataDir, []);
  const expected = Array.from({ length: ACCOUNTS }, (_, i) => pages(whole, harness, i + 1).filter(({ seq }) => seq <= cut));
  await whole.close();
  await truncateHistory(dataDir, cut);
  const writer = write(dataDir, []);
  for (let account = 1; account <= ACCOUNTS; account++) assert.deepEqual(pages(writer, harness, account), expected[account - 1]);
  await writer.close();
  assert.equal(checkStore(dataDir).fault, undefined);
});

test('a place that no page has, and reports that are too many, give entries without balances, and no error', async () => {
  const harness = traded(9);
  const writer = write(newDir(), harness.all);
  const all = pages(writer, harness, 1);
  const before = { reportNo: all[all.length >> 1].reportNo, seq: all[all.length >> 1].seq, leg: all[all.length >> 1].leg };
  const far = Array.from(unpackEntries(read(writer, harness, 1, { before, limit: 5 }, new LedgerMemory(), 3).packed));
  assert.ok(far.every(({ leg, balance }) => leg === 0 || Number.isNaN(balance)));
  for (const place of [
    { reportNo: 0, seq: 0, leg: 0 },
    { reportNo: 1e15, seq: 1e15, leg: 4 },
    { reportNo: 1, seq: 1e15, leg: 0 },
  ])
    read(writer, harness, 1, { before: place });
  await writer.close();
});
