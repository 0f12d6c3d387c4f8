import type { ConfiguredValue, ConfiguredValues } from './configured-values.ts';

/** What a start does with a value of its configuration file. */
export type Decision =
  /** The venue has it. */
  | 'same'
  /** The file was changed since the last start, and the venue was not. */
  | 'set'
  /** An operator changed the venue since the file last set it; the operator's value stays. */
  | 'keep';

/**
 * Decides between the values of a configuration file and those of the venue, which operators change while the exchange runs. A value that the
 * venue has otherwise than the last file is an operator's, and is not undone, unless the start was asked to apply the file.
 */
export class ValuePolicy {
  readonly #recorded: ConfiguredValues | undefined;
  readonly #apply: boolean;

  /**
   * @param recorded values of the last configuration file; undefined: not known, so what differs from the default is an operator's
   * @param apply the file's values take effect, whatever operators set
   */
  constructor(recorded: ConfiguredValues | undefined, apply: boolean) {
    this.#recorded = recorded;
    this.#apply = apply;
  }

  /** The file's values take effect, as for a venue without operators. */
  static readonly APPLY = new ValuePolicy(undefined, true);

  /** @param now in the venue @param fallback the value of a venue where it was not set */
  decide(key: string, file: ConfiguredValue, now: ConfiguredValue, fallback: ConfiguredValue): Decision {
    if (file === now) return 'same';
    return this.#apply || this.before(key, fallback) === now ? 'set' : 'keep';
  }

  /** What the last file gave. */
  before(key: string, fallback: ConfiguredValue): ConfiguredValue {
    return this.#recorded?.get(key) ?? fallback;
  }
}
