/** A number with its noun: `1 order`, `1,024 orders`. @param noun takes an s in the plural */
export function counted(value: number, noun: string): string {
  return `${value.toLocaleString('en')} ${noun}${value === 1 ? '' : 's'}`;
}
