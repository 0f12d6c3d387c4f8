import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { OurBook } from '../bench/book/our-book.ts';
import { PeerBook } from '../bench/book/peer-book.ts';
import { base, CASES, type Work } from '../bench/book/work.ts';
import { CommandMaker } from '../bench/core/command-maker.ts';
import { MeasuredCore } from '../bench/core/measured-core.ts';
import { runEmbed } from '../bench/embed/embed-run.ts';
import { USES, type Use } from '../bench/embed/embedded-flow.ts';
import { Pipeline } from '../bench/pipeline/pipeline.ts';
import { Recorder } from '../bench/suite/recorder.ts';
import { resolveLimits } from '../engine/limits.ts';
import { stateHash } from '../engine/machine/state-rows.ts';

const limits = resolveLimits({ orders: 2 ** 13, rememberedOrders: 2 ** 13, accounts: 2 ** 11 });
const COMMANDS = 20_000;
const CORE_SHARING = fileURLToPath(new URL('../bench/book/core-sharing.ts', import.meta.url));

describe('bench: the in-process scopes on small inputs', () => {
  for (const each of CASES) {
    it(`book: ${each.name} leads to the same fills and levels in both books`, () => {
      const levels = [new OurBook(), new PeerBook()].map((book) => {
        const run = (work: Work | undefined): void => {
          // Each book prepares its own.
          if (work !== undefined) book.run(book.prepare(work) as never);
        };
        run(base);
        const atFirst = book.levels();
        run(each.before);
        assert.equal(book.takeFills(), 0);
        run(each.timed);
        assert.equal(book.takeFills(), each.fills);
        const inTheMiddle = book.levels();
        run(each.after);
        assert.deepEqual(book.levels(), atFirst);
        return inTheMiddle;
      });
      assert.deepEqual(levels[0], levels[1]);
    });
  }

  it('core-sharing: four costs per line, until the time is over', () => {
    const lines = execFileSync(process.execPath, [CORE_SHARING, '0.3'], { encoding: 'utf8' }).trimEnd().split('\n');
    assert.match(lines[0], /^ +chained +independent +book +two threads$/);
    for (const line of lines.slice(1)) assert.match(line, /^( +[\d.]+){4}$/);
    assert.ok(lines.length > 1);
  });

  it('core: every command of an open loop has a latency, and the state is that of the twin', async () => {
    const maker = new CommandMaker(limits, COMMANDS);
    try {
      const core = new MeasuredCore(limits, maker);
      core.closedLoop((await maker.setUp()).count);
      core.answered = 0;
      await maker.make(COMMANDS);
      const recorder = new Recorder();
      core.openLoop(COMMANDS, 1_000_000, recorder);
      assert.equal(recorder.count, COMMANDS);
      assert.equal(core.answered, COMMANDS);
      assert.ok(core.traded > 0);
      const { stateHash: expected, mix, restingOrders, levels } = await maker.state();
      assert.equal(stateHash(core.exchange), expected);
      assert.equal(Math.round((mix.new + mix.cancel + mix.move) * 1e9), 1e9);
      const near = (value: number, wanted: number, part: number): void =>
        assert.ok(Math.abs(value / wanted - 1) <= part, `${value} is not about ${wanted}`);
      near(mix.new, 0.12, 0.1);
      near(mix.cancel, 0.06, 0.1);
      near(mix.move, 0.82, 0.02);
      near(restingOrders, 1000, 0.1);
      near(levels, 750, 0.07);
    } finally {
      await maker.close();
    }
  });

  for (const use of Object.keys(USES) as Use[]) {
    it(`embed: ${use}: calls lead to the state of the twin`, async () => {
      const plan = { warmUpCommands: 2000, commands: 4000, turns: 2 };
      const { bare, embedded } = await runEmbed(use, plan, 1, () => undefined);
      assert.deepEqual([bare.length, embedded.length], [1, 1]);
    });
  }

  for (const topology of ['compact', 'pinned'] as const) {
    it(`pipeline: ${topology} answers every command, and its log replays to the state of the twin`, async () => {
      const dir = mkdtempSync(join(tmpdir(), 'openbell-pipeline-'));
      const maker = new CommandMaker(limits, COMMANDS);
      const pipeline = new Pipeline({ dir, topology, durability: 'durable', limits, capacity: COMMANDS });
      try {
        await pipeline.start();
        await pipeline.settle(maker.words, (await maker.setUp()).count);
        await maker.make(COMMANDS);
        const recorder = new Recorder();
        await pipeline.openLoop(maker.words, COMMANDS, 200_000, recorder);
        assert.equal(recorder.count, COMMANDS);
        await maker.make(COMMANDS);
        await pipeline.closedLoop(maker.words, COMMANDS);
        await pipeline.stop(await maker.state());
      } finally {
        await pipeline.abandon();
        await maker.close();
        rmSync(dir, { recursive: true });
      }
    });
  }
});
