/** The work for both books, independent of their interfaces. */

export interface Order {
  readonly id: number;
  /** 0 = buy, 1 = sell. */
  readonly side: 0 | 1;
  /** Ticks. */
  readonly price: number;
  /** Lots. */
  readonly quantity: number;
}

/** All of one kind: `new` enters the orders, `cancel` removes them, `move` changes the price of resting ones. */
export interface Work {
  readonly kind: 'new' | 'cancel' | 'move';
  readonly orders: readonly Order[];
}

/** One measured operation. After `before`, `timed` and `after`, the book is unchanged. */
export interface BookCase {
  readonly name: string;
  readonly title: string;
  readonly before?: Work;
  /** The only measured part. */
  readonly timed: Work;
  readonly after?: Work;
  /** The required result of `timed`, in either book. */
  readonly fills: number;
}

/** Resting before each case: orders of LOTS lots, ORDERS_A_LEVEL on each of LEVELS prices a side. */
export const LEVELS = 500;
export const ORDERS_A_LEVEL = 2;
export const MAX_PRICE = 2 ** 14;
const LOTS = 10;
const MID = MAX_PRICE / 2;
/** Operations of add, cancel and amend between two readings of the clock; crossing orders empty half a side instead. */
const BATCH = 500;
const CROSSED_LEVELS = LEVELS / 2;
const FIRST_NEW_ID = 2 * LEVELS * ORDERS_A_LEVEL + 1;

/** Seeded, so that every run has the same work. */
let random = 7;
function below(bound: number): number {
  random = (Math.imul(random, 1664525) + 1013904223) | 0;
  return Math.floor(((random >>> 0) / 2 ** 32) * bound);
}

function shuffled<T>(items: readonly T[]): T[] {
  const all = [...items];
  for (let i = all.length - 1; i > 0; i--) {
    const j = below(i + 1);
    [all[i], all[j]] = [all[j], all[i]];
  }
  return all;
}

/** @param away levels from the middle, from 1 */
function priceAt(side: 0 | 1, away: number): number {
  return side === 0 ? MID - away : MID + away;
}

function baseOrders(): Order[] {
  const orders: Order[] = [];
  for (let turn = 0; turn < ORDERS_A_LEVEL; turn++)
    for (let away = 1; away <= LEVELS; away++)
      for (const side of [0, 1] as const) orders.push({ id: orders.length + 1, side, price: priceAt(side, away), quantity: LOTS });
  return orders;
}

/** One in six prices has no orders yet. */
function moreOrders(): Order[] {
  return Array.from({ length: BATCH }, (_, index) => {
    const side = below(2) as 0 | 1;
    return { id: FIRST_NEW_ID + index, side, price: priceAt(side, 1 + below(LEVELS * 1.2)), quantity: LOTS };
  });
}

/** Buy orders that each take exactly `levels` whole levels. */
function crossing(name: string, title: string, levels: number): BookCase {
  const takers = Array.from({ length: CROSSED_LEVELS / levels }, (_, index): Order => {
    const price = priceAt(1, (index + 1) * levels);
    return { id: FIRST_NEW_ID + index, side: 0, price, quantity: levels * ORDERS_A_LEVEL * LOTS };
  });
  const taken = base.orders.filter(({ side, price }) => side === 1 && price <= priceAt(1, CROSSED_LEVELS));
  return { name, title, timed: { kind: 'new', orders: takers }, after: { kind: 'new', orders: taken }, fills: taken.length };
}

/** The initial book of all cases. */
export const base: Work = { kind: 'new', orders: baseOrders() };
const more = moreOrders();
const still = shuffled(base.orders).slice(0, BATCH);
const moved = still.map((order) => ({ ...order, price: priceAt(order.side, 1 + below(LEVELS)) }));

export const CASES: readonly BookCase[] = [
  { name: 'add', title: 'Add', timed: { kind: 'new', orders: more }, after: { kind: 'cancel', orders: more }, fills: 0 },
  {
    name: 'cancel',
    title: 'Cancel, in random order',
    before: { kind: 'new', orders: more },
    timed: { kind: 'cancel', orders: shuffled(more) },
    fills: 0,
  },
  {
    name: 'amend',
    title: 'Amend to another price',
    timed: { kind: 'move', orders: moved },
    after: { kind: 'move', orders: still },
    fills: 0,
  },
  crossing('cross1', 'Cross 1 level: 2 fills', 1),
  crossing('cross10', 'Cross 10 levels: 20 fills', 10),
];
