import { valueMetric } from '../load/metrics.ts';
import type { StageReporter } from '../load/stage-reporter.ts';
import type { Venue } from '../load/venue.ts';
import { type Latency, mergeLatencies } from '../suite/recorder.ts';
import type { Metric } from '../suite/result.ts';
import { UNDER_WAY } from './echo-ratios.ts';
import type { WirePlan } from './plan.ts';

const ENCODINGS = ['grpc', 'grpc-proto'] as const;
type Encoding = (typeof ENCODINGS)[number];

interface Turns {
  readonly pingPong: Latency[];
  readonly achieved: number[];
}
type Window = Record<Encoding, Turns>;

/**
 * Ratios of orders in protobuf to orders in FlatBuffers on the same exchange. They take short turns, several in each window, so that
 * a longer disturbance of the machine affects both.
 */
export async function protobufRatios(venue: Venue, plan: WirePlan, stage: StageReporter): Promise<Metric[]> {
  const { turns, pingPong, saturate } = plan.echo;
  const turn = async (encoding: Encoding, to: Turns): Promise<void> => {
    await venue.open(encoding);
    to.pingPong.push(...(await venue.load.pingPong({ ...pingPong, windows: 1 })).windows);
    to.achieved.push((await venue.load.saturate({ underWay: UNDER_WAY, ...saturate })).achieved);
  };
  const window = async (name: string): Promise<Window> => {
    stage.begin(`gRPC, FlatBuffers and protobuf in turns: ${name}`);
    const found: Window = { grpc: { pingPong: [], achieved: [] }, 'grpc-proto': { pingPong: [], achieved: [] } };
    for (let i = 0; i < turns; i++) for (const encoding of ENCODINGS) await turn(encoding, found[encoding]);
    return found;
  };

  await window('warm-up');
  const windows: Window[] = [];
  while (windows.length < plan.windows) windows.push(await window(`window ${windows.length + 1}`));
  const metric = (
    id: string,
    what: string,
    better: Metric['better'],
    figure: (turns: Turns) => number,
    write: (figure: number) => string,
  ): Metric => {
    const note = windows.map((each) => `${write(figure(each['grpc-proto']))} to ${write(figure(each.grpc))}`).join('; ');
    const values = windows.map((each) => figure(each['grpc-proto']) / figure(each.grpc));
    return valueMetric(`wire.ratio.protobuf.${id}`, `Protobuf over FlatBuffers: ${what}`, 'x', better, values, `By window: ${note}.`);
  };
  return [
    metric('pingpong.p50', 'single orders, one at a time, p50', 'lower', p50, (ms) => `${ms.toFixed(3)} ms`),
    metric('sustained', 'unbatched messages a second', 'higher', sustained, (rate) => `${Math.round(rate)}/s`),
  ];
}

const p50 = ({ pingPong }: Turns): number => mergeLatencies(pingPong).p50;
const sustained = ({ achieved }: Turns): number => achieved.reduce((sum, each) => sum + each, 0) / achieved.length;
