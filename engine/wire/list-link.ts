import { LinkKind } from './layout.ts';
import type { LinkTerm } from './order-kinds.ts';

const LEG_SHIFT = 8;
const LEGS_SHIFT = 16;
const BYTE = 0xff;

/** Most orders of a list. */
export const MAX_LEGS = 3;

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
  return kind !== LinkKind.None && kind <= LinkKind.Bracket && legs === legsOfKind(kind) && leg >= 1 && leg <= legs && link >>> 24 === 0;
}

function legsOfKind(kind: number): number {
  return kind === LinkKind.Bracket ? 3 : 2;
}

/** True if the first order of such lists is a parent, and the others its children. */
export function hasChildren(kind: number): boolean {
  return kind >= LinkKind.OneTriggersOther;
}

/** What the order is to the others, as a term of the table of combinations. */
export function linkTermOf(link: number): LinkTerm {
  if (link === 0) return '';
  if (!hasChildren(linkKindOf(link))) return 'linked';
  return legOf(link) === 1 ? 'parent' : 'child';
}
