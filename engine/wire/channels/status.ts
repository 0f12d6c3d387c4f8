import { decimalFields, type FieldSpec, jsonFields } from '../json-bytes.ts';
import { Channel, Status } from '../layout.ts';
import { PHASE_NAMES, type PhaseName, SIDE_NAMES, type SideName, SUB_PHASE_NAMES, type SubPhaseName, subPhaseName } from '../names.ts';
import { type ChannelWire, i64 } from './channel-wire.ts';

/** Trading phase; in an auction, also the result of an uncross now (price 0: nothing would trade). */
export interface StatusView {
  readonly phase: PhaseName;
  /** Kind of the auction; absent in the other phases, and in an auction of no kind. */
  readonly subPhase?: SubPhaseName;
  /** Volatility auction: milliseconds from `timeUs` to its earliest end; otherwise 0. */
  readonly earliestEndMs: number;
  readonly surplusSide: SideName;
  readonly indicativePrice: number;
  readonly indicativeVolume: number;
  readonly surplus: number;
  readonly referencePrice: number;
  readonly lastPrice: number;
  readonly seq: number;
  readonly timeUs: number;
}

const FIELDS: readonly FieldSpec[] = [
  ['phase', Status.phase, PHASE_NAMES],
  ['sub_phase', Status.subPhase, ['', ...SUB_PHASE_NAMES.slice(1)]],
  ['earliest_end_ms', Status.earliestEndMs, 'u32'],
  ['surplus_side', Status.surplusSide, SIDE_NAMES],
  ['indicative_price', Status.indicativePrice, 'price'],
  ['indicative_volume', Status.indicativeVolume, 'quantity'],
  ['surplus', Status.surplus, 'quantity'],
  ['reference_price', Status.referencePrice, 'price'],
  ['last_price', Status.lastPrice, 'price'],
  ['seq', Status.seq, 'i64'],
  ['time_us', Status.timeUs, 'i64'],
];

export const statusWire = {
  id: Channel.Status,
  name: 'status',
  textName: 'status',
  depth: 0,
  structBytes: Status.bytes,
  vectorField: 12,
  vectorName: 'statuses',
  flags: [],
  snapshotHasUpdates: true,
  json: jsonFields(FIELDS),
  decimal: decimalFields(FIELDS),
  read: (w, at): StatusView => {
    const subPhase = subPhaseName((w[at] >> 16) & 255);
    return {
      phase: PHASE_NAMES[w[at] & 3],
      ...(subPhase && { subPhase }),
      earliestEndMs: w[at + Status.earliestEndMs / 4] >>> 0,
      surplusSide: SIDE_NAMES[(w[at] >> 8) & 1],
      indicativePrice: i64(w, at, Status.indicativePrice),
      indicativeVolume: i64(w, at, Status.indicativeVolume),
      surplus: i64(w, at, Status.surplus),
      referencePrice: i64(w, at, Status.referencePrice),
      lastPrice: i64(w, at, Status.lastPrice),
      seq: i64(w, at, Status.seq),
      timeUs: i64(w, at, Status.timeUs),
    };
  },
} as const satisfies ChannelWire<StatusView>;
