/** The driver of reference prices: many symbols, real feed memory, and an exchange that takes every command. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Code } from '../engine/codes.ts';
import type { CommandFields } from '../engine/machine/command.ts';
import { ReferenceSourceId, SYMBOL_PARAM_DEFAULTS, SymbolParam, type SymbolParamName } from '../engine/params.ts';
import type { SymbolInfo } from '../engine/threads/directory-info.ts';
import { Phase } from '../engine/wire/layout.ts';
import { FeedFault, FeedState } from '../feeds/feed.ts';
import { ChangeWatch } from '../feeds/rings/change-signal.ts';
import { LatestReader } from '../feeds/rings/latest-values.ts';
import { RecordPublisher } from '../feeds/rings/record-publisher.ts';
import { allocateFeeds, openOutput } from '../feeds/worker/feed-handles.ts';
import type { SymbolConfig } from '../gateway/config/config-symbol.ts';
import { createLogger } from '../gateway/log.ts';
import { ReferenceDriver } from '../gateway/reference/reference-driver.ts';
import type { AdminAnswer } from '../gateway/venue/admin-commands.ts';

/** More than are looked at in one turn, and than may be updated at once. */
const SYMBOLS = 600;
const REFERENCE = { maxAge: 3600, maxRate: 1000, maxStepPpm: 1_000_000, confirmAfter: 1, halts: false, resumeAfter: undefined };

class World {
  readonly sent: CommandFields[] = [];
  readonly driver: ReferenceDriver;
  /** Symbols, besides those with sources, whose reference comes from outside. */
  readonly orphans: number[] = [];
  readonly #publisher: RecordPublisher;
  readonly #prices = new Map<number, number>();

  constructor() {
    const handles = allocateFeeds({ records: 8192, instruments: SYMBOLS, watched: true }, 1);
    assert.ok(handles.signal);
    const watch = new ChangeWatch(handles.signal, () => this.driver.wake());
    this.#publisher = new RecordPublisher(openOutput(handles), 'feed');
    const latest = new LatestReader(handles.latest);
    const symbols = Array.from({ length: SYMBOLS }, (_, i) => {
      const source = { feed: 'feed', instrument: `X${i + 1}`, value: 'last' as const };
      return { id: i + 1, tickMantissa: 1, tickDecimals: 2, reference: { ...REFERENCE, sources: [source] } } as unknown as SymbolConfig;
    });
    this.driver = new ReferenceDriver(
      { symbols },
      [{ name: 'feed', venue: 'bybit', instruments: [] }],
      { latest, watch: (row) => watch.watch(row), arm: () => watch.arm() },
      {
        directory: {
          symbol: (id) => ({ id, name: `S${id}` }) as SymbolInfo,
          symbolIds: () => [...symbols.map(({ id }) => id), ...this.orphans],
          param: (id, name) => this.#param(id, name),
        },
        commands: { submit: (fields) => this.#submit(fields) },
        log: createLogger('silent'),
      },
    );
  }

  /** Trades of all symbols at a price, in one flush. */
  trade(price: number): void {
    const publisher = this.#publisher;
    for (let id = 1; id <= SYMBOLS; id++) {
      const row = publisher.instrument(`X${id}`);
      publisher.scale(row, 2, 0);
      publisher.status(row, FeedState.Live, FeedFault.None);
      publisher.at(price);
      publisher.trade(row, price, 1, 1, 0, price);
    }
    publisher.flush();
  }

  async untilSent(count: number): Promise<void> {
    while (this.sent.length < count) await sleep(1);
  }

  #param(id: number, name: SymbolParamName): number {
    if (name === 'ReferenceSource') return ReferenceSourceId.Outside;
    return name === 'ReferencePrice' ? (this.#prices.get(id) ?? 0) : SYMBOL_PARAM_DEFAULTS[SymbolParam[name]];
  }

  async #submit(fields: CommandFields): Promise<AdminAnswer> {
    this.sent.push(fields);
    this.#prices.set(fields.symbol ?? 0, fields.quantity ?? 0);
    return { code: Code.OK, seq: 0, repeated: false, price: 0, quantity: 0, more: false, later: 0 };
  }
}

test('all symbols get their price in turn, though all together send a bounded number; none after the stop', {
  timeout: 60_000,
}, async () => {
  const world = new World();
  world.trade(1000);
  world.driver.start();
  await world.untilSent(SYMBOLS);
  // Each once before any of them a second time.
  assert.equal(new Set(world.sent.map(({ symbol }) => symbol)).size, SYMBOLS);
  assert.ok(world.sent.every(({ quantity }) => quantity === 1000));
  world.trade(1001);
  await world.untilSent(2 * SYMBOLS);
  assert.equal(new Set(world.sent.slice(SYMBOLS).map(({ symbol }) => symbol)).size, SYMBOLS);
  assert.equal(world.sent.length, 2 * SYMBOLS);
  assert.deepEqual(world.driver.warnings(), []);
  world.orphans.push(SYMBOLS + 1);
  assert.match(world.driver.warnings().join(), /^REFERENCE_WITHOUT_SOURCE: .*: S601$/);
  world.driver.stop();
  world.trade(1002);
  world.driver.wake();
  await sleep(20);
  assert.equal(world.sent.length, 2 * SYMBOLS);
});

test('a symbol that was halted before the start is a warning until it is resumed', (t) => {
  const handles = allocateFeeds({ records: 64, instruments: 1, watched: true }, 1);
  const phases = new Map([
    [1, Phase.Halted],
    [2, Phase.Halted],
    [3, Phase.Continuous],
  ]);
  const source = { feed: 'feed', instrument: 'X', value: 'last' as const };
  const symbols = [...phases.keys()].map((id) => {
    const reference = { ...REFERENCE, halts: id !== 2, sources: [source] };
    return { id, tickMantissa: 1, tickDecimals: 2, reference } as unknown as SymbolConfig;
  });
  const driver = new ReferenceDriver(
    { symbols },
    [{ name: 'feed', venue: 'bybit', instruments: [] }],
    { latest: new LatestReader(handles.latest), watch: () => undefined, arm: () => undefined },
    {
      directory: {
        symbol: (id) => ({ id, name: `S${id}`, phase: phases.get(id) }) as SymbolInfo,
        symbolIds: () => [...phases.keys()],
        param: (_id, name) => (name === 'ReferenceSource' ? ReferenceSourceId.Outside : SYMBOL_PARAM_DEFAULTS[SymbolParam[name]]),
      },
      commands: { submit: () => assert.fail('nothing is sent') },
      log: createLogger('silent'),
    },
  );
  t.after(() => driver.stop());
  driver.start();
  assert.deepEqual(driver.warnings(), ['REFERENCE_HALTED: halted before the start; an operator must resume them (openbell phase): S1']);
  phases.set(1, Phase.Continuous);
  for (const symbol of driver.symbols) symbol.look(0);
  assert.deepEqual(driver.warnings(), []);
});
