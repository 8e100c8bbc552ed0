// Builds the next event of a room from memory: heads, auth events, hash, signature, auth rules. Synchronous.
import { authEventKeys } from '@carillon/event-graph/auth-event-selection.ts';
import { checkAuth } from '@carillon/event-graph/auth-rules/check-auth.ts';
import { buildEvent } from '@carillon/event-graph/build-event.ts';
import { referenceHash } from '@carillon/event-graph/hashes.ts';
import type { RoomVersion } from '@carillon/event-graph/room-version.ts';
import { verifyKeyFromBytes } from '@carillon/platform/ed25519.ts';
import type { EventId, UserId } from '@carillon/protocol/identifiers.ts';
import type { JsonObject } from '@carillon/protocol/json.ts';
import { forbidden } from '@carillon/protocol/matrix-error.ts';
import { replacedBy } from './client-event.ts';
import { headsToCite, placeEvent, stateAfterHeads } from './place-event.ts';
import type { PlacedEvent } from './placed-event.ts';
import type { Room, RoomHead, RoomState } from './room.ts';
import type { RoomDependencies } from './room-dependencies.ts';
import { type SentBy, StoredEvent } from './stored-event.ts';

const EVENT_ID_LOCALPART_BYTES = 18;

/** What a local user wants to say in a room. */
export interface Draft {
  readonly type: string;
  /** undefined: not a state event. */
  readonly stateKey?: string | undefined;
  readonly sender: UserId;
  readonly content: JsonObject;
  /** Milliseconds since 1970 where an app service says when; the server's clock otherwise. */
  readonly originServerTs?: number | undefined;
  /** The redaction's target, already looked up. */
  readonly redacts?: StoredEvent | undefined;
  readonly sentBy?: SentBy | undefined;
}

type BuildDependencies = Pick<RoomDependencies, 'clock' | 'random' | 'signingKey' | 'serverName'>;

/**
 * Builds, signs and authorises an event on top of what is built in `room`, and moves the room on to it.
 * The caller hands it to persistEvents in the same turn. Throws M_FORBIDDEN with the broken rule, M_TOO_LARGE, M_BAD_JSON.
 */
export function buildRoomEvent(dependencies: BuildDependencies, room: Room, draft: Draft): PlacedEvent {
  const heads = headsToCite(room);
  const stateBefore = stateAfterHeads(room, heads);
  const event = makeEvent(dependencies, room, { draft, heads, stateBefore });
  requireAllowed(room, event, stateBefore);
  // What an uncited head forbids, others would not show either.
  if (stateBefore !== room.state) requireAllowed(room, event, room.state);
  const follows = heads.map((head) => head.eventId);
  const placed = placeEvent(room, event, { follows, stateBefore, redacts: draft.redacts ?? null });
  if (room.heads.length === 1) room.forkEvents = null;
  if (draft.originServerTs === undefined) room.newestTs = event.originServerTs;
  return placed;
}

function requireAllowed(room: Room, event: StoredEvent, state: RoomState): void {
  const verdict = checkAuth({
    roomVersion: room.version,
    event,
    state: (type, stateKey) => state.get(type, stateKey),
    verifyKeyOf: verifyKeyFromBytes,
  });
  if (verdict.outcome !== 'accepted') throw forbidden(verdict.reason);
}

interface Making {
  readonly draft: Draft;
  /** What it cites. */
  readonly heads: readonly RoomHead[];
  readonly stateBefore: RoomState;
}

/** The signed event, not yet judged. */
export function makeEvent(
  dependencies: BuildDependencies,
  room: Room,
  { draft, heads, stateBefore }: Making,
): StoredEvent {
  const { version } = room;
  const authEvents = citedAuthEvents(stateBefore, version, draft);
  const built = buildEvent(
    version,
    {
      type: draft.type,
      stateKey: draft.stateKey,
      sender: draft.sender,
      content: withRedacts(draft, version),
      redacts: version.redactsInContent ? undefined : draft.redacts?.eventId,
      roomId: version.roomIdAsHash && draft.type === 'm.room.create' ? undefined : room.roomId,
      depth: Math.min(1 + heads.reduce((deepest, head) => Math.max(deepest, head.depth), 0), version.maxDepth),
      originServerTs: draft.originServerTs ?? Math.max(dependencies.clock.now(), room.newestTs),
      authEvents: authEvents.map((event) => event.eventId),
      prevEvents: heads.map((head) => head.eventId),
      ...(version.referencesAreHashPairs ? earlyVersionFields(dependencies, version, { authEvents, heads }) : {}),
    },
    { server: dependencies.serverName, key: dependencies.signingKey },
  );
  const event = new StoredEvent({
    roomVersion: version,
    eventId: built.eventId,
    roomId: built.roomId,
    type: built.type,
    stateKey: built.stateKey,
    sender: built.sender,
    depth: built.depth,
    originServerTs: built.originServerTs,
    text: built.canonicalText(),
    position: 0,
    stateBefore: null,
    verdict: 'accepted',
    redactedBy: null,
    json: built.json,
  });
  event.sentBy = draft.sentBy ?? null;
  event.replaced = event.stateKey === undefined ? null : replacedBy(room.state.get(event.type, event.stateKey));
  return event;
}

function withRedacts(draft: Draft, version: RoomVersion): JsonObject {
  if (draft.redacts === undefined || !version.redactsInContent) return draft.content;
  return { ...draft.content, redacts: draft.redacts.eventId };
}

function citedAuthEvents(state: RoomState, version: RoomVersion, draft: Draft): StoredEvent[] {
  const cited: StoredEvent[] = [];
  for (const [type, stateKey] of authEventKeys(version, { ...draft, stateKey: draft.stateKey })) {
    const event = state.get(type, stateKey);
    if (event !== undefined) cited.push(event);
  }
  return cited;
}

/** Room versions 1 and 2: an id of our own, and the reference hashes of what is cited. */
function earlyVersionFields(
  dependencies: BuildDependencies,
  version: RoomVersion,
  { authEvents, heads }: { authEvents: readonly StoredEvent[]; heads: readonly RoomHead[] },
): { eventId: EventId; referenceHashes: Map<EventId, string> } {
  const referenceHashes = new Map<EventId, string>();
  for (const event of authEvents) referenceHashes.set(event.eventId, referenceHash(event.json, version));
  for (const head of heads) if (head.sha256 !== undefined) referenceHashes.set(head.eventId, head.sha256);
  const localpart = dependencies.random.token(EVENT_ID_LOCALPART_BYTES);
  return { eventId: `$${localpart}:${dependencies.serverName}` as EventId, referenceHashes };
}
