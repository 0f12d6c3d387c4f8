/** `openbell log dump`: what a replay gives is what was acknowledged, in words that name everything. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { logTip } from '../engine/journal/log-lookup.ts';
import { resolveLimits } from '../engine/limits.ts';
import { type DumpedRecord, dumpLog } from '../engine/threads/dump-log.ts';
import { firstLoggedSeq } from '../engine/threads/log-start.ts';
import { lastConfiguration } from '../engine/threads/logged-configurations.ts';
import { CommandKind, Report } from '../engine/wire/layout.ts';
import { ReportView } from '../engine/wire/report-view.ts';
import { DumpLines, type LineFilter } from '../gateway/tools/cli/dump-lines.ts';
import { directoryOf } from '../gateway/tools/cli/state-directory.ts';
import { giveFeeTier, killSwitch, setAccount, setLimit, setSymbol } from '../gateway/venue/venue-commands.ts';
import { DemoExchange } from './support/demo-exchange.ts';
import { openbell } from './support/exchange-process.ts';

const REPORT_WORDS = Report.bytes / 4;
const demo = new DemoExchange();

before(async () => {
  await demo.start();
  const { orders } = demo.client;
  const other = await demo.connect(2);
  const terms = { symbol: 'BTC-USD', side: 'buy', quantity: '0.5', price: '59000.00' } as const;
  const first = await orders.place(terms);
  await other.orders.place({ ...terms, side: 'sell', quantity: '0.2', timeInForce: 'ioc' });
  await orders.amend({ symbol: 'BTC-USD', orderId: first.orderId, quantity: '0.1', price: '59000.00' });
  await orders.place({ ...terms, displayedQuantity: '0.1', price: '58000.00' });
  await orders.place({ symbol: 'BTC-USD', side: 'sell', quantity: '0.1', stopPrice: '50000.00', price: '49000.00', trigger: 'reference' });
  await orders.cancel({ symbol: 'BTC-USD', orderId: first.orderId });
  await demo.running.commands.submit(setSymbol(1, 'TakerFeePpm', 700));
  await demo.running.commands.submit(setAccount(2, 1, 77));
  await demo.running.commands.submit(setLimit(2, 1, 0, 1000));
  await demo.running.commands.submit(giveFeeTier(2, 1, undefined));
  await demo.running.commands.submit(killSwitch(2, 3, true));
  await demo.running.commands.submit({ kind: CommandKind.SetPhase, symbol: 3, parameter: 0 });
});
after(() => demo.stop());

function recordsOf(from: number, to: number): DumpedRecord[] {
  const limits = resolveLimits({ ...lastConfiguration(demo.data) });
  return [...dumpLog(demo.data, limits, from, to)].flatMap(({ records }) => records);
}

function linesOf(filter: LineFilter, from = 1): string {
  const lines = new DumpLines(filter);
  let text = '';
  for (const { records, exchange } of dumpLog(demo.data, resolveLimits({ ...lastConfiguration(demo.data) }), from, logTip(demo.data).seq)) {
    lines.use(directoryOf(exchange));
    for (const record of records) text += lines.of(record);
  }
  lines.end();
  return text;
}

describe('a dump of the log of a running exchange', () => {
  it('has each command once, and the reports that were acknowledged, byte for byte', async () => {
    const { seq } = logTip(demo.data);
    const records = recordsOf(firstLoggedSeq(demo.data), seq);
    assert.deepEqual(
      records.map((record) => record.seq),
      Array.from({ length: seq }, (_, i) => i + 1),
    );
    const view = new ReportView();
    for (const account of [0, 1, 2]) {
      const replayed: Buffer[] = [];
      for (const { reports } of records)
        for (let at = 0; at < reports.length; at += REPORT_WORDS)
          if (view.wrap(reports, at).account === account) replayed.push(Buffer.from(reports.slice(at, at + REPORT_WORDS).buffer));
      const last = demo.running.hub.lastReportNo(account);
      assert.equal(replayed.length, last, `account ${account}`);
      let stored = new Uint8Array(0);
      while (stored.length < last * Report.bytes) stored = new Uint8Array(await demo.running.history.read(account, 1, last));
      assert.equal(Buffer.concat(replayed).toString('hex'), Buffer.from(stored).toString('hex'), `account ${account}`);
    }
  });

  it('is the same from any command on', () => {
    const { seq } = logTip(demo.data);
    const all = recordsOf(1, seq);
    for (const [from, to] of [
      [2, 2],
      [17, 60],
      [seq, seq],
    ])
      assert.deepEqual(recordsOf(from, to), all.slice(from - 1, to));
  });

  it('refuses accounts and symbols that the log does not have', () => {
    assert.throws(() => linesOf({ symbol: 'NOPE' }), { code: 'UNKNOWN_SYMBOL', exitCode: 2, message: /NOPE/ });
    assert.throws(() => linesOf({ account: 4711, reports: true }), { code: 'UNKNOWN_ACCOUNT', exitCode: 2, message: /4711/ });
    assert.equal(linesOf({ symbol: 'ETH-USD' }, logTip(demo.data).seq), '', 'a symbol without commands in the range');
  });

  it('names accounts, symbols, amounts and terms', () => {
    const text = linesOf({ reports: true });
    const expected = [
      /^\d+ \S+Z configure rules=\d+ orders=/,
      /define-symbol id=1 name=BTC-USD base=BTC quote=USD tick=0\.01 lot=0\.0001$/,
      /set-symbol symbol=BTC-USD fees\.taker=0\.07%$/,
      /set-phase symbol=SOL-USD phase=halted$/,
      /deposit account=1 asset=USD amount=\d+\.000000$/,
      /new account=1 symbol=BTC-USD side=buy orderQty=0\.5000 price=59000\.00 timeInForce=gtc clOrdId=\d+/,
      /^ {2}account 1 report \d+: fill order \d+: 0\.2000 at 59000\.00, fee \S+, open 0\.3000$/,
      /^ {2}account 2 report \d+: fill order/,
      /amend account=1 symbol=BTC-USD orderId=\d+ leavesQty=0\.1000/,
      /displayQty=0\.1000/,
      /ordType=stop-limit stopPx=50000\.00 trigger=reference/,
      /cancel account=1 symbol=BTC-USD orderId=\d+/,
      /set-account account=2 max-open-orders=77$/,
      /set-limit account=2 symbol=BTC-USD max-position=0\.1000$/,
      /set-account account=2 feeTable=1 tier=by volume$/,
      /kill-switch scope=symbol symbol=SOL-USD state=on$/,
    ];
    const lines = text.split('\n');
    for (const line of expected)
      assert.ok(
        lines.some((each) => line.test(each)),
        String(line),
      );
    assert.doesNotMatch(text, /kind-|undefined|NaN/);
  });

  it('shows only what concerns an account or a symbol', () => {
    const two = linesOf({ account: 2 }).trimEnd().split('\n');
    assert.ok(two.length > 4 && two.every((line) => line.includes('account=2')));
    const filled = linesOf({ account: 1, reports: true }).split('\n');
    assert.ok(
      filled.some((line) => /new account=2/.test(line)),
      'the order that filled one of account 1',
    );
    assert.ok(filled.every((line) => !line.includes('account 2 report')));
    const btc = linesOf({ symbol: 'BTC-USD' }).trimEnd().split('\n');
    assert.ok(btc.length > 5 && btc.every((line) => /BTC-USD/.test(line)));
    for (const line of linesOf({ json: true, reports: true }).trimEnd().split('\n')) {
      const { seq, kind, transactTime, reports } = JSON.parse(line);
      assert.ok(/^\d+$/.test(seq) && typeof kind === 'string' && transactTime.endsWith('Z') && Array.isArray(reports));
    }
  });

  it('comes from the command line, also without a replay', async () => {
    const { stdout, code } = await openbell(['log', 'dump', demo.data, '--from', '2', '--to', '3']);
    assert.equal(code, 0);
    assert.match(stdout, /^2 \S+ define-asset id=1 name=USD decimals=6\n3 \S+ define-asset id=2 name=BTC decimals=8\n$/);
    const raw = await openbell(['log', 'dump', demo.data, '--from', '2', '--to', '2', '--raw']);
    assert.match(raw.stdout, /^kind=16 DefineAsset side=0 .* bytes=[0-9a-f]{128}\n$/);
    assert.equal((await openbell(['log', 'dump', demo.data, '--from', '9999999'])).code, 2);
  });
});
