/** Two assets, or two symbols, cannot have the same name; the state machine decides, so concurrent requests cannot make two. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect as connectTcp } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { Code, codeName } from '../engine/codes.ts';
import { Exchange } from '../engine/machine/exchange.ts';
import { StateLoader, saveState } from '../engine/machine/state-rows.ts';
import { CommandKind } from '../engine/wire/layout.ts';
import { loadConfig } from '../gateway/config/config.ts';
import { createLogger } from '../gateway/log.ts';
import { startExchange } from '../gateway/main.ts';
import { BTC, Harness, type LongCommandFields, SMALL_LIMITS, USD } from './support/exchange-fixture.ts';

const asset = (symbol: number, name: string): LongCommandFields => ({ kind: CommandKind.DefineAsset, symbol, tag: 2, name });
const symbolOf = (symbol: number, name: string): LongCommandFields => ({
  kind: CommandKind.DefineSymbol,
  symbol,
  account: BTC,
  tag: USD,
  side: 2,
  timeInForce: 3,
  clientOrderId: 1,
  orderId: 1,
  name,
});

describe('names in the state machine', () => {
  const rows: [what: string, rules: number, fields: LongCommandFields, code: Code][] = [
    ['the name of another asset', 3, asset(5, 'USD'), Code.ALREADY_DEFINED],
    ['the name of another asset', 2, asset(5, 'USD'), Code.OK],
    ['another spelling', 3, asset(5, 'usd'), Code.OK],
    ['a name that begins with that of an asset', 3, asset(5, 'USDT'), Code.OK],
    ['a name with which that of an asset begins', 3, asset(5, 'US'), Code.OK],
    ['the name of a symbol, for an asset', 3, asset(5, 'BTC-USD'), Code.OK],
    ['the name of another symbol', 3, symbolOf(5, 'BTC-USD'), Code.ALREADY_DEFINED],
    ['the name of another symbol', 2, symbolOf(5, 'BTC-USD'), Code.OK],
    ['the name of an asset, for a symbol', 3, symbolOf(5, 'USD'), Code.OK],
    ['a name of 16 characters', 3, symbolOf(5, 'BTC-USD-12345678'), Code.OK],
    ['the same command again', 3, asset(USD, 'USD'), Code.ALREADY_DEFINED],
    // The first check that fails decides.
    ['a taken name and too many decimals', 3, { ...asset(5, 'USD'), tag: 13 }, Code.BAD_PARAMETER],
    ['a taken name and an id above the capacity', 3, asset(99, 'USD'), Code.CAPACITY],
  ];
  for (const [what, rules, fields, code] of rows) {
    it(`rules ${rules}: ${what}: ${codeName(code)}`, () => {
      const harness = new Harness(SMALL_LIMITS, rules).setUp();
      const [report] = harness.do(fields).reports;
      assert.equal(codeName(report.code), codeName(code));
    });
  }

  it('names that a log of rules 2 gave twice stay, and are taken', () => {
    const harness = new Harness(SMALL_LIMITS, 2).setUp();
    harness.must(asset(5, 'USD'));
    const loaded = new Exchange(SMALL_LIMITS);
    const loader = new StateLoader(loaded);
    saveState(harness.exchange, (rows, count) => loader.load(rows, count));
    assert.deepEqual([loaded.accounts.assetDefined[USD], loaded.accounts.assetDefined[5]], [1, 1]);
    harness.exchange.setRules(3);
    assert.equal(harness.do(asset(6, 'USD')).reports[0].code, Code.ALREADY_DEFINED);
    harness.must(asset(6, 'EUR'));
  });
});

describe('concurrent requests over HTTP', () => {
  for (const topology of ['compact', 'pinned']) {
    it(`${topology}: of eight for one name, one takes effect`, async () => {
      const data = mkdtempSync(join(tmpdir(), 'openbell-names-'));
      const flags = { data, 'grpc-port': '0', 'ws-port': '0', 'http-port': '0', topology };
      const exchange = await startExchange(loadConfig({ flags, env: {} }), { log: createLogger('silent') });
      try {
        const symbols = await together(exchange.ports.http, '/v1/symbols', (id) => ({
          id,
          name: 'BTC-EURO',
          base: 'BTC',
          quote: 'USD',
          tick: '0.01',
          lot: '0.0001',
          phase: 'continuous',
        }));
        const assets = await together(exchange.ports.http, '/v1/assets', (id) => ({ id, name: 'EURO', decimals: 2 }));
        for (const statuses of [symbols, assets]) assert.deepEqual(statuses.sort(), [201, ...Array(7).fill(409)]);
        assert.equal(exchange.engine.directory.symbols().filter(({ name }) => name === 'BTC-EURO').length, 1);
        assert.equal(exchange.engine.directory.assets().filter(({ name }) => name === 'EURO').length, 1);
      } finally {
        await exchange.stop();
        rmSync(data, { recursive: true, force: true });
      }
    });
  }
});

/** Sends eight requests on eight open connections in one turn; resolves with their statuses. */
async function together(port: number, path: string, body: (id: number) => object): Promise<number[]> {
  const ids = [20, 21, 22, 23, 24, 25, 26, 27];
  const sockets = await Promise.all(
    ids.map(async (id) => {
      const socket = connectTcp(port, '127.0.0.1');
      await new Promise((resolve) => socket.once('connect', resolve));
      return { id, socket };
    }),
  );
  const answers = sockets.map(async ({ id, socket }) => {
    const text = JSON.stringify(body(id));
    const head = `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\ncontent-type: application/json\r\nconnection: close\r\n`;
    socket.write(`${head}content-length: ${text.length}\r\n\r\n${text}`);
    let answer = '';
    for await (const bytes of socket) answer += bytes;
    return Number(answer.slice(9, 12));
  });
  return Promise.all(answers);
}
