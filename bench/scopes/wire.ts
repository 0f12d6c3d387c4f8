/** Order entry from a separate process: gRPC and WebSocket, open loop, single orders and batches. */
import { EchoProcess } from '../floors/echo-process.ts';
import { missingBuild } from '../load/exchange-process.ts';
import { loadMethod } from '../load/method.ts';
import { thousands } from '../load/metrics.ts';
import { StageReporter } from '../load/stage-reporter.ts';
import { withVenue } from '../load/venue.ts';
import { clientsApart, offTheExchange } from '../suite/cores.ts';
import type { Metric, ScopeResult, Series } from '../suite/result.ts';
import { measured, Parts, type Scope, type ScopeContext } from '../suite/scope.ts';
import { echoRatios, UNDER_WAY } from '../wire/echo-ratios.ts';
import { encodingRatios } from '../wire/encoding-ratios.ts';
import { JSON_TEXT, PROTOBUF } from '../wire/encodings.ts';
import { fixedRates, pingPong, rateBesideFloors, warmUp } from '../wire/fixed-rates.ts';
import { knee } from '../wire/knees.ts';
import { BATCHES, TARGET_RATE, type WirePlan, wirePlan } from '../wire/plan.ts';
import { REST_FLAGS, restRates } from '../wire/rest-rate.ts';
import { durable, type FloorsOf, target } from '../wire/server-side.ts';
import { WireFloors } from '../wire/wire-floors.ts';

const LARGER = BATCHES.filter((batch) => batch > 1);
const PARTS: readonly string[] = ['target', 'rates', 'echo', 'proto', 'json', 'durable'];

export const scope: Scope = {
  name: 'wire',
  title: 'Wire: order entry from another process',
  subject: 'command',
  options: { only: 'target, rates, echo, proto, json or durable: one of its six parts' },
  seconds: (profile) => (profile === 'ci' ? 72 : 920),
  missing: missingBuild,
  run: (context) => measured(scope, () => offTheExchange(() => run(context))),
};

async function run(context: ScopeContext): Promise<Pick<ScopeResult, 'method' | 'metrics' | 'series' | 'failed'>> {
  const plan = wirePlan(context.profile, context.windows);
  const metrics: Metric[] = [];
  const series: Series[] = [];
  const stage = new StageReporter(context, scope.seconds(context.profile));
  const add = (found: Found): void => {
    metrics.push(...found.metrics);
    series.push(...found.series);
  };
  const { only } = context.options;
  if (only !== undefined && !PARTS.includes(only)) throw new Error(`-o only=${only}: it is one of ${PARTS.join(', ')}`);
  const wanted = (part: string): boolean => only === undefined || only === part;
  const floors = new WireFloors(context, plan.floors.jitterMs);
  const targetFloors: FloorsOf = async (venue, load) => [
    await floors.echo('net', venue, load),
    await floors.echo('http2', venue, load),
    floors.jitter(venue),
  ];
  const durableFloors: FloorsOf = async (venue, load) => [floors.disk(load), floors.jitter(venue)];
  const parts = new Parts(context.signal);
  const part = (name: string, work: () => Promise<void>): Promise<void> => (wanted(name) ? parts.run(name, work) : Promise.resolve());
  const fast = { durability: 'fast', placement: clientsApart() } as const;
  try {
    stage.begin('starting the exchange');
    await part('target', () => withVenue(context, 'target', fast, async (venue) => add(await target(venue, targetFloors, plan, stage))));
    await part('rates', () => rates(context, floors, plan, stage, metrics, add));
    await part('echo', async () => void metrics.push(...(await echo(context, plan, stage))));
    await part('proto', () =>
      withVenue(context, 'proto', fast, async (venue) => {
        metrics.push(...(await encodingRatios(PROTOBUF, venue, plan, stage)));
      }),
    );
    await part('json', () =>
      withVenue(context, 'json', { ...fast, flags: REST_FLAGS }, async (venue) => {
        metrics.push(...(await encodingRatios(JSON_TEXT, venue, plan, stage)));
        metrics.push(...(await restRates(venue, plan, stage)));
      }),
    );
    for (const topology of plan.durable.topologies)
      await part('durable', () =>
        withVenue(context, `durable-${topology}`, { ...fast, durability: 'durable', topology }, async (venue) =>
          add(await durable(venue, topology, durableFloors, plan, stage)),
        ),
      );
  } finally {
    stage.end();
    await floors.end();
  }
  return { method: method(plan), metrics, series, ...parts.outcome };
}

type Found = { readonly metrics: readonly Metric[]; readonly series: readonly Series[] };

async function rates(
  context: ScopeContext,
  floors: WireFloors,
  plan: WirePlan,
  stage: StageReporter,
  metrics: Metric[],
  add: (found: Found) => void,
): Promise<void> {
  const grpcFloors: FloorsOf = async (venue, load) => [await floors.echo('net', venue, load), await floors.echo('http2', venue, load)];
  const wsFloors: FloorsOf = async (venue, load) => [await floors.echo('uws', venue, load)];
  await withVenue(context, 'rates', { durability: 'fast', placement: clientsApart() }, async (venue) => {
    await warmUp(venue, 'grpc', plan, stage);
    metrics.push(await pingPong(venue, 'grpc', plan, stage));
    metrics.push(...(await fixedRates(venue, 'grpc', [1], plan.fixed.grpc, plan, stage)));
    metrics.push(...(await rateBesideFloors(venue, 'grpc', TARGET_RATE, grpcFloors, plan, stage)));
    metrics.push(...(await fixedRates(venue, 'grpc', LARGER, [...plan.fixed.grpc, TARGET_RATE], plan, stage)));
    for (const batch of plan.ramps.grpcBatches) {
      const found = await knee(venue, 'grpc', batch, plan, stage);
      add({ metrics: found.metrics, series: [found.series] });
    }
    await warmUp(venue, 'ws', plan, stage);
    metrics.push(await pingPong(venue, 'ws', plan, stage));
    metrics.push(...(await fixedRates(venue, 'ws', [1], plan.fixed.ws, plan, stage)));
    metrics.push(...(await rateBesideFloors(venue, 'ws', TARGET_RATE, wsFloors, plan, stage)));
    const found = await knee(venue, 'ws', 1, plan, stage);
    add({ metrics: found.metrics, series: [found.series] });
    await warmUp(venue, 'grpc-js', plan, stage);
    metrics.push(...(await fixedRates(venue, 'grpc-js', [1], [plan.fixed.library], plan, stage)));
  });
}

async function echo(context: ScopeContext, plan: WirePlan, stage: StageReporter): Promise<Metric[]> {
  const placement = clientsApart();
  const reference = await EchoProcess.start('grpc-js', context.signal, placement.exchange);
  const metrics: Metric[] = [];
  try {
    await withVenue(context, 'echo', { durability: 'fast', placement }, async (venue) => {
      metrics.push(...(await echoRatios(venue, reference, plan, stage)));
    });
  } finally {
    await reference.kill();
  }
  return metrics;
}

function method(plan: WirePlan): string[] {
  return [
    ...loadMethod(clientsApart()),
    `Warm-up: ${plan.warmupMs / 1000} s of load per kind of connection and batch size, and ${plan.fixed.warmupMs / 1000} s before the windows of each rate, of the target and of mode durable ${plan.warmupMs / 1000} s; ${plan.windows} windows of ${plan.fixed.windowMs / 1000} s.`,
    'Highest sustained rate: the highest of a ramp at which no more commands were in flight at the end of the step than in its middle (by 1 % of those sent between, and 5 ms), with p99 < 50 ms. Knee: the highest with p99 < 1 ms.',
    ...floorMethod(plan.floors),
    echoMethod(plan.echo),
    'Protobuf and FlatBuffers: the same exchange, generator and load in turns, unbatched: Trading.Session of openbell.v1 over Session of OrderEntry. The client decodes both.',
    'JSON and FlatBuffers over WebSocket: in the same way, with 1,000 commands in flight. REST: POST /v1/orders with 16 requests at once, and one at a time.',
    "The service time is the exchange's own histogram `openbell_order_residence_seconds`, socket read to socket write, read from GET /metrics before and after each turn, so that it includes the warm-up of the turn; percentiles are interpolated inside its buckets, the share within 1 ms is exact. CPU per order is the time of all threads of the exchange in /proc/PID/stat, by thread in /proc/PID/task/*/schedstat; there is also the time in which the I/O thread was ready and did not run.",
  ];
}

function floorMethod({ exchangeMs, floorMs, jitterMs, warmupMs }: WirePlan['floors']): string[] {
  return [
    `Floors: the target, ${thousands(TARGET_RATE)} unbatched commands/s and mode durable are measured in turns of at most ${exchangeMs / 1000} s with what the machine takes for less, on the exchange's core, in the same windows, in changing order: turns of at most ${floorMs / 1000} s, after ${warmupMs / 1000} s of warm-up each. A ratio is that of one window.`,
    'An echo is a process that answers each frame with as many reports of the same size as the exchange has for it, without an exchange behind it. The same generator sends the same commands at the same times: on TCP with a length before each frame, on node:http2 with the framing of gRPC, on uWebSockets.js. The answers to all frames of a read leave in one write.',
    'The disk alone is a group commit in a loop that does nothing else, as in scope durable, under the same arrivals.',
    `Jitter: a process that does nothing but read the clock has the core for ${jitterMs / 1000} s while the generator turns without sending. Its latency is that of an arrival each microsecond that waits until the next reading: what work that needs no time would wait for a thread that is always ready.`,
  ];
}

function echoMethod({ turns, pingPong, saturate }: WirePlan['echo']): string {
  return `The echo is a server of the general gRPC library in a separate process, bound like the exchange: the same method, and for each command a report of the same size, without an exchange behind it. The same generator drives both, unbatched, ${turns} turns of each in a window: ${thousands(pingPong.orders)} orders one at a time, then ${saturate.windowMs / 1000} s with ${thousands(UNDER_WAY)} commands in flight at all times, so that neither side waits for one. CPU per order is that of the latter. A whole first window is warm-up.`;
}
