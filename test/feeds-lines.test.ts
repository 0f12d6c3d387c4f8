import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createConnection, createServer, type Socket } from 'node:net';
import { after, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { FeedFault } from '../feeds/feed.ts';
import { Breakers } from '../feeds/lines/breaker.ts';
import { httpGet } from '../feeds/lines/http-get.ts';
import { LineClock } from '../feeds/lines/line-clock.ts';
import { newLineCounters } from '../feeds/lines/line-counters.ts';
import { resetSocket } from '../feeds/lines/reset-socket.ts';
import { SourceLine, type SourceLineOptions } from '../feeds/lines/source-line.ts';
import { freePort, LoopbackVenue, NotingAdapter, NotingSink } from './support/loopback-venue.ts';
import { until } from './support/until.ts';

const FAST = { firstMs: 5, maxMs: 20, stableMs: 60_000 };

interface Started {
  readonly line: SourceLine;
  readonly adapter: NotingAdapter;
  readonly sink: NotingSink;
  readonly log: string[];
}

const running: { stop(): Promise<void> }[] = [];
after(async () => {
  for (const each of running) await each.stop();
});

/** A line with an adapter that notes; `prepare` runs before it starts. */
function startLine(url: string, options: Partial<SourceLineOptions> = {}, prepare?: (adapter: NotingAdapter) => void): Started {
  const sink = new NotingSink();
  const log: string[] = [];
  const line = new SourceLine({
    name: 'test',
    adapter: (_options, feedLine) => new NotingAdapter(url, feedLine),
    options: { instruments: [] },
    sink,
    backoff: FAST,
    log: (_fault, text) => log.push(text),
    ...options,
  });
  const adapter = line.adapter as NotingAdapter;
  prepare?.(adapter);
  running.push(line);
  line.start();
  return { line, adapter, sink, log };
}

async function startVenue(handlers: Parameters<typeof LoopbackVenue.start>[0]): Promise<LoopbackVenue> {
  const venue = await LoopbackVenue.start(handlers);
  running.push({ stop: () => venue.close() });
  return venue;
}

describe('a line', () => {
  it('opens, sends, passes frames and answers to the adapter, and ends cleanly', async () => {
    const venue = await startVenue({
      connected: (socket) => socket.on('message', (data) => socket.send(`echo ${data}`)),
      answer: (request, response) => response.end(`body of ${request.url}`),
    });
    const { line, adapter, sink } = startLine(venue.webSocketUrl, {}, (noting) => {
      noting.onOpened = () => {
        noting.line.send('subscribe');
        noting.line.fetch(`${venue.httpUrl}/depth?limit=5`);
      };
    });
    await until(() => adapter.notes.length === 3, 'frame and answer');
    await line.stop();
    assert.deepEqual(adapter.notes.toSorted(), ['answer /depth body of /depth?limit=5', 'closed', 'frame echo subscribe', 'opened']);
    assert.deepEqual(sink.words, ['connecting', 'live', 'down']);
    const { connects, frames, frameBytes, sent, answers, lost, reconnects } = line.counters;
    assert.deepEqual([connects, frames, frameBytes, sent, answers, lost, reconnects], [1, 1, 14, 1, 1, 0, 0]);
  });

  it('connects again after the venue closes, cuts or half-closes the connection', async () => {
    const ends = ['close', 'cut', 'half-close'];
    const venue = await startVenue({
      connected: (socket, request, connection) => {
        const end = ends[connection - 1];
        if (end === 'close') socket.close(1012, 'restart');
        else if (end === 'cut') resetSocket(request.socket);
        else if (end === 'half-close') request.socket.end();
        else socket.send('whole');
      },
    });
    const { line, adapter, log } = startLine(venue.webSocketUrl);
    await until(() => adapter.notes.includes('frame whole'), 'the fourth connection');
    assert.deepEqual(adapter.notes, ['opened', 'closed', 'opened', 'closed', 'opened', 'closed', 'opened', 'frame whole']);
    assert.equal(line.counters.lost, 3);
    assert.match(log[0], /^CLOSED: ws:.*: closed by the venue \(1012, "restart"\)$/);
    await line.stop();
  });

  it('counts a venue that sends nothing, not even a pong, as dead', async () => {
    const venue = await startVenue({
      // A paused socket reads no ping, so that none is answered.
      connected: (socket, request, connection) => (connection === 1 ? request.socket.pause() : socket.send('alive')),
    });
    const { line, adapter, sink } = startLine(venue.webSocketUrl, { limits: { silentMs: 100 } });
    await until(() => adapter.notes.includes('frame alive'), 'the second connection');
    await line.stop();
    // On a busy machine the second connection may seem silent, too, until its frame is read.
    assert.ok(line.counters.silent >= 1);
    assert.deepEqual(sink.words.slice(0, 4), ['connecting', 'live', 'fault SILENT', 'down SILENT']);
  });

  it('counts and logs a wall clock that goes back, once, and its receive times do not', async () => {
    const venue = await startVenue({ connected: (socket) => socket.send('hello') });
    let wallMs = 1_700_000_000_000;
    const clock = new LineClock(() => wallMs + performance.now());
    const times: number[] = [];
    const { line, adapter, sink, log } = startLine(venue.webSocketUrl, { clock }, (noting) => {
      noting.onTick = () => times.push(clock.nowUs());
    });
    await until(() => adapter.notes.includes('frame hello') && times.length >= 1, 'a tick');
    wallMs -= 3_600_000;
    // Another line of the thread sees it first.
    times.push(clock.nowUs());
    const before = times.length;
    await until(() => times.length >= before + 2, 'two ticks more');
    await line.stop();
    assert.equal(line.counters.clockSteps, 1);
    assert.deepEqual(
      sink.words.filter((word) => word.startsWith('fault')),
      ['fault CLOCK_BACK'],
    );
    assert.deepEqual(log, ['CLOCK_BACK: test: the wall clock went back; receive times go on with the monotonic clock']);
    assert.deepEqual(
      times,
      times.toSorted((a, b) => a - b),
    );
  });

  it('does not cut a quiet connection whose venue answers pings', async () => {
    let pings = 0;
    const venue = await startVenue({ connected: (socket) => socket.on('ping', () => pings++) });
    const { line, adapter } = startLine(venue.webSocketUrl, { limits: { silentMs: 2000 } });
    await until(() => pings >= 3, 'three pings');
    await line.stop();
    assert.deepEqual(adapter.notes, ['opened', 'closed']);
    assert.equal(line.counters.silent, 0);
  });

  it('passes a frame of 10 MB, compressed or not, and refuses one above its limit', async () => {
    const huge = 'x'.repeat(10 << 20);
    const venue = await startVenue({ connected: (socket, _request, connection) => socket.send(connection <= 2 ? huge : 'small') });
    for (const deflate of [true, false]) {
      const { line, adapter } = startLine(venue.webSocketUrl, { socket: { deflate } });
      await until(() => adapter.notes.length === 2, 'the frame');
      assert.equal(adapter.notes[1], `frame of ${10 << 20}`);
      await line.stop();
    }
    const big = await startVenue({ connected: (socket, _request, connection) => socket.send(connection === 1 ? huge : 'small') });
    const { line, adapter, log } = startLine(big.webSocketUrl, { socket: { maxFrameBytes: 1 << 20 } });
    await until(() => adapter.notes.includes('frame small'), 'the connection after the refusal');
    await line.stop();
    assert.equal(line.counters.framesTooLarge, 1);
    assert.match(log[0], /^FRAME_TOO_LARGE: .*exceeds 1048576 bytes/);
  });

  it('survives bytes that are no frame, and text that is not UTF-8', async () => {
    const bad = [Buffer.from([0xff, 0xff, 0x00]), Buffer.from([0x81, 0x02, 0xc3, 0x28])];
    const venue = await startVenue({
      connected: (socket, request, connection) => {
        const bytes = bad[connection - 1];
        if (bytes === undefined) socket.send('well');
        else request.socket.write(bytes);
      },
    });
    const { line, adapter } = startLine(venue.webSocketUrl);
    await until(() => adapter.notes.includes('frame well'), 'the third connection');
    await line.stop();
    assert.equal(line.counters.framesMalformed, 2);
    assert.equal(line.counters.frames, 1);
  });

  it('ends a connection whose adapter throws, and goes on with the next one', async () => {
    const venue = await startVenue({ connected: (socket, _request, connection) => socket.send(`frame ${connection}`) });
    const { line, adapter, log } = startLine(venue.webSocketUrl, {}, (noting) => {
      noting.onFrame = (text) => {
        if (text === 'frame 1') throw new Error('defect of the test');
      };
    });
    await until(() => adapter.notes.includes('frame frame 2'), 'the second connection');
    await line.stop();
    assert.equal(line.counters.adapterErrors, 1);
    assert.match(log[0], /adapter failed, which is a defect.*defect of the test/s);
  });

  it('reports no frame after the adapter asked for a new connection', async () => {
    const venue = await startVenue({
      connected: (socket, _request, connection) => {
        if (connection === 1) for (const frame of ['gap', 'late', 'later']) socket.send(frame);
        else socket.send('new');
      },
    });
    const { line, adapter, sink } = startLine(venue.webSocketUrl, {}, (noting) => {
      noting.onFrame = (text) => {
        if (text === 'gap') noting.line.reconnect(8);
      };
    });
    await until(() => adapter.notes.includes('frame new'), 'the second connection');
    await line.stop();
    assert.deepEqual(adapter.notes, ['opened', 'frame gap', 'closed', 'opened', 'frame new', 'closed']);
    assert.equal(line.counters.reconnects, 1);
    // The adapter has counted the gap itself.
    assert.deepEqual(sink.words, ['connecting', 'live', 'down SEQUENCE_GAP', 'connecting SEQUENCE_GAP', 'live', 'down']);
  });

  it('reads its share of a flood in a turn, all of it in order, so that the line beside it is read, too', async () => {
    const [FRAMES, SIZE] = [4000, 1024];
    let tell: (() => void) | undefined;
    const other = await startVenue({ connected: (socket) => (tell = () => socket.send('here')) });
    const flood = await startVenue({
      connected: (socket) => {
        for (let i = 0; i < FRAMES; i++) socket.send(String(i).padEnd(SIZE), { compress: false });
        tell?.();
        socket.close();
      },
    });
    const beside = startLine(other.webSocketUrl);
    await until(() => tell !== undefined && beside.adapter.notes.includes('opened'), 'the line beside it');
    const read: number[] = [];
    let [bytes, most, turns, before] = [0, 0, 0, false];
    const { line, adapter } = startLine(flood.webSocketUrl, { backoff: { ...FAST, firstMs: 60_000 } }, (noting) => {
      noting.onFrame = (text) => {
        if (bytes === 0)
          setImmediate(() => {
            bytes = 0;
            turns++;
          });
        bytes += text.length;
        most = Math.max(most, bytes);
        read.push(Number(text));
        if (read.length < FRAMES && beside.adapter.notes.includes('frame here')) before = true;
      };
    });
    await until(() => adapter.notes.includes('closed'), 'the end of the flood');
    await Promise.all([line.stop(), beside.line.stop()]);
    assert.deepEqual(read, [...Array(FRAMES).keys()]);
    assert.ok(before, 'the line beside it was read during the flood');
    // The end of one turn of the line and the next one, as the test counts turns.
    assert.ok(most <= 2 * (64 * 1024 + SIZE), `${most} bytes in one of ${turns} turns`);
  });

  it('replaces a connection before the venue cuts it for its age', async () => {
    const venue = await startVenue({});
    const { line } = startLine(venue.webSocketUrl, { limits: { maxAgeMs: 0 } });
    await until(() => line.counters.reconnects >= 1 && line.counters.connects >= 2, 'a new connection');
    await line.stop();
  });

  describe('with an adapter that can be taken over', () => {
    /** A venue that takes so many connections, which send what the test pushes, and a line of it that is as old as it may be. */
    async function overlapping(overlapMs: number, most: number, limits: SourceLineOptions['limits'] = { maxAgeMs: 0 }) {
      const sockets: WebSocket[] = [];
      const venue = await startVenue({
        connected: (socket) => sockets.push(socket),
        refuse: () => (sockets.length < most ? undefined : 503),
      });
      const started = startLine(venue.webSocketUrl, { limits: { ...limits, overlapMs } }, (noting) => {
        noting.takeOver = () => noting.notes.push('takes over');
      });
      await until(() => sockets.length >= 1, 'the first connection');
      return { ...started, sockets };
    }

    it('replaces a connection without an end', async () => {
      const { line, adapter, sink, sockets } = await overlapping(20, 2);
      await until(() => sockets.length === 2, 'the second connection');
      // It waits for the change, or comes behind it.
      sockets[1].send('b1');
      await until(() => adapter.notes.includes('frame b1'), 'what the second one sent');
      await until(() => sockets[0].readyState === WebSocket.CLOSED, 'the end of the first one');
      assert.deepEqual(adapter.notes, ['opened', 'takes over', 'frame b1']);
      assert.deepEqual(sink.words.slice(0, 2), ['connecting', 'live']);
      assert.ok(!sink.words.some((word) => word.startsWith('down')), sink.words.join());
      await line.stop();
      assert.equal(adapter.notes.at(-1), 'closed');
      assert.deepEqual([line.counters.replacements, line.counters.reconnects], [1, 0]);
    });

    it('replaces it when the adapter asks for it, once', async () => {
      const { line, adapter, sockets } = await overlapping(20, 3, {});
      await until(() => adapter.notes.includes('opened'), 'the connection');
      assert.deepEqual([line.replace(), line.replace()], [true, true]);
      await until(() => line.counters.replacements === 1, 'the change');
      sockets[1].send('b1');
      await until(() => adapter.notes.includes('frame b1'), 'a frame of the new one');
      assert.deepEqual([adapter.notes, sockets.length], [['opened', 'takes over', 'frame b1'], 2]);
      await line.stop();
      assert.equal(line.replace(), false, 'without a connection');
    });

    it('what the second one brings waits; it changes at once when the first one ends, and keeps it when there is no second one', async () => {
      const { line, adapter, sink, log, sockets } = await overlapping(600_000, 2);
      await until(() => sockets.length === 2, 'the second connection');
      // Answered by a client whose side of the connection is open.
      sockets[1].ping();
      await once(sockets[1], 'pong');
      sockets[1].send('b1');
      sockets[0].send('a1');
      await until(() => adapter.notes.includes('frame a1'), 'a frame of the first one');
      sockets[0].terminate();
      await until(() => adapter.notes.includes('frame b1'), 'what has waited');
      assert.deepEqual(adapter.notes, ['opened', 'frame a1', 'takes over', 'frame b1']);
      assert.match(log.join(), /its replacement goes on/);
      // The next attempt is refused: the connection stays as it is.
      await until(() => line.counters.connectFailures >= 1, 'a refused attempt');
      sockets[1].send('b2');
      await until(() => adapter.notes.includes('frame b2'), 'a frame');
      assert.deepEqual(sink.words.slice(0, 3), ['connecting', 'live', 'fault CONNECT_FAILED']);
      await line.stop();
    });

    it('a second one that ends is given up; one that the adapter gives up takes the second one with it', async () => {
      const { line, adapter, sockets } = await overlapping(600_000, 4);
      await until(() => sockets.length === 2, 'the second connection');
      sockets[0].send('a1');
      await until(() => adapter.notes.includes('frame a1'), 'a frame');
      line.reconnect(FeedFault.SequenceGap);
      await until(() => sockets.slice(0, 2).every(({ readyState }) => readyState === WebSocket.CLOSED), 'the end of both');
      await until(() => sockets.length === 4, 'two new ones');
      assert.deepEqual(adapter.notes, ['opened', 'frame a1', 'closed', 'opened']);
      sockets[3].terminate();
      sockets[2].send('c1');
      await until(() => adapter.notes.includes('frame c1'), 'a frame of the new one');
      await line.stop();
      assert.equal(line.counters.replacements, 0);
    });

    it('a second one that is given up while it connects says nothing about the venue', async () => {
      const venue = await startVenue({});
      const pipes: Socket[] = [];
      // Every second connection is accepted, and nothing answers on it.
      const muted = createServer((socket) => {
        pipes.push(socket);
        socket.on('error', () => undefined);
        if (pipes.length % 2 === 0) return;
        const behind = createConnection(venue.port, '127.0.0.1');
        behind.on('error', () => undefined);
        socket.pipe(behind).pipe(socket);
      });
      await new Promise<void>((resolve) => muted.listen(0, '127.0.0.1', resolve));
      const { port } = muted.address() as AddressInfo;
      const { line, adapter } = startLine(`ws://127.0.0.1:${port}`, { limits: { maxAgeMs: 0, overlapMs: 0 } }, (noting) => {
        noting.takeOver = () => undefined;
      });
      await until(() => pipes.length === 2, 'the second connection');
      line.reconnect(FeedFault.SequenceGap);
      await until(() => line.counters.connects === 2, 'a new first one');
      await line.stop();
      assert.deepEqual([line.counters.connectFailures, line.counters.breakerRefusals, line.counters.replacements], [0, 0, 0]);
      assert.deepEqual(adapter.notes, ['opened', 'closed', 'opened', 'closed']);
      for (const pipe of pipes) pipe.destroy();
      muted.close();
    });

    it('a recording has one connection at a time', async () => {
      const venue = await startVenue({});
      const tap = { connect: () => undefined, send: () => undefined, recv: () => undefined, http: () => undefined };
      const { line, adapter } = startLine(venue.webSocketUrl, { tap, limits: { maxAgeMs: 0, overlapMs: 0 } }, (noting) => {
        noting.takeOver = () => noting.notes.push('takes over');
      });
      await until(() => line.counters.reconnects >= 1 && line.counters.connects >= 2, 'a new connection');
      await line.stop();
      assert.ok(!adapter.notes.includes('takes over'));
    });
  });

  it('stops while it connects, while it waits and while it is open', async () => {
    const dead = await freePort();
    const { line } = startLine(`ws://127.0.0.1:${dead}`, { backoff: { firstMs: 600_000, maxMs: 600_000, stableMs: 1 } });
    await until(() => line.counters.connectFailures === 1, 'a failed attempt');
    await line.stop();
    const mute = createServer();
    await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
    const { port } = mute.address() as AddressInfo;
    const accepted = once(mute, 'connection');
    const connecting = startLine(`ws://127.0.0.1:${port}`);
    const [socket] = await accepted;
    await connecting.line.stop();
    assert.deepEqual([connecting.adapter.notes, connecting.sink.words], [[], ['connecting', 'down']]);
    socket.destroy();
    mute.close();
  });
});

describe('the breaker of a line', () => {
  it('opens after failures in a row, refuses without an attempt, and closes after one good trial', async () => {
    let attempts = 0;
    let healthy = false;
    const venue = await startVenue({
      refuse: () => {
        attempts++;
        return healthy ? undefined : 503;
      },
      connected: (socket) => socket.send('well'),
    });
    const breakers = new Breakers({ failures: 3, openMs: 60_000, maxOpenMs: 60_000 });
    const { line, sink } = startLine(venue.webSocketUrl, { breakers });
    const breaker = breakers.of(venue.webSocketUrl);
    await until(() => breaker.opened === 1, 'the breaker opens');
    assert.equal(attempts, 3);
    await assert.rejects(
      breaker.call(() => Promise.reject(new Error('must not run'))),
      { code: 'CIRCUIT_OPEN', message: /failed 3 times or more in a row; the next trial is in \d+ ms/ },
    );
    assert.equal(attempts, 3);
    await line.stop();
    assert.ok(sink.words.includes('down CONNECT_FAILED'));

    healthy = true;
    const soon = new Breakers({ failures: 1, openMs: 1, maxOpenMs: 2 });
    await assert.rejects(soon.of(venue.webSocketUrl).call(() => Promise.reject(new Error('down'))));
    const second = startLine(venue.webSocketUrl, { breakers: soon });
    await until(() => second.adapter.notes.includes('frame well'), 'a trial after the open time');
    await second.line.stop();
  });

  it('answers calls and requests in the same turn of the event loop while it is open', async () => {
    const breaker = new Breakers({ failures: 1, openMs: 60_000, maxOpenMs: 60_000 }).of('http://127.0.0.1:1');
    await assert.rejects(breaker.call(() => Promise.reject(new Error('down'))));
    const order: string[] = [];
    const answered = (what: string, answer: Promise<unknown>): Promise<void> =>
      answer.then(
        () => assert.fail(what),
        ({ code }) => void order.push(`${what} ${code}`),
      );
    // Whichever the next turn begins with.
    const turn = Promise.race([sleep(0), new Promise<void>((resolve) => setImmediate(resolve))]).then(() => void order.push('turn'));
    const counters = newLineCounters();
    const all = [
      answered(
        'call',
        breaker.call(() => Promise.resolve()),
      ),
      answered('request', httpGet('http://127.0.0.1:1/', breaker, counters, new AbortController().signal)),
    ];
    await Promise.all([turn, ...all]);
    assert.deepEqual(order, ['call CIRCUIT_OPEN', 'request CIRCUIT_OPEN', 'turn']);
    assert.deepEqual([counters.breakerRefusals, counters.requestRetries], [1, 0]);
  });

  it('is shared by WebSocket and HTTP of one host, and kept apart from other hosts', () => {
    const breakers = new Breakers();
    assert.equal(breakers.of('wss://a.example/ws'), breakers.of('https://a.example/api'));
    assert.notEqual(breakers.of('wss://a.example/ws'), breakers.of('wss://b.example/ws'));
  });

  it('keeps its open time when the wall clock goes back', async (t) => {
    const breaker = new Breakers({ failures: 1, openMs: 20, maxOpenMs: 20 }).of('wss://a.example');
    await assert.rejects(breaker.call(() => Promise.reject(new Error('down'))));
    t.mock.method(Date, 'now', () => 0);
    await until(() => breaker.waitMs === 0, 'the open time is over');
    assert.equal(await breaker.call(() => Promise.resolve('well')), 'well');
  });

  it('lets one trial through at a time', async () => {
    const breaker = new Breakers({ failures: 1, openMs: 1, maxOpenMs: 1 }).of('wss://a.example');
    await assert.rejects(breaker.call(() => Promise.reject(new Error('down'))));
    await until(() => breaker.waitMs === 0, 'the open time is over');
    const { promise, resolve } = Promise.withResolvers<void>();
    const trial = breaker.call(() => promise);
    await assert.rejects(
      breaker.call(() => Promise.resolve()),
      { code: 'CIRCUIT_OPEN', message: /a trial is under way/ },
    );
    resolve();
    await trial;
    await breaker.call(() => Promise.resolve());
  });
});

describe('requests of a line', () => {
  const HTTP = { timeoutMs: 5_000, maxBytes: 1000, retries: 2, retryMs: 1, maxRetryAfterMs: 50 };

  /** What the adapter got for each path, with the number of requests that the venue saw. */
  async function ask(answers: Record<string, (request: number) => [status: number, body: string, headers?: Record<string, string>]>) {
    const requests: Record<string, number> = {};
    const venue = await startVenue({
      answer: (request, response) => {
        const path = request.url ?? '';
        requests[path] = (requests[path] ?? 0) + 1;
        const [status, body, headers] = answers[path](requests[path]);
        response.writeHead(status, headers).end(body);
      },
    });
    const paths = Object.keys(answers);
    const { line, adapter } = startLine(venue.webSocketUrl, { http: HTTP }, (noting) => {
      noting.onOpened = () => {
        for (const path of paths) noting.line.fetch(`${venue.httpUrl}${path}`);
      };
    });
    await until(() => adapter.notes.length === 1 + paths.length, 'all answers');
    await line.stop();
    const notes = adapter.notes.filter((note) => note.startsWith('answer') || note.startsWith('failed'));
    return { ledger: notes.map((note) => `${note}, ${requests[note.split(' ')[1]]} requests`).toSorted(), counters: line.counters };
  }

  it('are repeated where that may help, and otherwise fail with the status', async () => {
    const { ledger, counters } = await ask({
      '/well': () => [200, 'text'],
      '/late': (request) => (request < 3 ? [503, ''] : [200, 'third']),
      '/busy': (request) => (request < 2 ? [429, '', { 'retry-after': '0' }] : [200, 'second']),
      '/absent': () => [404, 'no'],
      '/banned': () => [418, '', { 'retry-after': '3600' }],
    });
    assert.deepEqual(ledger, [
      'answer /busy second, 2 requests',
      'answer /late third, 3 requests',
      'answer /well text, 1 requests',
      'failed /absent 404, 1 requests',
      'failed /banned 418, 1 requests',
    ]);
    assert.deepEqual([counters.answers, counters.requestsFailed, counters.requestRetries], [3, 2, 3]);
  });

  it('are bounded in size after decompression, and follow no redirect', async () => {
    const { ledger } = await ask({
      '/full': () => [200, 'x'.repeat(1000)],
      '/over': () => [200, 'x'.repeat(1001)],
    });
    assert.deepEqual(ledger, ['answer /full of 1000, 1 requests', 'failed /over 0, 1 requests']);
    const moved = await ask({ '/moved': () => [302, '', { location: '/elsewhere' }] });
    assert.deepEqual(moved.ledger, ['failed /moved 302, 1 requests']);
  });

  it('fail with their connection, before its end, and do not count against the venue', async () => {
    const breakers = new Breakers({ failures: 1, openMs: 60_000, maxOpenMs: 60_000 });
    const venue = await startVenue({ answer: () => undefined, connected: (socket) => socket.on('message', () => socket.close(1000)) });
    const { line, adapter } = startLine(
      venue.webSocketUrl,
      { breakers, limits: { requests: { messages: 2, perMs: 60_000 } } },
      (noting) => {
        noting.onOpened = () => {
          for (const path of ['/never', '/neither', '/waits']) noting.line.fetch(`${venue.httpUrl}${path}`);
          noting.line.send('close');
        };
      },
    );
    await until(() => line.counters.connects >= 2, 'the next connection');
    await line.stop();
    assert.deepEqual(adapter.notes.slice(0, 6), ['opened', 'failed /never 0', 'failed /neither 0', 'failed /waits 0', 'closed', 'opened']);
    assert.deepEqual([breakers.of(venue.httpUrl).opened, line.counters.requestsFailed], [0, 0]);
    await sleep(20);
    assert.equal(adapter.notes.at(-1), 'closed');
  });
});

it('many requests that fail are one line of the log, and all are counted', { timeout: 60_000 }, async () => {
  const venue = await startVenue({ answer: (_request, response) => response.writeHead(404).end() });
  const requests = { messages: 100, perMs: 1000 };
  const { line, adapter, log } = startLine(venue.webSocketUrl, { limits: { requests } }, (its) => {
    its.onOpened = () => {
      for (let i = 0; i < 50; i++) its.line.fetch(`${venue.httpUrl}/book/${i}`);
    };
  });
  while (adapter.notes.filter((note) => note.startsWith('failed')).length < 50) await sleep(5);
  assert.equal(line.counters.requestsFailed, 50);
  assert.deepEqual(
    log.map((text) => text.replace(/\d+$/, '').replace(/^.*\/book\/\d+/, '')),
    [': HTTP '],
  );
});
