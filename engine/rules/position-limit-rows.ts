import { fail } from '../assert.ts';
import { RowKind, type RowWriter, type StatePart } from '../state-part.ts';
import { within } from './account-rows.ts';
import type { Accounts } from './accounts.ts';
import { ControlBit } from './control-bits.ts';
import { MAX_POSITION_LIMITS } from './position-limits.ts';
import type { RiskModels } from './risk-model.ts';

/** Rows of the limits of position and exposure, by account and symbol, with the position and the open lots. */
export class PositionLimitRows implements StatePart {
  readonly kinds = [RowKind.PositionLimit];
  readonly #accounts: Accounts;
  readonly #risks: RiskModels;

  constructor(accounts: Accounts, risks: RiskModels) {
    this.#accounts = accounts;
    this.#risks = risks;
  }

  save(out: RowWriter): void {
    const { account, symbol, maxPosition, maxExposure, position, openBuys, openSells } = this.#accounts.positionLimits;
    for (const i of this.#accounts.positionLimits.inOrder())
      out.row(RowKind.PositionLimit, account[i], symbol[i], maxPosition[i], maxExposure[i], position[i], openBuys[i], openSells[i]);
  }

  load(r: Float64Array, at: number): void {
    const { controls, capacity, positionLimits: limits } = this.#accounts;
    const account = within(r[at + 1], capacity, 'accounts');
    const entry = limits.add(account, r[at + 2]);
    if (entry === -1) fail(`the snapshot has more than ${MAX_POSITION_LIMITS} limits of positions`);
    [, , , limits.maxPosition[entry], limits.maxExposure[entry], limits.position[entry]] = r.subarray(at, at + 6);
    [limits.openBuys[entry], limits.openSells[entry]] = r.subarray(at + 6, at + 8);
    controls[account] |= ControlBit.Limited;
    this.#risks.track();
  }
}
