/** The thread behind {@link CommandMaker}: a twin exchange, and the commands made from it. */
import { parentPort, workerData } from 'node:worker_threads';
import { assert } from '../../engine/assert.ts';
import type { Limits } from '../../engine/limits.ts';
import { Exchange } from '../../engine/machine/exchange.ts';
import { stateHash, tradingHash } from '../../engine/machine/state-rows.ts';
import { CommandKind } from '../../engine/wire/layout.ts';
import { CoreFlow, restingLevels } from './core-flow.ts';

export interface MakerData {
  /** 64 bytes per command, shared with the caller. */
  readonly memory: SharedArrayBuffer;
  readonly limits: Limits;
  readonly seed: number;
}

export type MakerRequest = { readonly kind: 'set-up' | 'state' } | { readonly kind: 'make'; readonly count: number };

export interface Made {
  readonly count: number;
}

export interface TwinState {
  readonly stateHash: string;
  /** The same without what the engine logs of its own. */
  readonly tradingHash: string;
  readonly restingOrders: number;
  /** Prices with resting orders, both sides. */
  readonly levels: number;
  /** Shares of the kinds among all commands except the set-up, from 0 to 1. */
  readonly mix: { readonly new: number; readonly cancel: number; readonly move: number };
}

export type MakerAnswer = Made | TwinState;

/** Small, so that commands generated from the book still match it when they are applied. */
const CHUNK = 1000;

assert(parentPort !== null, 'command maker: runs as a thread');
const port = parentPort;
const { memory, limits, seed } = workerData as MakerData;
const bytes = new Uint8Array(memory);
const exchange = new Exchange(limits);
const flow = new CoreFlow(exchange, CHUNK, seed);
const kinds = new Float64Array(256);

port.on('message', (request: MakerRequest) => {
  if (request.kind === 'set-up') port.postMessage(setUp());
  else if (request.kind === 'make') port.postMessage(make(request.count));
  else port.postMessage(state());
});

function setUp(): Made {
  let count = 0;
  flow.setUp(() => {
    bytes.set(flow.bytes.subarray(0, 64), 64 * count++);
  });
  return { count };
}

function make(count: number): Made {
  for (let done = 0; done < count; done += CHUNK) {
    const chunk = Math.min(CHUNK, count - done);
    flow.make(chunk);
    bytes.set(flow.bytes.subarray(0, chunk * 64), done * 64);
    for (let slot = 0; slot < chunk; slot++) {
      exchange.apply(flow.bytes, flow.words, slot);
      kinds[flow.bytes[slot * 64]]++;
    }
  }
  return { count };
}

function state(): TwinState {
  const all = kinds.reduce((sum, each) => sum + each, 0);
  const part = (kind: number): number => kinds[kind] / all;
  return {
    stateHash: stateHash(exchange),
    tradingHash: tradingHash(exchange),
    restingOrders: exchange.slab.count,
    levels: restingLevels(exchange),
    mix: { new: part(CommandKind.New), cancel: part(CommandKind.Cancel), move: part(CommandKind.Amend) },
  };
}
