/** A symbol whose reference price comes from outside: real feed memory and the real state machine; the test sets the clock. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { Code, codeName } from '../engine/codes.ts';
import type { CommandFields } from '../engine/machine/command.ts';
import { ReferenceSourceId, SymbolParam } from '../engine/params.ts';
import type { SymbolInfo } from '../engine/threads/directory-info.ts';
import { CommandKind, Phase, ReportKind } from '../engine/wire/layout.ts';
import { PHASE_NAMES } from '../engine/wire/names.ts';
import { FeedFault, FeedState } from '../feeds/feed.ts';
import { ChangeWatch } from '../feeds/rings/change-signal.ts';
import { LatestReader } from '../feeds/rings/latest-values.ts';
import { RecordPublisher } from '../feeds/rings/record-publisher.ts';
import { allocateFeeds, openOutput } from '../feeds/worker/feed-handles.ts';
import type { ReferenceConfig } from '../gateway/config/config-reference.ts';
import { createLogger } from '../gateway/log.ts';
import { LatestSource } from '../gateway/reference/latest-source.ts';
import { SymbolReference } from '../gateway/reference/symbol-reference.ts';
import { TickScale } from '../gateway/reference/tick-scale.ts';
import { type AdminAnswer, AdminTimeoutError } from '../gateway/venue/admin-commands.ts';
import { Harness, parseCommand, SYMBOL } from './support/exchange-fixture.ts';
import { until } from './support/until.ts';

const SECOND = 1_000_000;
const CONFIG: ReferenceConfig = {
  sources: [
    { feed: 'one', instrument: 'X', value: 'mid' },
    { feed: 'two', instrument: 'X', value: 'last' },
  ],
  maxAge: 10,
  maxRate: 2,
  maxStepPpm: 100_000,
  confirmAfter: 5,
  halts: true,
  resumeAfter: 3,
};

class World {
  readonly harness = new Harness().setUp(3, { ReferencePrice: 500, ReferenceSource: ReferenceSourceId.Outside });
  readonly sent: string[] = [];
  /** Codes of the next commands, which the exchange does not take; `lost`: it takes the command, and the answer is lost. */
  readonly answers: (Code | 'lost')[] = [];
  readonly reference: SymbolReference;
  readonly signal: ChangeWatch;
  /** Times that a change woke the watcher. */
  woken = 0;
  updatesLeft = Number.POSITIVE_INFINITY;
  /** Commands are not answered before. */
  held: Promise<void> | undefined;
  readonly #publishers: RecordPublisher[];
  #nowUs = 0;

  constructor(config: Partial<ReferenceConfig> = {}) {
    const handles = allocateFeeds({ records: 64, instruments: 4, watched: true }, 2);
    assert.ok(handles.signal);
    this.signal = new ChangeWatch(handles.signal, () => this.woken++);
    const output = openOutput(handles);
    this.#publishers = ['one', 'two'].map((name) => new RecordPublisher(output, name));
    const latest = new LatestReader(handles.latest);
    const table = { latest, watch: (row: number) => this.signal.watch(row) };
    const merged = { ...CONFIG, ...config };
    const sources = merged.sources.map(({ instrument, value }, number) => {
      return new LatestSource(table, number, instrument, value, new TickScale(1, 2));
    });
    const { symbols } = this.harness.exchange;
    this.reference = new SymbolReference(
      SYMBOL,
      merged,
      sources,
      {
        directory: { symbol: () => this.#info(), param: (id, name) => symbols.param(id, SymbolParam[name]) },
        commands: { submit: (fields) => this.#submit(fields) },
        takeUpdate: () => this.updatesLeft-- > 0,
        log: createLogger('silent'),
      },
      0,
    );
  }

  /** The first source's book. Prices have two decimals, as those of the symbol. */
  quote(bid: number, ask: number): this {
    return this.#publish(0, (publisher, row) => publisher.quote(row, bid, 1, ask, 1, 0));
  }

  trade(price: number): this {
    return this.#publish(1, (publisher, row) => publisher.trade(row, price, 1, 1, 0, 1));
  }

  /** A source loses its connection. */
  cut(source: number): this {
    return this.#publish(source, (publisher, row) => publisher.status(row, FeedState.Stale, FeedFault.Closed));
  }

  /** Looks at a time, until nothing more comes of it. @returns the commands that were sent, and the state */
  async at(seconds: number): Promise<string> {
    this.#nowUs = seconds * SECOND;
    const from = this.sent.length;
    for (let looks = 0; looks < 4; looks++) {
      this.reference.look(this.#nowUs);
      for (let turns = 0; turns < 5; turns++) await undefined;
    }
    return [...this.sent.slice(from), this.reference.state].join(', ');
  }

  get price(): number {
    return this.harness.exchange.symbols.param(SYMBOL, SymbolParam.ReferencePrice);
  }

  get phase(): string {
    return PHASE_NAMES[this.harness.exchange.symbols.phase[SYMBOL]];
  }

  do(line: string): void {
    assert.equal(this.harness.do(parseCommand(line)).reports[0].code, Code.OK, line);
  }

  /** The calendar crosses a boundary. */
  boundary(phase: Phase, atUs: number): void {
    this.harness.do({ kind: CommandKind.SetPhase, symbol: SYMBOL, parameter: phase, quantity: atUs });
  }

  #publish(source: number, write: (publisher: RecordPublisher, row: number) => void): this {
    const publisher = this.#publishers[source];
    publisher.at(++this.#stamp);
    const row = publisher.instrument('X');
    publisher.scale(row, 2, 2);
    publisher.status(row, FeedState.Live, FeedFault.None);
    write(publisher, row);
    publisher.flush();
    return this;
  }

  #stamp = 0;

  #info(): SymbolInfo {
    const { phase, boundaryUs } = this.harness.exchange.symbols;
    return { id: SYMBOL, name: 'BTC-USD', phase: phase[SYMBOL], boundaryUs: boundaryUs[SYMBOL] } as SymbolInfo;
  }

  async #submit(fields: CommandFields): Promise<AdminAnswer> {
    const words = fields.kind === CommandKind.SetReference ? String(fields.quantity) : PHASE_NAMES[fields.parameter ?? 0];
    const rest = { seq: 0, repeated: false, price: 0, quantity: 0, more: false, later: 0 };
    const given = this.answers.shift();
    if (given !== undefined && given !== 'lost') {
      this.sent.push(`${words} ${codeName(given)}`);
      return { code: given, ...rest };
    }
    await this.held;
    const [answer] = this.harness.do(fields).reports;
    const isAccepted = answer.kind === ReportKind.Accepted;
    this.sent.push(isAccepted ? words : `${words} ${codeName(answer.code)}`);
    if (given === 'lost') throw new AdminTimeoutError(answer.seq, 10_000);
    return { code: isAccepted ? Code.OK : (answer.code as Code), ...rest };
  }
}

describe('the reference price of a symbol', () => {
  it('follows the first source, at its rate; the newest price counts', async () => {
    const world = new World();
    assert.equal(await world.at(0), 'waiting');
    assert.equal(await world.quote(509, 511).at(1), '510, live');
    assert.equal(await world.quote(510, 512).at(1.1), 'live');
    assert.equal(await world.quote(511, 513).at(1.2), 'live');
    assert.equal(world.reference.look(1.2 * SECOND), 1.5 * SECOND, 'looks again when the next update is allowed');
    assert.equal(await world.at(1.499), 'live');
    assert.equal(await world.at(1.5), '512, live');
    assert.equal(world.price, 512);
    assert.equal(world.reference.counters.updates, 2);
  });

  it('is not sent when the rounded price is the same', async () => {
    const world = new World();
    assert.equal(await world.quote(499, 501).at(1), 'live');
    // The middle is 500.5 ticks.
    assert.equal(await world.quote(500, 501).at(2), '501, live');
    assert.equal(await world.quote(499, 502).at(3), 'live');
  });

  it('waits while all symbols together have used their updates, and while the exchange takes no commands', async () => {
    const world = new World();
    world.updatesLeft = 0;
    assert.equal(await world.quote(509, 511).at(1), 'live');
    assert.equal(world.reference.look(1 * SECOND), 1.002 * SECOND);
    world.updatesLeft = 10;
    world.answers.push(Code.BUSY, Code.DISK_FULL, Code.DRAINING);
    assert.equal(await world.at(2), '510 BUSY, live');
    assert.equal(await world.at(2.749), 'live');
    assert.equal(await world.at(2.75), '510 DISK_FULL, live');
    assert.equal(await world.at(3.5), '510 DRAINING, live');
    assert.equal(await world.quote(519, 521).at(4.25), '520, live');
    const { updates, retries, rejected } = world.reference.counters;
    assert.deepEqual([updates, retries, rejected], [1, 3, 0]);
  });

  it('that comes while a command is on its way is sent soon after its answer', async () => {
    const world = new World({ maxRate: 1000 });
    let release = (): void => undefined;
    world.held = new Promise((resolve) => {
      release = resolve;
    });
    assert.equal(await world.quote(509, 511).at(1), 'live');
    assert.equal(await world.quote(519, 521).at(1.01), 'live');
    assert.equal(world.reference.look(1.01 * SECOND), 1.012 * SECOND);
    release();
    assert.equal(await world.at(1.012), '510, 520, live');
  });

  it('of which the answer was lost is found in the state', async () => {
    const world = new World();
    world.answers.push('lost');
    assert.equal(await world.quote(509, 511).at(1), '510, live');
    assert.equal(await world.at(2), 'live');
    assert.equal(world.price, 510);
  });

  it('comes from the next source when the first one is cut off or old, and is counted', async () => {
    const world = new World();
    await world.quote(509, 511).trade(512).at(1);
    assert.equal(await world.cut(0).at(2), '512, live');
    assert.equal(await world.quote(510, 512).at(3), '511, live');
    assert.equal(await world.trade(513).at(10), 'live');
    assert.equal(await world.at(13.001), '513, live');
    assert.equal(world.reference.counters.switches, 3);
  });

  it('stays in the range of prices, and jumps only when the new level has lasted; both are counted', async () => {
    const world = new World();
    world.do('param MaxPrice 700');
    await world.quote(499, 501).at(1);
    assert.equal(await world.quote(2000, 2001).at(2), 'waiting');
    assert.equal(await world.quote(650, 652).at(3), 'waiting');
    assert.equal(await world.quote(650, 652).at(7.9), 'waiting');
    assert.equal(world.price, 500);
    assert.deepEqual([...world.reference.counters.refused], [0, 0, 0, 0, 1, 0, 2]);
    assert.equal(await world.quote(650, 652).at(8), '651, live');
  });

  it('is not sent while the operator has the symbol follow its trades', async () => {
    const world = new World();
    await world.quote(509, 511).at(1);
    world.do('param ReferenceSource 0');
    assert.equal(await world.quote(519, 521).at(2), 'off');
    assert.equal(await world.at(60), 'off');
    world.do('param ReferenceSource 1');
    assert.equal(await world.quote(519, 521).at(61), '520, live');
  });

  it('that the operator has set is the base of the largest step', async () => {
    const world = new World();
    await world.quote(509, 511).at(1);
    world.do('reference 505');
    assert.equal(await world.at(2), '510, live');
    world.do('reference 600');
    assert.equal(await world.quote(509, 511).at(3), 'waiting');
    assert.equal(world.price, 600);
  });
});

describe('a symbol of which all sources are stale', () => {
  it('is halted once, and continues when a source has been usable again for long enough', async () => {
    const world = new World();
    await world.quote(509, 511).at(1);
    assert.equal(await world.cut(0).at(11), 'waiting');
    assert.equal(await world.at(11.001), 'halted, stale');
    assert.equal(await world.at(12), 'stale');
    assert.equal(await world.quote(519, 521).at(20), '520, live');
    assert.equal(await world.at(22.999), 'live');
    assert.equal(await world.at(23), 'continuous, live');
    const { halts, resumptions } = world.reference.counters;
    assert.deepEqual([halts, resumptions], [1, 1]);
    assert.equal(await world.at(33.001), 'halted, stale');
  });

  it('continues only with a price of the present', async () => {
    const world = new World({ resumeAfter: 0 });
    await world.quote(509, 511).at(1);
    await world.at(12);
    world.updatesLeft = 0;
    assert.equal(await world.quote(519, 521).at(13), 'live');
    assert.equal(world.phase, 'halted');
    world.updatesLeft = 1;
    assert.equal(await world.at(14), '520, continuous, live');
  });

  it('is not halted unless configured so, and continues only by the operator unless configured so', async () => {
    const keeps = new World({ halts: false, resumeAfter: undefined });
    assert.equal(await keeps.at(11), 'stale');
    assert.equal(keeps.phase, 'continuous');
    const manual = new World({ resumeAfter: undefined });
    assert.equal(await manual.at(11), 'halted, stale');
    assert.equal(await manual.quote(509, 511).at(12), '510, live');
    assert.equal(await manual.quote(509, 511).at(21), 'live');
    assert.equal(manual.phase, 'halted');
    // The next time is another halt.
    manual.do('phase continuous');
    assert.equal(await manual.at(32), 'halted, stale');
  });

  it('that the operator opens meanwhile stays open, until a boundary of its calendar', async () => {
    const world = new World();
    assert.equal(await world.at(11), 'halted, stale');
    world.do('phase continuous');
    assert.equal(await world.at(12), 'stale');
    world.boundary(Phase.Closed, 1000);
    assert.equal(await world.at(13), 'stale');
    world.boundary(Phase.Continuous, 2000);
    assert.equal(await world.at(14), 'halted, stale');
    world.do('phase continuous');
    assert.equal(await world.quote(509, 511).at(15), '510, live');
    assert.equal(await world.quote(509, 511).at(19), 'live');
    assert.equal(world.phase, 'continuous');
  });

  it('that the calendar has closed meanwhile stays closed', async () => {
    const world = new World();
    await world.at(11);
    world.boundary(Phase.Closed, 1000);
    await world.quote(509, 511).at(12);
    assert.equal(await world.quote(509, 511).at(16), 'live');
    assert.equal(world.phase, 'closed');
    // Neither is a halt ended that the operator has made since.
    const halted = new World();
    await halted.at(11);
    halted.boundary(Phase.Closed, 1000);
    halted.do('phase halted');
    await halted.quote(509, 511).at(12);
    assert.equal(await halted.quote(509, 511).at(16), 'live');
    assert.equal(halted.phase, 'halted');
  });

  it('that was halted before the start is noted until another phase is set', async () => {
    const world = new World();
    world.do('phase halted');
    world.reference.begin();
    assert.equal(world.reference.haltedBefore, true);
    assert.equal(await world.quote(499, 501).at(1), 'live');
    // Though a source is usable for longer than resume-after.
    assert.equal(await world.quote(499, 501).at(9), 'live');
    assert.deepEqual([world.phase, world.reference.haltedBefore], ['halted', true]);
    world.do('phase continuous');
    await world.at(9.5);
    world.do('phase halted');
    await world.at(10);
    assert.equal(world.reference.haltedBefore, false, 'a halt of this process');
    for (const [halts, phase] of [
      [false, 'halted'],
      [true, 'continuous'],
    ] as const) {
      const other = new World({ halts, resumeAfter: undefined });
      other.do(`phase ${phase}`);
      other.reference.begin();
      assert.equal(other.reference.haltedBefore, false, `${halts} ${phase}`);
    }
  });

  it('in an auction is halted, and only the operator resumes it', async () => {
    const world = new World();
    world.do('phase auction');
    assert.equal(await world.at(11), 'halted, stale');
    await world.quote(509, 511).at(12);
    assert.equal(await world.quote(509, 511).at(16), 'live');
    assert.equal(world.phase, 'halted');
  });

  it('is halted when the exchange takes commands again', async () => {
    const world = new World();
    world.answers.push(Code.DISK_FULL, Code.BUSY);
    assert.equal(await world.at(11), 'halted DISK_FULL, stale');
    assert.equal(await world.at(11.249), 'stale');
    assert.equal(await world.at(11.25), 'halted BUSY, stale');
    assert.equal(await world.at(11.5), 'halted, stale');
    assert.equal(world.reference.counters.halts, 1);
    await world.quote(509, 511).at(12);
    world.answers.push(Code.DISK_FULL);
    assert.equal(await world.at(15), 'continuous DISK_FULL, live');
    assert.equal(await world.at(15.25), 'continuous, live');
  });
});

describe('the signal of watched values', () => {
  it('wakes for rows that were read, once until it is armed', async () => {
    const world = new World();
    world.signal.arm();
    world.quote(509, 511);
    await someTurns();
    assert.equal(world.woken, 0, 'nobody watches');
    await world.at(1);
    world.quote(510, 512).quote(511, 513);
    await until(() => world.woken === 1, 'the first change');
    world.trade(512);
    world.signal.arm();
    world.trade(513);
    await someTurns();
    assert.equal(world.woken, 1, 'the second source was not found when the first look came');
    await world.at(2);
    world.trade(514);
    await until(() => world.woken === 2, 'a change of the second source');
    world.quote(508, 510);
    await someTurns();
    assert.equal(world.woken, 2, 'it is not armed');
    world.signal.arm();
    world.signal.arm();
    world.quote(509, 511);
    await until(() => world.woken === 3, 'a change after it was armed twice');
    await someTurns();
    assert.equal(world.woken, 3);
  });

  it('wakes nobody after it was closed', async () => {
    const world = new World();
    world.quote(509, 511);
    await world.at(1);
    world.signal.arm();
    world.signal.close();
    world.signal.arm();
    world.quote(510, 512);
    await someTurns();
    assert.equal(world.woken, 0);
  });
});

/** Enough for a signal that should not come. */
async function someTurns(): Promise<void> {
  for (let turns = 0; turns < 5; turns++) await turn();
}
