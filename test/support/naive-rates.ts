/** Limits of commands, as lists of what happened; all sums are computed from scratch. */

interface Bucket {
  perSecond: number;
  burst: number;
  /** Millionths of a command. */
  level: number;
  atUs: number;
}

const most = ({ perSecond, burst }: Bucket): number => (burst || perSecond) * 1e6;

/** Token buckets by account. */
export class NaiveBuckets {
  readonly buckets = new Map<number, Bucket>();

  set(account: number, change: Partial<Pick<Bucket, 'perSecond' | 'burst'>>, nowUs: number): void {
    const old = this.buckets.get(account) ?? { perSecond: 0, burst: 0, level: 0, atUs: 0 };
    const level = this.#levelAt(old, nowUs);
    const changed = { ...old, ...change, atUs: nowUs };
    this.buckets.set(account, { ...changed, level: old.perSecond === 0 ? most(changed) : Math.min(level, most(changed)) });
  }

  #levelAt(bucket: Bucket, nowUs: number): number {
    return Math.min(most(bucket), bucket.level + (nowUs - bucket.atUs) * bucket.perSecond);
  }

  /** The time from which a command passes; 0 = now. */
  wait(account: number, nowUs: number): number {
    const bucket = this.buckets.get(account);
    if (bucket === undefined || bucket.perSecond === 0) return 0;
    Object.assign(bucket, { level: this.#levelAt(bucket, nowUs), atUs: nowUs });
    let at = nowUs;
    // A hundred microseconds at a time, then one, instead of a division.
    while (this.#levelAt(bucket, at + 100) < 1e6) at += 100;
    while (this.#levelAt(bucket, at) < 1e6) at++;
    return at === nowUs ? 0 : at;
  }

  take(account: number, nowUs: number): void {
    const bucket = this.buckets.get(account);
    if (bucket === undefined || bucket.perSecond === 0) return;
    Object.assign(bucket, { level: Math.max(0, this.#levelAt(bucket, nowUs) - 1e6), atUs: nowUs });
  }
}

const STEP = 10_000_000;

/** Orders and fills of accounts with a limit of orders per fill, each with its step of ten seconds. */
export class NaiveRatios {
  readonly limits = new Map<number, number>();
  #events: { account: number; step: number; fill: boolean }[] = [];
  /** The last step in which the account was looked at. */
  readonly #seen = new Map<number, number>();

  set(account: number, limit: number): void {
    this.limits.set(account, limit);
    if (limit !== 0) return;
    this.#events = this.#events.filter((event) => event.account !== account);
    this.#seen.delete(account);
  }

  count(account: number, nowUs: number, fill: boolean): void {
    if ((this.limits.get(account) ?? 0) === 0) return;
    this.#look(account, nowUs);
    this.#events.push({ account, step: Math.floor(nowUs / STEP), fill });
  }

  /** The time from which an order passes; 0 = now. */
  wait(account: number, nowUs: number): number {
    const limit = this.limits.get(account) ?? 0;
    if (limit === 0) return 0;
    this.#look(account, nowUs);
    for (let step = Math.floor(nowUs / STEP), first = step; ; step++) {
      const window = this.#events.filter((event) => event.account === account && event.step > step - 6);
      const fills = window.filter((event) => event.fill).length;
      if (window.length - fills + 1 <= Math.max(100, fills * limit)) return step === first ? 0 : step * STEP;
    }
  }

  rows(account: number): [step: number, orders: number, fills: number][] {
    const own = this.#events.filter((event) => event.account === account && event.step > (this.#seen.get(account) ?? 0) - 6);
    return [...new Set(own.map(({ step }) => step))].map((step) => {
      const fills = own.filter((event) => event.step === step && event.fill).length;
      return [step, own.filter((event) => event.step === step).length - fills, fills];
    });
  }

  #look(account: number, nowUs: number): void {
    this.#seen.set(account, Math.floor(nowUs / STEP));
  }
}
