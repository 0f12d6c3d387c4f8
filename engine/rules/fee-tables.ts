import type { Allocate } from '../allocate.ts';
import { FEE_TABLES, TIERS_PER_TABLE } from '../params.ts';

/** Columns of the fee tier tables, see FeeTiers. Written by the engine thread only; the I/O thread may read them. */
export class FeeTables {
  /** By table, 0 = not defined: the asset of its volumes. */
  readonly asset: Uint32Array;
  /** By table: its tiers above tier 0. */
  readonly count: Uint8Array;
  /** By `table * TIERS_PER_TABLE + tier - 1`: the volume from which the tier holds, in units of the asset, and its rates in millionths. */
  readonly volume: Float64Array;
  readonly makerPpm: Float64Array;
  readonly takerPpm: Float64Array;
  /** By `table * accounts + account`: the tier that the operator gave, plus 1; 0 = the tier by volume. */
  readonly givenTier: Uint8Array;
  /** By `table * accounts + account`: the tier that was found last, the volume that it was found for, and the day, 0 = none; days since the epoch. No part of the state. */
  readonly knownTier: Uint8Array;
  readonly knownVolume: Float64Array;
  readonly knownDay: Float64Array;

  /** @param accounts ids are below it */
  constructor(accounts: number, allocate: Allocate) {
    const tiers = (FEE_TABLES + 1) * TIERS_PER_TABLE;
    const known = (FEE_TABLES + 1) * accounts;
    this.asset = new Uint32Array(allocate((FEE_TABLES + 1) * 4));
    this.count = new Uint8Array(allocate(FEE_TABLES + 1));
    this.volume = new Float64Array(allocate(tiers * 8));
    this.makerPpm = new Float64Array(allocate(tiers * 8));
    this.takerPpm = new Float64Array(allocate(tiers * 8));
    this.givenTier = new Uint8Array(allocate(known));
    this.knownTier = new Uint8Array(allocate(known));
    this.knownVolume = new Float64Array(allocate(known * 8));
    this.knownDay = new Float64Array(allocate(known * 8));
  }
}
