import { type Command, InvalidArgumentError, Option } from 'commander';
import { PEG_NAMES, type PegName } from '../../../engine/wire/names.ts';
import type { PlaceOrder } from '../../client/index.ts';
import { amount } from './connection.ts';

/** Flags of a pegged order. */
export interface PegFlags {
  readonly peg?: PegName;
  readonly pegOffset?: string;
}

export function pegOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--peg <price>',
        'pegged order: follow the best price of its own side (primary), of the other side (market) or the middle, up to the given price',
      ).choices(PEG_NAMES.slice(1)),
    )
    .option(
      '--peg-offset <distance>',
      'with --peg: from what it follows, such as 0.50 away from the other side, or -0.50 towards it (default: 0; market needs one)',
      offset,
    );
}

/** Terms of a pegged order, as the client takes them; none without flags. */
export function pegTerms({ peg, pegOffset }: PegFlags): Partial<PlaceOrder> {
  return { ...(peg !== undefined && { peg }), ...(pegOffset !== undefined && { pegOffset }) };
}

function offset(text: string): string {
  if (!/^-?[0-9.]+$/.test(text)) throw new InvalidArgumentError('Give a distance, such as 0.50, or -0.50 towards the other side.');
  return text.startsWith('-') ? `-${amount(text.slice(1))}` : amount(text);
}
