import type { CommandFields } from '../../engine/machine/command.ts';
import { CommandKind } from '../../engine/wire/layout.ts';
import type { FeeTierConfig } from '../config/config-fee-tiers.ts';

/**
 * The commands that turn one list of tiers into another. After each of them the volumes rise with the tiers: first the tiers above the last one are
 * removed, then volumes are raised from the top, then lowered from the bottom, then tiers are added. Nothing for tiers that stay.
 */
export function changeFeeTable(
  table: number,
  asset: number,
  current: readonly FeeTierConfig[],
  wanted: readonly FeeTierConfig[],
): CommandFields[] {
  const common = Math.min(current.length, wanted.length);
  const set = (i: number): CommandFields => setFeeTier(table, asset, i + 1, wanted[i]);
  const both = [...Array(common).keys()].filter((i) => !isSame(current[i], wanted[i]));
  const raised = both.filter((i) => wanted[i].volume >= current[i].volume).reverse();
  const lowered = both.filter((i) => wanted[i].volume < current[i].volume);
  const added = [...Array(wanted.length).keys()].slice(common);
  const removed =
    current.length > wanted.length ? [setFeeTier(table, asset, wanted.length + 1, { volume: 0, makerPpm: 0, takerPpm: 0 })] : [];
  return [...removed, ...[...raised, ...lowered, ...added].map(set)];
}

function setFeeTier(table: number, asset: number, tier: number, { volume, makerPpm, takerPpm }: FeeTierConfig): CommandFields {
  return {
    kind: CommandKind.SetFeeTier,
    parameter: table,
    symbol: asset,
    tag: tier,
    quantity: volume,
    price: Math.abs(makerPpm),
    side: makerPpm < 0 ? 1 : 0,
    clientOrderId: takerPpm,
  };
}

function isSame(one: FeeTierConfig, other: FeeTierConfig): boolean {
  return one.volume === other.volume && one.makerPpm === other.makerPpm && one.takerPpm === other.takerPpm;
}
