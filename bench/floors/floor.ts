import type { LoadClient } from '../load/load-client.ts';
import type { FlowSymbol } from '../load/order-flow.ts';
import type { LoadTransportName } from '../load/transport.ts';
import type { Latency } from '../suite/recorder.ts';
import type { DiskClient } from './disk-client.ts';
import type { EchoKind, EchoProcess } from './echo-process.ts';
import type { JitterClient } from './jitter-client.ts';

/** A reference that takes turns with the exchange on its core: what the machine takes for a part of the same work. */
export interface Floor {
  /** Part of the ids of its figures. */
  readonly id: string;
  readonly title: string;
  /** The exchange's latency over its own is a figure. Of jitter it is not: work that needs no time has hardly a latency. */
  readonly hasRatio: boolean;
  /** Until V8 has compiled the code. */
  warmUp(): Promise<void>;
  turn(): Promise<FloorTurn>;
}

export interface FloorTurn {
  readonly latency: Latency;
  /** CPU time of its process, and its commands, if it has any. */
  readonly cpuSeconds?: number;
  readonly orders?: number;
  /** Why its load broke off. A late generator does not veto a floor: what disturbs the generator's core is of the machine. */
  readonly failed?: string | undefined;
}

/** The load under which floors are measured, the same as the exchange's. */
export interface FloorLoad {
  /** Commands a second, and commands of one message. */
  readonly rate: number;
  readonly batch: number;
  /** Before the first turn, ms. */
  readonly firstWarmupMs: number;
  /** At the start of each turn, not recorded, ms. */
  readonly warmupMs: number;
  /** Measured in each turn, ms. */
  readonly turnMs: number;
}

/** The echo numbers its reports, so the exchange must not use these accounts. */
export const ECHO_ACCOUNTS: readonly number[] = [1_000_001, 1_000_002];
/** Of the full rate, before the first turn: code that is not compiled yet cannot sustain more. */
const FIRST_SHARES: readonly number[] = [0.2, 1];

const ECHOES: Readonly<Record<Exclude<EchoKind, 'grpc-js'>, { readonly transport: LoadTransportName; readonly title: string }>> = {
  net: { transport: 'net', title: 'a bare echo on TCP' },
  http2: { transport: 'grpc', title: 'an echo on node:http2' },
  uws: { transport: 'ws', title: 'an echo on uWebSockets.js' },
};

/** A bare echo of the same bytes at the same times. */
export function echoFloor(
  kind: keyof typeof ECHOES,
  echo: EchoProcess,
  load: LoadClient,
  flow: { readonly symbols: readonly FlowSymbol[]; readonly resting: number },
  { rate, batch, firstWarmupMs, warmupMs, turnMs }: FloorLoad,
): Floor {
  const { transport, title } = ECHOES[kind];
  const open = (): Promise<void> => load.open({ transport, port: echo.port, accounts: ECHO_ACCOUNTS, ...flow });
  const run = { rate, batch, warmupMs, windowMs: turnMs, windows: 1, sampleMs: 0, mayReject: true };
  return {
    id: kind,
    title,
    hasRatio: true,
    warmUp: async () => {
      await open();
      for (const share of FIRST_SHARES) await load.run({ ...run, rate: share * rate, warmupMs: firstWarmupMs, windowMs: 1 });
    },
    turn: async () => {
      await open();
      const before = echo.cpuSeconds;
      const { windows, faults, orders } = await load.run(run);
      return { latency: windows[0], cpuSeconds: echo.cpuSeconds - before, orders, failed: faults[0].failed };
    },
  };
}

/** The group commit of the disk alone under the same arrivals. @param dir on the disk that is measured */
export function diskFloor(client: DiskClient, dir: string, { rate, batch, firstWarmupMs, warmupMs, turnMs }: FloorLoad): Floor {
  const run = (warmUpMs: number, ms: number) => client.ask({ dir, rate, batch, warmUpMs, ms });
  return {
    id: 'disk',
    title: "the disk's own group commit",
    hasRatio: true,
    warmUp: async () => void (await run(firstWarmupMs, 1)),
    turn: () => run(warmupMs, turnMs),
  };
}

/** The core alone, while the generator turns without sending. */
export function jitterFloor(client: JitterClient, load: LoadClient, ms: number): Floor {
  return {
    id: 'jitter',
    title: 'the core alone, reading the clock',
    hasRatio: false,
    warmUp: async () => undefined,
    turn: async () => {
      const [{ waits }] = await Promise.all([client.ask({ ms }), load.spin(ms)]);
      return { latency: waits };
    },
  };
}
