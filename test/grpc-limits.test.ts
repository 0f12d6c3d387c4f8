import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type ClientHttp2Session, connect } from 'node:http2';
import { connect as connectRaw, type Socket } from 'node:net';
import { after, before, describe, it, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { resetSocket } from '../feeds/lines/reset-socket.ts';
import type { GrpcCall } from '../gateway/endpoints/grpc/call.ts';
import { CutNetworks } from '../gateway/endpoints/grpc/cut-networks.ts';
import { MessageReader } from '../gateway/endpoints/grpc/message-reader.ts';
import { PartialBytes } from '../gateway/endpoints/grpc/partial-bytes.ts';
import { GrpcServer } from '../gateway/endpoints/grpc/server.ts';
import { GrpcStatus } from '../gateway/endpoints/grpc/status.ts';
import { PreAuthLimit } from '../gateway/endpoints/pre-auth-limit.ts';
import { LimitCounters } from '../gateway/limit-counters.ts';
import { Slices } from '../gateway/slices.ts';
import { bearer, GuardedExchange } from './support/guarded-exchange.ts';
import { Issuer } from './support/issuer.ts';
import { until } from './support/order-entry-fixture.ts';

const MAX_MESSAGE = 1_000_000;

/** An HTTP/2 frame. */
function frame(type: number, flags: number, stream: number, body: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(body.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, body]);
}

/** Prefix of a message of that length. */
function prefix(length: number): Buffer {
  const bytes = Buffer.alloc(5);
  bytes.writeUInt32BE(length, 1);
  return bytes;
}

function reader(budget: PartialBytes): { readonly reader: MessageReader; readonly messages: Buffer[] } {
  const messages: Buffer[] = [];
  const onMessage = (bytes: Buffer, at: number, length: number): boolean => {
    messages.push(Buffer.from(bytes.subarray(at, at + length)));
    return true;
  };
  return { reader: new MessageReader({ onMessage }, MAX_MESSAGE, budget), messages };
}

describe('messages in pieces', () => {
  it('a length that is only announced costs no memory', () => {
    const budget = PartialBytes.ofServer();
    const calls = Array.from({ length: 1024 }, () => reader(budget).reader);
    for (const call of calls) {
      assert.equal(call.read(prefix(MAX_MESSAGE)), undefined);
      assert.equal(call.read(Buffer.alloc(1)), undefined);
    }
    assert.ok(budget.used < 1024 * 64, `${budget.used} bytes`);
    for (const call of calls) call.close();
    assert.equal(budget.used, 0);
  });

  it('each refused message is counted once, at either limit', () => {
    let full = 0;
    const server = PartialBytes.ofServer(310_000, () => full++);
    const [a, b] = [PartialBytes.ofConnection(server, 200_000), PartialBytes.ofConnection(server, 200_000)];
    const pieces = (budget: PartialBytes) => {
      const { reader: call } = reader(budget);
      return call.read(Buffer.concat([prefix(MAX_MESSAGE), Buffer.alloc(150_000)]))?.code;
    };
    assert.deepEqual([pieces(a), full], [undefined, 0]);
    assert.deepEqual([pieces(a), full], [GrpcStatus.ResourceExhausted, 1], 'of the connection');
    assert.deepEqual([pieces(b), full], [undefined, 1]);
    const third = PartialBytes.ofConnection(server, 200_000);
    assert.deepEqual([pieces(third), full], [GrpcStatus.ResourceExhausted, 2], 'of the server');
  });

  it('a message in pieces of any size arrives whole', () => {
    const budget = PartialBytes.ofServer();
    const { reader: call, messages } = reader(budget);
    const sent = [Buffer.alloc(0), Buffer.from('x'), Buffer.alloc(70_000, 'y'), Buffer.alloc(MAX_MESSAGE, 'z')];
    const stream = Buffer.concat(sent.flatMap((message) => [prefix(message.length), message]));
    for (let at = 0, size = 1; at < stream.length; at += size, size = Math.min(9973, size * 3)) {
      assert.equal(call.read(stream.subarray(at, at + size)), undefined);
    }
    assert.ok(messages.length === 4 && messages.every((message, i) => message.equals(sent[i])));
    assert.deepEqual([call.pending, budget.used], [false, 0]);
  });

  it('a connection may keep only so much of them, and a call that ends frees its part', () => {
    const server = PartialBytes.ofServer(300_000);
    const connection = PartialBytes.ofConnection(server, 200_000);
    const half = Buffer.concat([prefix(MAX_MESSAGE), Buffer.alloc(90_000)]);
    const [first, second, third] = Array.from({ length: 3 }, () => reader(connection).reader);
    assert.equal(first.read(half), undefined);
    assert.equal(second.read(half), undefined);
    assert.equal(third.read(half)?.code, GrpcStatus.ResourceExhausted);
    const elsewhere = reader(PartialBytes.ofConnection(server, 200_000)).reader;
    assert.equal(elsewhere.read(half), undefined, 'another connection has its own');
    const last = reader(PartialBytes.ofConnection(server, 200_000)).reader;
    assert.equal(last.read(half)?.code, GrpcStatus.ResourceExhausted, 'the whole server has a limit');
    for (const call of [first, second, third, elsewhere, last]) call.close();
    assert.deepEqual([connection.used, server.used], [0, 0]);
  });
});

test('the next connections of a network whose connection was cut wait, and are served one by one', async () => {
  const networks = new CutNetworks(50);
  const served: string[] = [];
  const enter = (address: string, name: string) => networks.wait(address, () => void served.push(name));
  networks.cut('10.0.0.1');
  networks.wait('10.0.0.1', () => {
    served.push('first');
    networks.cut('10.0.0.1');
  });
  const withdraw = enter('10.0.0.1', 'closed meanwhile');
  enter('10.0.0.1', 'second');
  assert.equal(enter('10.0.0.2', 'another network'), undefined);
  withdraw?.();
  assert.deepEqual(served, []);
  await until(() => served.length > 0, 'the first to be served');
  enter('10.0.0.1', 'third');
  await until(() => served.length > 2, 'the others to be served');
  assert.deepEqual(served, ['first', 'second', 'third']);
  await until(() => {
    const leave = enter('10.0.0.1', 'late');
    leave?.();
    return leave === undefined;
  }, 'the pause to end');
});

function answerOk(call: GrpcCall): void {
  call.admit();
  call.end();
}

describe('a gRPC connection', () => {
  const limitCounters = new LimitCounters();
  /** Held back when set, to be run by the test. */
  let held: (() => void)[] | undefined;
  class HeldSlices extends Slices {
    override begin<T>(owner: string, work: () => T | Promise<T>): Promise<T> {
      if (held === undefined) return super.begin(owner, work);
      return new Promise((resolve) => held?.push(() => resolve(work())));
    }
  }
  const server = new GrpcServer({
    methods: {
      '/test/In': answerOk,
      '/test/Open': (call: GrpcCall) => call.end(),
    },
    maxMessageBytes: 1024,
    preAuthLimit: new PreAuthLimit({ timeoutMs: 60_000 }, () => false),
    limitCounters,
    slices: new HeldSlices(),
  });
  let port = 0;
  before(async () => {
    port = await server.listen('127.0.0.1', 0);
  });
  after(() => server.stop(0));

  async function session(t: { after(work: () => void): void }): Promise<ClientHttp2Session> {
    const made = connect(`http://127.0.0.1:${port}`);
    made.on('error', () => undefined);
    t.after(() => made.destroy());
    await once(made, 'remoteSettings');
    return made;
  }

  /** A call's grpc-status; undefined if its connection ended. */
  function call(at: ClientHttp2Session, path: string): Promise<string | undefined> {
    return new Promise((resolve) => {
      if (at.destroyed || at.closed) return resolve(undefined);
      const stream = at.request({ ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' });
      stream.on('response', (headers) => resolve(headers['grpc-status'] as string | undefined));
      stream.on('error', () => resolve(undefined));
      stream.on('close', () => resolve(undefined));
      stream.end();
    });
  }

  it('has few calls at the same time until one is authenticated', async (t) => {
    const at = await session(t);
    assert.equal(at.remoteSettings.maxConcurrentStreams, 32);
    assert.equal(await call(at, '/test/In'), '0');
    await until(() => at.remoteSettings.maxConcurrentStreams === 1024, 'more calls at the same time');
  });

  it('has its calls begun in turn until one is authenticated, and then at once', async (t) => {
    const at = await session(t);
    held = [];
    t.after(() => {
      held = undefined;
    });
    const answers = ['/test/Nothing', '/test/In', '/test/Open'].map((path) => call(at, path));
    await until(() => held?.length === 3, 'three calls to wait for their turns');
    held[0]();
    assert.equal(await answers[0], '12');
    held[1]();
    assert.equal(await answers[1], '0');
    assert.equal(await call(at, '/test/Open'), '0', 'the connection is authenticated: no turn is awaited');
    held[2]();
    assert.equal(await answers[2], '0');
    const left = await session(t);
    const lost = call(left, '/test/In');
    await until(() => held?.length === 4, 'a call to wait for its turn');
    left.destroy();
    assert.equal(await lost, undefined);
    held[3]();
  });

  it('may send anything after GOAWAY', async (t) => {
    const raw = connectRaw(port, '127.0.0.1');
    t.after(() => raw.destroy());
    raw.on('error', () => undefined).resume();
    // :method POST, :scheme http, :path /, :authority a
    const headers = Buffer.from([0x83, 0x86, 0x84, 0x41, 0x01, 0x61]);
    const goaway = Buffer.from([0, 0, 0, 0, 0, 0, 0, 2]);
    const [DATA, HEADERS, RST_STREAM, SETTINGS, GOAWAY] = [0, 1, 3, 4, 7];
    const opening = [Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), frame(SETTINGS, 0, 0, Buffer.alloc(0))];
    const stream = (id: number) => [frame(HEADERS, 4, id, headers), frame(DATA, 0, id, Buffer.alloc(10))];
    const reset = frame(RST_STREAM, 0, 1, Buffer.from([0, 0, 0, 8]));
    raw.write(Buffer.concat([...opening, ...stream(1), frame(GOAWAY, 0, 0, goaway), ...stream(3), reset, ...stream(5)]));
    await once(raw, 'close');
    const at = await session(t);
    assert.equal(await call(at, '/test/In'), '0', 'the server is still there');
  });

  it('is cut because of too many resets, which are counted', async (t) => {
    const counters = new LimitCounters();
    const methods = { '/test/Open': () => undefined };
    const own = new GrpcServer({ methods, maxMessageBytes: MAX_MESSAGE, limitCounters: counters, resetBurst: 100 });
    t.after(() => own.stop(0));
    const at = connect(`http://127.0.0.1:${await own.listen('127.0.0.1', 0)}`);
    at.on('error', () => undefined);
    t.after(() => at.destroy());
    await once(at, 'remoteSettings');
    for (let round = 0; round < 100 && !at.destroyed; round++) {
      const streams = Array.from({ length: 5 }, () =>
        at.request({ ':method': 'POST', ':path': '/test/Open', 'content-type': 'application/grpc', te: 'trailers' }),
      );
      for (const stream of streams) stream.on('error', () => undefined);
      await sleep(2);
      for (const stream of streams) stream.close(8);
      await sleep(2);
    }
    await until(() => at.destroyed, 'it to be cut');
    await until(() => counters.count('grpc', 'resets') === 1, 'the count');
  });

  for (const [what, path] of [
    ['calls of a connection that is not authenticated', '/test/Open'],
    ['unknown methods', '/test/Nothing'],
  ] as const) {
    it(`is cut because of too many ${what}`, async (t) => {
      const at = await session(t);
      let answered = 0;
      while (!at.destroyed && !at.closed) {
        assert.ok(answered < 2000, 'it was never cut');
        const statuses = await Promise.all(Array.from({ length: 20 }, () => call(at, path)));
        answered += statuses.filter((status) => status !== undefined).length;
      }
      assert.ok(answered >= 80, `${answered} calls were answered before`);
      assert.ok(limitCounters.count('grpc', 'unauthenticated-calls') + limitCounters.count('grpc', 'rejected-calls') > 0);
    });
  }

  it('waits, unread, when the one before it was cut', async (t) => {
    const cut = await session(t);
    for (let i = 0; i < 200 && !cut.destroyed; i++) await Promise.all(Array.from({ length: 20 }, () => call(cut, '/test/Nothing')));
    const answered: string[] = [];
    const one = (localAddress: string) => {
      const at = connect(`http://127.0.0.1:${port}`, { localAddress } as object);
      at.on('error', () => undefined);
      t.after(() => at.destroy());
      return call(at, '/test/In').then(() => answered.push(localAddress));
    };
    const ended = connectRaw(port, '127.0.0.1');
    ended.on('error', () => undefined).write('PRI * HTTP/2.0');
    const long = connectRaw(port, '127.0.0.1');
    long.on('error', () => undefined).write(Buffer.alloc(20_000));
    await once(long.resume(), 'close');
    assert.equal(limitCounters.count('grpc', 'waiting'), 1);
    resetSocket(ended);
    await Promise.all([one('127.0.0.1'), one('127.0.0.2')]);
    assert.deepEqual(answered, ['127.0.0.2', '127.0.0.1']);
  });

  it('does not delay the next one when it is lost with many open calls', async (t) => {
    const limits = new LimitCounters();
    let closed = 0;
    const open = (one: GrpcCall) => {
      one.admit();
      one.serve({
        onMessage: () => true,
        onMessagesEnd: () => undefined,
        onHalfClose: () => undefined,
        onWritten: () => undefined,
        onClose: () => void closed++,
      });
    };
    const own = new GrpcServer({
      methods: { '/test/Open': open, '/test/In': answerOk },
      maxMessageBytes: MAX_MESSAGE,
      preAuthLimit: new PreAuthLimit({ timeoutMs: 10_000 }, () => false),
      limitCounters: limits,
      resetBurst: 100,
    });
    t.after(() => own.stop(0));
    const url = `http://127.0.0.1:${await own.listen('127.0.0.1', 0)}`;
    const lost = connect(url);
    lost.on('error', () => undefined);
    const start = () =>
      lost
        .request({ ':method': 'POST', ':path': '/test/Open', 'content-type': 'application/grpc', te: 'trailers' })
        .on('error', () => undefined);
    start();
    await until(() => lost.remoteSettings?.maxConcurrentStreams === 1024, 'it to be authenticated');
    for (let i = 1; i < 150; i++) start();
    await new Promise<void>((resolve) => void lost.ping(() => resolve()));
    resetSocket(lost.socket as Socket);
    await until(() => closed === 150, 'its calls to be closed');
    const next = connect(url);
    t.after(() => next.destroy());
    assert.equal(await call(next, '/test/In'), '0');
    assert.equal(limits.count('grpc', 'resets'), 0);
  });

  it('has calls reset whose client never reads the rest of the answer', async (t) => {
    const closed: string[] = [];
    const answer = (name: string, end: (call: GrpcCall) => void) => (one: GrpcCall) => {
      one.admit();
      one.serve({
        onMessage: () => true,
        onMessagesEnd: () => undefined,
        onHalfClose: () => undefined,
        onWritten: () => undefined,
        onClose: () => void closed.push(name),
      });
      one.write(Buffer.alloc(1000));
      end(one);
    };
    const methods = {
      '/test/Ended': answer('ended', (one) => one.end()),
      '/test/Failed': answer('failed', (one) => one.fail({ code: GrpcStatus.ResourceExhausted, details: 'slow' })),
      '/test/In': answerOk,
    };
    const own = new GrpcServer({ methods, maxMessageBytes: MAX_MESSAGE, unreadMs: 50 });
    t.after(() => own.stop(0));
    const at = connect(`http://127.0.0.1:${await own.listen('127.0.0.1', 0)}`, { settings: { initialWindowSize: 10 } });
    at.on('error', () => undefined);
    t.after(() => at.destroy());
    await once(at, 'remoteSettings');
    const resets: number[] = [];
    for (const path of ['/test/Ended', '/test/Failed']) {
      const stream = at.request({ ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' });
      stream.on('error', () => undefined).on('close', () => resets.push(stream.rstCode));
      stream.end();
    }
    await until(() => closed.length === 2, 'the calls to be closed', 60_000);
    await until(() => resets.length === 2, 'the resets to arrive', 60_000);
    const ENHANCE_YOUR_CALM = 11;
    assert.deepEqual(
      [closed.sort(), resets],
      [
        ['ended', 'failed'],
        [ENHANCE_YOUR_CALM, ENHANCE_YOUR_CALM],
      ],
    );
    assert.equal(await call(at, '/test/In'), '0', 'the connection serves other calls');
  });

  it('that waits ends with the server, at once and unserved', async (t) => {
    const preAuthLimit = new PreAuthLimit({ timeoutMs: 10_000 }, () => false);
    const own = new GrpcServer({ methods: { '/test/In': answerOk }, maxMessageBytes: MAX_MESSAGE, preAuthLimit });
    const ownPort = await own.listen('127.0.0.1', 0);
    const cut = connect(`http://127.0.0.1:${ownPort}`);
    cut.on('error', () => undefined);
    for (let i = 0; i < 200 && !cut.destroyed; i++) await Promise.all(Array.from({ length: 20 }, () => call(cut, '/test/Nothing')));
    const waiting = connect(`http://127.0.0.1:${ownPort}`);
    waiting.on('error', () => undefined);
    t.after(() => waiting.destroy());
    const answer = call(waiting, '/test/In');
    await once(waiting, 'connect');
    await until(() => preAuthLimit.count === 1, 'it to be accepted');
    // Long enough for it to be served, if it still waited.
    await own.stop(20_000);
    assert.equal(await answer, undefined);
  });

  it('that sends nothing does not delay the end of the server', async (t) => {
    const preAuthLimit = new PreAuthLimit({ timeoutMs: 60_000 }, () => false);
    const own = new GrpcServer({ methods: {}, maxMessageBytes: MAX_MESSAGE, preAuthLimit });
    const silent = connectRaw({ port: await own.listen('127.0.0.1', 0), host: '127.0.0.1', allowHalfOpen: true });
    t.after(() => silent.destroy());
    silent.on('error', () => undefined);
    await until(() => preAuthLimit.count === 1, 'it to be accepted');
    let late = false;
    const deadline = setTimeout(() => {
      late = true;
      silent.destroy();
    }, 20_000);
    await own.stop(30_000);
    clearTimeout(deadline);
    assert.equal(late, false);
  });

  it('is not cut because of many calls once it is authenticated, but because of many rejected ones', async (t) => {
    const at = await session(t);
    await call(at, '/test/In');
    for (let i = 0; i < 20; i++) {
      const statuses = await Promise.all(Array.from({ length: 20 }, () => call(at, '/test/In')));
      assert.ok(statuses.every((status) => status === '0'));
    }
    const before = limitCounters.count('grpc', 'rejected-calls');
    for (let i = 0; i < 200 && !at.closed; i++) await Promise.all(Array.from({ length: 20 }, () => call(at, '/test/Nothing')));
    await until(() => at.destroyed, 'it to be cut');
    assert.equal(limitCounters.count('grpc', 'rejected-calls'), before + 1);
  });
});

test('beyond a number of forged tokens of an address none is checked; a token that was verified before is accepted', async (t) => {
  const issuer = new Issuer();
  await issuer.addKey('ES256');
  const exchange = await GuardedExchange.start(issuer);
  t.after(() => exchange.stop());
  const known = bearer(await issuer.token());
  assert.equal((await exchange.http('GET', '/v1/symbols', known)).status, 200);
  const forged = `${(await issuer.token()).slice(0, -6)}AAAAAA`;
  const statuses = new Map<number, number>();
  for (let i = 0; i < 30; i++) {
    const answers = await Promise.all(Array.from({ length: 20 }, () => exchange.http('GET', '/v1/symbols', bearer(forged))));
    for (const { status } of answers) statuses.set(status, (statuses.get(status) ?? 0) + 1);
  }
  assert.ok((statuses.get(401) ?? 0) >= 200 && (statuses.get(503) ?? 0) >= 100, JSON.stringify([...statuses]));
  assert.equal((await exchange.http('GET', '/v1/symbols', known)).status, 200);
  assert.equal((await exchange.http('GET', '/health/ready')).status, 200);
});
