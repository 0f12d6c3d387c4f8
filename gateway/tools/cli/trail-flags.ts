import { type Command, InvalidArgumentError } from 'commander';
import type { PlaceOrder } from '../../client/index.ts';
import { amount } from './connection.ts';

/** Flags of a trailing stop. */
export interface TrailFlags {
  readonly trail?: TrailOffset;
  readonly activation?: string;
  readonly limitOffset?: string;
  readonly reportTrail?: true;
}

export type TrailOffset = Pick<PlaceOrder, 'trailOffset' | 'trailPpm'>;

export function trailOptions(command: Command): Command {
  return command
    .option(
      '--trail <offset>',
      'trailing stop: the stop price follows the best trigger price at this offset, such as 150.00, or 2% of that price',
      trailOffset,
    )
    .option('--activation <price>', 'with --trail: follow from this price on, at or above it for a sell, at or below it for a buy', amount)
    .option('--limit-offset <distance>', 'with --trail: become a limit order at this distance from the stop price', amount);
}

/** Of a new one. */
export function newTrailOptions(command: Command): Command {
  return trailOptions(command).option('--report-trail', 'with --trail: report each change of the stop price, see `openbell drop-copy`');
}

/** Terms of a trailing stop, as the client takes them; none without flags. */
export function trailTerms({ trail, activation, limitOffset, reportTrail }: TrailFlags): Partial<PlaceOrder> {
  return {
    ...trail,
    ...(activation !== undefined && { activationPrice: activation }),
    ...(limitOffset !== undefined && { limitOffset }),
    ...(reportTrail && { reportTrail }),
  };
}

/** An offset in the quote asset, or in percent with up to four decimals. */
export function trailOffset(text: string): TrailOffset {
  const percent = /^(\d{1,2})(?:\.(\d{1,4}))?%$/.exec(text);
  if (percent === null) {
    if (text.endsWith('%')) throw new InvalidArgumentError('Give an offset below 100% with up to four decimals, such as 2.5%.');
    return { trailOffset: amount(text) };
  }
  return { trailPpm: Number(percent[1]) * 10_000 + Number((percent[2] ?? '').padEnd(4, '0')) };
}
