/** Milliseconds since the Unix epoch of a time in ISO 8601 with its zone, such as 2026-12-24T12:00:00Z; undefined for other text, also for a day that does not exist. */
export function isoTime(text: string): number | undefined {
  const match = /^(\d{4})-(\d\d)-(\d\d)T.*(?:Z|[+-]\d\d:?\d\d)$/.exec(text);
  if (match === null) return undefined;
  const [year, month, day] = match.slice(1, 4).map(Number);
  const time = Date.parse(text);
  return day <= new Date(Date.UTC(year, month, 0)).getUTCDate() && time >= 0 ? time : undefined;
}
