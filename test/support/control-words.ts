import type { CommandFields } from '../../engine/machine/command.ts';
import { AccountParam, LimitParam } from '../../engine/params.ts';
import { CommandKind, KillScope } from '../../engine/wire/layout.ts';

/**
 * A line of the table language with which the operator controls accounts, split into words; undefined for other lines:
 *
 *   `limit 1 2 MaxPosition 10`: of account 1 in symbol 2
 *   `set 1 Group 7` · `kill account 1 on` · `kill group 7 on` · `kill symbol 1 off` · `kill venue on`
 *   `cancel-group 7` · `cancel-group 7 buy` · `cancel-group 7 of 1`: all, a side, a symbol
 */
export function controlOf([verb, ...words]: readonly string[]): CommandFields | undefined {
  if (verb === 'set') {
    const parameter = AccountParam[words[1] as keyof typeof AccountParam];
    return { kind: CommandKind.SetAccount, account: Number(words[0]), parameter, quantity: Number(words[2]) };
  }
  if (verb === 'limit') {
    const parameter = LimitParam[words[2] as keyof typeof LimitParam];
    return { kind: CommandKind.SetLimit, account: Number(words[0]), symbol: Number(words[1]), parameter, quantity: Number(words[3]) };
  }
  if (verb === 'cancel-group') {
    const symbol = words.at(-2) === 'of' ? Number(words.at(-1)) : 0;
    return { kind: CommandKind.CancelGroup, tag: Number(words[0]), symbol, quantity: ['buy', 'sell'].indexOf(words[1]) + 1 };
  }
  if (verb !== 'kill') return undefined;
  const scope = `${words[0][0].toUpperCase()}${words[0].slice(1)}` as keyof typeof KillScope;
  const id = Number(words[1]);
  const named = { Account: { account: id }, Group: { tag: id }, Symbol: { symbol: id }, Venue: {} }[scope];
  return { kind: CommandKind.KillSwitch, parameter: KillScope[scope], quantity: words.at(-1) === 'on' ? 1 : 0, ...named };
}
