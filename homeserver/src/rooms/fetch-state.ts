// The state after an event that is not here, asked of a server that has it: by ids first, and in whole where most is new
// (server-server API, "Retrieving the room's state").
import { askEvent, askState, askStateIds } from '@carillon/federation/ask-rooms.ts';
import type { EventId } from '@carillon/protocol/identifiers.ts';
import type { JsonValue } from '@carillon/protocol/json.ts';
import { findStored, judgeOutliers } from './foreign-event.ts';
import type { Intake } from './intake.ts';
import type { RoomState } from './room.ts';
import { storeOutliers } from './store-outliers.ts';
import type { StoredEvent } from './stored-event.ts';

/** Beyond this many unknown events the whole state is asked for. */
const MAX_SINGLE_EVENTS = 50;
const EVENTS_AT_ONCE = 10;
/** Events that the state of a room may have, with its auth chain. */
const MAX_STATE_EVENTS = 200_000;

type Asking = Pick<Intake, 'rooms' | 'room' | 'origin' | 'placed'>;

/** The state after an event, or before it; null where the server cannot tell, or tells what cannot be. */
export async function fetchStateAfter(
  intake: Asking,
  eventId: EventId,
  side: 'after' | 'before' = 'after',
): Promise<RoomState | null> {
  const { rooms, room, origin } = intake;
  try {
    const ids = await askStateIds(rooms.remote.client, origin, { roomId: room.roomId, eventId });
    const own = side === 'after' ? [eventId] : [];
    const all = [...new Set([...ids.stateIds, ...ids.authChainIds, ...own])];
    if (all.length > MAX_STATE_EVENTS) return null;
    const known = await findStored(rooms.database, room, all);
    const missing = all.filter((id) => !known.has(id));
    const { fresh, stored } = await judgeOutliers(rooms, room, await fetchEvents(intake, eventId, missing));
    for (const eventId of intake.placed.keys()) fresh.delete(eventId);
    await storeOutliers(rooms, room, [...fresh.values()]);
    const eventOf = (id: EventId) => intake.placed.get(id)?.event ?? known.get(id) ?? stored.get(id) ?? fresh.get(id);
    const events = ids.stateIds.map(eventOf).filter((event) => event !== undefined);
    const self = eventOf(eventId);
    if (side === 'after' && self === undefined) return null;
    const state = stateFrom(room.state, side === 'after' && self !== undefined ? [...events, self] : events);
    return state.get('m.room.create', '') === undefined ? null : state;
  } catch (error) {
    rooms.logger.info({ roomId: room.roomId, origin, error: String(error) }, 'the state of a room cannot be had');
    return null;
  }
}

/** A state of these events, of rejected ones none; it shares with another what they have in common. */
export function stateFrom(like: RoomState, events: readonly StoredEvent[]): RoomState {
  let state = like;
  const keys = new Set<string>();
  for (const event of events) {
    if (event.stateKey === undefined || event.verdict === 'rejected') continue;
    keys.add(`${event.type}\0${event.stateKey}`);
    if (state.get(event.type, event.stateKey)?.eventId !== event.eventId) {
      state = state.set(event.type, event.stateKey, event);
    }
  }
  for (const { type, stateKey } of [...state.entries()]) {
    if (!keys.has(`${type}\0${stateKey}`)) state = state.delete(type, stateKey);
  }
  return state;
}

async function fetchEvents(
  { rooms, room, origin }: Asking,
  eventId: EventId,
  missing: readonly EventId[],
): Promise<JsonValue[]> {
  const { client } = rooms.remote;
  if (missing.length > MAX_SINGLE_EVENTS) {
    const whole = await askState(client, origin, { roomId: room.roomId, eventId });
    const self = await askEvent(client, origin, eventId);
    return [...whole, ...(self === null ? [] : [self])];
  }
  const found: JsonValue[] = [];
  for (let start = 0; start < missing.length; start += EVENTS_AT_ONCE) {
    const some = missing.slice(start, start + EVENTS_AT_ONCE);
    const answers = await Promise.all(some.map((id) => askEvent(client, origin, id).catch(() => null)));
    found.push(...answers.filter((json) => json !== null));
  }
  return found;
}
