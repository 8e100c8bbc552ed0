// One event as a client is told of it, from memory and from the database.
import type { EventId, RoomId } from '@carillon/protocol/identifiers.ts';
import type { JsonObject } from '@carillon/protocol/json.ts';
import { expect } from 'vitest';
import { encodeClientEvent } from '../client-event.ts';
import { decorateEvents } from '../decorate-events.ts';
import { findEvent } from '../find-event.ts';
import type { RoomDependencies } from '../room-dependencies.ts';
import type { StoredEvent } from '../stored-event.ts';
import { ALICE, type World } from './room-world.ts';

export type ToldEvent = JsonObject & { readonly content: JsonObject; readonly unsigned: JsonObject };

export async function eventOf(dependencies: RoomDependencies, roomId: RoomId, eventId: EventId): Promise<StoredEvent> {
  const event = await findEvent(dependencies, await dependencies.rooms.load(roomId), eventId);
  if (event === undefined) throw new Error('the event is there');
  return event;
}

/** The event as a device of Alice's gets it. */
export async function clientEvent(
  dependencies: RoomDependencies,
  roomId: RoomId,
  eventId: EventId,
  deviceId = 'A',
): Promise<ToldEvent> {
  const event = await eventOf(dependencies, roomId, eventId);
  const room = await dependencies.rooms.load(roomId);
  const device = { userId: ALICE, deviceId };
  await decorateEvents(dependencies.database, room, [event], device);
  return JSON.parse(encodeClientEvent(event, { now: event.originServerTs, ...device, withRoomId: true })) as ToldEvent;
}

/** The same; fails where the hot room and the reloaded one tell different things. */
export async function toldOf(world: World, roomId: RoomId, eventId: EventId, deviceId?: string): Promise<ToldEvent> {
  const told = await clientEvent(world.rooms, roomId, eventId, deviceId);
  expect(await clientEvent(world.restarted(), roomId, eventId, deviceId)).toEqual(told);
  return told;
}
