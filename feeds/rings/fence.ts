const OWN = new Int32Array(new SharedArrayBuffer(4));

/**
 * Keeps the plain loads and stores before it from moving past the ones after it.
 *
 * An `Atomics.store` alone holds back what precedes it, and an `Atomics.load` alone what follows it; neither is
 * enough between two plain accesses. On ARM64 the two become `stlr` and `ldar`, which stay in order with each
 * other, so the pair is a full fence; on x86 the store (`xchg`) is one. The word is never shared for data.
 */
export function fence(): void {
  Atomics.store(OWN, 0, 0);
  Atomics.load(OWN, 0);
}
