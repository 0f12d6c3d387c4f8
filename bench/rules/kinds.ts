import { assert } from '../../engine/assert.ts';
import { SymbolParam } from '../../engine/params.ts';
import type { ExtensionFields } from '../../engine/wire/command-extension.ts';
import { CommandKind, Instruction, LinkKind, OrderType, SelfTradeMode, Side, TimeInForce } from '../../engine/wire/layout.ts';
import { linkWord } from '../../engine/wire/list-link.ts';
import { median } from '../suite/result.ts';
import { FAR, FAR_US, MIDDLE, order, PRICES, resting, times, trailingStop, waitingStop } from './orders.ts';
import { ACCOUNTS, type LongCommand, MeasuredMachine } from './state-machine.ts';
import { clear, inTurns, ratioOf } from './turns.ts';

/** What an order of a kind costs in one window. */
export interface KindCost {
  /** Nanoseconds per order. */
  readonly orderNs: number;
  /** Over that of plain limit orders that do the same, in turns with it. */
  readonly ratio: number;
}

/** Commands of a turn: those that prepare it are not measured. */
interface Turn {
  readonly before?: readonly LongCommand[];
  readonly timed: readonly LongCommand[];
}

/** One kind of order, and the plain limit orders that it is compared with. */
export interface MeasuredKind {
  readonly id: string;
  readonly title: string;
  /** @param id client order ids of the turn are above it */
  special(id: number): Turn;
  plain(id: number): Turn;
  /** Orders of a turn: {@link ORDERS} unless stated. */
  readonly orders?: number;
}

const ORDERS = 1000;
/** Most client order ids of a turn. */
const IDS = 4 * ORDERS;

const { Buy, Sell } = Side;
const { GoodTillDate, Day, AtTheClose } = TimeInForce;

/** A kind of which new orders rest or wait, at the prices of the plain ones. */
function entering(id: string, title: string, special: (id: number, i: number) => LongCommand): MeasuredKind {
  return {
    id: `${id}.enter`,
    title: `New ${title}`,
    special: (first) => ({ timed: times(ORDERS, (i) => special(first, i)) }),
    plain: (first) => ({ timed: times(ORDERS, (i) => resting(first + 1 + i, i)) }),
  };
}

/** Buys of one lot of account 2 at the middle, and sells that they trade with. */
function filled(id: string, title: string, lots: number, extension: ExtensionFields | undefined): MeasuredKind {
  const sells = (first: number): LongCommand[] => times(ORDERS / 100, (i) => order(first + 2 * ORDERS + i, 1, Sell, MIDDLE, 100));
  return {
    id,
    title,
    special: (first) => ({
      before: times(ORDERS / lots, (i) => order(first + 1 + i, 2, Buy, MIDDLE, lots, extension)),
      timed: sells(first),
    }),
    plain: (first) => ({ before: times(ORDERS, (i) => order(first + 1 + i, 2, Buy, MIDDLE, 1)), timed: sells(first) }),
  };
}

/** Sells of account 1 that meet one of its own buys first, then one of account 2. */
function selfTrade(id: string, title: string, mode: SelfTradeMode): MeasuredKind {
  const sells = (first: number, extension?: ExtensionFields): Turn => ({
    before: times(2 * ORDERS, (i) => order(first + 1 + i, 1 + (i & 1), Buy, MIDDLE, 1)),
    timed: times(ORDERS, (i) => order(first + 1 + 2 * ORDERS + i, 1, Sell, MIDDLE, 1, extension)),
  });
  return {
    id: `stp.${id}`,
    title: `Order that meets an own one, ${title}`,
    special: (first) => sells(first, { selfTradeMode: mode }),
    plain: (first) => sells(first),
  };
}

/** A limit order to sell above the middle, and a stop below it. */
function list(kind: LinkKind, id: number, i: number, limit: number): LongCommand[] {
  const account = 1 + (i % ACCOUNTS);
  const leg = (n: number, extension: ExtensionFields): ExtensionFields => ({ ...extension, link: linkWord(kind, n, 2) });
  return [
    order(id + 1 + 2 * i, account, Sell, limit, 10, leg(1, {})),
    order(id + 2 + 2 * i, account, Sell, 0, 10, leg(2, { orderType: OrderType.Stop, stopPrice: MIDDLE - FAR - i })),
  ];
}

function listEnters(id: string, title: string, kind: LinkKind): MeasuredKind {
  return {
    id: `${id}.enter`,
    title: `New order of ${title}`,
    special: (first) => ({ timed: times(ORDERS / 2, (i) => list(kind, first, i, MIDDLE + 1 + ((i * 7919) % PRICES))).flat() }),
    plain: (first) => ({ timed: times(ORDERS, (i) => resting(first + 1 + i, i)) }),
  };
}

/** The first order of each list is filled by lots one after the other. */
function listFills(id: string, title: string, kind: LinkKind): MeasuredKind {
  const buys = (first: number): LongCommand[] => times(ORDERS, (i) => order(first + 1 + 2 * ORDERS + i, 1, Buy, MIDDLE + 1, 5));
  return {
    id: `${id}.fill`,
    title: `Fill of an order of ${title}`,
    special: (first) => ({ before: times(ORDERS / 2, (i) => list(kind, first, i, MIDDLE + 1)).flat(), timed: buys(first) }),
    plain: (first) => ({
      before: times(ORDERS / 2, (i) => order(first + 1 + i, 1 + (i % ACCOUNTS), Sell, MIDDLE + 1, 10)),
      timed: buys(first),
    }),
  };
}

/** Buys at the middle, each with an order that takes its profit; with `legs` 3 also with a stop. */
function family(legs: 2 | 3, id: number, i: number): LongCommand[] {
  const account = 1 + (i % ACCOUNTS);
  const kind = legs === 2 ? LinkKind.OneTriggersOther : LinkKind.Bracket;
  const leg = (n: number, extension: ExtensionFields = {}): ExtensionFields => ({ ...extension, link: linkWord(kind, n, legs) });
  const orders = [
    order(id + 1 + 3 * i, account, Buy, MIDDLE, 10, leg(1)),
    order(id + 2 + 3 * i, account, Sell, MIDDLE + FAR, 10, leg(2)),
    order(id + 3 + 3 * i, account, Sell, 0, 10, leg(3, { orderType: OrderType.Stop, stopPrice: MIDDLE - FAR })),
  ];
  return orders.slice(0, legs);
}

const BRACKET: MeasuredKind = {
  id: 'bracket.enter',
  title: 'New order of a bracket',
  special: (first) => ({ timed: times(ORDERS / 4, (i) => family(3, first, i)).flat() }),
  plain: (first) => ({ timed: times((ORDERS / 4) * 3, (i) => resting(first + 1 + i, i)) }),
  orders: (ORDERS / 4) * 3,
};

/** Sells that fill parents, whose children are live then; against those and as many new orders. */
const PARENT: MeasuredKind = {
  id: 'oto.fill',
  title: 'Fill of a parent, whose child becomes live',
  special: (first) => ({ before: times(ORDERS / 2, (i) => family(2, first, i)).flat(), timed: fillsOfParents(first) }),
  plain: (first) => ({
    before: times(ORDERS / 2, (i) => order(first + 1 + 3 * i, 1 + (i % ACCOUNTS), Buy, MIDDLE, 10)),
    timed: fillsOfParents(first).flatMap((sell, i) => [sell, order(first + 2 + 3 * i, 1 + (i % ACCOUNTS), Sell, MIDDLE + FAR, 10)]),
  }),
  orders: ORDERS / 2,
};

function fillsOfParents(first: number): LongCommand[] {
  return times(ORDERS / 2, (i) => order(first + 3 * ORDERS + i, 1, Sell, MIDDLE, 10));
}

/** Pairs of orders that trade at prices that rise and fall. */
function tradesInWaves(first: number): LongCommand[] {
  return times(ORDERS, (i) => {
    const wave = (i >> 1) % 100;
    return order(first + 1 + 2 * ORDERS + i, 1 + (i & 1), i & 1 ? Sell : Buy, MIDDLE + (wave < 50 ? wave : 100 - wave), 1);
  });
}

function sideOf(i: number): Side {
  return i & 1 ? Sell : Buy;
}

/** Prices that change with each quote of an account. */
function quotePrice(i: number, side: Side): number {
  return side === Buy ? MIDDLE - 1 - ((i * 7) % PRICES) : MIDDLE + 1 + ((i * 11) % PRICES);
}

function quote(i: number): LongCommand {
  const [bid, ask] = [quotePrice(i, Buy), quotePrice(i, Sell)];
  return { kind: CommandKind.Quote, symbol: 1, account: 1 + (i % ACCOUNTS), price: bid, quantity: 10, clientOrderId: ask, orderId: 10 };
}

/** Sides of quotes that the next quotes replace, against amends of as many orders to the same prices. */
const QUOTES: MeasuredKind = {
  id: 'quote.replace',
  title: 'Side of a quote that replaces one',
  special: () => ({ before: times(ACCOUNTS, quote), timed: times(ORDERS / 2, (i) => quote(ACCOUNTS + i)) }),
  plain: (first) => ({
    before: times(2 * ACCOUNTS, (i) => order(first + 1 + i, 1 + (i >> 1), sideOf(i), quotePrice(i >> 1, sideOf(i)), 10)),
    timed: times(ORDERS, (n): LongCommand => {
      const i = ACCOUNTS + (n >> 1);
      const account = i % ACCOUNTS;
      const clientOrderId = first + 1 + 2 * account + (n & 1);
      return {
        kind: CommandKind.Amend,
        account: 1 + account,
        symbol: 1,
        clientOrderId,
        price: quotePrice(i, sideOf(n)),
        quantity: 10,
      };
    }),
  }),
};

const FOLLOW: MeasuredKind = {
  id: 'trailing.follow',
  title: 'Order that trades, beside trailing stops that follow each trade',
  special: (first) => ({ before: times(ORDERS, (i) => trailingStop(first + 1 + i, i)), timed: tradesInWaves(first) }),
  plain: (first) => ({ timed: tradesInWaves(first) }),
};

const PEGS = 10;
const MOVES = ORDERS / PEGS;

/** An order at the best price, and the amends that move it up and down by a tick; each moves the pegged orders. */
function best(first: number): { order: LongCommand; moveTo(price: number): LongCommand } {
  const its = order(first + 1, 1, Buy, MIDDLE, 1);
  return {
    order: its,
    moveTo: (price) => ({ kind: CommandKind.Amend, account: 1, symbol: 1, clientOrderId: first + 1, price, quantity: 1 }),
  };
}

/** Pegged orders that follow the best price of their side, against amends of as many orders to the same prices. */
const PEG_FOLLOW: MeasuredKind = {
  id: 'peg.follow',
  title: 'Pegged order that follows',
  special: (first) => {
    const { order: its, moveTo } = best(first);
    const pegs = times(PEGS, (i) => order(first + 2 + i, 2 + i, Buy, MIDDLE + 1, 10, { instructions: Instruction.PegPrimary }));
    return { before: [its, ...pegs], timed: times(MOVES, (i) => moveTo(MIDDLE - ((i + 1) % 2))) };
  },
  plain: (first) => {
    const { order: its, moveTo } = best(first);
    const others = times(PEGS, (i) => order(first + 2 + i, 2 + i, Buy, MIDDLE, 10));
    const follow = (price: number): LongCommand[] =>
      times(PEGS, (i) => ({ kind: CommandKind.Amend, account: 2 + i, symbol: 1, clientOrderId: first + 2 + i, price, quantity: 10 }));
    const round = (i: number): LongCommand[] => [moveTo(MIDDLE - ((i + 1) % 2)), ...follow(MIDDLE - ((i + 1) % 2))];
    return { before: [its, ...others], timed: times(MOVES, round).flat() };
  },
};

const PEG_ENTER: MeasuredKind = {
  id: 'peg.enter',
  title: 'New pegged order',
  special: (first) => ({
    before: [best(first).order],
    timed: times(ORDERS, (i) => order(first + 2 + i, 2 + (i % 8), Buy, MIDDLE + 1, 10, { instructions: Instruction.PegPrimary })),
  }),
  plain: (first) => ({
    before: [best(first).order],
    timed: times(ORDERS, (i) => order(first + 2 + i, 2 + (i % 8), Buy, MIDDLE, 10)),
  }),
};

const BID = order(0, 1, Buy, MIDDLE, 1);
/** Sells through the bid, which are put one tick above it. */
const REPRICE: MeasuredKind = {
  id: 'reprice.enter',
  title: 'New post-only order that gets another price',
  special: (first) => ({
    before: [{ ...BID, clientOrderId: first + 1 }],
    timed: times(ORDERS, (i) =>
      order(first + 2 + i, 2 + (i % 8), Sell, MIDDLE - 1 - (i % 8), 10, { instructions: Instruction.PostOnly | Instruction.Reprice }),
    ),
  }),
  plain: (first) => ({
    before: [{ ...BID, clientOrderId: first + 1 }],
    timed: times(ORDERS, (i) => order(first + 2 + i, 2 + (i % 8), Sell, MIDDLE + 1, 10)),
  }),
};

export const KINDS: readonly MeasuredKind[] = [
  entering('iceberg', 'iceberg', (id, i) => resting(id + 1 + i, i, { displayedQuantity: 2 })),
  filled('iceberg.part', 'Part of an iceberg that is filled, with the next one', 100, { displayedQuantity: 1 }),
  entering('hidden', 'hidden order', (id, i) => resting(id + 1 + i, i, { instructions: Instruction.Hidden })),
  filled('hidden.fill', 'Fill of a hidden order', 1, { instructions: Instruction.Hidden }),
  entering('day', 'day order', (id, i) => resting(id + 1 + i, i, undefined, Day)),
  entering('gtd', 'good till date order', (id, i) => resting(id + 1 + i, i, { expiryUs: FAR_US + i }, GoodTillDate)),
  entering('auction', 'order at the close', (id, i) => resting(id + 1 + i, i, {}, AtTheClose)),
  REPRICE,
  entering('stop', 'stop order', (id, i) => waitingStop(id + 1 + i, i)),
  entering('trailing', 'trailing stop', (id, i) => trailingStop(id + 1 + i, i)),
  FOLLOW,
  listEnters('oco', 'a one-cancels-other list', LinkKind.OneCancelsOther),
  listFills('oco', 'such a list', LinkKind.OneCancelsOther),
  listEnters('ouo', 'a one-updates-other list', LinkKind.OneUpdatesOther),
  listFills('ouo', 'such a list', LinkKind.OneUpdatesOther),
  QUOTES,
  BRACKET,
  PARENT,
  PEG_ENTER,
  PEG_FOLLOW,
  selfTrade('newest', 'cancel-newest', SelfTradeMode.CancelNewest),
  selfTrade('oldest', 'cancel-oldest', SelfTradeMode.CancelOldest),
  selfTrade('both', 'cancel-both', SelfTradeMode.CancelBoth),
  selfTrade('decrement', 'decrement', SelfTradeMode.Decrement),
];

/** @param turns of each kind. @throws InvariantError if an order is rejected that should not be, or money is not conserved */
export function runKinds(turns: number, onTurn: () => void): Readonly<Record<string, KindCost>> {
  const [plain, special] = [new MeasuredMachine(2 ** 14), new MeasuredMachine(2 ** 14)];
  for (const machine of [plain, special]) prepare(machine);
  const costs: Record<string, KindCost> = {};
  let first = 10;
  for (const kind of KINDS) {
    const once = (machine: MeasuredMachine, { before = [], timed }: Turn): number => {
      machine.run(before);
      const took = machine.run(timed);
      assert(machine.rejects === 0, `rules: ${kind.id}: an order was rejected with code ${machine.rejectCode}`);
      clear(machine);
      return took;
    };
    const at = (turn: number): number => first + turn * IDS;
    const found = inTurns(
      turns,
      (turn) => once(plain, kind.plain(at(turn))),
      (turn) => once(special, kind.special(at(turn))),
      onTurn,
    );
    first = at(turns);
    costs[kind.id] = { orderNs: median(found.other) / (kind.orders ?? ORDERS), ratio: ratioOf(found) };
  }
  for (const { exchange } of [plain, special])
    for (const asset of [1, 2]) assert(exchange.accounts.imbalance(asset) === 0, 'rules: money is conserved');
  return costs;
}

/** A session, a last price, and watched prices, as in the machine with stops. */
function prepare(machine: MeasuredMachine): void {
  machine.run([
    { kind: CommandKind.SetSymbol, symbol: 1, parameter: SymbolParam.SessionEnd, quantity: FAR_US },
    order(1, 1, Buy, MIDDLE, 1),
    order(2, 2, Sell, MIDDLE, 1),
    order(3, 1, Sell, 0, 1, { orderType: OrderType.Stop, stopPrice: 1 }),
  ]);
  clear(machine);
}
