// What a client may ask of /sync: tokens, limits, full state, state_after, filters, timeouts, presence.
import type { JsonObject } from '@carillon/protocol/json.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Api, Person, v3 } from '../support/api-client.ts';
import { type OpenServer, openServer } from '../support/open-server.ts';
import { joinedRoom, textsOf } from '../support/sync-body.ts';
import { readWholeRoom } from '../support/timeline-sum.ts';

let server: OpenServer;
let anna: Person;
let ben: Person;
let roomId: string;

beforeAll(async () => {
  server = await openServer();
  [anna, ben] = [await server.api.register('anna'), await server.api.register('ben')];
  roomId = await anna.createRoom({ preset: 'public_chat', name: 'First name' });
  await ben.join(roomId);
});
afterAll(() => server.close());

const roomOf = async (...query: Parameters<Person['sync']>) => joinedRoom(await ben.sync(...query), roomId);
const say = async (count: number, text = 'line') => {
  for (let number = 0; number < count; number++) await anna.send(roomId, `${text} ${number}`);
};

describe('a token', () => {
  it.each(['nonsense', 'v1.999999999999', 's72594_4483_1934', 'v1.', 'v2.5', 't1.5'])(
    'that is unknown or of the future (%s) is answered like none',
    async (since) => {
      const room = await roomOf({ since });
      expect([...room.timeline.events, ...(room.state?.events ?? [])].map(({ type }) => type)).toContain(
        'm.room.create',
      );
    },
  );

  it('may be used twice', async () => {
    const { next_batch } = await ben.sync();
    await say(2, 'twice');
    for (let time = 0; time < 2; time++) {
      expect(textsOf((await roomOf({ since: next_batch })).timeline.events)).toEqual(['twice 0', 'twice 1']);
    }
  });
});

it('limits the timeline, and prev_batch goes on where it begins', async () => {
  const { next_batch } = await ben.sync();
  await say(30, 'many');
  const room = await roomOf({ since: next_batch, filter: { room: { timeline: { limit: 10 } } } });
  expect(room.timeline.limited).toBe(true);
  expect(textsOf(room.timeline.events)).toEqual(Array.from({ length: 10 }, (_, index) => `many ${index + 20}`));
  const page = await ben.ok<{ chunk: [] }>('GET', v3`/rooms/${roomId}/messages`, undefined, {
    query: { dir: 'b', from: room.timeline.prev_batch, to: next_batch, limit: 100 },
  });
  expect(textsOf(page.chunk)).toEqual(Array.from({ length: 20 }, (_, index) => `many ${19 - index}`));
  expect((await readWholeRoom(ben, roomId)).filter(({ content }) => content['body'] === 'many 5')).toHaveLength(1);
});

describe('state', () => {
  it('of what a limited timeline leaves out is told beside it, before or after it as asked', async () => {
    const { next_batch: since } = await ben.sync();
    await anna.putState(roomId, 'm.room.topic', { topic: 'in the gap' });
    await say(5, 'after the topic');
    await anna.putState(roomId, 'm.room.name', { name: 'in the timeline' });
    const filter = { room: { timeline: { limit: 3 } } };
    const types = (events: readonly { type: string }[] | undefined) => events?.map(({ type }) => type);
    expect(types((await roomOf({ since, filter })).state?.events)).toEqual(['m.room.topic']);
    for (const [name, query] of [
      ['state_after', { use_state_after: true }],
      ['org.matrix.msc4222.state_after', { 'org.matrix.msc4222.use_state_after': true }],
    ] as const) {
      const room = await roomOf({ since, filter, ...query });
      expect(types(room[name]?.events)?.sort()).toEqual(['m.room.name', 'm.room.topic']);
      expect(room.state).toBeUndefined();
    }
  });

  it('is told in full when asked', async () => {
    const { next_batch: since } = await ben.sync();
    const room = await roomOf({ since, full_state: true });
    expect(room.state?.events.map(({ type }) => type)).toEqual(
      expect.arrayContaining(['m.room.create', 'm.room.power_levels', 'm.room.member']),
    );
    expect(room.timeline.events).toEqual([]);
  });
});

describe('filters', () => {
  const all = { room: { timeline: { limit: 100 } } };
  const texts = async (timeline: JsonObject) =>
    textsOf((await roomOf({ filter: { room: { timeline: { limit: 100, ...timeline } } } })).timeline.events);

  it('choose types and senders', async () => {
    await ben.send(roomId, 'of ben');
    expect(await texts({ senders: [ben.userId] })).toEqual(['of ben']);
    expect(await texts({ not_senders: [anna.userId] })).toEqual(['of ben']);
    expect(await texts({ types: ['m.room.mess*'], not_senders: [anna.userId] })).toEqual(['of ben']);
    expect(await texts({ not_types: ['m.room.message'] })).toEqual([]);
    expect(await texts({ contains_url: true })).toEqual([]);
  });

  it('choose rooms', async () => {
    const other = await ben.createRoom();
    const joined = async (room: JsonObject) => Object.keys((await ben.sync({ filter: { room } })).rooms?.join ?? {});
    expect(await joined({ rooms: [other] })).toEqual([other]);
    expect(await joined({ not_rooms: [other] })).toEqual([roomId]);
    expect(await joined({ rooms: [other], not_rooms: [other] })).toEqual([]);
    const room = joinedRoom(await ben.sync({ filter: { room: { state: { not_types: ['*'] } } } }), other);
    expect(room.state?.events).toEqual([]);
  });

  it('choose fields and formats', async () => {
    // Such answers are not of the shape that the spec gives for whole events.
    const unchecked = new Person(new Api(server.url), ben.session);
    const fields = await unchecked.sync({ filter: { ...all, event_fields: ['type', 'content.body'] } });
    const { events } = joinedRoom(fields, roomId).timeline;
    expect(events.find(({ content }) => content?.['body'] === 'of ben')).toEqual({
      type: 'm.room.message',
      content: { body: 'of ben' },
    });
    const raw = await unchecked.sync({ filter: { ...all, event_format: 'federation' } });
    expect(joinedRoom(raw, roomId).timeline.events.at(-1)).toHaveProperty('auth_events');
  });

  it('load members lazily, each once', async () => {
    const cleo = await server.api.register('cleo');
    await cleo.join(roomId);
    await say(25);
    const filter = { room: { state: { lazy_load_members: true }, timeline: { limit: 2 } } };
    const members = (room: Awaited<ReturnType<typeof roomOf>>) =>
      (room.state?.events ?? []).filter(({ type }) => type === 'm.room.member').map(({ state_key }) => state_key);
    const first = await ben.sync({ filter });
    expect(members(joinedRoom(first, roomId))).not.toContain(cleo.userId);
    expect(members(joinedRoom(first, roomId))).toContain(anna.userId);
    await cleo.send(roomId, 'here I am');
    const second = await ben.sync({ filter, since: first.next_batch });
    expect(members(joinedRoom(second, roomId))).toEqual([cleo.userId]);
    await cleo.send(roomId, 'still here');
    const third = await ben.sync({ filter, since: second.next_batch });
    expect(members(joinedRoom(third, roomId))).toEqual([]);
    const redundant = { room: { ...filter.room, state: { lazy_load_members: true, include_redundant_members: true } } };
    const again = await ben.sync({ filter: redundant, since: second.next_batch });
    expect(members(joinedRoom(again, roomId))).toEqual([cleo.userId]);
  });

  it('are made, found and refused', async () => {
    const made = await ben.ok<{ filter_id: string }>('POST', v3`/user/${ben.userId}/filter`, all);
    expect(await ben.ok('GET', v3`/user/${ben.userId}/filter/${made.filter_id}`)).toEqual(all);
    await roomOf({ filter: made.filter_id });
    expect(await ben.refused('GET', v3`/user/${ben.userId}/filter/none`)).toBe('404 M_NOT_FOUND');
    expect(await ben.refused('GET', v3`/user/${anna.userId}/filter/${made.filter_id}`)).toBe('403 M_FORBIDDEN');
    for (const filter of ['none', '{"room":']) {
      const answer = await ben.call('GET', v3`/sync`, { query: { filter } });
      expect([answer.status, filter]).toEqual([400, filter]);
    }
  });
});

describe('waiting', () => {
  it('ends at the timeout, with news, or at once', async () => {
    const { next_batch: since } = await ben.sync();
    const timed = async (work: Promise<unknown>) => {
      const started = performance.now();
      await work;
      return performance.now() - started;
    };
    expect(await timed(ben.sync({ since }))).toBeLessThan(200);
    const waited = await timed(ben.sync({ since, timeout: 400 }));
    expect(waited).toBeGreaterThanOrEqual(390);
    expect(waited).toBeLessThan(1_500);
    const news = ben.sync({ since, timeout: 10_000 });
    await new Promise((resolve) => setTimeout(resolve, 100));
    const eventId = await anna.send(roomId, 'wake up');
    expect(await timed(news)).toBeLessThan(1_000);
    expect(joinedRoom(await news, roomId).timeline.events[0]?.event_id).toBe(eventId);
  });
});

it('sets presence as asked', async () => {
  const presenceOf = async () =>
    (await anna.ok<{ presence: string }>('GET', v3`/presence/${ben.userId}/status`)).presence;
  await ben.sync({ set_presence: 'unavailable' });
  expect(await presenceOf()).toBe('unavailable');
  await ben.sync({ set_presence: 'online' });
  expect(await presenceOf()).toBe('online');
  expect((await ben.call('GET', v3`/sync`, { query: { set_presence: 'asleep' } })).status).toBe(400);
});
