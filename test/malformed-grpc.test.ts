import assert from 'node:assert/strict';
import { connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { Client, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { Code } from '../engine/codes.ts';
import { CommandBatch, MAX_FRAME_BYTES } from '../engine/wire/frames.ts';
import type { TimeInForce } from '../engine/wire/layout.ts';
import { ReportFrameReader } from '../engine/wire/report-frames.ts';
import { Prng } from '../feeds/simulator/prng.ts';
import type { OrderSession } from '../gateway/client/order-session.ts';
import { times } from './support/long-runs.ts';
import { MalformedFrames } from './support/malformed-frames.ts';
import { RawSession, rawClient, TestExchange, until } from './support/order-entry-fixture.ts';

const SEED = Number(process.env.OPENBELL_SEED ?? 20_240_607);
const FRAMES = times(3000, 5000);
const ATTACKERS = 8;
const raw = (bytes: Buffer): Buffer => bytes;

function validFrames(): Uint8Array[] {
  return [1, 2, 5].map((commands) => {
    const batch = new CommandBatch(commands);
    while (!batch.full) {
      if (batch.count % 2 === 0)
        batch.place(1, batch.count % 4 === 0 ? 0 : 1, (batch.count % 5) as TimeInForce, 100 + batch.count, 3, 77 + batch.count);
      else batch.cancel(1, 77);
    }
    return batch.bytes().slice();
  });
}

/** The permitted statuses of rejected calls, and the start of their details. */
const CUTS = new Set([
  `${status.INVALID_ARGUMENT} MALFORMED_FRAME`,
  `${status.FAILED_PRECONDITION} WRONG_SCHEMA_VERSION`,
  `${status.RESOURCE_EXHAUSTED} FRAME_TOO_LARGE`,
]);

function checkCut(what: string, code: number, details: string): string {
  const cut = `${code} ${/^[A-Z_]+/.exec(details)?.[0]}`;
  assert.ok(CUTS.has(cut), `${what} ended a call with ${status[code]}: ${details}`);
  return cut;
}

describe(`malformed frames over gRPC (OPENBELL_SEED=${SEED})`, () => {
  let exchange: TestExchange;
  let witness: OrderSession;
  /** Trades on, undisturbed, and has each of its reports once. */
  const seen: number[] = [];
  let placed = 0;
  let trading = true;
  let witnessing: Promise<void>;

  before(async () => {
    exchange = await TestExchange.start({ engine: { durability: 'fast' } });
    witness = exchange.client(2, { reconnect: false });
    await witness.ready();
    witness.on('report', (report) => seen.push(report.reportNo));
    witnessing = (async () => {
      while (trading) {
        const answer = await witness.place({ symbol: 1, side: 'buy', price: '0.01', quantity: 1 });
        assert.equal(answer.kind, 'accepted');
        const gone = await witness.cancel({ symbol: 1, orderId: answer.orderId });
        assert.equal(gone.kind, 'cancelled');
        placed++;
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
    })();
  });
  after(async () => {
    await witness.close();
    await exchange.stop();
  });

  it(`answers ${FRAMES / 2} of them on sessions with coded rejects, or ends the session`, async () => {
    const outcomes = new Map<string, number>();
    await Promise.all(
      Array.from({ length: ATTACKERS }, async (_, attacker) => {
        const source = new MalformedFrames(SEED + attacker, validFrames(), { headBytes: 32, versionAt: 24, maxBytes: MAX_FRAME_BYTES });
        const account = String([1, 3, 4][attacker % 3]);
        const marker = new CommandBatch(1);
        const client = rawClient(exchange.port);
        let session: RawSession | undefined;
        for (let i = 0; i < FRAMES / 2 / ATTACKERS; i++) {
          const { what, bytes } = source.next();
          if (session === undefined) {
            session = new RawSession(exchange.port, { 'x-openbell-account': account }, client);
            session.read();
          }
          const { reports, refusals, call } = session;
          session.send(bytes);
          // A valid command after it: it is answered, or the session ended before.
          const tag = attacker * FRAMES + i + 2 ** 31;
          marker.clear();
          marker.cancel(1, 1, 2 ** 50, tag);
          session.send(marker.bytes());
          const answered = new Promise<undefined>((resolve) => {
            const look = (): void => {
              if (!reports.some((report) => report.tag === tag)) return;
              call.off('data', look);
              resolve(undefined);
            };
            call.on('data', look);
          });
          const ended = await Promise.race([answered, session.ended]);
          const known = refusals.every(({ code }) => code in Code);
          assert.ok(known, `${what}: ${JSON.stringify(refusals)}`);
          let outcome = refusals.length > 0 ? 'refusals' : 'taken';
          if (ended !== undefined) {
            outcome = checkCut(what, ended.code, ended.details);
            session.close();
            session = undefined;
          } else {
            reports.length = 0;
            refusals.length = 0;
          }
          outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
        }
        session?.close();
        client.close();
      }),
    );
    // Each kind of ending was really met.
    assert.ok((outcomes.get('refusals') ?? 0) > 100 && (outcomes.get('taken') ?? 0) > 100, JSON.stringify([...outcomes]));
    assert.ok([...outcomes].filter(([outcome]) => CUTS.has(outcome)).length === 2, JSON.stringify([...outcomes]));
  });

  it(`answers ${FRAMES / 2} of them to Submit`, async () => {
    const source = new MalformedFrames(SEED + 1000, validFrames(), { headBytes: 32, versionAt: 24, maxBytes: MAX_FRAME_BYTES });
    const client = new Client(`127.0.0.1:${exchange.port}`, credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1 });
    const metadata = new Metadata();
    metadata.set('x-openbell-account', '3');
    const reader = new ReportFrameReader();
    const met = new Set<string>();
    const submit = (): Promise<void> => {
      const { what, bytes } = source.next();
      return new Promise((resolve, reject) => {
        client.makeUnaryRequest(
          '/openbell.OrderEntry/Submit',
          raw,
          raw,
          Buffer.from(bytes),
          metadata,
          (error: ServiceError | null, answer) => {
            try {
              if (error !== null) met.add(checkCut(what, error.code, error.details));
              else {
                assert.equal(reader.open(answer as Buffer), Code.OK);
                met.add(reader.refusals > 0 ? 'refusals' : 'taken');
              }
              resolve();
            } catch (failure) {
              reject(failure);
            }
          },
        );
      });
    };
    for (let done = 0; done < FRAMES / 2; done += 50) await Promise.all(Array.from({ length: 50 }, submit));
    assert.deepEqual(met, new Set([...CUTS, 'refusals', 'taken']));
    client.close();
  });

  it('survives bytes that are not HTTP/2, and HTTP/2 that is not gRPC', async () => {
    const prng = new Prng(SEED + 2000);
    const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
    for (let i = 0; i < 100; i++) {
      const socket = connect(exchange.port, '127.0.0.1');
      socket.on('error', () => undefined);
      const garbage = Buffer.from(Array.from({ length: 1 + prng.below(200) }, () => prng.below(256)));
      socket.write(i % 2 === 0 ? garbage : Buffer.concat([preface, garbage]));
      // The exchange hangs up, or waits for the rest until its keepalive does.
      const patience = setTimeout(() => socket.destroy(), 30);
      await new Promise((resolve) => socket.once('close', resolve));
      clearTimeout(patience);
    }
    const http2 = connectHttp2(`http://127.0.0.1:${exchange.port}`);
    const details: string[] = [];
    const call = (headers: Record<string, string>, body: Buffer, ends: boolean = true): Promise<string> =>
      new Promise((resolve) => {
        const stream = http2.request({
          ':method': 'POST',
          ':path': '/openbell.OrderEntry/Session',
          'content-type': 'application/grpc',
          te: 'trailers',
          'x-openbell-account': '3',
          ...headers,
        });
        let end = 'cut';
        const note = (received: Record<string, unknown>): void => {
          if (received['grpc-status'] !== undefined) {
            end = status[Number(received['grpc-status'])];
            details.push(`${end} ${decodeURIComponent(String(received['grpc-message']))}`);
          } else if (received[':status'] !== 200) end = `HTTP ${received[':status']}`;
        };
        stream.on('response', note);
        stream.on('trailers', note);
        stream.on('error', () => undefined);
        stream.on('close', () => resolve(end));
        stream.resume();
        if (ends) stream.end(body);
        else stream.write(body);
      });
    const message = (flag: number, length: number, bytes: Uint8Array): Buffer => {
      const head = Buffer.alloc(5);
      head.writeUInt8(flag, 0);
      head.writeUInt32BE(length, 1);
      return Buffer.concat([head, bytes]);
    };
    const bomb = gzipSync(Buffer.alloc(64 * MAX_FRAME_BYTES));
    assert.equal(await call({}, message(0, 0xffff_ffff, Buffer.alloc(10))), 'RESOURCE_EXHAUSTED');
    assert.equal(await call({ 'grpc-encoding': 'gzip' }, message(1, bomb.length, bomb)), 'UNIMPLEMENTED');
    assert.equal(await call({}, message(1, 10, Buffer.alloc(10))), 'INTERNAL');
    assert.equal(await call({}, message(2, 10, Buffer.alloc(10))), 'INTERNAL');
    assert.equal(await call({}, message(0, 11, Buffer.alloc(10))), 'INTERNAL');
    assert.equal(await call({}, Buffer.alloc(4)), 'INTERNAL');
    assert.equal(await call({ 'grpc-encoding': 'nonsense' }, message(1, 10, Buffer.alloc(10))), 'UNIMPLEMENTED');
    assert.equal(await call({}, message(0, 10, Buffer.alloc(10))), 'INVALID_ARGUMENT');
    assert.equal(await call({}, message(0, 0, Buffer.alloc(0))), 'INVALID_ARGUMENT');
    assert.equal(await call({ 'content-type': 'text/plain' }, Buffer.from('hello')), 'HTTP 415');
    assert.equal(await call({ ':method': 'PUT' }, Buffer.from('hello')), 'HTTP 405');
    assert.equal(await call({ ':path': '/openbell.OrderEntry/Nothing' }, Buffer.alloc(0)), 'UNIMPLEMENTED');
    assert.equal(await call({ ':path': '/constructor' }, Buffer.alloc(0)), 'UNIMPLEMENTED');
    assert.equal(await call({ ':path': '/openbell.OrderEntry/Submit' }, Buffer.alloc(0)), 'INTERNAL');
    assert.equal(await call({ 'grpc-timeout': '20m' }, message(0, 11, Buffer.alloc(1)).subarray(0, 6), false), 'DEADLINE_EXCEEDED');
    http2.close();
    const beginnings = details.map((text) => /^\w+ (?:there is no method|the call took longer|[A-Z_]+: )/.exec(text)?.[0] ?? text);
    assert.deepEqual([...new Set(beginnings)].sort(), [
      'DEADLINE_EXCEEDED the call took longer',
      'INTERNAL MALFORMED_FRAME: ',
      'INVALID_ARGUMENT MALFORMED_FRAME: ',
      'RESOURCE_EXHAUSTED FRAME_TOO_LARGE: ',
      'UNIMPLEMENTED MALFORMED_FRAME: ',
      'UNIMPLEMENTED there is no method',
    ]);
  });

  it('did not affect the other session', async () => {
    trading = false;
    await witnessing;
    await until(() => witness.unanswered === 0, 'the last answers');
    assert.ok(placed > 20, `${placed} orders`);
    assert.equal(seen.length, 2 * placed);
    assert.deepEqual(
      seen,
      seen.map((_, i) => i + 1),
    );
    assert.equal(exchange.hub.lastReportNo(2), 2 * placed);
    assert.equal(exchange.sessions.counters.sessions, 1);
    assert.equal(exchange.engine.status().phase, 'running');
  });
});
