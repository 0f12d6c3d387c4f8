import { LinkKind } from './layout.ts';

const LEG_SHIFT = 8;
const LEGS_SHIFT = 16;
const BYTE = 0xff;

/** Most orders of a list. */
export const MAX_LEGS = 2;

/** The `link` of an extension. @param leg number of the order in its list, from 1 @param legs orders of the list */
export function linkWord(kind: LinkKind, leg: number, legs: number): number {
  return kind | (leg << LEG_SHIFT) | (legs << LEGS_SHIFT);
}

/** A LinkKind. */
export function linkKindOf(link: number): number {
  return link & BYTE;
}

export function legOf(link: number): number {
  return (link >>> LEG_SHIFT) & BYTE;
}

export function legsOf(link: number): number {
  return (link >>> LEGS_SHIFT) & BYTE;
}

/** True if this release has such lists, and such an order in them. */
export function isLink(link: number): boolean {
  const [kind, leg, legs] = [linkKindOf(link), legOf(link), legsOf(link)];
  return kind !== LinkKind.None && kind <= LinkKind.OneUpdatesOther && legs === 2 && leg >= 1 && leg <= legs && link >>> 24 === 0;
}
