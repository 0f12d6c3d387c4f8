import { Code } from '../../../../engine/codes.ts';
import { reject } from '../../../reject.ts';
import type { GrpcCall } from '../call.ts';
import { richStatusOf } from './rich-status.ts';

/** Calls that end only when their client or the exchange ends them. They would delay a stop. */
export class OpenCalls {
  readonly #calls = new Set<GrpcCall>();

  add(call: GrpcCall): void {
    this.#calls.add(call);
  }

  /** Call when it has ended. */
  delete(call: GrpcCall): void {
    this.#calls.delete(call);
  }

  /** The exchange is stopping. */
  end(): void {
    for (const call of this.#calls) call.fail(richStatusOf(reject(Code.DRAINING, 'the exchange is stopping')));
  }
}
