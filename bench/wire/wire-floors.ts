import { join } from 'node:path';
import { DiskClient } from '../floors/disk-client.ts';
import { type EchoKind, EchoProcess } from '../floors/echo-process.ts';
import { diskFloor, echoFloor, type Floor, type FloorLoad, jitterFloor } from '../floors/floor.ts';
import { JitterClient } from '../floors/jitter-client.ts';
import { RESTING, type Venue } from '../load/venue.ts';
import { clientsApart } from '../suite/cores.ts';
import type { ScopeContext } from '../suite/scope.ts';

type Kind = Exclude<EchoKind, 'grpc-js'>;

/** The processes of the floors, bound as the exchange is. They sleep out of their turns. Each is started when it is first asked for. */
export class WireFloors {
  readonly #context: ScopeContext;
  readonly #jitterMs: number;
  readonly #echoes = new Map<Kind, EchoProcess>();
  #jitter: JitterClient | undefined;
  #disk: DiskClient | undefined;

  constructor(context: ScopeContext, jitterMs: number) {
    this.#context = context;
    this.#jitterMs = jitterMs;
  }

  async echo(kind: Kind, { load, symbols }: Venue, point: FloorLoad): Promise<Floor> {
    const echo = this.#echoes.get(kind) ?? (await EchoProcess.start(kind, this.#context.signal, clientsApart().exchange));
    this.#echoes.set(kind, echo);
    return echoFloor(kind, echo, load, { symbols, resting: RESTING }, point);
  }

  jitter({ load }: Venue): Floor {
    this.#jitter ??= new JitterClient(this.#context.signal, clientsApart().exchange);
    return jitterFloor(this.#jitter, load, this.#jitterMs);
  }

  disk(point: FloorLoad): Floor {
    this.#disk ??= new DiskClient(this.#context.signal, clientsApart().exchange);
    return diskFloor(this.#disk, join(this.#context.dir, 'floor'), point);
  }

  async end(): Promise<void> {
    await Promise.all([...this.#echoes.values()].map((echo) => echo.kill()));
    await this.#jitter?.end();
    await this.#disk?.end();
  }
}
