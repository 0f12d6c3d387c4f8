import type { Profile } from '../suite/result.ts';

/** The measurements of the scope, and their durations. Rates are commands a second. */
export interface WirePlan {
  readonly windows: number;
  /** Before the first figure of a connection, until V8 has compiled the code. */
  readonly warmupMs: number;
  readonly pingPongOrders: number;
  readonly fixed: {
    /** Below the rate of the target, which is measured beside its floors. */
    readonly grpc: readonly number[];
    readonly ws: readonly number[];
    /** Of the gRPC library. */
    readonly library: number;
    readonly warmupMs: number;
    readonly windowMs: number;
  };
  readonly ramps: {
    /** Number of runs of each: one figure per window. */
    readonly repeats: number;
    readonly grpcBatches: readonly number[];
    readonly from: number;
    readonly to: number;
    readonly factor: number;
    readonly warmupMs: number;
    readonly windowMs: number;
  };
  readonly targetWindowMs: number;
  /** The exchange and its floors in turns. */
  readonly floors: {
    /** About the measured time of a turn of the exchange, and at most that of a floor. */
    readonly exchangeMs: number;
    readonly floorMs: number;
    readonly jitterMs: number;
    /** At the start of each turn, not measured. */
    readonly warmupMs: number;
    /** Of a floor, before its first turn. */
    readonly firstWarmupMs: number;
  };
  readonly echo: {
    /** Of each in a window. */
    readonly turns: number;
    readonly pingPong: { readonly warmup: number; readonly orders: number };
    readonly saturate: { readonly warmupMs: number; readonly windowMs: number };
  };
  readonly durable: { readonly rate: number; readonly windowMs: number; readonly topologies: readonly ('auto' | 'pinned')[] };
}

export const BATCHES: readonly number[] = [1, 10, 50];
export const TARGET_RATE = 100_000;
export const TARGET_BATCH = 10;

export function wirePlan(profile: Profile, windows: number): WirePlan {
  if (profile === 'ci')
    return {
      windows,
      warmupMs: 700,
      pingPongOrders: 4000,
      fixed: { grpc: [20_000], ws: [20_000], library: 20_000, warmupMs: 150, windowMs: 300 },
      ramps: { repeats: windows, grpcBatches: [1], from: 60_000, to: 500_000, factor: 1.5, warmupMs: 100, windowMs: 300 },
      targetWindowMs: 1000,
      floors: { exchangeMs: 1000, floorMs: 300, jitterMs: 300, warmupMs: 120, firstWarmupMs: 250 },
      echo: { turns: 2, pingPong: { warmup: 200, orders: 800 }, saturate: { warmupMs: 100, windowMs: 250 } },
      durable: { rate: 20_000, windowMs: 500, topologies: ['auto'] },
    };
  return {
    windows,
    warmupMs: 3000,
    pingPongOrders: 50_000,
    fixed: {
      grpc: [1000, 10_000, 20_000, 50_000],
      ws: [1000, 10_000, 20_000, 50_000],
      library: 20_000,
      warmupMs: 500,
      windowMs: 3000,
    },
    ramps: { repeats: windows, grpcBatches: BATCHES, from: 20_000, to: 1_000_000, factor: 1.25, warmupMs: 300, windowMs: 2000 },
    // One minute in total; a turn of a comparison is a fifth.
    targetWindowMs: 60_000 / (windows === 1 ? 5 : windows),
    floors: { exchangeMs: 4000, floorMs: 1000, jitterMs: 500, warmupMs: 200, firstWarmupMs: 1000 },
    echo: { turns: 5, pingPong: { warmup: 500, orders: 5000 }, saturate: { warmupMs: 100, windowMs: 500 } },
    durable: { rate: 20_000, windowMs: 5000, topologies: ['auto', 'pinned'] },
  };
}
