/** Alerts and webhooks of a real exchange: HTTP, evaluation, store, stream, and deliveries to a real server. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import { Webhook } from 'standardwebhooks';
import { WebSocket } from 'ws';
import { AlertStore } from '../gateway/alerts/alert-store.ts';
import { connect, type OpenbellClient } from '../gateway/client/index.ts';
import { ALERT_EVENT } from '../gateway/endpoints/json/schemas/alerts.ts';
import { type Answer, DemoExchange } from './support/demo-exchange.ts';
import { HookServer } from './support/hook-server.ts';
import { until } from './support/until.ts';

const SYMBOL = 'BTC-USD';

/** A reader of the stream: the numbers of its events, and the rest. */
async function follow(t: TestContext, venue: DemoExchange, query: string) {
  const socket = new WebSocket(`ws://127.0.0.1:${venue.ports.ws}/v1/alerts?${query}`);
  t.after(() => socket.terminate());
  const events: { no: number; kind: string; text: string }[] = [];
  socket.on('message', (data) => {
    const event = JSON.parse(String(data));
    assert.equal(ALERT_EVENT.safeParse(event).error, undefined, String(data));
    events.push(event);
  });
  await once(socket, 'open');
  return { events, socket };
}

describe('alerts of a running exchange', { timeout: 240_000 }, () => {
  const venue = new DemoExchange();
  let hooks: HookServer;
  let other: OpenbellClient;

  const trade = async (price: string): Promise<void> => {
    await other.orders.place({ symbol: SYMBOL, side: 'sell', quantity: '0.1', price });
    await venue.client.orders.place({ symbol: SYMBOL, side: 'buy', quantity: '0.1', price });
  };
  const set = async (alert: object): Promise<number> => {
    const { status, json } = await venue.ask('/v1/alerts', { account: 1, ...alert });
    assert.equal(status, 201, JSON.stringify(json));
    return json.id;
  };
  // biome-ignore lint/suspicious/noExplicitAny: JSON of any shape, looked into by the tests
  const remove = async (path: string): Promise<{ status: number; json: any }> => {
    const response = await fetch(`http://127.0.0.1:${venue.ports.http}${path}`, { method: 'DELETE' });
    return { status: response.status, json: await response.json() };
  };
  const eventsOf = async (account: number, after = 0) => (await venue.get(`/v1/alerts/events?account=${account}&after=${after}`)).events;

  before(async () => {
    hooks = await HookServer.start();
    await venue.start('compact', { 'webhook-loopback': true });
    other = await venue.connect(2);
    await trade('60000.00');
  });

  after(async () => {
    await venue.stop();
    hooks.stop();
  });

  it('cost no thread and no file before the first one', async () => {
    assert.deepEqual((await venue.get('/v1/alerts?account=1')).alerts, []);
    assert.deepEqual((await venue.get('/v1/webhooks?account=1')).webhooks, []);
    assert.equal((await remove('/v1/webhooks/1?account=1')).status, 404);
    assert.ok(!existsSync(join(venue.data, 'alerts')));
  });

  it('bad requests name the key and what to give', async () => {
    const indicator = { account: 1, kind: 'indicator', symbol: SYMBOL, indicator: 'sma:1' };
    const cases: readonly [body: object, status: number, text: RegExp][] = [
      [{ kind: 'price' }, 400, /account: is missing/],
      [{ account: 1 }, 400, /kind: is missing; one of price, move/],
      [{ account: 1, kind: 'price', symbol: SYMBOL }, 400, /price: is missing; an alert of kind price needs it/],
      [{ account: 1, kind: 'price', symbol: 'NOPE', price: '1' }, 400, /symbol: is no symbol/],
      [{ account: 1, kind: 'price', symbol: SYMBOL, price: '60000.001' }, 400, /price: /],
      [{ account: 1, kind: 'price', symbol: SYMBOL, price: '1.00', asset: 'USD' }, 400, /asset: has no meaning for kind price/],
      [{ account: 1, kind: 'move', symbol: SYMBOL, window: '2m', direction: 'up', percent: '5%' }, 400, /window: must be one of 10s/],
      [
        { account: 1, kind: 'move', symbol: SYMBOL, window: '1m', direction: 'either', percent: '5%' },
        400,
        /direction: must be up or down/,
      ],
      [{ account: 1, kind: 'move', symbol: SYMBOL, window: '1m', direction: 'up', percent: '5' }, 400, /percent: must be a percentage/],
      [{ account: 1, kind: 'fill', repeat: 0 }, 400, /repeat: must be once, every, or the seconds/],
      [{ account: 1, kind: 'fill', note: 'a\nb' }, 400, /note: .*control characters/],
      [{ account: 1, kind: 'feed-stale', feed: 'x' }, 400, /feed: is no feed of this exchange; there are: none/],
      [{ ...indicator, level: '1' }, 400, /interval: is missing; an alert of kind indicator needs it/],
      [{ ...indicator, interval: '1s' }, 400, /indicator: give either level, such as 70, or crosses/],
      [{ ...indicator, interval: '1s', level: '1', crosses: 'sma:2' }, 400, /indicator: give either level/],
      [{ ...indicator, interval: '1s', crosses: 'sma:1.sma' }, 400, /crosses: must be another indicator than sma:1/],
      [{ ...indicator, interval: '1s', level: '12345678901' }, 400, /level: must be a decimal number with at most 10 digits/],
      [{ ...indicator, interval: '1s', level: '1', indicator: 'bb' }, 400, /indicator: bb has several values; give one of bb\.upper/],
      [{ ...indicator, interval: '1s', level: '1', indicator: 'obv' }, 400, /indicator: obv depends on the first bar/],
      [{ ...indicator, interval: '1s', level: '1', window: '1m' }, 400, /window: has no meaning for kind indicator/],
      [{ account: 1, kind: 'fill', nonsense: 1 }, 400, /nonsense: unknown key/],
      [{ account: 999, kind: 'fill' }, 404, /there is no account 999/],
    ];
    for (const [body, status, text] of cases) {
      const answer = await venue.ask('/v1/alerts', body);
      assert.equal(answer.status, status, JSON.stringify(answer.json));
      assert.match(answer.json.message, text);
    }
    const webhook = await venue.ask('/v1/webhooks', { account: 1, url: 'https://169.254.169.254/latest' });
    assert.deepEqual([webhook.status, webhook.json.name], [400, 'BAD_PARAMETER']);
    assert.match(webhook.json.message, /url: 169\.254\.169\.254 is not an address of the public Internet/);
  });

  it('a price that crosses fires once; its event is stored, streamed, and delivered with a right signature', async (t) => {
    const { json } = await venue.ask('/v1/webhooks', { account: 1, url: hooks.url, note: 'desk' });
    const id = await set({ kind: 'price', symbol: SYMBOL, price: '60100.00', direction: 'up', note: 'breakout' });
    const { events } = await follow(t, venue, 'account=1&after=0');
    for (const price of ['60050.00', '60100.00', '60050.00', '60200.00']) await trade(price);
    await until(() => hooks.received.length === 1 && events.length === 1, 'the delivery and the event');
    const [{ headers, body }] = hooks.received;
    new Webhook(json.secret).verify(body, headers as Record<string, string>);
    const { type, data } = JSON.parse(body);
    assert.equal(headers['webhook-id'], 'alert_1_1');
    assert.equal(type, 'alert.fired');
    assert.deepEqual(events, [data]);
    assert.deepEqual(
      [data.no, data.alert, data.kind, data.note, data.symbol, data.price, data.value, data.before],
      [1, id, 'price', 'breakout', SYMBOL, '60100.00', '60100.00', '60050.00'],
    );
    assert.equal(data.text, 'BTC-USD traded at 60100.00 and reached 60100.00');
    assert.deepEqual((await venue.get('/v1/alerts?account=1')).alerts, [], 'it has fired once and is gone');
    await venue.ask('/v1/webhooks/1/replay', { account: 1 });
    assert.equal((await remove('/v1/webhooks/1?account=1')).status, 200);
  });

  it('fills, positions, exposures and spreads fire, too', async () => {
    const from = (await eventsOf(1)).at(-1)?.no ?? 0;
    const { available, reserved } = (await venue.get('/v1/accounts/1')).balances.find(({ asset }: { asset: string }) => asset === 'BTC');
    const holds = Number(available) + Number(reserved);
    await set({ kind: 'fill', complete: true });
    await set({ kind: 'position', asset: 'BTC', amount: (holds + 0.05).toFixed(4), direction: 'up' });
    await trade('60200.00');
    await until(async () => (await eventsOf(1, from)).length === 2, 'fill and position');
    await set({ kind: 'exposure', asset: 'USD', amount: '1000.00', direction: 'up' });
    const bid = await venue.client.orders.place({ symbol: SYMBOL, side: 'buy', quantity: '0.1', price: '59000.00' });
    const ask = await other.orders.place({ symbol: SYMBOL, side: 'sell', quantity: '0.1', price: '59100.00' });
    await set({ kind: 'spread', symbol: SYMBOL, percent: '1%', direction: 'up' });
    await other.orders.cancel({ symbol: SYMBOL, orderId: ask.orderId });
    const wide = await other.orders.place({ symbol: SYMBOL, side: 'sell', quantity: '0.1', price: '61000.00' });
    await until(async () => (await eventsOf(1, from)).length === 4, 'exposure and spread');
    const events: { kind: string; text: string }[] = await eventsOf(1, from);
    assert.deepEqual(events.map(({ kind }) => kind).sort(), ['exposure', 'fill', 'position', 'spread']);
    assert.match(events.find(({ kind }) => kind === 'fill')?.text ?? '', /^buy 0\.1000 BTC-USD at 60200\.00, the order is filled$/);
    assert.match(events.find(({ kind }) => kind === 'spread')?.text ?? '', /the spread of BTC-USD is 3\.\d+% and reached 1%/);
    await venue.client.orders.cancel({ symbol: SYMBOL, orderId: bid.orderId });
    await other.orders.cancel({ symbol: SYMBOL, orderId: wide.orderId });
  });

  it('a stream resumes by number, sees only its account, and takes no messages', async (t) => {
    const all = (await eventsOf(1)).map(({ no }: { no: number }) => no);
    assert.deepEqual(all, [1, 2, 3, 4, 5], 'numbered without gaps');
    const { events, socket } = await follow(t, venue, 'account=1&after=3');
    const foreign = await follow(t, venue, 'account=2');
    await until(() => events.length === 2, 'the events behind 3');
    assert.deepEqual(
      events.map(({ no }) => no),
      [4, 5],
    );
    assert.deepEqual(foreign.events, []);
    socket.send('hello');
    const [code] = await once(socket, 'close');
    assert.equal(code, 4003);
    for (const [query, status] of [
      ['?account=0x1', 400],
      ['/?account=1', 404],
    ]) {
      const refused = new WebSocket(`ws://127.0.0.1:${venue.ports.ws}/v1/alerts${query}`);
      const [, response] = await once(refused, 'unexpected-response');
      assert.equal(response.statusCode, status);
      refused.on('error', () => undefined).terminate();
    }
  });

  it('an account does not see or delete the alerts of another', async () => {
    const id = await set({ kind: 'price', symbol: SYMBOL, price: '1.00' });
    assert.deepEqual((await venue.get('/v1/alerts?account=2')).alerts, []);
    const foreign = await remove(`/v1/alerts/${id}?account=2`);
    assert.deepEqual([foreign.status, foreign.json.name], [404, 'UNKNOWN_ALERT']);
    assert.equal((await remove(`/v1/alerts/${id}?account=1`)).status, 200);
    assert.equal((await remove(`/v1/alerts/${id}?account=1`)).status, 404);
  });

  it('an account has a limit of alerts', async () => {
    const answers: Answer[] = [];
    // Some at once: those that are being stored count, too.
    for (let i = 0; i < 6; i++)
      answers.push(...(await Promise.all(Array.from({ length: 17 }, () => venue.ask('/v1/alerts', { account: 3, kind: 'fill' })))));
    const refused = answers.filter(({ status }) => status !== 201);
    assert.deepEqual(
      refused.map(({ status, json }) => [status, json.name]),
      Array(2).fill([409, 'ALERT_LIMIT']),
    );
    await remove(`/v1/alerts/${answers[0].json.id}?account=3`);
    assert.equal((await venue.ask('/v1/alerts', { account: 3, kind: 'fill' })).status, 201);
  });

  it('the typed client sets, lists and deletes, and reads what has fired', async () => {
    const { alerts } = other;
    const set = await alerts.set({ kind: 'price', symbol: SYMBOL, price: '59000.00', repeat: 60, note: 'client' });
    assert.deepEqual(
      (await alerts.list()).map(({ id, kind, repeat, note }) => [id, kind, repeat, note]),
      [[set.id, 'price', 60, 'client']],
    );
    await trade('59000.00');
    await until(async () => (await alerts.events({ after: 0 })).length === 1, 'the event');
    assert.deepEqual(await alerts.events({ after: 1, limit: 5 }), []);
    await alerts.delete(set.id);
    await assert.rejects(alerts.delete(set.id), { code: 'UNKNOWN_ALERT' });
    const hook = await alerts.addWebhook(hooks.url, 'mine');
    const { secret } = await alerts.rotateSecret(hook.id);
    assert.notEqual(secret, hook.secret);
    assert.deepEqual(
      (await alerts.webhooks()).map(({ id, note, secrets }) => [id, note, secrets]),
      [[hook.id, 'mine', 2]],
    );
    assert.deepEqual(await alerts.messages(hook.id), []);
    assert.deepEqual(await alerts.replay(hook.id), { replayed: 0, left: 0 });
    await alerts.deleteWebhook(hook.id);
    const { grpc: grpcPort, http: httpPort, ws: wsPort } = venue.ports;
    const nobody = await connect({ grpcPort, httpPort, wsPort });
    await assert.rejects(nobody.alerts.list(), { code: 'NO_ACCOUNT' });
    await nobody.close();
  });

  it('after a restart it goes on: edges and fills of the time between are found', async () => {
    await set({ kind: 'price', symbol: SYMBOL, price: '61000.00', direction: 'up' });
    await set({ kind: 'fill', repeat: 'every' });
    await set({ kind: 'price', symbol: SYMBOL, price: '62000.00', direction: 'up' });
    const before = (await eventsOf(1)).at(-1).no;
    await venue.restart({ 'webhook-loopback': true });
    other = await venue.connect(2);
    assert.equal((await venue.get('/v1/alerts?account=1')).alerts.length, 3);
    await trade('61500.00');
    await until(async () => (await eventsOf(1, before)).length === 2, 'the events after the restart');
    const events: { no: number; kind: string }[] = await eventsOf(1, before);
    assert.deepEqual(
      events.map(({ no }) => no),
      [before + 1, before + 2],
    );
    assert.deepEqual(events.map(({ kind }) => kind).sort(), ['fill', 'price']);
    const { alerts } = await venue.get('/v1/alerts?account=1');
    assert.deepEqual(
      alerts.map(({ kind, fired }: { kind: string; fired: number }) => [kind, fired]),
      [
        ['fill', 1],
        ['price', 0],
      ],
    );
  });

  it('an indicator fires from the bar that closed, also without a further trade, and in the next process', async () => {
    const { alerts } = other;
    const after = (await alerts.events()).at(-1)?.no ?? 0;
    const about = { kind: 'indicator', symbol: SYMBOL, interval: '1s' } as const;
    const up = await alerts.set({ ...about, indicator: 'sma:1', level: '61600.00', direction: 'up', repeat: 'every' });
    assert.deepEqual(
      (await alerts.list()).map(({ id, kind, repeat }) => [id, kind, repeat]),
      [[up.id, 'indicator', 'every']],
    );
    const candles = `/v1/symbols/${SYMBOL}/candles?interval=1s&limit=1`;
    await until(async () => (await venue.get(candles)).candles[0].closed, 'the bar before has closed');
    await trade('61700.00');
    await until(async () => (await alerts.events({ after })).length === 1, 'the event of the bar');
    const [event] = await alerts.events({ after });
    assert.deepEqual(
      [event.kind, event.indicator, event.level, event.value, event.before, event.timeUs % 1e6],
      ['indicator', 'sma:1', '61600', '61700', '61500', 0],
    );
    assert.equal(event.text, 'sma:1 of BTC-USD, 1s, is 61700 and reached 61600');
    const down = await alerts.set({ ...about, indicator: 'sma:1', crosses: 'sma:2', direction: 'down' });
    await trade('61500.00');
    await venue.restart({ 'webhook-loopback': true });
    other = await venue.connect(2);
    // The bar closed before or after the restart.
    await until(async () => (await other.alerts.events({ after })).length === 2, 'the event of the next bar');
    assert.equal((await other.alerts.events({ after }))[1].alert, down.id);
    assert.equal((await other.alerts.events({ after }))[1].text, 'sma:1 of BTC-USD, 1s, crossed sma:2; the difference is -100');
    await other.alerts.delete(up.id);
  });

  it('edges that were not stored before a kill fire at the next start, also of a price that came back', async () => {
    await set({ kind: 'price', symbol: SYMBOL, price: '61400.00', direction: 'down', repeat: 'every', note: 'dip' });
    await set({ kind: 'price', symbol: SYMBOL, price: '61600.00', direction: 'up', repeat: 'every', note: 'peak' });
    const before = (await eventsOf(1)).at(-1).no;
    for (const price of ['61300.00', '61500.00', '61700.00', '61500.00']) await trade(price);
    await until(async () => (await eventsOf(1, before)).length >= 6, 'two edges and four fills');
    const seen = (await eventsOf(1)).at(-1).no;
    await set({ kind: 'price', symbol: SYMBOL, price: '61650.00', direction: 'up', note: 'set after it' });
    await venue.restart({ 'webhook-loopback': true }, async () => {
      // As after a kill before the commit: the values are those before the four trades, and one alert has not fired. The event of the other one is stored.
      const store = new AlertStore(venue.data);
      const row = [...store.gauges.getRange()].find(({ key }) => key.startsWith('trade:')) ?? assert.fail();
      const dip = [...store.alerts.getRange()].find(({ value }) => value.note === 'dip') ?? assert.fail();
      store.write(3, () => {
        store.alerts.putSync(dip.key, { ...dip.value, fired: 0, firedUs: 0 });
        store.gauges.putSync(row.key, row.value - 4);
        store.gauges.putSync(row.key.replace('trade', 'price'), 6_150_000);
      });
      await store.close();
    });
    other = await venue.connect(2);
    await set({ kind: 'price', symbol: SYMBOL, price: '61450.00', direction: 'down', note: 'after it' });
    await trade('61450.00');
    await until(async () => (await eventsOf(1, seen)).length >= 3, 'the event again, a fill and one after it');
    const events: { note: string; kind: string; value: string }[] = await eventsOf(1, seen);
    assert.deepEqual(
      events.filter(({ kind }) => kind === 'price').map(({ note, value }) => [note, value]),
      [
        ['dip', '61300.00'],
        ['after it', '61450.00'],
      ],
    );
    await trade('61500.00');
    await until(async () => (await eventsOf(1, seen)).length >= 4, 'the fill');
    // And where the trades are not known, from the stored value to that of now.
    await set({ kind: 'price', symbol: SYMBOL, price: '61450.00', direction: 'up', note: 'net' });
    const last = (await eventsOf(1)).at(-1).no;
    await venue.restart({ 'webhook-loopback': true }, async () => {
      const store = new AlertStore(venue.data);
      const keys = [...store.gauges.getKeys()];
      store.write(2, () => {
        for (const key of keys) if (key.startsWith('trade:')) store.gauges.removeSync(key);
        for (const key of keys) if (key.startsWith('price:')) store.gauges.putSync(key, 6_142_000);
      });
      await store.close();
    });
    await until(async () => (await eventsOf(1, last)).length > 0, 'the event');
    const [{ note, value }] = await eventsOf(1, last);
    assert.deepEqual([note, value], ['net', '61500.00']);
  });
});
