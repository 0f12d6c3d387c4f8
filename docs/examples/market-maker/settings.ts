/** A setting that cannot be used. The message names it. */
export class SettingError extends Error {}

/** A whole number from the environment, `fallback` if it is not set. @throws SettingError */
export function wholeNumber(env: Readonly<Record<string, string | undefined>>, name: string, fallback: number, min: number): number {
  const text = env[name];
  if (text === undefined) return fallback;
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < min)
    throw new SettingError(`${name} must be a whole number from ${min}, not ${JSON.stringify(text)}`);
  return value;
}
