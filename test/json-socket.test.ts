/** One connection of a stream in JSON: how its end is noticed. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { JsonSocket, type JsonSocketEvents } from '../gateway/client/json-socket.ts';
import { LoopbackVenue } from './support/loopback-venue.ts';

type Handlers = Parameters<typeof LoopbackVenue.start>[0];

async function open(t: TestContext, handlers: Handlers, idleMs: number, events: Partial<JsonSocketEvents> = {}) {
  const server = await LoopbackVenue.start(handlers);
  t.after(() => server.close());
  const { promise, resolve } = Promise.withResolvers<readonly [why: string, code: number]>();
  const losses: string[] = [];
  const connection = {
    host: '127.0.0.1',
    port: server.port,
    reconnect: true,
    http: { origin: server.httpUrl, tokens: undefined, dispatcher: undefined, shard: undefined },
  };
  const socket = new JsonSocket(connection, '/stream?a=1', undefined, idleMs, {
    onMessage: () => undefined,
    onLost: (why, code) => {
      losses.push(why);
      resolve([why, code]);
    },
    ...events,
  });
  t.after(() => socket.close());
  return { lost: promise, losses };
}

test('a connection from which nothing comes counts as lost', { timeout: 60_000 }, async (t) => {
  const { lost, losses } = await open(t, {}, 50);
  assert.deepEqual(await lost, ['nothing came for 50 ms', 0]);
  assert.equal(losses.length, 1);
});

test('messages are parsed, the close of a connection is passed on with its code, and a refused one is lost once', {
  timeout: 60_000,
}, async (t) => {
  const messages: unknown[] = [];
  const connected: Handlers['connected'] = (socket) => {
    socket.send('{"no":1}');
    socket.close(4008, 'too slow');
  };
  const closed = await open(t, { connected }, 60_000, { onMessage: (message) => messages.push(message) });
  assert.deepEqual(await closed.lost, ['code 4008, too slow', 4008]);
  assert.deepEqual(messages, [{ no: 1 }]);
  const refused = await open(t, { refuse: () => 503 }, 60_000);
  const [why] = await refused.lost;
  assert.notEqual(why, '');
  assert.equal(refused.losses.length, 1);
});
