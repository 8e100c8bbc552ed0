// Reading a room: history, single events, state, members, relations (client-server API, "Getting events for a room").
import { EncodedJson, type Handler, handle } from '@carillon/platform/http/handle.ts';
import * as events from '@carillon/protocol/client/room-events.ts';
import * as members from '@carillon/protocol/client/room-members.ts';
import * as relations from '@carillon/protocol/client/room-relations.ts';
import { getState, getStateEvent } from '@carillon/protocol/client/room-state.ts';
import type { ClientRooms } from './client-rooms.ts';
import { findEventByTime, readContext, readEvent, startReadingOrNotFound } from './read-event.ts';
import { readMessages } from './read-messages.ts';
import { readRelations, readThreads } from './read-relations.ts';
import { readJoinedMembers, readMembers, readState, readStateEvent } from './read-state.ts';
import { startReading } from './reading.ts';

export const readingRoutes = (rooms: ClientRooms): Handler[] => [
  ...timelineRoutes(rooms),
  ...stateRoutes(rooms),
  ...relationRoutes(rooms),
];

const timelineRoutes = (rooms: ClientRooms): Handler[] => [
  handle(events.getMessages, async ({ path, query, auth }) => {
    const reading = await startReading(rooms, auth, path.roomId);
    return new EncodedJson(await readMessages(rooms, reading, query));
  }),
  handle(events.getEvent, async ({ path, auth }) => {
    const reading = await startReadingOrNotFound(rooms, auth, path.roomId);
    return new EncodedJson(await readEvent(rooms, reading, path.eventId));
  }),
  handle(events.getContext, async ({ path, query, auth }) => {
    const reading = await startReading(rooms, auth, path.roomId);
    return new EncodedJson(await readContext(rooms, reading, { ...query, eventId: path.eventId }));
  }),
  handle(events.getEventByTimestamp, async ({ path, query, auth }) => {
    const reading = await startReading(rooms, auth, path.roomId);
    return findEventByTime(rooms, reading, query);
  }),
];

const stateRoutes = (rooms: ClientRooms): Handler[] => [
  handle(getState, async ({ path, auth }) => {
    const reading = await startReading(rooms, auth, path.roomId);
    return new EncodedJson(await readState(rooms, reading));
  }),
  handle(getStateEvent, async ({ path, query, auth }) => {
    const reading = await startReading(rooms, auth, path.roomId);
    const { eventType: type, stateKey } = path;
    return new EncodedJson(await readStateEvent(rooms, reading, { type, stateKey, format: query.format ?? 'content' }));
  }),
  handle(members.getMembers, async ({ path, query, auth }) => {
    const reading = await startReading(rooms, auth, path.roomId);
    return new EncodedJson(await readMembers(rooms, reading, query));
  }),
  handle(members.getJoinedMembers, async ({ path, auth }) => {
    return { joined: readJoinedMembers(await startReading(rooms, auth, path.roomId)) };
  }),
];

const relationRoutes = (rooms: ClientRooms): Handler[] => [
  handle(relations.getRelations, async ({ path, query, auth }) => {
    const reading = await startReadingOrNotFound(rooms, auth, path.roomId);
    return new EncodedJson(await readRelations(rooms, reading, { ...query, eventId: path.eventId }));
  }),
  handle(relations.getRelationsOfRelType, async ({ path, query, auth }) => {
    const reading = await startReadingOrNotFound(rooms, auth, path.roomId);
    const { eventId, relType } = path;
    return new EncodedJson(await readRelations(rooms, reading, { ...query, eventId, relType }));
  }),
  handle(relations.getRelationsOfEventType, async ({ path, query, auth }) => {
    const reading = await startReadingOrNotFound(rooms, auth, path.roomId);
    const { eventId, relType, eventType } = path;
    return new EncodedJson(await readRelations(rooms, reading, { ...query, eventId, relType, eventType }));
  }),
  handle(relations.getThreads, async ({ path, query, auth }) => {
    const reading = await startReading(rooms, auth, path.roomId);
    return new EncodedJson(await readThreads(rooms, reading, query));
  }),
];
