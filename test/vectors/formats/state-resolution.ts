// state_resolution: per row a room's events, and sets of them with the state that they resolve to.
import { viewEvent } from '@carillon/event-graph/event-format.ts';
import type { RoomEvent } from '@carillon/event-graph/room-event.ts';
import { findRoomVersion, type RoomVersion } from '@carillon/event-graph/room-version.ts';
import { StateMap } from '@carillon/event-graph/state-map.ts';
import { resolveState } from '@carillon/event-graph/state-resolution/resolve.ts';
import { verifyKeyFromBytes } from '@carillon/platform/ed25519.ts';
import type { EventId } from '@carillon/protocol/identifiers.ts';
import type { JsonObject } from '@carillon/protocol/json.ts';
import { type Format, newTally } from '../format.ts';

interface ResolutionCase {
  readonly state_sets: readonly (readonly string[])[];
  readonly expected: readonly string[];
  readonly disputed?: boolean;
  readonly spec_expected?: readonly string[];
}

interface ResolutionRow {
  readonly id: string;
  readonly room_version: string;
  readonly events: readonly JsonObject[];
  readonly event_ids: readonly EventId[];
  readonly cases: readonly ResolutionCase[];
}

export const format: Format<ResolutionRow> = {
  name: 'state resolution',
  matches: (row) => 'algorithm' in row && 'events' in row && 'cases' in row,
  run(row) {
    const tally = newTally();
    const roomVersion = findRoomVersion(row.room_version);
    if (roomVersion === undefined) return tally.fail(`unknown room version ${row.room_version}`);
    const events = new Map<string, RoomEvent>();
    for (const [index, json] of row.events.entries()) {
      const eventId = row.event_ids[index] as EventId;
      events.set(eventId, viewEvent(json, roomVersion, { eventId }));
    }
    for (const [index, one] of row.cases.entries()) {
      const ours = resolve(roomVersion, events, one.state_sets).join(' ');
      if (ours === [...one.expected].sort().join(' ')) tally.pass();
      else if (one.disputed && ours === [...(one.spec_expected ?? [])].sort().join(' ')) tally.skip();
      else tally.fail(`${row.id} case ${index}: ${ours}`);
    }
    return tally;
  },
};

function resolve(
  roomVersion: RoomVersion,
  events: ReadonlyMap<string, RoomEvent>,
  stateSets: readonly (readonly string[])[],
): string[] {
  const [first = new StateMap<RoomEvent>(), ...others] = stateSets.map((set) => stateOf(events, set));
  const resolved = resolveState<RoomEvent>({
    roomVersion,
    stateSets: [first, ...others],
    eventOf: (eventId) => events.get(eventId),
    eventIdOf: ({ eventId }) => eventId,
    valueOf: (event) => event,
    isRejected: () => false,
    verifyKeyOf: verifyKeyFromBytes,
  });
  return Array.from(resolved.entries(), ({ value }) => value.eventId).sort();
}

function stateOf(events: ReadonlyMap<string, RoomEvent>, eventIds: readonly string[]): StateMap<RoomEvent> {
  const entries = eventIds.map((eventId) => {
    const value = events.get(eventId);
    if (value?.stateKey === undefined) throw new Error(`${eventId} is no state event of the row`);
    return { type: value.type, stateKey: value.stateKey, value };
  });
  return StateMap.from(entries);
}
