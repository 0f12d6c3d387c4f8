/** The thread of alerts without its thread: commits, webhooks and restarts, in a real store and with a clock of the test. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { Webhook } from 'standardwebhooks';
import type { Alert } from '../gateway/alerts/alert.ts';
import { AlertStore, AlertsVersionError } from '../gateway/alerts/alert-store.ts';
import { AlertThread } from '../gateway/alerts/alert-thread.ts';
import type { Commit, Unstored } from '../gateway/alerts/commit.ts';
import { EVENTS_KEPT, MAX_DEAD, MAX_ENDPOINTS_PER_ACCOUNT, MAX_PENDING_PER_ACCOUNT, SECRET_OVERLAP_MS } from '../gateway/alerts/limits.ts';
import { Webhooks } from '../gateway/alerts/webhooks.ts';
import { WINDOW_NUMBERS } from '../gateway/alerts/windows.ts';
import type { AlertEvent } from '../gateway/client/alert-types.ts';
import type { Outcome } from '../gateway/webhooks/delivery-queue.ts';
import { RETRY_DELAYS_MS } from '../gateway/webhooks/retry.ts';

const OK: Outcome = { status: 200, reason: '', retryAfterMs: 0 };
const FAILED: Outcome = { status: 500, reason: 'HTTP_500', retryAfterMs: 0 };
const GONE: Outcome = { status: 410, reason: 'HTTP_410', retryAfterMs: 0 };
const URL_1 = 'https://example.com/1';
const EMPTY: Commit = { events: [], alerts: [], removed: [], gauges: [], windows: [], accounts: [] };
const NOTHING: Unstored = { values: [], windows: [], reportNo: undefined };

interface Sent {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A data directory; each `open` is a start, and what is not closed before it was killed. */
class Fixture {
  readonly dir = mkdtempSync(join(tmpdir(), 'openbell-alert-store-'));
  readonly sent: Sent[] = [];
  nowMs = Date.parse('2026-01-01T00:00:00Z');
  /** What endpoints answer; a promise that is never settled: nothing. */
  answer: () => Outcome | Promise<Outcome> = () => OK;
  #open: { store: AlertStore; webhooks: Webhooks } | undefined;

  constructor(t: TestContext) {
    t.after(async () => {
      await this.close();
      rmSync(this.dir, { recursive: true, force: true });
    });
  }

  open(): { thread: AlertThread; webhooks: Webhooks; store: AlertStore } {
    const store = new AlertStore(this.dir);
    const send = async (url: string, headers: Sent['headers'], body: string) => {
      this.sent.push({ url, headers, body });
      return this.answer();
    };
    const webhooks = new Webhooks(store, { send, nowMs: () => this.nowMs, random: () => 0.5 });
    this.#open = { store, webhooks };
    webhooks.run();
    return { thread: new AlertThread(store, webhooks), webhooks, store };
  }

  /** @param kill results that are not stored yet are lost */
  async close(kill = false): Promise<void> {
    if (this.#open === undefined) return;
    const { store, webhooks } = this.#open;
    this.#open = undefined;
    if (kill) store.write = () => assert.fail('killed');
    try {
      webhooks.stop();
    } catch {
      assert.ok(kill);
    }
    await store.close();
  }
}

function eventOf(no: number, account = 1): AlertEvent {
  return { no, account, alert: 1, kind: 'price', note: '', time: '2026-01-01T00:00:00.000Z', timeUs: 0, text: `event ${no}` };
}

function commitOf(...events: AlertEvent[]): Commit {
  return { ...EMPTY, events };
}

const ids = (sent: readonly Sent[]) => sent.map(({ headers }) => headers['webhook-id']);
/** Lets promises that are settled go on. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('webhooks in their store', { timeout: 120_000 }, () => {
  it('an event goes to each endpoint of its account, and a delivered one leaves nothing', async (t) => {
    const fixture = new Fixture(t);
    const { thread } = fixture.open();
    const { secret } = thread.addWebhook(1, URL_1, '');
    thread.addWebhook(1, 'https://example.com/2', '');
    thread.addWebhook(2, 'https://example.com/other', '');
    thread.commit(commitOf(eventOf(1)));
    await turn();
    assert.deepEqual(fixture.sent.map(({ url }) => url).sort(), [URL_1, 'https://example.com/2']);
    assert.deepEqual(thread.messages(1, 1, 0, 10), []);
    const [first] = thread.webhooks(1);
    assert.deepEqual([first.delivered, first.pending, first.last?.result], [1, 0, 'HTTP_200']);
    assert.ok(!JSON.stringify(thread.webhooks(1)).includes('whsec_'), 'the secret is not shown again');
    assert.match(secret, /^whsec_/);
  });

  it('a failure is tried again, in time, also by the next start, with the same id', async (t) => {
    const fixture = new Fixture(t);
    let { thread, webhooks } = fixture.open();
    thread.addWebhook(1, URL_1, '');
    fixture.answer = () => FAILED;
    thread.commit(commitOf(eventOf(1)));
    await turn();
    assert.deepEqual(
      thread.messages(1, 1, 0, 10).map(({ state, attempts }) => [state, attempts]),
      [['pending', 1]],
    );
    await fixture.close();
    fixture.nowMs += RETRY_DELAYS_MS[0] - 1;
    ({ thread, webhooks } = fixture.open());
    await turn();
    assert.equal(fixture.sent.length, 1, 'not before its time');
    fixture.nowMs++;
    fixture.answer = () => OK;
    webhooks.run();
    await turn();
    assert.deepEqual(ids(fixture.sent), ['alert_1_1', 'alert_1_1']);
    assert.deepEqual(thread.messages(1, 1, 0, 10), []);
  });

  it('a kill after the answer and before it is stored sends it again: at least once', async (t) => {
    const fixture = new Fixture(t);
    fixture.open().thread.addWebhook(1, URL_1, '');
    await fixture.close();
    fixture.open().thread.commit(commitOf(eventOf(1)));
    await turn();
    await fixture.close(true);
    const { thread } = fixture.open();
    await turn();
    assert.deepEqual(ids(fixture.sent), ['alert_1_1', 'alert_1_1']);
    assert.equal(fixture.sent[0].body, fixture.sent[1].body);
    assert.deepEqual(thread.messages(1, 1, 0, 10), []);
  });

  it('after the last attempt it is a dead letter, which can be replayed', async (t) => {
    const fixture = new Fixture(t);
    const { thread, webhooks } = fixture.open();
    thread.addWebhook(1, URL_1, '');
    fixture.answer = () => FAILED;
    thread.commit(commitOf(eventOf(1), eventOf(2)));
    for (let attempt = 0; attempt <= 2 * RETRY_DELAYS_MS.length + 2; attempt++) {
      await turn();
      thread.messages(1, 1, 0, 10);
      fixture.nowMs += 10 * 3600_000;
      webhooks.run();
    }
    await turn();
    assert.deepEqual(
      thread.messages(1, 1, 0, 10).map(({ no, state, attempts, reason }) => [no, state, attempts, reason]),
      [
        [1, 'dead', 9, 'HTTP_500'],
        [2, 'dead', 9, 'HTTP_500'],
      ],
    );
    fixture.answer = () => OK;
    fixture.sent.length = 0;
    assert.deepEqual(thread.replay(1, 1, 2), { replayed: 1, left: 1 });
    await turn();
    assert.deepEqual(thread.replay(1, 1, undefined), { replayed: 1, left: 0 });
    await turn();
    assert.deepEqual(ids(fixture.sent), ['alert_1_2', 'alert_1_1']);
    assert.deepEqual(thread.messages(1, 1, 0, 10), []);
    assert.equal(thread.webhooks(1)[0].dead, 0);
  });

  it('410 disables an endpoint; what waits and comes is dead; a replay enables it', async (t) => {
    const fixture = new Fixture(t);
    let { thread } = fixture.open();
    thread.addWebhook(1, URL_1, '');
    fixture.answer = () => GONE;
    thread.commit(commitOf(eventOf(1), eventOf(2), eventOf(3), eventOf(4)));
    await turn();
    const shown = () => thread.messages(1, 1, 0, 10).map(({ state }) => state);
    assert.deepEqual(shown(), ['dead', 'dead', 'dead', 'dead']);
    await fixture.close();
    ({ thread } = fixture.open());
    const asked = fixture.sent.length;
    assert.ok(asked <= 4);
    thread.commit(commitOf(eventOf(5)));
    await turn();
    assert.equal(fixture.sent.length, asked);
    assert.deepEqual([thread.webhooks(1)[0].disabled, shown().length], [true, 5]);
    fixture.answer = () => OK;
    assert.deepEqual(thread.replay(1, 1, undefined), { replayed: 5, left: 0 });
    for (let i = 0; i < 5; i++) await turn();
    assert.deepEqual([thread.webhooks(1)[0].disabled, shown()], [false, []]);
  });

  it('two secrets sign while one is replaced, for a day', async (t) => {
    const fixture = new Fixture(t);
    fixture.nowMs = Date.now();
    const { thread } = fixture.open();
    const { secret: first } = thread.addWebhook(1, URL_1, '');
    const { secret: second } = thread.rotateSecret(1, 1);
    thread.commit(commitOf(eventOf(1)));
    await turn();
    for (const secret of [first, second]) new Webhook(secret).verify(fixture.sent[0].body, fixture.sent[0].headers);
    assert.equal(thread.webhooks(1)[0].secrets, 2);
    fixture.nowMs += SECRET_OVERLAP_MS;
    assert.equal(thread.webhooks(1)[0].secrets, 1);
    thread.commit(commitOf(eventOf(2)));
    await turn();
    assert.equal(fixture.sent[1].headers['webhook-signature'].split(' ').length, 1);
  });

  it('an account sees and changes only its own', (t) => {
    const { thread } = new Fixture(t).open();
    thread.addWebhook(1, URL_1, '');
    assert.deepEqual(thread.webhooks(2), []);
    for (const attempt of [
      () => thread.messages(2, 1, 0, 10),
      () => thread.replay(2, 1, undefined),
      () => thread.rotateSecret(2, 1),
      () => thread.removeWebhook(2, 1),
    ])
      assert.throws(attempt, { code: 'UNKNOWN_WEBHOOK' });
    for (let i = 1; i < MAX_ENDPOINTS_PER_ACCOUNT; i++) thread.addWebhook(1, URL_1, '');
    assert.throws(() => thread.addWebhook(1, URL_1, ''), { code: 'WEBHOOK_LIMIT' });
    thread.addWebhook(2, URL_1, '');
  });

  it('what waits has a bound per account, and so have dead letters; both are counted', async (t) => {
    const fixture = new Fixture(t);
    const { thread } = fixture.open();
    thread.addWebhook(1, URL_1, '');
    fixture.answer = () => new Promise(() => undefined);
    const most = MAX_PENDING_PER_ACCOUNT + MAX_DEAD;
    thread.commit(commitOf(...Array.from({ length: MAX_PENDING_PER_ACCOUNT }, (_, i) => eventOf(i + 1))));
    thread.commit(commitOf(...Array.from({ length: MAX_DEAD + 3 }, (_, i) => eventOf(MAX_PENDING_PER_ACCOUNT + i + 1))));
    const [{ pending, dead, dropped }] = thread.webhooks(1);
    assert.deepEqual([pending, dead, dropped], [MAX_PENDING_PER_ACCOUNT, MAX_DEAD, 3]);
    const last = thread.messages(1, 1, most, 10);
    assert.deepEqual(
      last.map(({ no, reason }) => [no, reason]),
      [1, 2, 3].map((i) => [most + i, 'QUEUE_FULL']),
    );
  });

  it('a deleted endpoint takes its messages with it', async (t) => {
    const fixture = new Fixture(t);
    const { thread, store } = fixture.open();
    thread.addWebhook(1, URL_1, '');
    fixture.answer = () => FAILED;
    thread.commit(commitOf(eventOf(1)));
    await turn();
    thread.removeWebhook(1, 1);
    assert.deepEqual([store.pending.getCount(), store.dead.getCount(), thread.webhooks(1)], [0, 0, []]);
  });
});

describe('alerts in their store', { timeout: 120_000 }, () => {
  const made: Omit<Alert, 'id'> = {
    account: 1,
    note: 'n',
    condition: { kind: 'price', symbol: 1, direction: 'up', level: 100 },
    coolDownS: 5,
    createdUs: 1,
    afterReportNo: 0,
    fired: 0,
    firedUs: 0,
    suppressed: 0,
  };

  const WINDOW = new Float64Array(WINDOW_NUMBERS).map((_, i) => i / 8);

  it('survive a restart with their values and numbers', async (t) => {
    const fixture = new Fixture(t);
    const { thread } = fixture.open();
    const alert = thread.addAlert(made, { ...NOTHING, values: [['price:1', 99]], windows: [['1:10s', WINDOW]] });
    const fills = thread.addAlert(
      { ...made, condition: { kind: 'fill', symbol: 0, complete: true }, coolDownS: undefined },
      { ...NOTHING, reportNo: 12 },
    );
    assert.deepEqual([alert.id, fills.id], [1, 2]);
    thread.commit({
      events: [eventOf(1)],
      alerts: [{ ...alert, fired: 1 }],
      removed: [2],
      gauges: [['price:1', 105]],
      windows: [['1:1m', WINDOW]],
      accounts: [[1, { eventNo: 1, reportNo: 15 }]],
    });
    await fixture.close();
    const again = fixture.open().thread;
    assert.deepEqual(again.load(), {
      alerts: [{ ...alert, fired: 1 }],
      gauges: [['price:1', 105]],
      windows: [
        ['1:10s', WINDOW],
        ['1:1m', WINDOW],
      ],
      accounts: [[1, { eventNo: 1, reportNo: 15 }]],
    });
    assert.equal(again.addAlert(made, NOTHING).id, 3, 'an id is not given twice');
    again.removeAlert(1, 'price:1');
    assert.deepEqual([again.load().alerts.length, again.load().gauges], [1, []]);
  });

  it('a commit that is given again changes nothing', async (t) => {
    const fixture = new Fixture(t);
    const { thread } = fixture.open();
    thread.addWebhook(1, URL_1, '');
    for (let i = 0; i < 2; i++) thread.commit(commitOf(eventOf(1)));
    await turn();
    assert.deepEqual(ids(fixture.sent), ['alert_1_1']);
  });

  it('events are read behind a number; the oldest are removed', (t) => {
    const { thread } = new Fixture(t).open();
    thread.commit(commitOf(...Array.from({ length: EVENTS_KEPT + 2 }, (_, i) => eventOf(i + 1)), eventOf(1, 2)));
    assert.deepEqual(
      thread.events(1, 0, 2).map(({ no }) => no),
      [3, 4],
    );
    assert.deepEqual(
      thread.events(1, EVENTS_KEPT, 5).map(({ no, account }) => [no, account]),
      [
        [EVENTS_KEPT + 1, 1],
        [EVENTS_KEPT + 2, 1],
      ],
    );
  });

  it('a store of a newer release is not touched', async (t) => {
    const fixture = new Fixture(t);
    const { store } = fixture.open();
    store.write(1, () => store.meta.putSync('version', 2));
    await fixture.close();
    assert.throws(() => fixture.open(), AlertsVersionError);
  });
});
