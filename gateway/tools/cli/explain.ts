import type { Command } from 'commander';
import type { ExplainedOrder, LinkView, OrderStep, RestingOrder, WaitingOrder } from '../../client/index.ts';
import { triggerWords } from '../../order-words.ts';
import { childrenText, clockText, LINK_TEXTS, pegText, trailText } from './account.ts';
import { type AccountFlags, accountOption, askAdmin, connectionOptions, id as idOf, print, printJson, table } from './connection.ts';
import { CliError, ExitCode, run } from './exit.ts';

/** Steps of one question; all pages are shown. */
const PAGE = 1000;

/** Of an open order, in the book or outside. */
type Standing = Pick<RestingOrder, 'childOrderIds' | 'toCome' | 'parentOrderId'>;

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
  const { childOrderIds, ...child }: Partial<Standing> = resting ?? waiting ?? {};
  const name = orderId === 0 ? 'order without an id' : `order ${orderId}`;
  const its = clientOrderId === 0 ? 'side of a quote' : `client order id ${clientOrderId}`;
  const lines = [`${name} of account ${account} (${its}): ${side} ${symbol}, ${status}`, ''];
  if (lost !== undefined) lines.push(`Its beginning is no longer kept: reports up to number ${lost} of the account are gone.`, '');
  lines.push(table([['time', 'seq', 'step', 'open', 'filled', 'what'], ...steps.map(row)]));
  if (resting !== undefined) lines.push('', ...restingText(resting, side));
  if (waiting !== undefined) lines.push('', ...waitingText(order, waiting, linked));
  if (linked !== undefined) lines.push('', `linked: ${LINK_TEXTS[linked.kind]}, with order ${linked.orderId}`);
  if (waiting?.for !== 'parent') lines.push(...childText(child));
  if (childOrderIds !== undefined) lines.push('', childrenText(childOrderIds));
  if (behind) lines.push('', 'The history is behind: reports of the last moments are missing. Ask again.');
  return lines.join('\n');
}

function row({ time, seq, step, leaves, filled, text }: OrderStep): (string | number | undefined)[] {
  return [time, seq, step, leaves, filled, text];
}

function restingText(resting: RestingOrder, side: string): string[] {
  const { price, leaves, before, better, exact, type, displayedQuantity, displayedNow, hidden, parked } = resting;
  const least = exact ? '' : 'at least ';
  const sideName = side === 'buy' ? 'bids' : 'asks';
  return [
    parked
      ? `is parked outside the book with ${leaves} open: there is no valid price for it now; ${phaseText(resting)}`
      : `rests at ${price}${type === 'market' ? ', the worst price of a market order,' : ''} with ${leaves} open; ${phaseText(resting)}`,
    ...(resting.peg === undefined ? [] : [pegText(resting)]),
    ...(displayedQuantity === undefined ? [] : [`iceberg: displays ${displayedQuantity} at a time, ${displayedNow} now`]),
    ...(hidden ? ['hidden: behind all that is displayed at its price'] : []),
    ...(before ? [`before it at its price: ${least}${count(before.orders, 'order')} with ${before.quantity}`] : []),
    ...(better
      ? [`${sideName} at better prices: ${least}${count(better.levels, 'level')}, ${count(better.orders, 'order')} with ${better.quantity}`]
      : []),
    ...termsText(resting),
  ];
}

/** What an order outside the book waits for. */
function waitingText(order: ExplainedOrder, waiting: WaitingOrder, linked: LinkView | undefined): string[] {
  const { for: what, leaves, reserved, parentOrderId } = waiting;
  const trail = trailText(waiting);
  const shares = linked !== undefined && reserved?.amountUnits === 0;
  const ends = ` with ${leaves} open; ${phaseText(waiting)}`;
  const parent = parentOrderId === undefined ? 'which its parent has filled' : `for fills of its parent, order ${parentOrderId},`;
  return [
    what === 'parent' ? `waits outside the book ${parent}${ends}` : '',
    what === 'auction'
      ? `waits outside the book for the ${order.timeInForce === 'at-the-open' ? 'opening' : 'closing'} auction${ends}`
      : '',
    what === 'trigger' ? `waits outside the book for its trigger${ends}` : '',
    what === 'trigger' ? triggerText(waiting, order.side) : '',
    trail === false ? '' : `${trail}: the stop price follows the ${triggerWords(waiting.trigger)}`,
    `${what === 'parent' ? 'becomes' : what === 'trigger' ? 'then becomes' : 'is'} ${becomesText(waiting)}`,
    ...(shares ? [`shares the reservation of order ${linked.orderId}`] : []),
    ...termsText(shares ? { ...waiting, reserved: undefined } : waiting),
  ].filter((line) => line !== '');
}

function triggerText({ stopPrice, trigger, triggerPrice }: WaitingOrder, side: string | undefined): string {
  const now = Number(triggerPrice) === 0 ? 'there is none yet' : `it is ${triggerPrice} now`;
  return `triggers when the ${triggerWords(trigger)} is at ${stopPrice} or ${side === 'buy' ? 'above' : 'below'}; ${now}`;
}

/** The kind of order that it will be in the book. */
function becomesText(waiting: WaitingOrder): string {
  const { for: what, type, price, stopPrice, trigger, trailOffset, trailPpm, displayedQuantity, hidden } = waiting;
  const isTrailing = trailOffset !== undefined || trailPpm !== undefined;
  const its = isTrailing ? 'a trailing stop' : `a stop at ${stopPrice} (${triggerWords(trigger)})`;
  const stop = what === 'parent' && (isTrailing || stopPrice !== undefined) ? `${its}, then ` : '';
  if (price === undefined) return `${stop}a market order`;
  if (type === 'market') return `a market order, worst price ${price}`;
  const shown = `${displayedQuantity === undefined ? '' : `, an iceberg that displays ${displayedQuantity} at a time`}${hidden ? ', hidden' : ''}`;
  return `${stop}a limit order at ${price}${shown}`;
}

/** What of an order that is live waits for further fills of its parent. */
function childText({ toCome, parentOrderId }: Partial<Standing>): string[] {
  if (toCome === undefined) return [];
  return [
    '',
    `${toCome} of it becomes live ${parentOrderId === undefined ? 'in a moment' : `with fills of its parent, order ${parentOrderId}`}`,
  ];
}

function phaseText({ phase, subPhase, interruptedUntil }: Pick<RestingOrder, 'phase' | 'subPhase' | 'interruptedUntil'>): string {
  const kind =
    subPhase === undefined ? '' : ` (${subPhase}${interruptedUntil === undefined ? '' : `, until ${interruptedUntil} or later`})`;
  return `the symbol is in phase ${phase}${kind}`;
}

function termsText({ reserved, endUs, selfTrade, session }: Pick<RestingOrder, 'reserved' | 'endUs' | 'selfTrade' | 'session'>): string[] {
  return [
    ...(reserved === undefined ? [] : [reserved.amountUnits === 0 ? 'reserves nothing' : `reserves ${reserved.amount} ${reserved.asset}`]),
    ...(endUs === undefined ? [] : [`ends at ${clockText(endUs)}`]),
    ...(selfTrade === undefined ? [] : [`self-trade prevention: ${selfTrade}`]),
    ...(session === undefined ? [] : [`is cancelled when session ${session} of the account ends`]),
  ];
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}
