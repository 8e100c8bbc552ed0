// The token of a place between events in a room's order (depth, position): `t<depth>.<position>`. It stands right before
// that event when one pages backwards from it, and right after it when one pages forwards.
import type { GraphPlace } from './event.store.ts';

const PATTERN = /^t(\d{1,16})\.(-?\d{1,16})$/;

/** The token of a place as text. */
export function formatGraphToken({ depth, position }: GraphPlace): string {
  return `t${depth}.${position}`;
}

/** The place of a token; null when the text is none. */
export function parseGraphToken(text: string): GraphPlace | null {
  const match = PATTERN.exec(text);
  return match === null ? null : { depth: Number(match[1]), position: Number(match[2]) };
}
