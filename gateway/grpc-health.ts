import type { Server } from '@grpc/grpc-js';
import { HealthImplementation } from 'grpc-health-check';

export const ORDER_ENTRY_SERVICE = 'openbell.OrderEntry';

/** `grpc.health.v1` for the whole server and for order entry. NOT_SERVING until told otherwise. */
export class GrpcHealth {
  readonly #health = new HealthImplementation({ '': 'NOT_SERVING', [ORDER_ENTRY_SERVICE]: 'NOT_SERVING' });
  #serving = false;

  addTo(server: Server): void {
    this.#health.addToServer(server);
  }

  get serving(): boolean {
    return this.#serving;
  }

  set serving(serving: boolean) {
    if (serving === this.#serving) return;
    this.#serving = serving;
    for (const service of ['', ORDER_ENTRY_SERVICE]) this.#health.setStatus(service, serving ? 'SERVING' : 'NOT_SERVING');
  }
}
