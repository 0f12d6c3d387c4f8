/** `GET /v1/sessions`, and the end of a session by the operator. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connect } from '../gateway/client/index.ts';
import { readQuery } from '../gateway/endpoints/http/route.ts';
import { sessionRoutes } from '../gateway/endpoints/http/session-routes.ts';
import { OPEN_SESSIONS } from '../gateway/endpoints/json/schemas/sessions.ts';
import type { SessionInfo, SessionKind, SessionSource } from '../gateway/session-info.ts';
import { recordsOf } from './support/audit-fixture.ts';
import { DemoExchange } from './support/demo-exchange.ts';
import { until } from './support/until.ts';

const OWNER = { subject: 'me', via: 'token', protocol: 'gRPC Session', address: '10.0.0.1', sinceMs: 1_700_000_000_000 };

class Sessions implements SessionSource {
  readonly kind: SessionKind;
  readonly ended: number[] = [];
  readonly #numbers: readonly number[];

  constructor(kind: SessionKind, numbers: readonly number[]) {
    this.kind = kind;
    this.#numbers = numbers;
  }

  *openSessions(above: number): Generator<SessionInfo> {
    for (const number of this.#numbers) if (number > above) yield { kind: this.kind, number, ...OWNER, account: number % 2, slow: false };
  }

  endSession(number: number): boolean {
    this.ended.push(number);
    return this.#numbers.includes(number);
  }
}

const sources = [new Sessions('market-data', [1, 2, 3]), new Sessions('orders', [2, 5, 9]), new Sessions('drop-copy', [7])];
const [list, end] = sessionRoutes(sources);

async function page(query: Record<string, string>) {
  const inSlices = async <T>(work: Generator<undefined, T>): Promise<T> => {
    for (;;) {
      const step = work.next();
      if (step.done) return step.value;
    }
  };
  const reply = await list.handle({ query: readQuery(list, new URLSearchParams(query)), inSlices } as never);
  const { sessions, next } = (reply as unknown as { pieces: { sessions: { items: { id: string }[] }; next: string | null } }).pieces;
  const { success } = OPEN_SESSIONS.safeParse({ sessions: [...sessions.items], next });
  assert.ok(success);
  return { ids: [...sessions.items].map(({ id }) => id), next };
}

test('pages of sessions have each of them once, in order', async () => {
  const all = ['orders-2', 'orders-5', 'orders-9', 'drop-copy-7', 'market-data-1', 'market-data-2', 'market-data-3'];
  assert.deepEqual(await page({}), { ids: all, next: null });
  for (let limit = 1; limit <= all.length; limit++) {
    const seen: string[] = [];
    let after: string | null = null;
    do {
      const { ids, next }: { ids: string[]; next: string | null } = await page({ limit: `${limit}`, ...(after !== null && { after }) });
      assert.ok(ids.length <= limit);
      seen.push(...ids);
      after = next;
    } while (after !== null);
    assert.deepEqual(seen, all, `limit ${limit}`);
  }
  assert.deepEqual(await page({ kind: 'orders', account: '1' }), { ids: ['orders-5', 'orders-9'], next: null });
  assert.deepEqual(await page({ kind: 'orders', after: 'drop-copy-7' }), { ids: [], next: null });
  // A session that has ended meanwhile still says where the page begins.
  assert.deepEqual((await page({ after: 'orders-6' })).ids.slice(0, 2), ['orders-9', 'drop-copy-7']);
});

const WRONG: Record<string, string>[] = [
  { after: 'orders' },
  { after: 'orders-0' },
  { after: 'others-1' },
  { kind: 'x' },
  { limit: '0' },
  { limit: '1001' },
];
for (const query of WRONG) {
  test(`a wrong query for sessions is rejected: ${JSON.stringify(query)}`, async () => {
    await assert.rejects(page(query), { status: 400, name: 'BAD_PARAMETER' });
  });
}

test('a session that is not open cannot be ended', async () => {
  for (const session of ['orders-1', 'orders-x', 'toString', '', 'drop-copy-2'])
    assert.throws(() => end.handle({ params: { session } } as never), { status: 404, name: 'UNKNOWN_SESSION' }, session);
  assert.deepEqual(await end.handle({ params: { session: 'orders-5' } } as never), { json: { id: 'orders-5', ended: true } });
  assert.deepEqual(sources[1].ended.at(-1), 5);
});

test('the sessions of a running exchange are listed, and each kind can be ended', async (t) => {
  const venue = new DemoExchange();
  await venue.start();
  t.after(() => venue.stop());
  const { client, ports } = venue;
  const places = { grpcPort: ports.grpc, httpPort: ports.http, wsPort: ports.ws };
  const reader = await connect(places);
  t.after(() => reader.close());
  const disconnect = await connect({ ...places, account: 2, reconnect: false, cancelOnDisconnect: 60 });
  t.after(() => disconnect.close());
  await client.orders.place({ symbol: 'BTC-USD', side: 'buy', price: '50000.00', quantity: '1' });
  await disconnect.orders.place({ symbol: 'BTC-USD', side: 'buy', price: '50000.00', quantity: '1' });
  const copy = await reader.dropCopy({ accounts: [1, 2] });
  t.after(() => copy.close());
  const sockets = await Promise.all(
    ['json', 'binary'].map(async (protocol) => {
      const socket = new WebSocket(`ws://127.0.0.1:${ports.ws}/`, protocol);
      await new Promise((resolve) => socket.addEventListener('open', resolve, { once: true }));
      return socket;
    }),
  );
  t.after(() => sockets.forEach((socket) => void socket.close()));
  const { sessions, next } = await venue.get('/v1/sessions');
  assert.equal(next, null);
  const shown = sessions.map(
    ({ kind, account, accounts, protocol, format, commands, slow, cancelOnDisconnect, sessionNumber }: Record<string, unknown>) => [
      kind,
      account ?? accounts,
      protocol,
      format,
      commands,
      slow,
      cancelOnDisconnect,
      sessionNumber,
    ],
  );
  assert.deepEqual(shown, [
    ['orders', 1, 'gRPC Session', undefined, 1, false, undefined, undefined],
    ['orders', 2, 'gRPC Session', undefined, 1, false, 60, 1],
    ['drop-copy', 2, 'gRPC DropCopy', undefined, undefined, false, undefined, undefined],
    ['market-data', undefined, 'WebSocket market data', 'json', undefined, false, undefined, undefined],
    ['market-data', undefined, 'WebSocket market data', 'flatbuffers', undefined, false, undefined, undefined],
  ]);
  const remove = async (id: string) => {
    const answer = await fetch(`http://127.0.0.1:${ports.http}/v1/sessions/${id}`, { method: 'DELETE' });
    return answer.status;
  };
  const idOf = (kind: string, at = 0) => sessions.filter((each: { kind: string }) => each.kind === kind)[at].id;
  const closed = new Promise<{ code: number; reason: string }>((resolve) =>
    sockets[0].addEventListener('close', ({ code, reason }) => resolve({ code, reason }), { once: true }),
  );
  assert.equal(await remove(idOf('market-data')), 200);
  const { code, reason } = await closed;
  assert.deepEqual([code, reason], [4007, 'the operator of the exchange has ended this session']);
  assert.equal(await remove(idOf('orders', 1)), 200);
  await until(
    async () => (await venue.get('/v1/sessions?kind=orders&account=2')).sessions.length === 0,
    'the session of account 2 is gone',
  );
  await assert.rejects(disconnect.orders.cancel({ symbol: 'BTC-USD', orderId: 1 }), /the operator of the exchange has ended this session/);
  assert.equal(await remove(idOf('drop-copy')), 200);
  assert.equal(await remove(idOf('drop-copy')), 404);
  await venue.running.stop();
  const ends = (await recordsOf(venue.data)).filter(({ action }) => action === 'DELETE /v1/sessions/:session');
  assert.deepEqual(
    ends.map(({ outcome, detail }) => [outcome, JSON.parse(detail ?? '').session]),
    [
      ['ok', idOf('market-data')],
      ['ok', idOf('orders', 1)],
      ['ok', idOf('drop-copy')],
      ['UNKNOWN_SESSION', idOf('drop-copy')],
    ],
  );
});
