import type { StageReporter } from '../load/stage-reporter.ts';
import type { TransportName } from '../load/transport.ts';
import type { Venue } from '../load/venue.ts';
import { eachWindow, foundIn, windowsOf } from '../suite/each-window.ts';
import { type Latency, mergeLatencies } from '../suite/recorder.ts';
import type { Metric } from '../suite/result.ts';
import type { WirePlan } from './plan.ts';

/** Two encodings of the same orders, whose ratio is measured. */
export interface EncodingPair {
  readonly encoding: TransportName;
  readonly reference: TransportName;
  /** Part of the ids of the metrics. */
  readonly id: string;
  /** As in "Protobuf over FlatBuffers". */
  readonly title: string;
  /** Commands in flight while the rate is measured. */
  readonly underWay: number;
}

interface Turns {
  readonly pingPong: Latency[];
  readonly achieved: number[];
}
/** What a window has of the encoding, and of the reference. */
type Window = readonly [encoding: Turns, reference: Turns];

/**
 * Ratios of orders in one encoding to orders in another on the same exchange. They take short turns, several in each window, so that
 * a longer disturbance of the machine affects both.
 */
export async function encodingRatios(pair: EncodingPair, venue: Venue, plan: WirePlan, stage: StageReporter): Promise<Metric[]> {
  const { turns, pingPong, saturate } = plan.echo;
  const { underWay, title, id: name } = pair;
  const turn = async (encoding: TransportName, to: Turns): Promise<void> => {
    await venue.open(encoding);
    to.pingPong.push(...(await venue.load.pingPong({ ...pingPong, windows: 1 })).windows);
    to.achieved.push((await venue.load.saturate({ underWay, ...saturate })).achieved);
  };
  const window = async (which: string): Promise<Window> => {
    stage.begin(`${title}, in turns: ${which}`);
    const found: Window = [
      { pingPong: [], achieved: [] },
      { pingPong: [], achieved: [] },
    ];
    for (let i = 0; i < turns; i++) {
      await turn(pair.reference, found[1]);
      await turn(pair.encoding, found[0]);
    }
    return found;
  };

  await window('warm-up');
  const windows = await eachWindow(plan.windows, stage.signal, (index) => window(`window ${index + 1}`));
  const metric = (
    id: string,
    what: string,
    better: Metric['better'],
    figure: (turns: Turns) => number,
    write: (figure: number) => string,
  ): Metric => {
    const found = foundIn(windows).map(([encoding, reference]) => `${write(figure(encoding))} to ${write(figure(reference))}`);
    return {
      id: `wire.ratio.${name}.${id}`,
      title: `${title}: ${what}`,
      unit: 'x',
      better,
      windows: windowsOf(windows, ([encoding, reference]) => ({ value: figure(encoding) / figure(reference) })),
      ...(found.length > 0 && { note: `By window: ${found.join('; ')}.` }),
    };
  };
  return [
    metric('pingpong.p50', 'single orders, one at a time, p50', 'lower', p50, (ms) => `${ms.toFixed(3)} ms`),
    metric('sustained', 'unbatched messages a second', 'higher', sustained, (rate) => `${Math.round(rate)}/s`),
  ];
}

const p50 = ({ pingPong }: Turns): number => mergeLatencies(pingPong).p50;
const sustained = ({ achieved }: Turns): number => achieved.reduce((sum, each) => sum + each, 0) / achieved.length;
