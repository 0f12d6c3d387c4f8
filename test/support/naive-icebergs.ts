/** What an iceberg has besides its terms. */
export interface NaiveIceberg {
  /** Lots that each part displays. */
  display: number;
  /** Of the present part, what is left. */
  shown: number;
  /** Ids of the present part and of the first one. */
  id: number;
  first: number;
}

/** An order, as far as parts go. */
interface Order {
  id: number;
  hidden?: boolean;
  arrivalId?: number;
  open: number;
  iceberg?: NaiveIceberg;
}

/** What trades of an order at a time: its id in market data, 0 for a hidden one, and the quantity. */
export function shownOf({ id, open, hidden, iceberg }: Order): [id: number, lots: number] {
  return iceberg ? [iceberg.id, iceberg.shown] : [hidden ? 0 : id, open];
}

/** After lots were taken off the whole: what is not displayed goes first. */
export function shrink({ open, iceberg }: Order): void {
  if (iceberg) iceberg.shown = Math.min(iceberg.shown, open);
}

/** The order comes to its price: its first part is displayed under `id`. */
export function firstPart({ open, iceberg }: Order, id: number): void {
  if (iceberg) Object.assign(iceberg, { shown: Math.min(iceberg.display, open), id, first: id });
}

/** The part traded; returns true if the next one is displayed. @param nextId gives the id of it @param least lots that it has, if there are so many */
export function tradedPart({ open, iceberg }: Order, lots: number, nextId: () => number, least: () => number): boolean {
  if (!iceberg) return false;
  iceberg.shown -= lots;
  if (iceberg.shown > 0 || open === 0) return false;
  iceberg.shown = Math.min(Math.max(iceberg.display, least()), open);
  iceberg.id = nextId();
  return true;
}

/** The orders at one price in the sequence in which an order takes from them: part by part, and in turn. */
export function* partsInTurn<T extends Order>(orders: readonly T[]): Generator<{ order: T; lots: number }> {
  for (const hides of [false, true]) {
    const turns = orders
      .filter(({ hidden = false }) => hidden === hides)
      .map((order) => ({ order, lots: shownOf(order)[1], left: order.open }));
    for (let turn = turns.shift(); turn !== undefined; turn = turns.shift()) {
      yield { order: turn.order, lots: turn.lots };
      const left = turn.left - turn.lots;
      if (left > 0) turns.push({ order: turn.order, lots: Math.min(left, turn.order.iceberg?.display ?? left), left });
    }
  }
}

/** The code's condition: whether an iceberg may display parts of `display` lots. */
export function canDisplay(display: number, quantity: number, least: number): boolean {
  return display >= least && display <= quantity && display * 100 >= quantity;
}

/** The rows of a snapshot. @param book all orders that rest */
export function icebergRows({ id, iceberg, arrivalId = id }: Order, book: readonly Order[]): number[][] {
  if (iceberg) return [[35, id, iceberg.display, iceberg.shown, iceberg.id, iceberg.first]];
  const hidden = book.filter((o) => o.hidden).map((o) => o.arrivalId ?? o.id);
  return arrivalId > id && hidden.some((other) => other <= arrivalId) ? [[35, id, 0, 0, 0, arrivalId]] : [];
}
