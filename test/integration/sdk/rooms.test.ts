// Rooms with matrix-js-sdk: history, lazy members, filters, threads, power, and leaving.
import { Direction, EventType, Filter, KnownMembership, MsgType, Preset, THREAD_RELATION_TYPE } from 'matrix-js-sdk';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Person } from '../support/api-client.ts';
import { type OpenServer, openServer } from '../support/open-server.ts';
import { eventually, type SdkPerson, sdkClient, startSyncing, textsIn } from '../support/sdk-client.ts';

const HISTORY = 75;
const CROWD = 12;
const texts = Array.from({ length: HISTORY }, (_, number) => `message ${number}`);

let server: OpenServer;
let anna: Person;
let ben: Person;
let roomId: string;
const people: SdkPerson[] = [];

beforeAll(async () => {
  server = await openServer();
  anna = await server.api.register('anna');
  ben = await server.api.register('ben');
  roomId = await anna.createRoom({ preset: 'public_chat', name: 'Old room' });
  for (let number = 0; number < CROWD; number++) await (await server.api.register(`crowd${number}`)).join(roomId);
  await ben.join(roomId);
  for (const text of texts) await anna.send(roomId, text);
});
afterAll(async () => {
  for (const { client } of people) client.stopClient();
  await server.close();
});

async function comeAlong(person: Person, options: Parameters<typeof startSyncing>[1] = {}): Promise<SdkPerson> {
  const { user_id } = person.session;
  const again = await server.api.login(user_id.slice(1, user_id.indexOf(':')));
  const client = sdkClient(server.url, again.session);
  people.push(client);
  await startSyncing(client, options);
  return client;
}

it('brings initialSyncLimit events, and the rest by scrolling back to the creation', async () => {
  const person = await comeAlong(ben, { initialSyncLimit: 7 });
  expect(textsIn(person, roomId)).toEqual(texts.slice(-7));
  const room = person.client.getRoom(roomId)!;
  for (let page = 0; page < 10 && room.oldState.paginationToken !== null; page++)
    await person.client.scrollback(room, 30);
  expect(textsIn(person, roomId)).toEqual(texts);
  expect(room.getLiveTimeline().getEvents()[0]?.getType()).toBe('m.room.create');
  const all = room
    .getLiveTimeline()
    .getEvents()
    .map((event) => event.getId());
  expect(new Set(all).size).toBe(all.length);
});

it('loads members lazily, and all of them when asked', async () => {
  const person = await comeAlong(ben, { lazyLoadMembers: true });
  const room = person.client.getRoom(roomId)!;
  expect(room.getJoinedMemberCount()).toBe(CROWD + 2);
  expect(room.getMembers().length).toBeLessThan(CROWD);
  expect(room.getMember(anna.userId)?.membership).toBe('join');
  await room.loadMembersIfNeeded();
  expect(room.getJoinedMembers()).toHaveLength(CROWD + 2);
});

it('walks from the middle of the history both ways', async () => {
  const person = await comeAlong(ben, { initialSyncLimit: 1 });
  const wanted = (
    await anna.ok<{ chunk: { event_id: string; content: { body?: string } }[] }>(
      'GET',
      `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}/messages`,
      undefined,
      { query: { dir: 'b', limit: 60 } },
    )
  ).chunk.find((event) => event.content.body === 'message 30');
  const room = person.client.getRoom(roomId)!;
  const timeline = await person.client.getEventTimeline(room.getUnfilteredTimelineSet(), wanted?.event_id ?? '');
  for (const backwards of [true, false]) {
    for (let page = 0; page < 20; page++) {
      if (!(await person.client.paginateEventTimeline(timeline!, { backwards, limit: 20 }))) break;
    }
  }
  // It ends where the live timeline begins.
  const live = timeline!.getNeighbouringTimeline(Direction.Forward);
  expect(live).toBe(room.getLiveTimeline());
  const seen = [...timeline!.getEvents(), ...live!.getEvents()].filter((event) => event.getType() === 'm.room.message');
  expect(seen.map((event) => event.getContent()['body'])).toEqual(texts);
});

it('takes a filter made on the server', async () => {
  const person = sdkClient(server.url, ben.session);
  const filter = new Filter(ben.userId);
  filter.setDefinition({ room: { timeline: { types: ['m.room.topic'], limit: 5 } } });
  const id = await person.client.getOrCreateFilter('topics only', filter);
  const body = await ben.sync({ filter: id });
  expect(body.rooms?.join?.[roomId]?.timeline.events).toEqual([]);
  expect(await person.client.getFilter(ben.userId, id, true)).toBeDefined();
});

it('shows threads with their summary', async () => {
  const root = await anna.send(roomId, 'root');
  const person = await comeAlong(ben);
  for (let number = 0; number < 3; number++) {
    const relation = { rel_type: THREAD_RELATION_TYPE.name, event_id: root };
    await anna.send(roomId, { msgtype: MsgType.Text, body: `in thread ${number}`, 'm.relates_to': relation });
  }
  const thread = await eventually(() => person.client.getRoom(roomId)?.getThread(root), 'the thread is there');
  await eventually(() => thread.length === 3, 'it has three replies');
  expect(thread.replyToEvent?.getContent()['body']).toBe('in thread 2');
  const listed = await person.client.createThreadListMessagesRequest(roomId, null, 10, Direction.Backward);
  expect(listed.chunk.map((event) => event.event_id)).toEqual([root]);
  expect(listed.chunk[0]?.unsigned?.['m.relations']?.[THREAD_RELATION_TYPE.name]).toMatchObject({ count: 3 });
});

it('knows power: kicks, bans, unbans', async () => {
  const person = await comeAlong(anna);
  const guest = await server.api.register('guest');
  const { client } = person;
  const { room_id } = await client.createRoom({ preset: Preset.PublicChat, name: 'With rules' });
  await guest.join(room_id);
  const membership = () => client.getRoom(room_id)?.getMember(guest.userId)?.membership;
  await eventually(() => membership() === KnownMembership.Join, 'the guest is in');
  await client.setPowerLevel(room_id, guest.userId, 10);
  await eventually(() => client.getRoom(room_id)?.getMember(guest.userId)?.powerLevel === 10, 'the guest has power');
  await client.kick(room_id, guest.userId, 'enough');
  await eventually(() => membership() === KnownMembership.Leave, 'the guest is out');
  await client.ban(room_id, guest.userId);
  await eventually(() => membership() === KnownMembership.Ban, 'the guest is banned');
  await client.unban(room_id, guest.userId);
  await eventually(() => membership() === KnownMembership.Leave, 'the guest may come back');
  expect(client.getRoom(room_id)?.getVersion()).toBe('12');
  expect(client.getRoom(room_id)?.currentState.maySendEvent(EventType.RoomMessage, guest.userId)).toBe(true);
});

it('leaves and forgets', async () => {
  const person = await comeAlong(ben);
  const { room_id } = await person.client.createRoom({});
  await eventually(() => person.client.getRoom(room_id), 'the room is there');
  await person.client.leave(room_id);
  await eventually(() => person.client.getRoom(room_id)?.getMyMembership() === KnownMembership.Leave, 'it is left');
  await person.client.forget(room_id);
  expect((await person.client.getJoinedRooms()).joined_rooms).not.toContain(room_id);
});

it('has had only answers of the shapes that the spec allows', () => {
  expect(people.flatMap(({ faults }) => faults)).toEqual([]);
});
