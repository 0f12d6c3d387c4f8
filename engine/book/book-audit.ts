import { fail } from '../assert.ts';
import { isAuctionMarket } from '../wire/order-kinds.ts';
import type { OrderBook } from './order-book.ts';
import { ICEBERG, LINKED, type OrderSlab, STOP_BY_REFERENCE, TRAILING } from './order-slab.ts';
import {
  LEVEL_DOUBLES,
  LEVEL_ORDERS,
  LEVEL_PAYER,
  LEVEL_QUANTITY,
  LEVEL_TAIL,
  LEVEL_WORDS,
  type LevelPages,
  type PriceLadder,
} from './price-ladder.ts';
import type { StopBook } from './stop-book.ts';

const NIL = -1;
const UNKNOWN = -1;
const PAGE_LEVELS = 64;

/**
 * Checks all data structures of one book against each other. Throws an
 * InvariantError that names the first inconsistency. Meant for tests, `openbell
 * verify` and debugging: time grows with orders and prices, memory with the slab.
 *
 * @param mayCross false outside an auction: the book must not be crossed then
 */
export function auditBook(book: OrderBook, mayCross = true): void {
  auditOne(book, mayCross, new Uint8Array(book.slab.capacity));
}

/**
 * Runs auditBook for every book of a slab. Also checks that slab and pages hold nothing else.
 * @param books all books that share the slab and the pages @param stops the pending stops by symbol, which share the slab too @param waiting slots of the orders that wait for an auction, and of those that are parked @param children slots of those that wait for fills of their parent
 */
export function auditBooks(
  slab: OrderSlab,
  pages: LevelPages,
  books: readonly OrderBook[],
  mayCross: (book: OrderBook) => boolean,
  stops: readonly (StopBook | undefined)[] = [],
  waiting: Iterable<number> = [],
  children: Iterable<number> = [],
): void {
  const seen = new Uint8Array(slab.capacity);
  const held = new Int32Array(pages.held.length);
  let orders = 0;
  let pagesUsed = 0;
  for (const book of books) {
    if (book.slab !== slab || book.pages !== pages) fail(`audit: book ${book.symbol} has its orders elsewhere`);
    const counts = auditOne(book, mayCross(book), seen);
    orders += counts.orders;
    pagesUsed += counts.pages;
    for (const account of payersOf(book)) held[account]++;
  }
  let pending = 0;
  for (const [symbol, book] of stops.entries()) if (book !== undefined) pending += auditStops(slab, symbol, book, seen);
  for (const slot of waiting) {
    if (seen[slot] !== 0 || slab.level(slot) !== -2) fail(`audit: slot ${slot} waits outside the book, at level ${slab.level(slot)}`);
    seen[slot] = 1;
    pending++;
  }
  for (const slot of children) {
    if (seen[slot] !== 0 || slab.open(slot) !== 0 || slab.held(slot) !== 0) fail(`audit: slot ${slot} waits for its parent, and is open`);
    seen[slot] = 1;
    pending++;
  }
  if (orders + pending !== slab.count) fail(`audit: ${orders} orders rest, ${pending} are pending, the slab counts ${slab.count}`);
  if (pagesUsed !== pages.count) fail(`audit: the ladders have ${pagesUsed} pages, the pool gave ${pages.count}`);
  const wrong = held.findIndex((count, account) => count !== pages.held[account]);
  if (wrong !== -1) fail(`audit: account ${wrong} pays for ${held[wrong]} pages, and is charged for ${pages.held[wrong]}`);
  for (let slot = 0; slot < slab.capacity; slot++) {
    if ((slab.level(slot) === NIL) === (seen[slot] === 1)) fail(`audit: slot ${slot}: level and queue disagree on whether the order rests`);
  }
}

/** Checks the heaps of a symbol's stops. Returns the number of stops. */
function auditStops(slab: OrderSlab, symbol: number, book: StopBook, seen: Uint8Array): number {
  for (const [number, heap] of [...book.heaps, ...book.begins].entries()) {
    for (const [at, slot] of heap.slots().entries()) {
      const where = `audit: stops of ${symbol}, heap ${number}, slot ${slot}:`;
      if (seen[slot] !== 0) fail(`${where} is open twice`);
      seen[slot] = 1;
      if (slab.level(slot) !== -2 - at) fail(`${where} is at place ${at}, its level is ${slab.level(slot)}`);
      const begins = number >= book.heaps.length;
      const terms = begins ? number - book.heaps.length : (number >> 1) + (number & 1) * STOP_BY_REFERENCE;
      const others = LINKED | TRAILING | (ICEBERG >> 16) | (begins ? STOP_BY_REFERENCE : 0);
      if (slab.symbol(slot) !== symbol || (slab.sideBits(slot) & ~others) !== terms) fail(`${where} has other terms`);
      if (at > 0 && heap.before(slot, heap.slots()[(at - 1) >> 1])) fail(`${where} is behind a later one`);
      if (slab.find(slab.id[slot]) !== slot) fail(`${where} is not found under its id`);
    }
  }
  for (const trail of book.trails) {
    for (const slot of trail?.slots() ?? []) {
      const where = `audit: trailing stops of ${symbol}, slot ${slot}:`;
      if (seen[slot] !== 0) fail(`${where} is open twice`);
      seen[slot] = 1;
      if (slab.level(slot) >= NIL || slab.symbol(slot) !== symbol || (slab.sideBits(slot) & TRAILING) === 0)
        fail(`${where} has other terms`);
      if (slab.find(slab.id[slot]) !== slot) fail(`${where} is not found under its id`);
    }
  }
  return book.count;
}

function auditOne(book: OrderBook, mayCross: boolean, seen: Uint8Array): { orders: number; pages: number } {
  let orders = 0;
  let pages = 0;
  for (const side of [0, 1]) {
    const ladder = side === 0 ? book.bids : book.asks;
    pages += auditLadder(book, ladder, side);
    orders += auditQueues(book, ladder, side, seen);
  }
  if (!mayCross && book.bestAsk() !== 0 && book.bestBid() >= book.bestAsk()) {
    fail(`audit: book ${book.symbol} is crossed: bid ${book.bestBid()}, ask ${book.bestAsk()}`);
  }
  auditHidden(book);
  auditReferences(book);
  auditAuction(book);
  return { orders, pages };
}

/** Checks the prices that pegged orders follow. */
function auditReferences(book: OrderBook): void {
  if (book.followed === 0) return;
  for (const side of [0, 1]) {
    let best = 0;
    book.ordersInPriority(side, (slot) => {
      if (best === 0 && !book.slab.isHidden(slot) && !book.slab.isPegged(slot)) best = book.slab.price(slot);
    });
    const price = book.referencePrice(side);
    if (price !== best) fail(`audit: book ${book.symbol}, side ${side}: the reference price is ${price}, should be ${best}`);
  }
}

/** Checks the number of hidden orders. */
function auditHidden(book: OrderBook): void {
  let hidden = 0;
  for (const side of [0, 1]) {
    book.ordersInPriority(side, (slot) => {
      if (book.slab.isHidden(slot)) hidden++;
    });
  }
  if (book.hiddenOrders !== hidden) fail(`audit: book ${book.symbol} counts ${book.hiddenOrders} hidden orders, and has ${hidden}`);
}

/** Checks bits against orders, each height against the one below, the best price and the pages. Returns pages in use. */
function auditLadder(book: OrderBook, ladder: PriceLadder, side: number): number {
  const where = `audit: book ${book.symbol}, ${side === 0 ? 'bids' : 'asks'}:`;
  const { bits, directory } = ladder;
  auditPyramid(ladder, where);
  let lowest = ladder.none;
  for (let page = directory.length - 1; page >= 0; page--) {
    if (directory[page] === 0) {
      if ((bits[page * 2] | bits[page * 2 + 1]) !== 0) fail(`${where} page ${page} has orders and no levels`);
      continue;
    }
    for (let key = page * PAGE_LEVELS + PAGE_LEVELS - 1; key >= page * PAGE_LEVELS; key--) {
      const orders = book.pages.words[ladder.levelOf(key) * LEVEL_WORDS + LEVEL_ORDERS];
      if (orders > 0 !== ladder.isOccupied(key)) fail(`${where} key ${key} has ${orders} orders, its bit does not match`);
      if (orders > 0) lowest = key;
    }
  }
  if (ladder.best !== lowest) fail(`${where} best key is ${ladder.best}, should be ${lowest}`);
  const second = lowest === ladder.none ? lowest : ladder.next(lowest + 1);
  if (ladder.second !== UNKNOWN && ladder.second !== second) fail(`${where} second key is ${ladder.second}, should be ${second}`);
  let pages = 0;
  for (let page = 0; page < directory.length; page++) {
    if (directory[page] === 0) continue;
    pages++;
    if ((bits[page * 2] | bits[page * 2 + 1]) === 0) fail(`${where} page ${page} is kept without orders`);
    auditPayer(book, directory[page] * PAGE_LEVELS, `${where} page ${page}`);
  }
  return pages;
}

/** Checks each height against the one below, the lowest one against the keys, and the zero words behind them. */
function auditPyramid({ bits, starts, directory }: PriceLadder, where: string): void {
  let below = Array.from(directory, (_, page) => bits[2 * page] | bits[2 * page + 1]);
  for (let height = 1; height < starts.length; height++) {
    const words = Math.ceil(below.length / 32);
    const marks = bits.subarray(starts[height], starts[height] + words);
    for (const [bit, word] of below.entries()) {
      const marked = ((marks[bit >>> 5] >>> (bit & 31)) & 1) === 1;
      if (marked !== (word !== 0)) fail(`${where} height ${height} has a wrong bit ${bit}`);
    }
    if (bits[starts[height] - 1] !== 0 || bits[starts[height] + words] !== 0)
      fail(`${where} a word behind height ${height} or the one below is not zero`);
    below = [...marks];
  }
}

/** Checks that one order of a page, which rests at its level, pays for it. */
function auditPayer({ pages, slab }: OrderBook, firstLevel: number, where: string): void {
  let payers = 0;
  for (let level = firstLevel; level < firstLevel + PAGE_LEVELS; level++) {
    const payer = pages.words[level * LEVEL_WORDS + LEVEL_PAYER] - 1;
    if (payer === NIL) continue;
    payers++;
    if (slab.level(payer) !== level) fail(`${where}: its payer, slot ${payer}, is not at the level that has it`);
  }
  if (payers !== 1) fail(`${where} has ${payers} payers`);
}

/** Account of the payer of each page of a book. */
function* payersOf(book: OrderBook): Generator<number> {
  for (const { directory } of [book.bids, book.asks]) {
    for (const page of directory) {
      if (page === 0) continue;
      for (let level = page * PAGE_LEVELS; level < (page + 1) * PAGE_LEVELS; level++) {
        const payer = book.pages.words[level * LEVEL_WORDS + LEVEL_PAYER] - 1;
        if (payer !== NIL) yield book.slab.account(payer);
      }
    }
  }
}

/** Checks links, sums, columns and the id index of every queue. Returns the number of orders. */
function auditQueues(book: OrderBook, ladder: PriceLadder, side: number, seen: Uint8Array): number {
  const { slab } = book;
  const { words, doubles } = book.pages;
  let total = 0;
  for (let key = ladder.best; key !== ladder.none; key = ladder.next(key + 1)) {
    const level = ladder.levelOf(key);
    const price = key ^ ladder.flip;
    const where = `audit: book ${book.symbol}, side ${side}, price ${price}:`;
    let orders = 0;
    let lots = 0;
    let reserved = 0;
    let quiet = 0;
    let firstHidden = NIL;
    let lastMarket = NIL;
    let before = NIL;
    for (let slot = words[level * LEVEL_WORDS]; slot !== NIL; slot = slab.next(slot)) {
      if (seen[slot] !== 0) fail(`${where} slot ${slot} is queued twice`);
      seen[slot] = 1;
      if (slab.prev(slot) !== before) fail(`${where} slot ${slot} has prev ${slab.prev(slot)}, should be ${before}`);
      if (slab.level(slot) !== level) fail(`${where} slot ${slot} is at level ${slab.level(slot)}, should be ${level}`);
      if (slab.price(slot) !== price || slab.side(slot) !== side) fail(`${where} slot ${slot} has another price or side`);
      if (!(slab.open(slot) > 0)) fail(`${where} slot ${slot} has ${slab.open(slot)} open`);
      if (slab.find(slab.id[slot]) !== slot) fail(`${where} order ${slab.id[slot]} is not found under its id`);
      orders++;
      if (slab.isHidden(slot) || slab.isPegged(slot)) quiet++;
      if (slab.isHidden(slot)) {
        if (firstHidden === NIL) firstHidden = slot;
      } else if (firstHidden !== NIL) fail(`${where} slot ${slot} is displayed behind a hidden order`);
      if (isAuctionMarket(slab.lifetime(slot))) {
        if (before !== lastMarket) fail(`${where} the market order in slot ${slot} is behind a limit order`);
        lastMarket = slot;
      }
      lots += slab.open(slot);
      reserved += slab.total(slot) - slab.open(slot);
      if (slab.total(slot) < slab.open(slot)) fail(`${where} slot ${slot} has a reserve below 0`);
      before = slot;
    }
    if (words[level * LEVEL_WORDS + LEVEL_TAIL] !== before) fail(`${where} tail is not the last order`);
    if (words[level * LEVEL_WORDS + LEVEL_ORDERS] !== orders) fail(`${where} order count of the level is not ${orders}`);
    if (doubles[level * LEVEL_DOUBLES + LEVEL_QUANTITY] !== lots) fail(`${where} quantity of the level is not ${lots} lots`);
    const first = words[level * LEVEL_WORDS];
    if (book.places.firstHiddenAt(first) !== firstHidden) fail(`${where} first hidden order is not in slot ${firstHidden}`);
    if ((book.pages.lastMarket[level] ?? 0) !== lastMarket + 1) fail(`${where} last market order is not in slot ${lastMarket}`);
    if ((book.pages.reserves[level] ?? 0) !== reserved) fail(`${where} reserve of the level is not ${reserved} lots`);
    if ((book.pages.quiet[level] ?? 0) !== quiet) fail(`${where} orders that are no reference are not ${quiet}`);
    total += orders;
  }
  return total;
}

/** Checks the demand and supply that are kept between calls against the orders. */
function auditAuction(book: OrderBook): void {
  const { pivot, demand, supply } = book.auction;
  if (pivot === NIL) return;
  let bids = 0;
  let asks = 0;
  book.ordersInPriority(0, (slot) => {
    if (book.slab.price(slot) >= pivot) bids += book.slab.total(slot);
  });
  book.ordersInPriority(1, (slot) => {
    if (book.slab.price(slot) <= pivot) asks += book.slab.total(slot);
  });
  if (bids !== demand || asks !== supply)
    fail(`audit: book ${book.symbol}: at ${pivot} demand ${demand}, supply ${supply}, should be ${bids}, ${asks}`);
}
