import fc from 'fast-check';

/** Preloaded where only whether a property fails is asked (`--import`): a smaller counterexample is not looked for. */
fc.configureGlobal({ endOnFailure: true });
