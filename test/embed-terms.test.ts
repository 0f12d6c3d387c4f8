/** Random calls: the same commands as the client's own encoder makes, and results that say what the reports say. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { createExchange, type EmbeddedExchange, EmbedError, type PlaceOrder, type ReportCopy, stateHash } from '../engine/index.ts';
import { encodeCommand } from '../engine/machine/command.ts';
import { checkCommand, checkLongCommand } from '../engine/wire/check-command.ts';
import { encodeExtension } from '../engine/wire/command-extension.ts';
import { CommandFlag, CommandKind, Instruction } from '../engine/wire/layout.ts';
import { ORDER_TYPE_NAMES, PEG_NAMES, SELF_TRADE_NAMES, TIME_IN_FORCE_NAMES } from '../engine/wire/names.ts';
import { newOrder } from '../gateway/client/order-commands.ts';
import { SymbolUnits } from '../gateway/client/symbols.ts';
import type { PlaceOrder as ClientOrder } from '../gateway/client/types.ts';
import { times } from './support/long-runs.ts';

const LIMITS = { orders: 1024, pages: 256, accounts: 8, assets: 4, symbols: 4, rememberedOrders: 1024, rememberedKeys: 64 };
const UNITS = new SymbolUnits({ id: 1, name: 'BTC-USD', tickSize: '0.01', lotSize: '0.01' });

function open(): EmbeddedExchange {
  return createExchange({
    limits: LIMITS,
    startUs: 1_000_000,
    assets: [
      { name: 'USD', decimals: 4 },
      { name: 'BTC', decimals: 4 },
    ],
    symbols: [{ name: 'BTC-USD', base: 'BTC', quote: 'USD', tickSize: '0.01', lotSize: '0.01', takerFeePpm: 300, makerFeePpm: -100 }],
    accounts: ['a', 'b', 'c'].map((name) => ({ name, deposits: { USD: '100000', BTC: '100' } })),
  });
}

const maybe = <Value>(values: fc.Arbitrary<Value>, weight = 4) => fc.option(values, { freq: weight, nil: undefined });
const price = fc.integer({ min: 9990, max: 10_010 }).map((ticks) => UNITS.price(ticks));
const orders = fc
  .record({
    account: fc.constantFrom('a', 'b', 'c'),
    side: fc.constantFrom('buy' as const, 'sell' as const),
    quantity: fc.integer({ min: 1, max: 30 }).map((lots) => UNITS.quantity(lots)),
    price: fc.option(price, { freq: 8, nil: undefined }),
    type: fc.oneof({ weight: 12, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: fc.constantFrom(...ORDER_TYPE_NAMES) }),
    timeInForce: fc.oneof(
      { weight: 6, arbitrary: fc.constant(undefined) },
      { weight: 1, arbitrary: fc.constantFrom(...TIME_IN_FORCE_NAMES) },
    ),
    postOnly: fc.constantFrom(undefined, undefined, undefined, undefined, undefined, undefined, true, false),
    one: fc.constantFrom('none', 'none', 'none', 'stop', 'trail', 'ppm', 'peg', 'iceberg', 'hidden', 'minimum', 'gtd', 'stp', 'reprice'),
    at: price,
    little: fc.integer({ min: 1, max: 12 }),
    flag: fc.boolean(),
    odd: fc.option(fc.constantFrom('displayedQuantity', 'stopPrice', 'minQuantity', 'limitOffset', 'pegOffset', 'activationPrice'), {
      freq: 1,
      nil: undefined,
    }),
  })
  .map(({ one, at, little, flag, odd, ...plain }): Omit<PlaceOrder, 'symbol'> => {
    const small = UNITS.price(little);
    const lots = UNITS.quantity(little);
    const terms: Record<typeof one, object> = {
      none: {},
      stop: { stopPrice: at, ...(flag && { triggerNow: true, trigger: 'reference' }) },
      trail: { price: undefined, trailOffset: small, reportTrail: flag, ...(flag && { limitOffset: small, activationPrice: at }) },
      ppm: { price: undefined, trailPpm: 100 * little },
      peg: { peg: PEG_NAMES[1 + (little % 3)], pegOffset: flag ? small : `-${small}` },
      iceberg: { displayedQuantity: lots },
      hidden: { hidden: true },
      minimum: { timeInForce: 'ioc', minQuantity: lots },
      gtd: { timeInForce: undefined, expiresUs: 1_000_000 + little },
      stp: { selfTrade: SELF_TRADE_NAMES[little % SELF_TRADE_NAMES.length] },
      reprice: { postOnly: true, reprice: true },
    };
    return { ...plain, ...terms[one], ...(odd !== undefined && { [odd]: odd.endsWith('Quantity') ? lots : small }) };
  });

/** What the client's encoder makes of an order; undefined if it refuses it. */
function byClient(order: Omit<PlaceOrder, 'symbol'>, account: number, clientOrderId: number): Uint8Array | undefined {
  const { account: _, expiresUs, tag: _tag, ...rest } = order;
  const given = Object.fromEntries(Object.entries({ ...rest, symbol: 1, expires: expiresUs }).filter(([, value]) => value !== undefined));
  let command: ReturnType<typeof newOrder>;
  try {
    command = newOrder(given as unknown as ClientOrder, UNITS, clientOrderId);
  } catch {
    return undefined;
  }
  const u8 = new Uint8Array(128);
  const words = new Int32Array(u8.buffer);
  const { terms } = command;
  if (terms.long)
    encodeExtension(u8, words, 0, {
      ...terms,
      instructions: terms.instructions,
      stopPrice: command.stopPrice,
      displayedQuantity: command.displayedQuantity,
      minQuantity: command.minQuantity || Math.abs(command.trailOffset) || command.pegOffset,
    });
  const timeInForce = terms.long ? terms.timeInForce : shortForm(terms);
  encodeCommand(u8, words, 1, {
    kind: CommandKind.New,
    side: command.side,
    timeInForce,
    parameter: terms.long ? CommandFlag.Extended : 0,
    symbol: 1,
    account,
    clientOrderId,
    price: command.price,
    quantity: command.quantity,
  });
  const code = terms.long ? checkLongCommand(u8, words, 0, 1, account) : checkCommand(u8, words, 1, account);
  return code === 0 ? u8 : undefined;
}

/** The time in force of a short order, which includes its type and whether it is post-only. */
function shortForm({ orderType, timeInForce, instructions }: ReturnType<typeof newOrder>['terms']): number {
  if (ORDER_TYPE_NAMES[orderType] === 'market') return TIME_IN_FORCE_NAMES.indexOf('market');
  return (instructions & Instruction.PostOnly) !== 0 ? TIME_IN_FORCE_NAMES.indexOf('post-only') : timeInForce;
}

it('random orders become the commands of the client, or both refuse them', () => {
  let [sent, refused, clientOrderId] = [0, 0, 0];
  const exchange = open();
  const applied = recordCommands(exchange);
  fc.assert(
    fc.property(orders, (order) => {
      clientOrderId++;
      const expected = byClient(order, exchange.account(order.account).id, clientOrderId);
      applied.length = 0;
      try {
        exchange.place({ ...order, symbol: 'BTC-USD', clientOrderId });
      } catch (error) {
        assert.ok(error instanceof EmbedError, String(error));
      }
      if (expected === undefined) {
        refused++;
        return assert.equal(applied.length, 0, `only the client refuses ${JSON.stringify(order)}`);
      }
      sent++;
      const isLong = expected[64 + 3] !== 0;
      const commands = applied.slice(0, isLong ? 2 : 1).map(withoutStamps);
      const wanted = (isLong ? [expected.slice(0, 64), expected.slice(64)] : [expected.slice(64)]).map(withoutStamps);
      assert.deepEqual(commands, wanted, JSON.stringify(order));
    }),
    { numRuns: times(500, 5000) },
  );
  assert.ok(sent > 100 && refused > 20, `${sent} sent, ${refused} refused`);
});

/** All commands that are applied from now on. */
function recordCommands({ machine }: EmbeddedExchange): Uint8Array[] {
  const commands: Uint8Array[] = [];
  const { apply } = machine;
  machine.apply = (bytes, words, slot) => {
    commands.push(bytes.slice(slot * 64, slot * 64 + 64));
    apply.call(machine, bytes, words, slot);
  };
  return commands;
}

/** Without seq and time. */
function withoutStamps(command: Uint8Array): string {
  return Buffer.from(command.fill(0, 16, 32)).toString('hex');
}

const steps = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ what: fc.constant('place' as const), order: orders }) },
    {
      weight: 2,
      arbitrary: fc.record({
        what: fc.constant('amend' as const),
        account: fc.constantFrom('a', 'b', 'c'),
        which: fc.nat(40),
        price: maybe(price, 3),
        quantity: maybe(fc.integer({ min: 1, max: 30 }), 3),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ what: fc.constant('cancel' as const), account: fc.constantFrom('a', 'b', 'c'), which: fc.nat(40) }),
    },
    { weight: 1, arbitrary: fc.record({ what: fc.constant('wait' as const), us: fc.nat(2000) }) },
  ),
  { minLength: 1, maxLength: 60 },
);

it('results say what the reports of their order say, and the bare state machine has the same state after the same commands', () => {
  fc.assert(
    fc.property(steps, (script) => {
      const exchange = open();
      const commands = recordCommands(exchange);
      let reports: ReportCopy[] = [];
      exchange.on('report', (report) => reports.push(report.copy()));
      for (const step of script) {
        reports = [];
        if (step.what === 'wait') {
          exchange.advanceTo(exchange.nowUs + step.us);
          continue;
        }
        let result: ReturnType<EmbeddedExchange['place']>;
        try {
          if (step.what === 'place') result = exchange.place({ ...step.order, symbol: 'BTC-USD' });
          else {
            const target = { account: step.account, orderId: step.which };
            const { price: limit, quantity } = step.what === 'amend' ? step : {};
            const terms = { ...(limit !== undefined && { price: limit }), ...(quantity !== undefined && { quantity }) };
            result = step.what === 'amend' ? exchange.amend({ ...target, ...terms }) : exchange.cancel(target);
          }
        } catch (error) {
          assert.ok(error instanceof EmbedError, String(error));
          assert.equal(reports.length, 0);
          continue;
        }
        if (reports.length === 0) {
          assert.equal(result.accepted, false, 'a command that was not sent is not accepted');
          continue;
        }
        const own = reports.filter(({ orderId }) => result.orderId !== 0 && orderId === result.orderId);
        const fills = own.filter(({ kind }) => kind === 'fill');
        if (step.what === 'place')
          assert.equal(
            result.accepted,
            own.some(({ kind }) => kind === 'accepted'),
          );
        if (!result.accepted) continue;
        assert.deepEqual(
          result.fills.map(({ tradeId, price: text, quantityLots, feeUnits }) => [tradeId, text, quantityLots, feeUnits]),
          fills.map(({ tradeId, price: text, quantityLots, feeUnits }) => [tradeId, text, quantityLots, feeUnits]),
        );
        const open_ = exchange.order({ account: own[0].account, orderId: result.orderId });
        assert.equal(result.leavesLots, open_?.leavesLots ?? 0, JSON.stringify([step, own.map(({ kind, leaves }) => [kind, leaves])]));
        assert.equal(result.status === 'open', open_ !== undefined);
      }
      const bare = open().machine;
      for (const command of commands) bare.apply(command, new Int32Array(command.buffer), 0);
      assert.equal(stateHash(bare), exchange.stateHash());
    }),
    { numRuns: times(60, 600) },
  );
});
