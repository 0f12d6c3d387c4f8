import { type Command, Option } from 'commander';
import { PHASE_NAMES } from '../../../engine/wire/names.ts';

/** Parameters of a symbol: flag, place in the body of a request, and help. */
const PARAMETERS: readonly (readonly [flag: string, path: readonly string[], help: string])[] = [
  ['reference-price <price>', ['reference-price'], 'price from which bands are measured before the first trade'],
  ['reference-source <source>', ['reference-source'], 'trades or outside'],
  ['price-band <percent>', ['price-band'], 'largest distance of an order from the reference price, such as 10%'],
  ['session-end <time>', ['session-end'], 'end of day orders, ISO 8601'],
  ['auction-price <rule>', ['auction-price'], 'nearest, limits or middle: which of several auction prices is taken'],
  ['static-band <percent>', ['volatility', 'static-band'], 'volatility interruption: distance from the last auction price'],
  ['dynamic-band <percent>', ['volatility', 'dynamic-band'], 'volatility interruption: distance from the last price'],
  ['volatility-duration <seconds>', ['volatility', 'duration'], 'length of an interruption'],
  ['wide-band <percent>', ['volatility', 'wide-band'], 'distance beyond which an interruption is extended'],
  ['volatility-extension <seconds>', ['volatility', 'extension'], 'length of the extension'],
  ['volatility-random-end <seconds>', ['volatility', 'random-end'], 'longest random addition to both'],
  ['volatility-profile <name>', ['volatility', 'profile'], 'which rules hold during an interruption'],
  ['max-price <price>', ['limits', 'max-price'], 'highest price of an order'],
  ['tick-step <price>', ['limits', 'tick-step'], 'prices are multiples of it'],
  ['lot-step <quantity>', ['limits', 'lot-step'], 'quantities are multiples of it'],
  ['min-quantity <quantity>', ['limits', 'min-quantity'], 'smallest quantity of an order'],
  ['max-quantity <quantity>', ['limits', 'max-quantity'], 'largest quantity of an order'],
  ['min-displayed <quantity>', ['limits', 'min-displayed'], 'smallest displayed part of an iceberg'],
  ['min-notional <amount>', ['limits', 'min-notional'], 'smallest price x quantity, in the quote asset'],
  ['max-notional <amount>', ['limits', 'max-notional'], 'largest price x quantity, in the quote asset'],
  ['maker-fee <percent>', ['fees', 'maker'], 'fee of the resting side, such as 0.02%; a negative one is a rebate'],
  ['taker-fee <percent>', ['fees', 'taker'], 'fee of the incoming side'],
  ['fee-table <number>', ['fees', 'tiers'], 'fee table with the tiers by volume; 0 = none'],
];
/** Of a new symbol. */
const DEFINITION: typeof PARAMETERS = [
  ['id <number>', ['id'], 'its number, which no other symbol has'],
  ['base <asset>', ['base'], 'asset that is traded'],
  ['quote <asset>', ['quote'], 'asset of the price'],
  ['tick <price>', ['tick'], 'smallest step of the price, such as 0.01'],
  ['lot <quantity>', ['lot'], 'smallest step of the quantity, such as 0.0001'],
];

/** Keys that a body can have, as paths, for the test that compares them with the interface. */
export const SYMBOL_PATHS: readonly string[] = [...DEFINITION, ...PARAMETERS].map(([, path]) => path.join('.'));

export function parameterOptions(command: Command): Command {
  return withOptions(command, PARAMETERS);
}

export function definitionOptions(command: Command): Command {
  for (const [flag, , help] of DEFINITION) command.addOption(new Option(`--${flag}`, help).makeOptionMandatory());
  return withOptions(command.addOption(new Option('--phase <phase>', 'at first; default continuous').choices(PHASE_NAMES)), PARAMETERS);
}

function withOptions(command: Command, rows: typeof PARAMETERS): Command {
  for (const [flag, , help] of rows) command.option(`--${flag}`, help);
  return command;
}

type Body = { [key: string]: string | Body };

/** The body of a request with the parameters that were given; empty without any. */
export function parametersOf(values: Readonly<Record<string, unknown>>): Body {
  return bodyOf(values, PARAMETERS);
}

export function definitionOf(values: Readonly<Record<string, unknown>>): Body {
  const { phase } = values;
  return { ...bodyOf(values, DEFINITION), ...(typeof phase === 'string' && { phase }), ...parametersOf(values) };
}

function bodyOf(values: Readonly<Record<string, unknown>>, rows: typeof PARAMETERS): Body {
  const body: Body = {};
  for (const [flag, path] of rows) {
    const value = values[attributeOf(flag)];
    if (typeof value !== 'string') continue;
    const [section, key] = path;
    if (key === undefined) body[section] = value;
    else {
      const fields = body[section];
      body[section] = { ...(typeof fields === 'object' && fields), [key]: value };
    }
  }
  return body;
}

/** Name of the value of `max-price <price>` in commander: `maxPrice`. */
function attributeOf(flag: string): string {
  return flag.split(' ')[0].replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
