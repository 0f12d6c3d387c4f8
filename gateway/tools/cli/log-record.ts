import { configuredCapacities, configuredShares } from '../../../engine/machine/configuration.ts';
import { Command, CommandKind } from '../../../engine/wire/layout.ts';

const BYTES = ['side', 'timeInForce', 'parameter'] as const;
const WORDS = ['symbol', 'account', 'tag'] as const;
const LONGS = ['seq', 'timeUs', 'clientOrderId', 'orderId', 'price', 'quantity'] as const;

/**
 * The fields of a command as text, by name, and at the end its bytes in hex: in
 * a definition price and quantity hold a name. A Configure command shows its
 * rules, capacities and shares, a deposit or withdrawal the hash of its idempotency key.
 */
export function describeCommand(words: Int32Array): Record<string, string> {
  const bytes = Buffer.from(words.buffer, words.byteOffset, Command.bytes);
  const kind = bytes[Command.kind];
  const known = Object.entries(CommandKind).find(([, number]) => number === kind)?.[0];
  const named = { kind: known === undefined ? String(kind) : `${kind} ${known}` };
  const last = { bytes: bytes.toString('hex') };
  const long = (name: (typeof LONGS)[number]): string => String(bytes.readBigInt64LE(Command[name]));
  const stamp = { seq: long('seq'), timeUs: long('timeUs') };
  if (kind === CommandKind.Configure) {
    const rules = bytes[Command.parameter];
    const logged = { ...configuredCapacities(words, 0), ...(rules >= 3 && configuredShares(words, 0)) };
    const capacities = Object.entries(logged).map(([name, value]) => [name, String(value)]);
    return { ...named, rules: String(rules), ...Object.fromEntries(capacities), ...stamp, ...last };
  }
  if (kind === CommandKind.Deposit || kind === CommandKind.Withdraw) {
    const key = `${long('clientOrderId')}-${long('orderId')}`;
    const account = String(bytes.readUInt32LE(Command.account));
    const asset = String(bytes.readUInt32LE(Command.symbol));
    return { ...named, account, asset, units: long('quantity'), keyHash: key === '0-0' ? 'none' : key, ...stamp, ...last };
  }
  return {
    ...named,
    ...Object.fromEntries(BYTES.map((name) => [name, String(bytes[Command[name]])])),
    ...Object.fromEntries(WORDS.map((name) => [name, String(bytes.readUInt32LE(Command[name]))])),
    ...Object.fromEntries(LONGS.map((name) => [name, long(name)])),
    ...last,
  };
}
