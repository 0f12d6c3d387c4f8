import { Code } from '../../engine/codes.ts';
import { SymbolParam } from '../../engine/params.ts';
import { CommandKind, QuoteAction, ReportKind } from '../../engine/wire/layout.ts';
import type { LongCommandFields } from './exchange-fixture.ts';
import {
  cancelAfter,
  cancelGroup,
  cancelOnDisconnect,
  cancelOrders,
  cancelSession,
  control,
  massCancel,
  setBand,
  setFee,
  setOutsideReference,
  setPhase,
  setReference,
  setReferenceSource,
  setSessionEnd,
} from './naive-administration.ts';
import { amend, cancel } from './naive-amends.ts';
import { NaiveChildren } from './naive-children.ts';
import { newList } from './naive-new-lists.ts';
import { newOrder } from './naive-new-orders.ts';
import type { NaiveOrder, NaiveReport, NewFields } from './naive-order.ts';
import { NaiveQuotes } from './naive-quotes.ts';
import { forQuotes } from './naive-quoting.ts';
import { hashRows, stateRows } from './naive-rows.ts';
import { NaiveState } from './naive-state.ts';
import { reportTrails, trigger } from './naive-triggers.ts';
import { endInterruption, uncross } from './naive-uncross.ts';

/**
 * A second implementation of the exchange, slow and simple: one symbol (the fixture's),
 * orders in an array in order of arrival, every sum computed from scratch. It uses no
 * slabs, ladders or rings; it defines the expected results.
 *
 * The state is in naive-state.ts. Each part is a file of functions over it, lowest first:
 * naive-checks, naive-matching, naive-children, naive-new-orders, naive-new-lists, naive-amends, naive-uncross,
 * naive-administration, naive-triggers, naive-rows.
 */
export class NaiveExchange extends NaiveState {
  readonly children = new NaiveChildren(this);
  readonly #quotes = new NaiveQuotes<NaiveOrder>(forQuotes(this));

  do(c: LongCommandFields): NaiveReport[] {
    this.begin(c);
    for (const [i, each] of (c.legs ?? [c]).entries()) {
      if (i > 0) this.pegs.run();
      this.beginRecord(each, c);
      trigger(this);
      this.massCancels.clearFor(each);
      if (each !== c && each !== c.legs?.at(-1)) reportTrails(this);
    }
    this.apply(c);
    trigger(this);
    reportTrails(this);
    this.pegs.run();
    return this.out;
  }

  /** The time of a command has come. */
  begin(c: LongCommandFields): void {
    this.out = [];
    this.timeUs = c.timeUs ?? 0;
    const due = this.open.filter((o) => o.end <= this.timeUs).sort((a, b) => a.end - b.end || a.id - b.id);
    for (const o of due) if (this.open.includes(o)) this.end(o, Code.EXPIRED);
    this.controls.nowUs = this.timeUs;
    this.protections.nowUs = this.timeUs;
  }

  /** The share of a command, or of each order of a list, begins. */
  beginRecord(each: LongCommandFields, { kind, quantity = 0 }: LongCommandFields): void {
    this.parts = 0;
    this.seq += each.extension === undefined ? 1 : 2;
    this.massCancels.continue(each, () => {
      this.auctions.left = this.auctions.perCommand;
      this.auctions.continue();
      const random = kind === CommandKind.Tick ? quantity / 2 ** 32 : undefined;
      if (this.volatility.isOver(this.timeUs, random)) endInterruption(this);
    });
    const pauses = this.timeUs < this.stops.fromUs;
    if (pauses && this.stops.hasDue) this.seen.add('stops are due in a pause');
    this.stops.left = pauses ? 0 : this.stops.perCommand;
    this.children.left = this.children.perCommand;
    this.stops.trails.left = this.rules < 6 ? Number.POSITIVE_INFINITY : this.stops.trails.perCommand;
  }

  /** What the command does itself, when what was due before it is done. */
  apply(c: LongCommandFields): void {
    const f = {
      side: 0,
      parameter: 0,
      timeInForce: 0,
      price: 0,
      quantity: 0,
      clientOrderId: 0,
      orderId: 0,
      account: 0,
      tag: 0,
      symbol: 0,
      ...c,
    };
    if (c.legs) newList(this, c.legs as readonly NewFields[]);
    else if (f.kind === CommandKind.New) newOrder(this, f);
    else if (f.kind === CommandKind.Cancel) cancel(this, f);
    else if (f.kind === CommandKind.Amend) amend(this, f);
    else if (f.kind === CommandKind.Quote && f.side !== QuoteAction.Quote) {
      this.protections.do(f);
      this.controls.count(f.account);
      this.answer(ReportKind.Accepted, Code.OK, { account: f.account, client: 0, id: 0 }, f.price, f.quantity, 0, 0);
    } else if (f.kind === CommandKind.Quote) this.#quotes.do(f);
    else if (f.kind === CommandKind.SetPhase) setPhase(this, f.parameter, f.side, f.quantity);
    else if (f.kind === CommandKind.Uncross) uncross(this);
    else if (f.kind === CommandKind.SetSymbol && f.parameter === SymbolParam.SessionEnd) setSessionEnd(this, f.quantity);
    else if (f.kind === CommandKind.SetSymbol && f.parameter === SymbolParam.ReferencePrice) setReference(this, f.quantity);
    else if (f.kind === CommandKind.SetReference) setOutsideReference(this, f.quantity);
    else if (f.kind === CommandKind.SetSymbol && f.parameter === SymbolParam.ReferenceSource) setReferenceSource(this, f.quantity);
    else if (f.kind === CommandKind.SetSymbol && f.parameter >= SymbolParam.StaticBandPpm) setBand(this, f.parameter, f.quantity);
    else if (f.kind === CommandKind.SetSymbol && f.parameter === SymbolParam.FeeTierTable) this.admin(this.feeTiers.use(f.quantity));
    else if (f.kind === CommandKind.SetFeeTier) {
      const maker = f.side === 1 ? 0 - f.price : f.price;
      this.admin(this.feeTiers.set(f.parameter, f.symbol, f.tag, f.quantity, maker, f.clientOrderId));
    } else if (f.kind === CommandKind.SetSymbol) setFee(this, f.parameter, f.side === 1 ? -f.quantity : f.quantity);
    else if (f.kind === CommandKind.CancelOrders) cancelOrders(this, f);
    else if (f.kind === CommandKind.SetAccount || f.kind === CommandKind.KillSwitch || f.kind === CommandKind.SetLimit) control(this, f);
    else if (f.kind === CommandKind.MassCancel) massCancel(this, f);
    else if (f.kind === CommandKind.CancelAfter) cancelAfter(this, f);
    else if (f.kind === CommandKind.CancelOnDisconnect) cancelOnDisconnect(this, f.account, 0);
    else if (f.kind === CommandKind.CancelSession) cancelSession(this, f);
    else if (f.kind === CommandKind.CancelGroup) cancelGroup(this, f);
    else if (f.kind === CommandKind.Deposit) this.deposit(f.account, f.symbol, f.quantity);
    else if (f.kind !== CommandKind.Tick) throw new Error(`the naive exchange has no command ${f.kind}`);
  }

  hash(): string {
    return hashRows(stateRows(this));
  }
}
