import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { CaptureWriter } from '../feeds/files/capture-writer.ts';
import { readCaptureByTime } from '../feeds/files/captures.ts';
import { type PlayScript, playScript } from '../feeds/lines/play-script.ts';
import { type PlayOptions, PlayServer } from '../feeds/lines/play-server.ts';
import { SourceLine } from '../feeds/lines/source-line.ts';
import { NotingAdapter, NotingSink } from './support/loopback-venue.ts';
import { until } from './support/until.ts';

const folder = mkdtempSync(join(tmpdir(), 'openbell-feed-play-'));
const running: { stop(): Promise<void> }[] = [];
after(async () => {
  for (const each of running) await each.stop();
  rmSync(folder, { recursive: true });
});

/** A capture as a table: `connection time-in-ms what`. */
async function capture(name: string, rows: readonly string[]): Promise<string> {
  const path = join(folder, name);
  const writer = new CaptureWriter(path, 'TEST', { book: ['A'] }, 1_000_000_000);
  for (const row of rows) {
    const [conn, ms, what, ...rest] = row.split(' ');
    const atUs = 1_000_000_000 + Number(ms) * 1000;
    const text = rest.join(' ');
    if (what === 'connect') writer.connect(conn, atUs, text);
    else if (what === 'send') writer.send(conn, atUs, 'wss://venue.example/ws', text);
    else if (what === 'recv') writer.recv(conn, atUs, Buffer.from(text));
    else writer.http(conn, atUs, `https://api.venue.example${what}`, Buffer.from(text));
  }
  await writer.end();
  return path;
}

describe('a capture that is written', () => {
  const ROWS = [
    'http.1 0 /instruments {"list":[1.50]}',
    'ws.1 1 connect wss://venue.example/ws',
    'ws.1 2 send subscribe "A"',
    'ws.1 3.001 recv {"price":0.50930100,"text":"Füße ☂ \\"quoted\\""}',
    'ws.1 3.001 recv second',
  ];

  for (const name of ['plain.jsonl', 'packed.jsonl.gz']) {
    it(`is read back as it was: ${name}`, async () => {
      const path = await capture(name, ROWS);
      const { header, events, truncated } = await readCaptureByTime(path);
      assert.equal(header.exchange, 'TEST');
      assert.equal(truncated, undefined);
      assert.deepEqual(
        events.map((event) => `${event.conn} ${(event.timeUs - 1_000_000_000) / 1000} ${textOf(event)}`),
        ROWS.map((row) => row.replace('0 /instruments', '0 http https://api.venue.example/instruments')),
      );
    });
  }

  it('has the fields of the known captures, in their order', async () => {
    const text = gunzipSync(readFileSync(await capture('fields.jsonl.gz', ROWS))).toString('utf8');
    assert.deepEqual(
      text
        .trimEnd()
        .split('\n')
        .map((line) => Object.keys(JSON.parse(line)).join()),
      [
        't,format,exchange,config,candle_interval,recorded',
        't,conn,ts,url,data',
        't,conn,ts,addr',
        't,conn,ts,addr,data',
        't,conn,ts,data',
        't,conn,ts,data',
      ],
    );
    assert.match(text, /"recorded":1000\.000000}/);
    assert.match(text, /"ts":1000\.003001,/);
  });

  it('never replaces a file, and says why it failed', async () => {
    const path = await capture('taken.jsonl', ROWS);
    const before = readFileSync(path, 'utf8');
    await assert.rejects(capture('taken.jsonl', ROWS), {
      code: 'CAPTURE_WRITE_FAILED',
      message: /EEXIST.*; a recording never replaces a file; give another name/,
    });
    assert.equal(readFileSync(path, 'utf8'), before);
    await assert.rejects(capture('no-folder/x.jsonl', ROWS), {
      code: 'CAPTURE_WRITE_FAILED',
      message: /ENOENT.*; check that the folder exists/,
    });
  });
});

describe('a capture that is played', () => {
  /** Notes of an adapter that subscribes, fetches, and is done at a condition. */
  async function play(
    script: PlayScript,
    done: (adapter: NotingAdapter, server: PlayServer) => boolean,
    options: Partial<PlayOptions> & { readonly fetches?: readonly string[]; readonly subscribe?: boolean } = {},
  ): Promise<{ notes: readonly string[]; server: PlayServer }> {
    const server = await PlayServer.start(script, { speed: Number.POSITIVE_INFINITY, ...options });
    running.push({ stop: () => server.close() });
    const line = new SourceLine({
      name: 'test',
      adapter: (_options, feedLine) => new NotingAdapter(server.webSocketUrl, feedLine),
      options: { instruments: [] },
      sink: new NotingSink(),
      backoff: { firstMs: 1, maxMs: 5, stableMs: 1000 },
      limits: { requests: { messages: 100, perMs: 1 } },
    });
    running.push(line);
    const adapter = line.adapter as NotingAdapter;
    adapter.onOpened = () => {
      if (options.subscribe ?? true) line.send('subscribe');
      for (const path of options.fetches ?? []) line.fetch(`${server.httpUrl}${path}`);
    };
    line.start();
    await until(() => done(adapter, server), `the end, after ${adapter.notes}`);
    await line.stop();
    return { notes: adapter.notes, server };
  }

  async function scriptOf(name: string, rows: readonly string[]): Promise<PlayScript> {
    return playScript(await readCaptureByTime(await capture(name, rows)));
  }

  it('gives answers and frames in the order of time, whatever order the file has', async () => {
    const script = await scriptOf('order.jsonl', [
      'h 30 /depth?symbol=A&limit=1000 snapshot',
      'h 0 /list list',
      'ws.1 1 connect wss://venue.example/ws',
      'ws.1 2 send subscribe',
      'ws.1 10 recv one',
      'ws.1 20 recv two',
      'ws.1 40 recv three',
    ]);
    assert.equal(script.frames, 3);
    const { notes, server } = await play(script, (adapter) => adapter.notes.includes('frame three') && adapter.notes.length === 7, {
      fetches: ['/list', '/depth?limit=5000&symbol=A', '/depth?symbol=B'],
    });
    assert.deepEqual(
      notes.filter((note) => note.startsWith('frame')),
      ['frame one', 'frame two', 'frame three'],
    );
    assert.deepEqual(notes.filter((note) => !note.startsWith('frame')).toSorted(), [
      'answer /depth snapshot',
      'answer /list list',
      'closed',
      'failed /depth 404',
      'opened',
    ]);
    assert.deepEqual([server.counters.frames, server.counters.played, server.counters.answers, server.counters.notFound], [3, 3, 2, 1]);
  });

  it('does not wait for long for a request that the client does not make', async () => {
    const script = await scriptOf('unasked.jsonl', [
      'ws.1 1 connect wss://venue.example/ws',
      'ws.1 2 send subscribe',
      'ws.1 10 recv one',
      'h 30 /unasked nothing',
      'ws.1 40 recv two',
      'h 50 /unasked nothing',
      'ws.1 60 recv three',
    ]);
    const { notes } = await play(script, (adapter) => adapter.notes.includes('frame three'));
    assert.deepEqual(notes, ['opened', 'frame one', 'frame two', 'frame three', 'closed']);
  });

  it('plays connections one after the other, and those at the same time as one', async () => {
    const script = await scriptOf('sessions.jsonl', [
      'ws.1 1 connect wss://venue.example/ws',
      'ws.1 10 recv a1',
      'ws.1 30 recv a2',
      'ws.2 5 connect wss://venue.example/ws',
      'ws.2 20 recv b1',
      'ws.3 100 connect wss://venue.example/ws',
      'ws.3 110 recv c1',
    ]);
    assert.deepEqual(
      script.sessions.map(({ steps }) => steps.length),
      [3, 1],
    );
    const { notes } = await play(script, (adapter) => adapter.notes.includes('frame c1'), { subscribe: false });
    assert.deepEqual(notes, ['opened', 'frame a1', 'frame b1', 'frame a2', 'closed', 'opened', 'frame c1', 'closed']);
    const looped = await play(script, (adapter) => adapter.notes.filter((note) => note === 'frame c1').length === 2, {
      subscribe: false,
      loop: true,
    });
    // A third round may have begun before the line was ended.
    const twice = [...notes, ...notes].slice(0, -1);
    assert.deepEqual(looped.notes.slice(0, twice.length), twice);
  });

  it('begins a connection again that was cut in the middle', async () => {
    const script = await scriptOf('cut.jsonl', ['ws.1 1 connect wss://v.example', 'ws.1 10 recv one', 'ws.1 20 recv two']);
    const ends = ['cut', 'half-close'] as const;
    const { notes, server } = await play(script, (adapter) => adapter.notes.includes('frame two'), {
      subscribe: false,
      disturb: (connection, steps) => (connection > 2 ? steps : [steps[0], { kind: ends[connection - 1], atUs: steps[0].atUs }]),
    });
    // A reset may take what was sent before it along.
    assert.deepEqual(notes.filter((note) => note === 'opened').length, 3);
    assert.deepEqual(notes.slice(-4), ['opened', 'frame one', 'frame two', 'closed']);
    assert.equal(server.counters.played, 2);
  });

  it('keeps the time between frames at the recorded speed, divided by the factor', async () => {
    const script = await scriptOf('pace.jsonl', ['ws.1 1 connect wss://v.example', 'ws.1 10 recv one', 'ws.1 510 recv two']);
    const began = performance.now();
    await play(script, (adapter) => adapter.notes.includes('frame two'), { subscribe: false, speed: 5 });
    // Later is possible on a busy machine, earlier is not.
    assert.ok(performance.now() - began >= 100);
  });
});

function textOf(event: { readonly kind: string; readonly address?: string; readonly url?: string; readonly data?: string }): string {
  return [event.kind, event.address ?? event.url, event.data].filter((part) => part !== undefined).join(' ');
}
