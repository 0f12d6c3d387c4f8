import type { Disk } from '../../engine/journal/disk.ts';
import { durableSeq, JOURNAL_WORDS } from '../../engine/journal/journal-status.ts';
import { scanLog } from '../../engine/journal/log-reader.ts';
import { LogWriter } from '../../engine/journal/log-writer.ts';
import { allocateRing, RingConsumer, RingProducer } from '../../engine/rings/ring.ts';
import { putI64 } from '../../engine/units.ts';
import { Command } from '../../engine/wire/layout.ts';
import type { Recorder } from '../suite/recorder.ts';
import { Arrivals, type Slice } from './schedule.ts';

const RING_CAPACITY = 2 ** 17;

/** The real log writer under commands that arrive by schedule. One log for the whole scope: its segments are created during the measurement, as in an exchange. */
export class LogDriver {
  readonly #producer: RingProducer;
  readonly #words = new Int32Array(JOURNAL_WORDS);
  readonly #disk: Disk;
  readonly #writer: LogWriter;
  #sent = 0;
  /** Seq before the first command of the slice. */
  #base = 0;
  #arrivals: Arrivals | undefined;
  #failure: Error | undefined;
  #wake = (): void => undefined;

  constructor(dir: string, disk: Disk) {
    const handle = allocateRing({ slotBytes: Command.bytes, capacity: RING_CAPACITY, consumers: 1 });
    this.#producer = new RingProducer(handle);
    this.#disk = disk;
    this.#writer = new LogWriter({
      dir,
      end: scanLog(dir),
      ring: new RingConsumer(handle),
      disk,
      mode: 'durable',
      words: this.#words,
      at: 0,
      onDurable: () => {
        this.#arrivals?.complete(durableSeq(this.#words, 0, this.#sent) - this.#base);
        this.#wake();
      },
      onFailed: (error) => {
        this.#failure = error;
        this.#wake();
      },
    });
  }

  /** Runs until every command of the slice is durable. With a blocking disk, the event loop does not turn meanwhile. */
  async run(slice: Slice, to: Recorder): Promise<void> {
    this.#base = this.#sent;
    const arrivals = new Arrivals(slice, to);
    this.#arrivals = arrivals;
    this.#wake = () => undefined;
    if (this.#disk.blocking) while (!arrivals.finished) this.#turn(arrivals);
    else await this.#loop(arrivals);
  }

  /**
   * The loop sleeps while the disk works, as in an exchange. A spinning loop
   * and its garbage would take the core that libuv's pool needs.
   */
  #loop(arrivals: Arrivals): Promise<void> {
    return new Promise((resolve, reject) => {
      const turn = (): void => {
        try {
          this.#turn(arrivals);
        } catch (error) {
          reject(error);
          return;
        }
        if (arrivals.finished) resolve();
        else if (this.#sent === this.#base + arrivals.done) setImmediate(turn);
      };
      this.#wake = turn;
      turn();
    });
  }

  #turn(arrivals: Arrivals): void {
    if (this.#failure !== undefined) throw this.#failure;
    for (const arrived = this.#base + arrivals.arrived(); this.#sent < arrived && this.#send(); );
    this.#producer.publish();
    this.#writer.poll();
  }

  close(): Promise<void> {
    return this.#writer.close();
  }

  #send(): boolean {
    const slot = this.#producer.tryClaim();
    if (slot === -1) return false;
    putI64(this.#producer.slots.i32, (slot * Command.bytes + Command.seq) / 4, ++this.#sent);
    return true;
  }
}
