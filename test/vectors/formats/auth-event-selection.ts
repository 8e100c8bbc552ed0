// auth_event_selection: an event and the (type, state_key) pairs that it may cite.
import { authEventKeys } from '@carillon/event-graph/auth-event-selection.ts';
import { findRoomVersion } from '@carillon/event-graph/room-version.ts';
import type { UserId } from '@carillon/protocol/identifiers.ts';
import type { JsonObject } from '@carillon/protocol/json.ts';
import { type Format, newTally } from '../format.ts';

interface SelectionRow {
  readonly room_version: string;
  readonly event: {
    readonly type: string;
    readonly state_key?: string;
    readonly sender: UserId;
    readonly content: JsonObject;
  };
  readonly expected: readonly (readonly [type: string, stateKey: string])[];
}

export const format: Format<SelectionRow> = {
  name: 'auth event selection',
  matches: (row) =>
    'room_version' in row &&
    'event' in row &&
    'expected' in row &&
    Array.isArray(row.expected) &&
    row.expected.every((pair) => Array.isArray(pair) && pair.length === 2),
  run({ room_version, event, expected }) {
    const tally = newTally();
    const roomVersion = findRoomVersion(room_version);
    if (roomVersion === undefined) return tally.fail(`unknown room version ${room_version}`);
    const { type, sender, content, state_key: stateKey } = event;
    const ours = sorted(authEventKeys(roomVersion, { type, sender, content, stateKey }));
    if (ours === sorted(expected)) return tally.pass();
    return tally.fail(`version ${room_version}, ${JSON.stringify(event)}: ${ours}`);
  },
};

function sorted(pairs: readonly (readonly [string, string])[]): string {
  return JSON.stringify(pairs.map((pair) => JSON.stringify(pair)).sort());
}
