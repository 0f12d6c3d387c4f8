import { CommandKind, Phase } from '../../engine/wire/layout.ts';
import type { LongCommandFields } from './exchange-fixture.ts';
import type { NaiveExchange } from './naive-exchange.ts';
import type { NaiveReport } from './naive-order.ts';
import { follow, reportTrails, triggerNext } from './naive-triggers.ts';

/** The command as an exchange sees it that it is not for. */
const OTHER: LongCommandFields = { kind: CommandKind.Tick };

/**
 * A naive exchange per symbol, each with its own accounts. They have order ids and the share of a command in common, in which
 * symbols take turns: for children that are due, for stops, and for pegged orders.
 */
export class NaiveVenue {
  readonly exchanges: readonly NaiveExchange[];
  /** Rare states that it came to. */
  readonly seen = new Set<string>();
  /** Symbols in the order of their turns. */
  #children: NaiveExchange[] = [];
  #stops: NaiveExchange[] = [];
  #pegs: NaiveExchange[] = [];
  /** What their pegged orders may follow. */
  readonly #books = new Map<NaiveExchange, string>();

  constructor(exchanges: readonly NaiveExchange[]) {
    this.exchanges = exchanges;
    let lastOrderId = 0;
    for (const exchange of exchanges)
      Object.defineProperty(exchange, 'lastOrderId', {
        get: () => lastOrderId,
        set: (id: number) => {
          lastOrderId = id;
        },
      });
  }

  /** @param target the exchange of the command's symbol @returns the reports, exchange by exchange */
  do(c: LongCommandFields, target: NaiveExchange): NaiveReport[] {
    for (const each of this.exchanges) each.begin(c);
    for (const [i, leg] of (c.legs ?? [c]).entries()) {
      if (i > 0) this.#reprice();
      for (const each of this.exchanges) {
        const other = leg.extension === undefined ? OTHER : { ...OTHER, extension: leg.extension };
        each.beginRecord(each === target ? leg : other, each === target ? c : OTHER);
      }
      this.#trigger();
      target.massCancels.clearFor(leg);
      if (leg !== c && leg !== c.legs?.at(-1)) for (const each of this.exchanges) reportTrails(each);
    }
    target.apply(c);
    this.#note(target);
    this.#trigger();
    for (const each of this.exchanges) reportTrails(each);
    this.#reprice();
    return this.exchanges.flatMap(({ out }) => out);
  }

  /** Symbols that have something to do have a turn, behind the others. */
  #note(acted: NaiveExchange): void {
    const add = (turns: NaiveExchange[], isDue: boolean): void => {
      if (isDue && !turns.includes(acted)) turns.push(acted);
    };
    this.#children = this.#children.filter(({ children }) => children.areDue);
    add(this.#children, acted.children.areDue);
    add(this.#stops, acted.phase === Phase.Continuous && acted.stops.waves.length > 0);
    add(this.#pegs, this.#hasChanged(acted) && acted.pegs.all.length > 0);
  }

  /** What rests has changed, a pegged order came, or the phase is another. */
  #hasChanged(exchange: NaiveExchange): boolean {
    const { resting, pegs, phase } = exchange;
    const now = JSON.stringify([phase, pegs.all.at(-1)?.id, resting.map(({ id, price, open }) => [id, price, open])]);
    const changed = this.#books.get(exchange) !== now;
    this.#books.set(exchange, now);
    return changed;
  }

  #trigger(): void {
    let left = Math.min(...this.exchanges.map(({ stops }) => stops.left));
    this.#makeLive();
    while (left > 0) {
      const next = this.#nextOfStops();
      if (next === undefined) break;
      if (this.#stops.length > 1) this.seen.add('stops of two symbols take turns');
      next.stops.left = left;
      triggerNext(next);
      left--;
      this.#note(next);
      if (left === 0) rotate(this.#stops);
      this.#makeLive();
    }
    for (const each of this.exchanges) {
      each.stops.left = left;
      follow(each);
      this.#note(each);
    }
  }

  #nextOfStops(): NaiveExchange | undefined {
    for (let turns = this.#stops.length; turns > 0; turns--) {
      const [first] = this.#stops;
      if (first.children.areDue) rotate(this.#stops);
      else if (first.phase === Phase.Continuous && first.stops.hasDue) return first;
      else {
        // Its waves are over.
        if (first.phase === Phase.Continuous) first.stops.next();
        this.#stops.shift();
      }
    }
    return undefined;
  }

  /** A list of each symbol in turn. */
  #makeLive(): void {
    let left = Math.min(...this.exchanges.map(({ children }) => children.left));
    for (const each of this.exchanges) this.#note(each);
    while (this.#children.length > 0 && left > 0) {
      const [first] = this.#children;
      if (this.#children.length > 1) this.seen.add('children of two symbols take turns');
      first.children.runOne();
      left--;
      this.#note(first);
      if (this.#children[0] === first) rotate(this.#children);
    }
    for (const { children } of this.exchanges) children.left = left;
  }

  #reprice(): void {
    const { lookedAt, perCommand } = this.exchanges[0].pegs;
    const share = { looks: lookedAt, moves: perCommand };
    while (this.#pegs.length > 0) {
      const [first] = this.#pegs;
      const waits = this.#pegs.length > 1;
      const isDone = first.pegs.run(share);
      this.#hasChanged(first);
      if (!isDone) {
        if (waits && this.#pegs[1].pegs.goesOn) this.seen.add('pegged orders of two symbols take turns');
        rotate(this.#pegs);
        return;
      }
      this.#pegs.shift();
    }
  }
}

function rotate(turns: NaiveExchange[]): void {
  const first = turns.shift();
  if (first !== undefined) turns.push(first);
}
