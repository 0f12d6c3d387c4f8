import type { Command } from 'commander';
import type { ExplainedOrder, LinkView, OrderStep, RestingOrder, WaitingOrder } from '../../client/index.ts';
import { pegText, timeText } from './account.ts';
import { type AccountFlags, accountOption, askAdmin, connectionOptions, id as idOf, print, printJson, table } from './connection.ts';
import { CliError, ExitCode, run } from './exit.ts';

const LINK_TEXTS: Readonly<Record<LinkView['kind'], string>> = {
  oco: 'cancels, or is cancelled by,',
  ouo: 'updates, or is updated by,',
};
/** Steps of one question; all pages are shown. */
const PAGE = 1000;

interface ExplainFlags extends AccountFlags {
  readonly clientId?: true;
}

/** Adds `openbell order explain` to `openbell order`. */
export function explainCommand(order: Command): void {
  const command = order
    .command('explain')
    .summary('why an order is where it is')
    .description('Shows what happened to an order, step by step, and where it stands while it rests.')
    .argument('<order-id>', 'as `openbell order` printed it', idOf)
    .option('--client-id', 'the id is a client order id')
    .addHelpText(
      'after',
      `
Times are UTC; seq is the number of the command in the log; open and filled are those after the step.

Examples:
  openbell order explain 17
  openbell order explain 4711 --client-id --account 2 --json`,
    );
  connectionOptions(accountOption(command)).action((id: number) =>
    run(async () => {
      // Commander gives `order` the options that both have, and those of an order, wherever they are.
      const flags = command.optsWithGlobals<ExplainFlags>();
      const known = new Set(command.options.map(({ long }) => long));
      const foreign = order.options.find((option) => !known.has(option.long) && order.getOptionValue(option.attributeName()) !== undefined);
      if (foreign !== undefined) throw new CliError(`explain has no option ${foreign.long}`, ExitCode.Usage);
      const explained = await everyPage(flags, flags.clientId ? `by-client-order-id/${id}` : String(id));
      if (flags.json) printJson(explained);
      else print(lifeText(explained));
      return ExitCode.Ok;
    }),
  );
}

async function everyPage(flags: ExplainFlags, name: string): Promise<ExplainedOrder> {
  const orders = `/v1/accounts/${flags.account}/orders`;
  const first = await askAdmin<ExplainedOrder>(flags, `${orders}/${name}?limit=${PAGE}`);
  const { orderId, lost } = first;
  const steps = [...first.steps];
  /** The last page with a step: it has the order's state. */
  let state = first;
  for (let page = first; page.next !== 0; ) {
    page = await askAdmin<ExplainedOrder>(flags, `${orders}/${orderId}?limit=${PAGE}&from=${page.next}`);
    steps.push(...page.steps);
    if (page.steps.length > 0) state = page;
  }
  return { ...state, ...(lost !== undefined && { lost }), steps, next: 0 };
}

function lifeText(order: ExplainedOrder): string {
  const { account, orderId, clientOrderId, symbol = '?', side = '?', status = 'unknown' } = order;
  const { steps, lost, behind, resting, waiting, linked } = order;
  const { toCome, parentOrderId }: Pick<WaitingOrder, 'toCome' | 'parentOrderId'> = resting ?? waiting ?? {};
  const name = orderId === 0 ? 'order without an id' : `order ${orderId}`;
  const its = clientOrderId === 0 ? 'side of a quote' : `client order id ${clientOrderId}`;
  const lines = [`${name} of account ${account} (${its}): ${side} ${symbol}, ${status}`, ''];
  if (lost !== undefined) lines.push(`Its beginning is no longer kept: reports up to number ${lost} of the account are gone.`, '');
  lines.push(table([['time', 'seq', 'step', 'open', 'filled', 'what'], ...steps.map(row)]));
  if (resting !== undefined) lines.push('', ...restingText(resting, side));
  if (waiting !== undefined) lines.push('', ...waitingText(waiting, side, linked));
  if (linked !== undefined) lines.push('', `linked: ${LINK_TEXTS[linked.kind]} order ${linked.orderId}`);
  if (toCome !== undefined) {
    const parent = parentOrderId === undefined ? 'which its parent has filled' : `with fills of order ${parentOrderId}`;
    lines.push('', `to come: ${toCome} may become live, ${parent}`);
  }
  if (behind) lines.push('', 'The history is behind: reports of the last moments are missing. Ask again.');
  return lines.join('\n');
}

function row({ time, seq, step, leaves, filled, text }: OrderStep): (string | number | undefined)[] {
  return [time, seq, step, leaves, filled, text];
}

function restingText(resting: RestingOrder, side: string): string[] {
  const { price, leaves, before, better, exact, displayedQuantity, displayedNow, hidden, parked, toCome } = resting;
  const least = exact ? '' : 'at least ';
  const sideName = side === 'buy' ? 'bids' : 'asks';
  return [
    parked
      ? `parked outside the book with ${leaves} open: it has no price now; ${phaseText(resting)}`
      : `rests at ${price} with ${leaves} open${toCome === undefined ? '' : `, ${toCome} of it to come`}; ${phaseText(resting)}`,
    ...(resting.peg === undefined ? [] : [pegText(resting)]),
    ...(displayedQuantity === undefined ? [] : [`displays ${displayedNow} now, ${displayedQuantity} at a time`]),
    ...(hidden ? ['hidden: behind all that is displayed at its price'] : []),
    ...(before ? [`before it at its price: ${least}${count(before.orders, 'order')} with ${before.quantity}`] : []),
    ...(better
      ? [`${sideName} at better prices: ${least}${count(better.levels, 'level')}, ${count(better.orders, 'order')} with ${better.quantity}`]
      : []),
    ...termsText(resting),
  ];
}

/** What an order outside the book waits for. */
function waitingText(waiting: WaitingOrder, side: string, linked: LinkView | undefined): string[] {
  const { for: what, leaves, stopPrice, trigger, triggerPrice, trailOffset, trailPpm, activationPrice } = waiting;
  const offset = trailPpm === undefined ? trailOffset : `${trailPpm / 10_000}%`;
  const { price: limit, displayedQuantity, hidden, reserved } = waiting;
  const shares = linked !== undefined && reserved?.amountUnits === 0;
  const then = limit === undefined ? 'then it is a market order' : `then it is a limit order at ${limit}`;
  const shown = `${displayedQuantity === undefined ? '' : `, which displays ${displayedQuantity} at a time`}${hidden ? ', hidden' : ''}`;
  const price = trigger === 'last' ? 'the last trade was' : 'the reference price is';
  if (what === 'parent')
    return [`waits outside the book for fills of its parent, with ${leaves} open; ${phaseText(waiting)}`, ...termsText(waiting)];
  return [
    what === 'auction'
      ? `waits outside the book for its auction, with ${leaves} open; ${phaseText(waiting)}`
      : `waits outside the book until the trigger price is at ${stopPrice} or ${side === 'buy' ? 'above' : 'below'}, with ${leaves} open; ${price} at ${triggerPrice}, and ${phaseText(waiting)}`,
    ...(offset === undefined
      ? []
      : [`its stop price follows at ${offset}${activationPrice === undefined ? '' : `, from ${activationPrice} on`}`]),
    ...(what === 'trigger' ? [`${then}${shown}`] : []),
    ...(shares ? [`shares the reservation of order ${linked.orderId}`] : []),
    ...termsText(shares ? { ...waiting, reserved: undefined } : waiting),
  ];
}

function phaseText({ phase, subPhase, interruptedUntil }: Pick<RestingOrder, 'phase' | 'subPhase' | 'interruptedUntil'>): string {
  const kind =
    subPhase === undefined ? '' : ` (${subPhase}${interruptedUntil === undefined ? '' : `, until ${interruptedUntil} or later`})`;
  return `the symbol is in phase ${phase}${kind}`;
}

function termsText({ reserved, endUs, selfTrade, session }: Pick<RestingOrder, 'reserved' | 'endUs' | 'selfTrade' | 'session'>): string[] {
  return [
    ...(reserved === undefined ? [] : [`reserves ${reserved.amount} ${reserved.asset}`]),
    ...(endUs === undefined ? [] : [`ends at ${timeText(endUs)}`]),
    ...(selfTrade === undefined ? [] : [`self-trade prevention: ${selfTrade}`]),
    ...(session === undefined ? [] : [`is cancelled when session ${session} of the account is gone`]),
  ];
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}
