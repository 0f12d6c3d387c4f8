/** A JSON session whose client reads slowly, or not at all, or is faster than the disk. */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { CommandKind } from '../engine/wire/layout.ts';
import type { AlertStreams } from '../gateway/alerts/alert-streams.ts';
import { AcceptedTimes } from '../gateway/endpoints/json/accepted-times.ts';
import type { PrivateSession, TextSocket } from '../gateway/endpoints/json/private-session.ts';
import { PrivateSessions } from '../gateway/endpoints/json/private-sessions.ts';
import type { PrivateChannel } from '../gateway/endpoints/json/schemas/order-messages.ts';
import { ANYBODY, type Principal } from '../gateway/identity/principal.ts';
import { createLogger } from '../gateway/log.ts';
import type { Reject } from '../gateway/reject.ts';
import { IN_QUERY } from '../gateway/sessions/order-caller.ts';
import { Slices } from '../gateway/slices.ts';
import { EVERYBODY } from './support/everybody.ts';
import type { Message } from './support/json-orders.ts';
import { ACCOUNTS, TestExchange, until } from './support/order-entry-fixture.ts';

/** A client that reads when the test says so. */
class SlowSocket implements TextSocket {
  readonly messages: Message[] = [];
  /** What was sent is not read. */
  stalls = false;
  unread = 0;
  failed: Reject | undefined;
  ended = false;
  session!: PrivateSession;

  send(text: string | Buffer): boolean {
    this.messages.push(JSON.parse(text.toString()));
    if (this.stalls) this.unread += text.length;
    return !this.stalls;
  }

  buffered(): number {
    return this.unread;
  }

  end(): void {
    this.ended = true;
  }

  fail(why: Reject): void {
    this.failed = why;
  }

  /** Reads what waits. */
  read(): void {
    this.unread = 0;
    this.session.onDrain();
  }

  request(message: unknown): void {
    this.session.onMessage(Buffer.from(JSON.stringify(message)), false);
  }

  of(kind: string): Message[] {
    return this.messages.filter((message) => message.kind === kind);
  }

  get reports(): Message[] {
    return this.of('reports').flatMap(({ reports }) => reports);
  }
}

describe('a JSON session', { timeout: 120_000 }, () => {
  let exchange: TestExchange;
  let sessions: PrivateSessions;
  /** The last report that may be shown; undefined: as the hub has it. */
  let released: number | undefined;
  /** The last command whose reports were seen; undefined: as the hub has it. */
  let seen: number | undefined;
  const opened: SlowSocket[] = [];

  before(async () => {
    exchange = await TestExchange.start({ engine: { durability: 'fast' } });
    for (let account = ACCOUNTS + 1; account <= 8; account++) {
      await exchange.administer({ kind: CommandKind.DefineAccount, account, name: `A${account}` });
      for (const symbol of [1, 2]) await exchange.administer({ kind: CommandKind.Deposit, account, symbol, quantity: 2 ** 40 });
    }
    const { hub } = exchange;
    sessions = new PrivateSessions({
      sessions: exchange.sessions,
      hub: {
        get seenSeq() {
          return seen ?? hub.seenSeq;
        },
        lastReportNo: (account) => released ?? hub.lastReportNo(account),
        open: (account, sent, listener) => hub.open(account, sent, listener),
        close: (cursor) => hub.close(cursor),
      },
      accepted: new AcceptedTimes(exchange.history, hub),
      ...{ directory: exchange.engine.directory, history: exchange.history, identity: EVERYBODY, slices: new Slices() },
      alertStreams: undefined as unknown as AlertStreams,
      nowUs: () => exchange.engine.sequencer.nowUs(),
      log: createLogger('silent'),
    });
  });
  after(() => exchange.stop());
  // Also after a failure: the next tests wait for all sessions to leave.
  afterEach(() => {
    [released, seen] = [undefined, undefined];
    for (const socket of opened.splice(0)) socket.session.onClose();
  });

  function open(account: number, channels: readonly PrivateChannel[], principal: Principal = ANYBODY): SlowSocket {
    const socket = new SlowSocket();
    const claims = {
      names: IN_QUERY,
      schema: undefined,
      account: `${account}`,
      lastReport: undefined,
      cancelOnDisconnect: undefined,
      sessionNumber: undefined,
    };
    const visit = { peer: '127.0.0.1', wants: 'WebSocket orders', header: () => undefined };
    const admission = exchange.sessions.admit(claims, principal, visit);
    assert.ok('account' in admission);
    socket.session = sessions.open(socket, admission, channels);
    opened.push(socket);
    return socket;
  }
  const order = (i: number) => ({ op: 'place', tag: i, symbol: 'BTC-USD', side: 'buy', orderQty: '0.001', price: '0.01', clOrdId: i });

  it('has one message of reports in transit, and gets what came meanwhile without a gap; of balances the last ones', async () => {
    const socket = open(1, ['orders', 'balances']);
    await until(() => socket.of('balances').length === 1, 'the balances');
    const messages = socket.of('reports').length;
    const balances = socket.of('balances').length;
    socket.stalls = true;
    for (let i = 1; i <= 40; i++) {
      socket.request(order(i));
      await until(() => exchange.hub.lastReportNo(1) >= i, 'it to be answered');
    }
    await until(() => socket.of('reports').length > messages, 'the first message');
    assert.equal(socket.of('reports').length, messages + 1);
    assert.equal(socket.of('balances').length, balances);
    socket.stalls = false;
    socket.read();
    await until(() => socket.reports.length === 40, 'the rest');
    assert.deepEqual(
      socket.reports.map(({ reportNo }) => reportNo),
      Array.from({ length: 40 }, (_, i) => i + 1),
    );
    const last = await latest(socket, 40);
    assert.ok(socket.of('balances').length - balances <= 3, 'not one for each order');
    // USD has six decimals; a lot at a tick is 0.00001.
    assert.ok(Number(last.balances[0].reserved) >= 40 * 0.000_01);
    socket.session.onClose();
  });

  async function latest(socket: SlowSocket, reportNo: number): Promise<Message> {
    await until(() => socket.of('balances').at(-1)?.lastReportNo === reportNo, `the balances of report ${reportNo}`);
    return socket.of('balances').at(-1) as Message;
  }

  it('is cut when it leaves answers unread, and before that gets no query answered', async () => {
    const socket = open(2, []);
    socket.stalls = true;
    const pings = Array.from({ length: 32 }, (_, i) => ({ op: 'ping', tag: i + 1 }));
    // Not faster than they are answered, or the session is cut for that.
    const ping = async () => {
      const { unread } = socket;
      socket.request(pings);
      while (socket.unread === unread && socket.failed === undefined) await new Promise(setImmediate);
    };
    while (socket.unread <= 64 * 1024) await ping();
    socket.request({ op: 'orders', tag: 99 });
    await until(() => socket.of('refused').some(({ tag, name }) => tag === 99 && name === 'BUSY'), 'the refusal');
    while (socket.failed === undefined) await ping();
    assert.match(socket.failed.details, /^BUSY: answers are not read/);
    assert.ok(socket.unread < 2 * 1024 * 1024, `${socket.unread}`);
    socket.session.onClose();
  });

  it('is cut when too many of its messages wait for their turn', () => {
    const socket = open(2, []);
    for (let i = 0; i < 5000 && socket.failed === undefined; i++) socket.request(Array.from({ length: 32 }, () => ({ op: 'ping' })));
    assert.match(socket.failed?.details ?? '', /^BUSY: too many messages wait/);
    socket.session.onClose();
  });

  it('gets a snapshot when its reports may be shown, with what it sent before, and no report first that it may lack', async () => {
    const socket = open(3, ['orders']);
    released = 0;
    socket.request([order(1), { op: 'snapshot', tag: 7 }, order(2)]);
    await until(() => exchange.hub.lastReportNo(3) >= 2, 'the orders to be answered');
    // Another query, which is answered after the snapshot has been made.
    socket.request({ op: 'orders', tag: 8 });
    await until(() => socket.of('orders').length === 1, 'the answer of a query');
    assert.equal(socket.of('snapshot').length, 0);
    socket.request(order(3));
    await until(() => exchange.hub.lastReportNo(3) >= 3, 'the third order to be answered');
    const before = socket.reports.length;
    released = undefined;
    // A further report lets the session go on.
    socket.request(order(4));
    await until(() => socket.reports.length === 4, 'the reports');
    const [snapshot] = socket.of('snapshot');
    assert.deepEqual([snapshot.tag, snapshot.complete], [7, true]);
    assert.ok(snapshot.lastReportNo >= 2 && snapshot.lastReportNo >= before);
    assert.equal(snapshot.orders.length, snapshot.lastReportNo);
    const times = socket.reports.map(({ transactTimeUs }) => transactTimeUs);
    assert.deepEqual(
      snapshot.orders.map(({ acceptedTimeUs }: Message) => acceptedTimeUs),
      times.slice(0, snapshot.orders.length),
    );
    const at = socket.messages.indexOf(snapshot);
    const earlier = socket.messages.slice(0, at).flatMap(({ reports = [] }) => reports as Message[]);
    assert.ok(earlier.every(({ reportNo }) => reportNo <= snapshot.lastReportNo));
    socket.session.onClose();
  });

  it('gets a snapshot with the commands of the same message that come after it', async () => {
    const socket = open(5, []);
    seen = exchange.hub.seenSeq;
    socket.request([{ op: 'snapshot', tag: 1 }, order(1), order(2)]);
    await until(() => exchange.hub.lastReportNo(5) === 2, 'the orders to be answered');
    // A snapshot that did not wait for them would be made before this answer.
    const other = open(5, []);
    other.request({ op: 'orders', tag: 2 });
    await until(() => other.of('orders').length === 1, 'the answer of a query');
    assert.equal(socket.of('snapshot').length, 0);
    seen = undefined;
    socket.session.onTurn();
    await until(() => socket.of('snapshot').length === 1, 'the snapshot');
    const [{ lastReportNo, orders }] = socket.of('snapshot');
    assert.deepEqual([lastReportNo, orders.length], [2, 2]);
    socket.session.onClose();
  });

  it('holds its reports while a snapshot is being made, and sends them after it', async () => {
    const socket = open(6, ['orders']);
    released = 0;
    socket.request([order(1), { op: 'snapshot', tag: 1 }]);
    await until(() => exchange.hub.lastReportNo(6) >= 1, 'the order to be answered');
    // Its answer comes after the engine's state was read for the snapshot.
    socket.request({ op: 'orders', tag: 2 });
    await until(() => socket.of('orders').length === 1, 'the answer of a query');
    const shown = socket.reports.length;
    socket.request(order(2));
    await until(() => exchange.hub.lastReportNo(6) >= 2, 'the second order to be answered');
    for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate);
    assert.equal(socket.reports.length, shown, 'reports wait');
    released = undefined;
    socket.request(order(3));
    await until(() => socket.reports.length === 3, 'the reports');
    const at = socket.messages.indexOf(socket.of('snapshot')[0]);
    assert.ok(at >= 0 && at < socket.messages.findIndex(({ reports = [] }) => reports.some(({ reportNo }: Message) => reportNo === 2)));
    socket.session.onClose();
  });

  it('of a caller who may only read has the stream and queries, and its orders are refused', async () => {
    const reader: Principal = {
      ...ANYBODY,
      subject: 'a reader',
      via: 'token',
      roles: new Set(['read-only']),
      accounts: new Set([7]),
      all: false,
    };
    const trader = open(7, []);
    const socket = open(7, ['orders', 'balances'], reader);
    assert.equal(socket.messages[0].readOnly, true);
    const commands = [
      { ...order(1), tag: 1 },
      { op: 'amend', tag: 2, clOrdId: 1, symbol: 'BTC-USD', leavesQty: '1', price: '0.01' },
      { op: 'amend', tag: 3, clOrdId: 1, leavesQty: '1' },
      { op: 'cancel', tag: 4, clOrdId: 1 },
      { op: 'cancel-all', tag: 5 },
      { op: 'cancel-after', tag: 6, timeoutMs: 0 },
    ];
    for (const command of commands) socket.request(command);
    socket.request({ op: 'snapshot', tag: 7 });
    await until(() => socket.of('refused').length === commands.length && socket.of('snapshot').length === 1, 'the answers');
    const refused = socket.of('refused').map(({ tag, name }) => `${tag} ${name}`);
    assert.deepEqual(
      refused.sort(),
      [1, 2, 3, 4, 5, 6].map((tag) => `${tag} PERMISSION_DENIED`),
    );
    trader.request(order(2));
    await until(() => socket.reports.length === 1, 'the report of another session');
    assert.equal(socket.reports[0].clOrdId, '2');
    for (const each of [socket, trader]) each.session.onClose();
  });

  it('ends when the credentials expire, with a code, and does nothing that is sent afterwards', async () => {
    const socket = open(8, ['orders'], { ...ANYBODY, subject: 'a trader', via: 'token', accounts: new Set([8]), all: false, expiresAt: 1 });
    await until(() => socket.failed !== undefined, 'the end');
    assert.match(socket.failed?.details ?? '', /^UNAUTHENTICATED: the credentials of this session have expired/);
    socket.request({ ...order(1), tag: 1 });
    await new Promise(setImmediate);
    assert.equal(exchange.hub.lastReportNo(8), 0);
    socket.session.onClose();
  });

  it('makes one snapshot at a time, and answers four queries at a time', async () => {
    const socket = open(4, []);
    socket.request([{ op: 'snapshot', tag: 1 }, { op: 'snapshot', tag: 2 }, ...[3, 4, 5, 6].map((tag) => ({ op: 'orders', tag }))]);
    await until(() => socket.of('orders').length === 3 && socket.of('snapshot').length === 1, 'the answers');
    assert.deepEqual(
      socket.of('refused').map(({ tag, name }) => `${tag} ${name}`),
      ['2 BUSY', '6 BUSY'],
    );
    socket.session.onClose();
  });

  it('leaves nothing behind when it ends while a snapshot is being made', async () => {
    const socket = open(4, ['orders', 'balances']);
    socket.request({ op: 'snapshot' });
    socket.session.onClose();
    const { length } = socket.messages;
    await exchange.administer({ kind: CommandKind.Deposit, account: 4, symbol: 1, quantity: 5 });
    await until(() => exchange.sessions.counters.sessions === 0, 'all sessions to leave');
    assert.equal(socket.messages.length, length);
  });

  it('ends when the exchange stops, after its reports', async () => {
    const socket = open(1, ['orders']);
    socket.request({ op: 'cancel-all', tag: 1 });
    await until(() => socket.reports.some(({ execType }) => execType === 'mass-canceled'), 'the answer');
    exchange.drain();
    socket.request({ ...order(500), tag: 2 });
    await until(() => socket.of('refused').length === 1, 'the refusal');
    assert.equal(socket.of('refused')[0].name, 'DRAINING');
    exchange.sessions.end();
    await until(() => socket.ended, 'the end');
    assert.equal(socket.failed, undefined);
  });
});
