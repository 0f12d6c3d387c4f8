import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it, type TestContext } from 'node:test';
import { gzipSync } from 'node:zlib';
import { BookSide, FeedFault, FeedState } from '../feeds/feed.ts';
import { CAPTURED_LINE } from '../feeds/files/capture-replay.ts';
import { FileInstruments } from '../feeds/lines/file-instruments.ts';
import type { FileSource } from '../feeds/lines/file-source.ts';
import { LineClock } from '../feeds/lines/line-clock.ts';
import { PlayedLine } from '../feeds/lines/played-line.ts';
import type { PublishedSink } from '../feeds/rings/record-publisher.ts';
import { demoCapture } from '../feeds/simulator/demo-capture.ts';
import { FeedRecorder } from './support/feed-recorder.ts';
import { ItchEncoder } from './support/itch-encoder.ts';
import { until } from './support/until.ts';

const folder = mkdtempSync(join(tmpdir(), 'openbell-file-line-'));
after(() => rmSync(folder, { recursive: true }));

const START = 1_700_000_000;
let files = 0;

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, `${++files}-${name}`);
  writeFileSync(path, content);
  return path;
}

/** `time,symbol,price,size`, from rows of `SECOND SYMBOL PRICE SIZE`. */
function trades(...rows: string[]): string {
  return `time,symbol,price,size\n${rows
    .map((row) => {
      const [second, symbol = 'A', price = '10', size = '1'] = row.split(' ');
      return `${START + Number(second)},${symbol},${price},${size}\n`;
    })
    .join('')}`;
}

class Recorder extends FeedRecorder implements PublishedSink {
  /** Of the line at each fault. */
  readonly places: string[] = [];
  line: PlayedLine | undefined;

  received(): void {
    // The recorder has no time of receipt.
  }

  at(): void {
    // As above.
  }

  flush(): void {
    // All is seen at once.
  }

  override fault(instrument: number, fault: FeedFault): void {
    this.places.push(`${this.line?.unit} ${this.line?.place}`);
    super.fault(instrument, fault);
  }

  count(what: string): number {
    return this.lines.filter((line) => line.startsWith(what)).length;
  }

  /** States of the source (`*`) or of an instrument, in their order. */
  statesOf(name: string): string[] {
    return this.lines.filter((line) => line.startsWith(`status ${name} `)).map((line) => line.slice(`status ${name} `.length));
  }
}

function lineOf(
  path: string,
  more: Partial<FileSource> = {},
  sink = new Recorder(),
  isRefused: (instrument: number) => boolean = () => false,
) {
  const log: string[] = [];
  const time = { nowMs: 1_800_000_000_000 };
  const shifts: number[] = [];
  const source: FileSource = { name: 'day', file: { path }, instruments: [], speed: Number.POSITIVE_INFINITY, atEnd: 'end', ...more };
  const line = new PlayedLine({
    source,
    adapter: (venue, selected) => venue.create({ instruments: [] }, CAPTURED_LINE, selected),
    sink,
    isRefused,
    onShift: (shiftUs) => shifts.push(shiftUs),
    clock: new LineClock(
      () => time.nowMs,
      () => time.nowMs,
    ),
    log: (_fault, text) => log.push(text),
  });
  sink.line = line;
  return { line, sink, log, time, shifts };
}

async function played(path: string, more: Partial<FileSource> = {}, sink = new Recorder(), isRefused?: (instrument: number) => boolean) {
  const all = lineOf(path, more, sink, isRefused);
  await all.line.start();
  return all;
}

/** Stops the line with the test. */
function started<Line extends ReturnType<typeof lineOf>>(t: TestContext, all: Line): Line {
  t.after(() => all.line.stop());
  void all.line.start();
  return all;
}

const LONG = { timeout: 120_000 };

describe('the line of a file', LONG, () => {
  it('plays it to its end: live, then ended', async () => {
    const { sink, log, line } = await played(file('a.csv', trades('0', '1 B', '2')));
    assert.deepEqual(sink.statesOf('*'), ['connecting', 'live', 'ended']);
    assert.deepEqual([sink.statesOf('A').at(-1), sink.statesOf('B').at(-1)], ['ended', 'ended']);
    assert.equal(sink.count('trade '), 3);
    assert.deepEqual([[...sink.faults], line.rounds], [[], 1]);
    assert.match(log.join('\n'), /^day: \S+a\.csv has ended after line 4$/);
    await line.stop();
    assert.equal(sink.statesOf('*').at(-1), 'down');
  });

  it('at the recorded speed, a record comes when it is due', async (t) => {
    const { sink, time } = started(t, lineOf(file('paced.csv', trades('0', '0', '10', '20')), { speed: 1 }));
    await until(() => sink.count('trade ') === 2, 'the first second');
    time.nowMs += 9_990;
    // A file that is read on plays nothing before its time; the turns below would do.
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setTimeout(resolve, 1));
    assert.equal(sink.count('trade '), 2);
    time.nowMs += 10;
    await until(() => sink.count('trade ') === 3, 'the tenth second');
    time.nowMs += 10_000;
    await until(() => sink.statesOf('*').at(-1) === 'ended', 'the end');
  });

  it('in a loop at the recorded speed, each round is moved to now, and what comes after a long pause with it', async (t) => {
    const path = file('now.csv', trades('0', '7200'));
    const { sink, time, shifts } = started(t, lineOf(path, { atEnd: 'loop', speed: 1 }));
    await until(() => shifts.length === 2, 'the first round');
    time.nowMs += 60_000;
    await until(() => sink.count('trade ') >= 4, 'the second round');
    const us = (second: number) => (START + second) * 1e6;
    const begin = 1_800_000_000_000_000;
    assert.deepEqual(shifts.slice(0, 4), [begin - us(0), begin - us(7200), begin + 60e6 - us(0), begin + 60e6 - us(7200)]);
    const other = await played(path, { speed: 1000, atEnd: 'end' });
    assert.deepEqual(other.shifts, []);
  });

  it('in a loop, each round is a connection of its own', async (t) => {
    const { sink, line } = started(t, lineOf(file('loop.csv', trades('0', '1')), { atEnd: 'loop' }));
    await until(() => line.rounds === 2 && sink.count('trade ') === 4, 'the second round');
    assert.deepEqual(sink.statesOf('*').slice(0, 4), ['connecting', 'live', 'connecting', 'live']);
    assert.deepEqual(sink.statesOf('A').slice(0, 4), ['syncing', 'live', 'syncing', 'live']);
  });

  it('of a capture: once, at any speed', async () => {
    const { sink, log, line } = await played(demoCapture().path, { instruments: ['BTC-USD', 'NONE'] }, new Recorder(true));
    assert.deepEqual(sink.statesOf('*'), ['connecting', 'live', 'ended']);
    assert.deepEqual(sink.names, ['BTC-USD', 'NONE']);
    assert.deepEqual([sink.statesOf('BTC-USD').at(-1), sink.statesOf('NONE')], ['ended', ['down UNKNOWN_INSTRUMENT']]);
    assert.ok(sink.book('BTC-USD', 0).length > 0);
    assert.match(log.join('\n'), /has ended, and has nothing of NONE\nday: .* has ended$/);
    await line.stop();
  });

  it('leaves the thread turns for others, however fast it is', async () => {
    const path = file('long.csv', trades(...Array.from({ length: 60_000 }, (_, i) => `${i}`)));
    let turns = 0;
    let isPlaying = true;
    const turn = () => {
      turns++;
      if (isPlaying) setImmediate(turn);
    };
    setImmediate(turn);
    const { sink } = await played(path);
    isPlaying = false;
    assert.equal(sink.count('trade '), 60_000);
    // 1.1 MB are 18 pieces.
    assert.ok(turns >= 18, `${turns} turns`);
  });

  it('takes the instruments that are named, and says which of them the file does not have', async () => {
    const { sink, log } = await played(file('named.csv', trades('0 A', '1 B', '2 C')), { instruments: ['B', 'X', 'Y'] });
    assert.deepEqual(sink.names, ['B', 'X', 'Y']);
    assert.equal(sink.count('trade '), 1);
    assert.deepEqual(sink.statesOf('X'), ['syncing', 'down UNKNOWN_INSTRUMENT']);
    assert.equal(sink.faults.get('UNKNOWN_INSTRUMENT'), 2);
    assert.match(log.join('\n'), /has ended, and has nothing of X, Y$/m);
  });

  it('of LOBSTER without the instrument that is named is not called empty', async () => {
    const { sink, log } = await played(file('AAPL_2012-06-21_message_1.csv', '34200,1,1,5,1000000,1\n'), { instruments: ['X'] });
    assert.deepEqual([sink.statesOf('*').at(-1), sink.statesOf('X').at(-1)], ['ended', 'down UNKNOWN_INSTRUMENT']);
    assert.match(log.join('\n'), /has ended, and has nothing of X$/m);
  });

  it('takes no more than 1,024 instruments without a selection, and none that the sink has no room for', async () => {
    const many = file('many.csv', trades(...Array.from({ length: 1100 }, (_, i) => `${i} S${i}`)));
    const all = await played(many);
    assert.deepEqual([all.sink.names.length, all.sink.count('trade '), all.sink.faults.get('UNKNOWN_INSTRUMENT')], [1024, 1024, 76]);
    const full = await played(file('full.csv', trades('0 A', '1 B', '2 B')), {}, new Recorder(), (instrument) => instrument === 1);
    assert.deepEqual([full.sink.count('trade '), full.sink.statesOf('B')], [1, []]);
  });

  it('of LOBSTER without a book file: each round begins with an empty book', async (t) => {
    const rows = '34200,1,1,5,1000000,1\n34201,1,2,3,1010000,1\n';
    const path = join(folder, 'AAPL_2012-06-21_message_1.csv');
    writeFileSync(path, rows);
    const { line, sink } = started(t, lineOf(path, { atEnd: 'loop' }));
    // The recorder compares the best price of each update with its own book.
    await until(() => line.rounds === 3 || sink.statesOf('*').at(-1)?.startsWith('down') === true, 'two rounds');
    assert.equal(sink.statesOf('*').at(-1), 'live');
  });

  it('shows what stands at the end of a file without a time', async () => {
    const encoder = new ItchEncoder();
    encoder.directory(7, 0, 'MSFT');
    encoder.directory(8, 0, 'AAPL');
    const { sink } = await played(file('directory.itch', encoder.bytes()));
    assert.deepEqual(
      [sink.statesOf('MSFT'), sink.statesOf('AAPL')],
      [
        ['live', 'ended'],
        ['live', 'ended'],
      ],
    );
  });

  it('has a crossed book that trades again after a halt stale, too', () => {
    const sink = new Recorder(true);
    const instruments = new FileInstruments(sink, [], () => false);
    const number = instruments.number('A');
    sink.scale(number, 0, 0);
    const end = (bid: number) => {
      sink.bookClear(number);
      sink.level(number, BookSide.Bid, bid, 1);
      sink.level(number, BookSide.Ask, 11, 1);
      instruments.bookEnd(number, 1, bid, 1, 11, 1);
    };
    instruments.status(number, FeedState.Live, FeedFault.None);
    instruments.status(number, FeedState.Stale, FeedFault.None);
    end(12);
    instruments.status(number, FeedState.Live, FeedFault.None);
    end(10);
    assert.deepEqual(sink.statesOf('A'), ['live', 'stale', 'stale CROSSED', 'live']);
  });

  it('has a crossed book stale until it is mended', async () => {
    const header = 'ts_event,rtype,publisher_id,instrument_id,action,side,price,size,bid_px_00,bid_sz_00,ask_px_00,ask_sz_00,symbol';
    const row = (second: number, bid: number, ask: number) => `${START + second}000000000,1,1,1,A,B,1,1,${bid}.0,1,${ask}.0,1,ES`;
    const { sink } = await played(
      file('crossed.csv', `${[header, row(0, 10, 11), row(1, 12, 11), row(2, 12, 10), row(3, 9, 11)].join('\n')}\n`),
    );
    assert.deepEqual(sink.statesOf('ES'), ['live', 'stale CROSSED', 'live', 'ended']);
    assert.deepEqual([...sink.faults], [['CROSSED', 1]]);
  });
});

describe('a file with faults', LONG, () => {
  it('that is cut or damaged in its compressed data: what comes before is played, and the source is down', async () => {
    const rows = Array.from({ length: 30_000 }, (_, i) => `${i} A ${10 + ((i * 7919) % 1009)} ${1 + ((i * 104_729) % 997)}`);
    const packed = gzipSync(trades(...rows));
    const damaged = Buffer.from(packed);
    damaged.fill(0xff, packed.length >> 1, (packed.length >> 1) + 64);
    for (const [name, content, code] of [
      ['cut.csv.gz', packed.subarray(0, packed.length >> 1), 'FILE_TRUNCATED'],
      ['damaged.csv.gz', damaged, 'FILE_DAMAGED'],
    ] as const) {
      const { sink, log } = await played(file(name, content));
      assert.equal(sink.statesOf('*').at(-1), `down ${code}`);
      assert.equal(sink.statesOf('A').at(-1), `stale ${code}`);
      const count = sink.count('trade ');
      assert.ok(count > 5000 && count < 30_000, `${count}`);
      assert.match(log.join('\n'), new RegExp(`^day: ${code}: .*; it was read up to line ${count + 1}$`));
      assert.deepEqual([...sink.faults], [[code, 1]]);
    }
  });

  it('with a line that is damaged in the middle: the line is counted, with its number, and the others are played', async () => {
    const lines = trades('0', '1', '2', '3').split('\n');
    lines[3] = '1700000001,A,1O,1';
    const { sink, line } = await played(file('line.csv', lines.join('\n')));
    assert.deepEqual([[...sink.faults], sink.places, sink.count('trade ')], [[['NUMBER_MALFORMED', 1]], ['line 4'], 3]);
    assert.equal(sink.statesOf('*').at(-1), 'ended');
    assert.equal(line.place, 0);
  });

  it('that holds nothing that could be used: the source is down, with the reason and the line', async () => {
    const table: readonly (readonly [name: string, content: string | Uint8Array, format: string | undefined, reason: RegExp])[] = [
      ['empty.csv', '', 'csv', /FILE_EMPTY: .*has nothing to read/],
      ['empty', '', undefined, /FORMAT_UNKNOWN: .*none of the known formats/],
      ['other.csv', 'a,b\n1,2\n', 'csv', /CSV_COLUMNS: .*other\.csv: the header has neither price/],
      ['wrong.csv', trades('0 A x', '1 A y'), undefined, /FILE_MALFORMED: .*; it was read up to line 3; .* NUMBER_MALFORMED at line 3$/],
      ['capture.jsonl', '{"t":"header","format":2,"exchange":"NOWHERE"}\n', undefined, /is of NOWHERE, which has no adapter/],
    ];
    for (const [name, content, format, reason] of table) {
      const { sink, log } = await played(file(name, content), format === undefined ? {} : { format });
      assert.equal(sink.statesOf('*').at(-1), 'down FILE_UNUSABLE', name);
      assert.equal(sink.faults.get('FILE_UNUSABLE'), 1, name);
      assert.match(log.join('\n'), reason);
    }
    const directory = mkdtempSync(join(folder, 'nothing-'));
    const { sink, log } = await played(directory);
    assert.equal(sink.statesOf('*').at(-1), 'down FILE_UNUSABLE');
    assert.match(log.join('\n'), /LOG_EMPTY: .*no log with a command/);
  });

  it('that is not there: down; in a loop, live as soon as it is there', async (t) => {
    const path = join(folder, 'later.csv');
    const once = await played(path);
    assert.deepEqual(once.sink.statesOf('*'), ['connecting', 'down FILE_UNREADABLE']);
    assert.match(once.log.join('\n'), /^day: FILE_UNREADABLE: .*later\.csv: cannot be read \(ENOENT/);
    const { sink, log } = started(t, lineOf(path, { atEnd: 'loop' }));
    await until(() => (sink.faults.get('FILE_UNREADABLE') ?? 0) > 1, 'the second attempt');
    assert.equal(log.length, 1, 'each attempt has the same reason');
    writeFileSync(path, trades('0'));
    await until(() => sink.statesOf('*').includes('live') && sink.count('trade ') > 0, 'the file');
  });

  it('that another one replaces: the round that is played ends with the old one, the next is that of the new one', async (t) => {
    const path = file('replaced.csv', trades('0 A', '10 A'));
    const { sink, time } = started(t, lineOf(path, { atEnd: 'loop', speed: 1 }));
    await until(() => sink.count('trade A') === 1, 'the first trade');
    const next = file('next.csv', trades('0 B'));
    renameSync(next, path);
    time.nowMs += 60_000;
    await until(() => sink.count('trade B') > 0, 'the new file');
    assert.equal(sink.count('trade A'), 2);
    assert.deepEqual(
      [...sink.faults.keys()].filter((code) => code !== 'UNKNOWN_INSTRUMENT'),
      [],
    );
  });

  it('that grows while it is read, or is cut: its last line is not taken if it has no end', async (t) => {
    const table: readonly (readonly [what: string, change: (path: string) => void, trades: number])[] = [
      ['grows', (path) => appendFileSync(path, `${START + 30},A,12,5\n${START + 40},A,1`), 4],
      ['is cut', (path) => truncateSync(path, trades('0', '10', '20').length - 3), 3],
    ];
    for (const [what, change, count] of table) {
      const path = file('changing.csv', trades('0', '10', '20'));
      const { sink, time, log } = started(t, lineOf(path, { speed: 1 }));
      await until(() => sink.count('trade ') === 1, 'the first trade');
      change(path);
      for (let step = 0; step < 5; step++) time.nowMs += 10_000;
      await until(() => sink.statesOf('*').at(-1) === 'down FILE_CHANGED', what);
      assert.equal(sink.count('trade '), count, what);
      assert.match(log.join('\n'), /FILE_CHANGED: .*was written while it was read/);
    }
  });

  it('whose clock goes back, or jumps: counted with the line, and neither waited for nor hurried through', async (t) => {
    const rows = ['0', '10', '5', '15', '100000000', '16'];
    const { sink, time } = started(t, lineOf(file('clock.csv', trades(...rows)), { speed: 1 }));
    for (const [count, stepMs] of [
      [1, 0],
      // Second 5 is due with second 10, and second 15 ten seconds after it; the jump and its end with that.
      [3, 10_000],
      [6, 10_000],
    ]) {
      time.nowMs += stepMs;
      await until(() => sink.count('trade ') === count, `${count} trades`);
    }
    await until(() => sink.statesOf('*').at(-1) === 'ended', 'the end');
    assert.deepEqual([[...sink.faults], sink.places], [[['CLOCK_BACK', 2]], ['line 4', 'line 7']]);
  });

  it('does not end the process when a defect shows in the middle', async () => {
    class Failing extends Recorder {
      override trade(): void {
        throw new Error('a defect');
      }
    }
    const { sink, log } = await played(file('defect.csv', trades('0', '1')), {}, new Failing());
    assert.equal(sink.statesOf('*').at(-1), 'down FILE_UNUSABLE');
    assert.match(log.join('\n'), /^day: a defect/);
    assert.equal(sink.faults.get('FILE_UNUSABLE'), 1);
  });

  it('ends at once when it is stopped, wherever it is', async () => {
    const { line, sink } = lineOf(file('stopped.csv', trades('0', '3000')), { speed: 1 });
    const ended = line.start();
    await until(() => sink.count('trade ') === 1, 'the first trade');
    await line.stop();
    await ended;
    assert.deepEqual([sink.statesOf('*').at(-1), sink.statesOf('A').at(-1)], ['down', 'stale']);
  });
});
