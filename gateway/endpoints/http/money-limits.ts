import { Code } from '../../../engine/codes.ts';
import type { CommandFields } from '../../../engine/machine/command.ts';
import type { Directory } from '../../../engine/threads/directory.ts';
import type { AssetInfo } from '../../../engine/threads/directory-info.ts';
import { CommandKind } from '../../../engine/wire/layout.ts';
import { moneyText } from '../json/amounts.ts';
import type { Run } from './command-runner.ts';
import { HttpError } from './http-error.ts';

/** Runs commands as `run` does; a deposit or withdrawal that is too large is rejected with the largest amount, as of now. */
export function withMoneyLimits(run: Run, directory: Directory): Run {
  return async (fields) => {
    try {
      return await run(fields);
    } catch (error) {
      throw error instanceof HttpError ? named(error, fields, directory) : error;
    }
  };
}

function named(error: HttpError, fields: CommandFields, directory: Directory): HttpError {
  const asset = directory.asset(fields.symbol ?? 0);
  const text = asset === undefined ? undefined : limitText(error.code, fields, asset, directory);
  return text === undefined ? error : new HttpError(error.status, error.code, error.name, text, error.fields);
}

function limitText(code: number, { kind, account = 0 }: CommandFields, asset: AssetInfo, directory: Directory): string | undefined {
  if (kind === CommandKind.Deposit && code === Code.BAD_PARAMETER) {
    const most = moneyText(asset, directory.depositRoom(asset.id));
    return `amount: at most ${most} ${asset.name} can be deposited now, because all balances of an asset together stay below 2^53 of its smallest units`;
  }
  if (kind !== CommandKind.Withdraw || code !== Code.INSUFFICIENT_FUNDS) return undefined;
  const available = directory.balances(account).balances.find((balance) => balance.asset.id === asset.id)?.available ?? 0;
  return `amount: at most ${moneyText(asset, available)} ${asset.name} are available: withdraw less, or cancel orders that hold money`;
}
