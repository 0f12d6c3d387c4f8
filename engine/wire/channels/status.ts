import { Channel, Status } from '../layout.ts';
import { PHASE_NAMES, type PhaseName, SIDE_NAMES, type SideName } from '../names.ts';
import { type ChannelWire, i64 } from './channel-wire.ts';

/** Trading phase; in an auction, also the result of an uncross now (price 0: nothing would trade). */
export interface StatusView {
  readonly phase: PhaseName;
  readonly surplusSide: SideName;
  readonly indicativePrice: number;
  readonly indicativeVolume: number;
  readonly surplus: number;
  readonly referencePrice: number;
  readonly lastPrice: number;
  readonly seq: number;
  readonly timeUs: number;
}

export const statusWire = {
  id: Channel.Status,
  name: 'status',
  structBytes: Status.bytes,
  vectorField: 12,
  vectorName: 'statuses',
  flags: [],
  snapshotHasUpdates: true,
  json: (w, at) =>
    `{"phase":"${PHASE_NAMES[w[at] & 255]}","surplus_side":"${SIDE_NAMES[(w[at] >> 8) & 255]}","indicative_price":${i64(w, at, Status.indicativePrice)}` +
    `,"indicative_volume":${i64(w, at, Status.indicativeVolume)},"surplus":${i64(w, at, Status.surplus)}` +
    `,"reference_price":${i64(w, at, Status.referencePrice)},"last_price":${i64(w, at, Status.lastPrice)}` +
    `,"seq":${i64(w, at, Status.seq)},"time_us":${i64(w, at, Status.timeUs)}}`,
  read: (w, at): StatusView => ({
    phase: PHASE_NAMES[w[at] & 3],
    surplusSide: SIDE_NAMES[(w[at] >> 8) & 1],
    indicativePrice: i64(w, at, Status.indicativePrice),
    indicativeVolume: i64(w, at, Status.indicativeVolume),
    surplus: i64(w, at, Status.surplus),
    referencePrice: i64(w, at, Status.referencePrice),
    lastPrice: i64(w, at, Status.lastPrice),
    seq: i64(w, at, Status.seq),
    timeUs: i64(w, at, Status.timeUs),
  }),
} as const satisfies ChannelWire<StatusView>;
