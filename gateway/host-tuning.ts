import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** Of the kernel's PM QoS. */
export const LATENCY_DEVICE = '/dev/cpu_dma_latency';
/** 0 microseconds, as a 32-bit integer. */
const NO_LATENCY = new Uint8Array(4);
const NOT_PERMITTED = new Set(['EACCES', 'EPERM', 'EROFS']);

/** `--tune` asks for what this host does not permit or does not have. Nothing was changed. */
export class TuningError extends Error {
  /** `TUNE_REFUSED`: this process may not. `TUNE_ABSENT`: this host, or this container, has no such thing. */
  readonly code: 'TUNE_REFUSED' | 'TUNE_ABSENT';

  constructor(cause: NodeJS.ErrnoException) {
    const refused = NOT_PERMITTED.has(cause.code ?? '');
    super(
      refused
        ? `--tune writes to ${LATENCY_DEVICE}, which this process may not (${cause.code}). Start as root, or let the user write to it, with the udev rule ` +
            'KERNEL=="cpu_dma_latency", GROUP="openbell", MODE="0660"; Kubernetes: securityContext.privileged. Or start without --tune. Nothing was changed: docs/TUNING.md.'
        : `--tune writes to ${LATENCY_DEVICE}, which cannot be used here (${cause.code ?? cause.message}). In a container, pass it on: docker run --device ${LATENCY_DEVICE}; ` +
            'Kubernetes: hostPath. If the host does not have it either, its kernel has no idle states to bound: start without --tune. Nothing was changed: docs/TUNING.md.',
      { cause },
    );
    this.name = 'TuningError';
    this.code = refused ? 'TUNE_REFUSED' : 'TUNE_ABSENT';
  }
}

/**
 * Keeps all CPUs of the host awake while it is held: while the device is open, no CPU enters an idle state that takes longer to wake up than
 * the number that was written to it. With 0, an idle CPU polls for work. The kernel drops the request when the file is closed, so also at
 * the end of the process, however that ends: nothing is left to undo. Requests of other processes, such as tuned, stay in force; the shortest counts.
 */
export class HostTuning {
  #fd: number | undefined;

  private constructor(fd: number) {
    this.#fd = fd;
  }

  /** @param root of `/dev`; tests supply their own @throws TuningError */
  static hold(root = '/'): HostTuning {
    let fd: number | undefined;
    try {
      // Without O_CREAT: where the device is missing, a file in its place would look like success.
      fd = openSync(join(root, LATENCY_DEVICE), constants.O_WRONLY);
      writeSync(fd, NO_LATENCY);
      return new HostTuning(fd);
    } catch (error) {
      if (fd !== undefined) closeSync(fd);
      throw new TuningError(error as NodeJS.ErrnoException);
    }
  }

  /** May be called again. */
  release(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }
}
