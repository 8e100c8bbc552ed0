// What an operator can set about rooms and messages.
import { roomVersions } from '@carillon/event-graph/room-version.ts';
import { Type } from 'typebox';

export const roomsConfig = Type.Object({
  default_version: Type.String({
    default: '12',
    description: 'Room version of new rooms whose maker asks for none: 1 to 12.',
  }),
});

export const messagesConfig = Type.Object({
  unsend_window: Type.Union([Type.String(), Type.Integer({ minimum: 0 })], {
    default: 'none',
    description:
      'How long people may take back what they said: a number of seconds, or one with a unit (90s, 15m, 48h, 7d); none: always.',
  }),
});

/** The slices that rooms are built with, in our own names. */
export interface RoomsSettings {
  readonly defaultRoomVersion: string;
  /** Null: without an end. */
  readonly unsendWindowMs: number | null;
}

const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** The configuration's duration in milliseconds; null for `none`, undefined for what says nothing. */
export function parseUnsendWindow(value: string | number): number | null | undefined {
  if (typeof value === 'number') return value * 1_000;
  if (value === 'none' || value === '') return null;
  const match = /^(\d{1,9})([smhd]?)$/.exec(value);
  if (match === null) return undefined;
  return Number(match[1]) * (UNIT_MS[match[2] || 's'] ?? 0);
}

/** What is wrong with the settings as sentences; empty when nothing is. */
export function roomsConfigFaults(config: { default_version: string; unsend_window: string | number }): string[] {
  const faults: string[] = [];
  if (!roomVersions.has(config.default_version)) {
    faults.push(
      `rooms.default_version is ${config.default_version}: it must be one of ${[...roomVersions.keys()].join(', ')}`,
    );
  }
  if (parseUnsendWindow(config.unsend_window) === undefined) {
    faults.push(
      'messages.unsend_window must be none, a number of seconds, or a number with one of the units s, m, h, d',
    );
  }
  return faults;
}
