// auth_rules: per row one group of events and the cases judged against them.
import { checkAgainstAuthEvents } from '@carillon/event-graph/auth-rules/check-auth-events.ts';
import { isSignedBy } from '@carillon/event-graph/auth-rules/rule-input.ts';
import { viewEvent } from '@carillon/event-graph/event-format.ts';
import { requiredSigners } from '@carillon/event-graph/receive-checks.ts';
import { findRoomVersion, type RoomVersion } from '@carillon/event-graph/room-version.ts';
import { verifyKeyFromBytes } from '@carillon/platform/ed25519.ts';
import type { EventId } from '@carillon/protocol/identifiers.ts';
import type { JsonObject } from '@carillon/protocol/json.ts';
import { type Format, newTally } from '../format.ts';

interface AuthCase {
  readonly id: string;
  readonly event: JsonObject;
  readonly event_id: EventId;
  readonly rejected_auth_events?: readonly string[];
  readonly create?: string;
  readonly expected: 'allow' | 'reject';
  readonly reason?: string;
  readonly disputed?: boolean;
  readonly spec?: 'allow' | 'reject';
}

interface AuthGroup {
  readonly room_version: string;
  readonly variant: string;
  readonly events: Readonly<Record<string, JsonObject>>;
  readonly cases: readonly AuthCase[];
}

export const format: Format<AuthGroup> = {
  name: 'auth rules',
  matches: (row) => 'variant' in row && 'events' in row && 'cases' in row,
  run(group) {
    const tally = newTally();
    const roomVersion = findRoomVersion(group.room_version);
    if (roomVersion === undefined) return tally.fail(`unknown room version ${group.room_version}`);
    const events = new Map(
      Object.entries(group.events).map(([id, json]) => [id, viewEvent(json, roomVersion, { eventId: id as EventId })]),
    );
    for (const one of group.cases) {
      const verdict = judge(roomVersion, events, one);
      if (verdict.outcome === one.expected) tally.pass();
      else if (one.disputed && verdict.outcome === one.spec) tally.skip();
      else tally.fail(`${one.id}: ${verdict.outcome} (${verdict.why}), expected ${one.expected} (${one.reason ?? ''})`);
    }
    return tally;
  },
};

function judge(roomVersion: RoomVersion, events: ReadonlyMap<string, ReturnType<typeof viewEvent>>, one: AuthCase) {
  const event = viewEvent(one.event, roomVersion, { eventId: one.event_id });
  const unsigned = requiredSigners(event).find((server) => !isSignedBy(event, server));
  if (unsigned !== undefined) return { outcome: 'reject', why: `not signed by ${unsigned}` } as const;
  const rejectedIds = new Set(one.rejected_auth_events);
  const verdict = checkAgainstAuthEvents({
    roomVersion,
    event,
    eventOf: (id) => events.get(id),
    isRejected: (id) => rejectedIds.has(id),
    verifyKeyOf: verifyKeyFromBytes,
  });
  if (verdict.outcome === 'accepted') return { outcome: 'allow', why: 'accepted' } as const;
  return { outcome: 'reject', why: `${verdict.rule}: ${verdict.reason}` } as const;
}
