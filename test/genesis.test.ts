import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { encodeCommand } from '../engine/machine/command.ts';
import { CommandKind, Phase } from '../engine/wire/layout.ts';
import { loadConfig } from '../gateway/config/config.ts';
import { createLogger } from '../gateway/log.ts';
import { type RunningExchange, startExchange } from '../gateway/main.ts';
import { truncateHistory } from '../gateway/taps/history/store.ts';
import { type AdminAnswer, AdminCommands, AdminTimeoutError } from '../gateway/venue/admin-commands.ts';
import { applyVenue, type GenesisError } from '../gateway/venue/genesis.ts';
import { setSymbol } from '../gateway/venue/venue-commands.ts';

const base = mkdtempSync(join(tmpdir(), 'openbell-genesis-'));
after(() => rmSync(base, { recursive: true, force: true }));

const VENUE = `
capacities: { orders: 1024, accounts: 15, symbols: 7 }
assets:
  - { id: 1, name: USD, decimals: 2 }
  - { id: 2, name: BTC, decimals: 8 }
symbols:
  - id: 1
    name: BTC-USD
    base: BTC
    quote: USD
    tick: 0.01
    lot: 1
    phase: auction
    reference-price: 100
    fees: { maker: -0.01%, taker: 0.05% }
accounts:
  - { id: 1, name: one, deposits: { USD: 1000, BTC: 5 } }
`;

function config(data: string, text: string) {
  const file = join(base, 'venue.yaml');
  writeFileSync(file, text);
  return loadConfig({ flags: { config: file, data, 'grpc-port': '0', 'ws-port': '0', 'http-port': '0', topology: 'compact' }, env: {} });
}

async function withExchange<T>(data: string, text: string, work: (exchange: RunningExchange) => Promise<T>): Promise<T> {
  const exchange = await startExchange(config(data, text), { log: createLogger('silent') });
  try {
    return await work(exchange);
  } finally {
    await exchange.stop();
  }
}

const usd = (exchange: RunningExchange) => exchange.engine.directory.account(1)?.balances[0].available;

test('a start defines the content of the file, the next one defines nothing, and later changes stay', async () => {
  const data = join(base, 'twice');
  const first = await withExchange(data, VENUE, async (exchange) => {
    const symbol = exchange.engine.directory.symbolByName('BTC-USD');
    assert.deepEqual([symbol?.phase, symbol?.params.MakerFeePpm, symbol?.params.TakerFeePpm], [Phase.Auction, -100, 500]);
    assert.equal(usd(exchange), 100_000);
    await exchange.commands.submit({ kind: CommandKind.Withdraw, account: 1, symbol: 1, quantity: 30_000 });
    await exchange.commands.submit({ kind: CommandKind.SetPhase, symbol: 1, parameter: Phase.Halted });
    await exchange.commands.submit(setSymbol(1, 'ReferencePrice', 11_000));
    return exchange.engine.status().sequencedSeq;
  });
  await withExchange(data, VENUE, async (exchange) => {
    assert.equal(exchange.recovery.seq, first);
    assert.equal(exchange.engine.status().sequencedSeq, first, 'nothing to do');
    assert.equal(usd(exchange), 70_000);
    assert.equal(exchange.engine.directory.symbol(1)?.phase, Phase.Halted, 'what the operator halted stays halted');
    assert.equal(exchange.engine.directory.symbol(1)?.referencePrice, 11_000, 'the reference price has moved on');
    assert.equal(existsSync(join(data, 'genesis.json')), false);
  });
});

test('a log of an earlier release with names that no URL can address opens, with a file that leaves them out', async () => {
  const data = join(base, 'dots');
  const { assets, symbols, ...rest } = config(data, VENUE);
  const [usd, btc] = assets;
  const dot = { ...btc, name: '.' };
  const dots = { ...rest, assets: [usd, dot], symbols: [{ ...symbols[0], name: '..', base: dot }], accounts: [] };
  const first = await startExchange(dots, { log: createLogger('silent') });
  await first.stop();
  await withExchange(data, 'capacities: { orders: 1024 }', async (exchange) => {
    assert.equal(exchange.engine.directory.symbolByName('..')?.baseAsset.name, '.');
    const { status } = await fetch(`http://127.0.0.1:${exchange.ports.http}/v1/symbols`);
    assert.equal(status, 200);
  });
});

test('changeable values are changed', async () => {
  const data = join(base, 'changed');
  await withExchange(data, VENUE, async () => undefined);
  await withExchange(data, VENUE.replace('taker: 0.05%', 'taker: 0.07%'), async (exchange) => {
    assert.equal(exchange.engine.directory.symbol(1)?.params.TakerFeePpm, 700);
    const { warnings, applied } = await applyVenue(exchange.config, exchange.engine.directory, exchange.commands);
    assert.deepEqual([applied, warnings], [0, []]);
  });
});

test('a tick step of a book with orders in it is a warning', async () => {
  await withExchange(join(base, 'resting'), VENUE, async (exchange) => {
    const order = { kind: CommandKind.New, account: 1, symbol: 1, clientOrderId: 1, price: 9_000, quantity: 1 };
    await exchange.hub.awaitSeq(publish(exchange, order), 1);
    const changed = config('unused', VENUE.replace('    fees:', '    limits: { tick-step: 0.02 }\n    fees:'));
    const { warnings } = await applyVenue(changed, exchange.engine.directory, exchange.commands);
    assert.match(warnings.join(), /^limits.tick-step of symbol BTC-USD: stays as it is, orders rest in the book/);
  });
});

test('a genesis interrupted by a crash at any command is completed by the next start', async () => {
  // In each round, one more command takes effect before the crash.
  let finished = false;
  for (let commands = 1; !finished; commands += 3) {
    const data = join(base, `crash-${commands}`);
    const empty = 'capacities: { orders: 1024, accounts: 15, symbols: 7 }';
    finished = await withExchange(data, empty, async (exchange) => {
      let left = commands;
      const failing = {
        submit: (fields: Parameters<AdminCommands['submit']>[0]): Promise<AdminAnswer> =>
          left-- > 0 ? exchange.commands.submit(fields) : Promise.reject(new Error('crash')),
      };
      return await applyVenue(config(data, VENUE), exchange.engine.directory, failing, { dataDir: data }).then(
        () => true,
        () => false,
      );
    });
    assert.equal(existsSync(join(data, 'genesis.json')), !finished);
    await withExchange(data, VENUE, async (exchange) => {
      const symbol = exchange.engine.directory.symbol(1);
      const account = exchange.engine.directory.account(1);
      assert.deepEqual(
        [symbol?.phase, symbol?.params.TakerFeePpm, symbol?.referencePrice, account?.balances.map(({ available }) => available)],
        [Phase.Auction, 500, 10_000, [100_000, 500_000_000]],
        `crash after ${commands} commands`,
      );
    });
  }
});

test('a rejected genesis names what failed and counts the commands in effect', async () => {
  const data = join(base, 'refused');
  await withExchange(data, 'capacities: { orders: 1024, accounts: 15, symbols: 7 }', async (exchange) => {
    const wide = VENUE.replace('symbols: 7', 'symbols: 8').replace('  - id: 1\n', '  - id: 8\n');
    await assert.rejects(
      applyVenue(config(data, wide), exchange.engine.directory, exchange.commands, { dataDir: data }),
      (error: GenesisError) => {
        assert.deepEqual([error.applied, error.failed], [2, { command: 'define-symbol', symbol: 8 }]);
        assert.match(error.message, /^symbol BTC-USD: the id is above .* \(CAPACITY\); 2 commands of this configuration stand, /);
        return true;
      },
    );
    assert.deepEqual(
      exchange.engine.directory.assets().map(({ name }) => name),
      ['USD', 'BTC'],
    );
  });
});

test('a command without an answer times out with an error', async () => {
  await withExchange(join(base, 'silent'), VENUE, async (exchange) => {
    const silent = { awaitSeq: () => new Promise<Uint8Array>(() => undefined), canAwait: () => true, forget: () => undefined };
    const commands = new AdminCommands(exchange.engine.sequencer, silent, exchange.engine.schedule, 20);
    await assert.rejects(commands.submit({ kind: CommandKind.SetPhase, symbol: 1, parameter: Phase.Closed }), AdminTimeoutError);
  });
});

test('a log that is shorter than the history is rejected, until the history is cut too', async () => {
  const data = join(base, 'shorter');
  await withExchange(data, VENUE, async () => undefined);
  for (const name of readdirSync(data)) if (/^(log|snapshot)-/.test(name)) rmSync(join(data, name));
  await assert.rejects(
    withExchange(data, VENUE, async () => undefined),
    { code: 'HISTORY_AHEAD', message: /ends with command 0, but its history goes on to \d+; .*openbell repair .* --cut/ },
  );
  assert.ok((await truncateHistory(data, 0)) > 0);
  await withExchange(data, VENUE, async (exchange) => {
    let first = new Uint8Array(0);
    while (first.length === 0) first = new Uint8Array(await exchange.history.read(0, 1, 1));
    assert.equal(first.length, 128, 'the operator has reports again, from number 1');
  });
});

/** An order past the gateway. */
function publish(exchange: RunningExchange, fields: Parameters<AdminCommands['submit']>[0]): number {
  const { sequencer, schedule } = exchange.engine;
  const slot = sequencer.claim();
  encodeCommand(sequencer.slots.u8, sequencer.slots.i32, slot, fields);
  const seq = sequencer.stamp(slot);
  sequencer.publish();
  schedule();
  return seq;
}
