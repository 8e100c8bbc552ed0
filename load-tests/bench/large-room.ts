// A large room for the benches, and forks of it that disagree on many keys. Unsigned events with real ids.
import { selectAuthEvents } from '@carillon/event-graph/auth-event-selection.ts';
import type { RoomEvent } from '@carillon/event-graph/room-event.ts';
import type { RoomVersion } from '@carillon/event-graph/room-version.ts';
import { StateMap } from '@carillon/event-graph/state-map.ts';
import { resolveState } from '@carillon/event-graph/state-resolution/resolve.ts';
import { sketchEvent } from '@carillon/event-graph/testing/sketch-event.ts';
import type { EventId, UserId } from '@carillon/protocol/identifiers.ts';
import type { JsonObject } from '@carillon/protocol/json.ts';

export interface LargeRoom {
  readonly roomVersion: RoomVersion;
  readonly events: Map<EventId, RoomEvent>;
  readonly creator: UserId;
  state: StateMap<RoomEvent>;
  head: RoomEvent | undefined;
  clock: number;
}

export const userOf = (index: number) => `@user${index}:server${index % 50}.example` as UserId;

/** A public room with this many members; the first 20 are moderators. */
export function createLargeRoom(roomVersion: RoomVersion, members: number): LargeRoom {
  const creator = userOf(0);
  const room: LargeRoom = {
    roomVersion,
    events: new Map(),
    creator,
    state: new StateMap<RoomEvent>(),
    head: undefined,
    clock: 1_700_000_000_000,
  };
  addState(room, { type: 'm.room.create', sender: creator, content: { room_version: roomVersion.id, creator } });
  addState(room, { type: 'm.room.member', stateKey: creator, sender: creator, content: { membership: 'join' } });
  addState(room, { type: 'm.room.power_levels', sender: creator, content: powerContent(room, 0) });
  addState(room, { type: 'm.room.join_rules', sender: creator, content: { join_rule: 'public' } });
  for (let index = 1; index < members; index++) {
    const user = userOf(index);
    const content = { membership: 'join', displayname: `User number ${index}` };
    addState(room, { type: 'm.room.member', stateKey: user, sender: user, content });
  }
  return room;
}

function powerContent({ roomVersion, creator }: LargeRoom, round: number): JsonObject {
  const users: JsonObject = {};
  for (let index = 1; index <= 20; index++) users[userOf(index)] = 50;
  if (!roomVersion.privilegedCreators) users[creator] = 100;
  return { users, events: { 'org.example.round': round % 50 } };
}

interface StateChange {
  readonly type: string;
  readonly stateKey?: string;
  readonly sender: UserId;
  readonly content: JsonObject;
}

function addState(room: LargeRoom, { stateKey = '', ...rest }: StateChange): void {
  const change = { ...rest, stateKey };
  const authEvents = selectAuthEvents(room.roomVersion, change, (type, key) => room.state.get(type, key));
  room.clock += 10;
  const event = sketchEvent(room.roomVersion, {
    ...change,
    authEvents,
    prevEvents: room.head === undefined ? [] : [room.head],
    originServerTs: room.clock,
  });
  room.events.set(event.eventId, event);
  room.state = room.state.set(event.type, stateKey, event);
  room.head = event;
}

/** The states of forks, each with its own event on all of `conflictedKeys` keys: powers, join rules, bans, profiles, other state. */
export function forkRoom(room: LargeRoom, forks: number, conflictedKeys: number): StateMap<RoomEvent>[] {
  const { state, head } = room;
  const states: StateMap<RoomEvent>[] = [];
  for (let fork = 0; fork < forks; fork++) {
    room.state = state;
    room.head = head;
    // Replaced at once, so that it is in the auth difference only and the chain of all members must be searched for it.
    addState(room, { type: 'm.room.power_levels', sender: room.creator, content: powerContent(room, 20 + fork) });
    for (let key = 0; key < conflictedKeys; key++) addState(room, changeOf(room, fork, key));
    states.push(room.state);
  }
  room.state = state;
  room.head = head;
  return states;
}

function changeOf(room: LargeRoom, fork: number, key: number): StateChange {
  const { creator } = room;
  if (key === 0) return { type: 'm.room.power_levels', sender: creator, content: powerContent(room, fork) };
  if (key === 1) {
    return { type: 'm.room.join_rules', sender: creator, content: { join_rule: 'public', 'org.example.fork': fork } };
  }
  const user = userOf(100 + key);
  const moderator = userOf(1 + ((key + fork) % 20));
  switch (key % 5) {
    case 0:
      return {
        type: 'm.room.member',
        stateKey: user,
        sender: moderator,
        content: { membership: 'ban', reason: `${fork}` },
      };
    case 1:
      return { type: 'org.example.state', stateKey: `${key}`, sender: moderator, content: { fork } };
    default:
      return {
        type: 'm.room.member',
        stateKey: user,
        sender: user,
        content: { membership: 'join', displayname: `${fork}` },
      };
  }
}

/** The state that these sets resolve to. */
export function resolveForks({ roomVersion, events }: LargeRoom, sets: readonly StateMap<RoomEvent>[]) {
  const [first = new StateMap<RoomEvent>(), ...others] = sets;
  return resolveState<RoomEvent>({
    roomVersion,
    stateSets: [first, ...others],
    eventOf: (eventId) => events.get(eventId),
    eventIdOf: ({ eventId }) => eventId,
    valueOf: (event) => event,
    isRejected: () => false,
    verifyKeyOf: noKeys,
  });
}

/** For rooms without third-party invites. */
export function noKeys(): never {
  throw new Error('These rooms have no third-party invites');
}
