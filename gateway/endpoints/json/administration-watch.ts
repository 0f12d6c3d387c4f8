import type { ReportCursor } from '../../sessions/report-cursor.ts';
import type { ReportHub } from '../../sessions/report-hub.ts';

/** Account of the operator's reports. */
const OPERATOR = 0;

/** Reports when administrative commands were applied: deposits and withdrawals have no report of the account. I/O thread. */
export class AdministrationWatch {
  readonly #hub: Pick<ReportHub, 'lastReportNo' | 'open' | 'close'>;
  readonly #listeners = new Set<() => void>();
  #cursor: ReportCursor | undefined;

  constructor(hub: Pick<ReportHub, 'lastReportNo' | 'open' | 'close'>) {
    this.#hub = hub;
  }

  /** Calls the listener after such commands. @returns what ends that */
  follow(listener: () => void): () => void {
    this.#listeners.add(listener);
    // The reports are not read, so the cursor stays where it is.
    this.#cursor ??= this.#hub.open(OPERATOR, this.#hub.lastReportNo(OPERATOR), {
      onReportsReady: () => {
        for (const each of this.#listeners) each();
      },
      onReportsLost: () => undefined,
    });
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size !== 0 || this.#cursor === undefined) return;
      this.#hub.close(this.#cursor);
      this.#cursor = undefined;
    };
  }
}
