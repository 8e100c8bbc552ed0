// Threats by which a local user's input could break the server or reach what it should not: each answer is a refusal or a
// faithful copy, never a fault, and the server goes on.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, Api, type Person, v3 } from '../support/api-client.ts';
import { type OpenServer, openServer } from '../support/open-server.ts';

let server: OpenServer;
let alice: Person;
let bob: Person;
let roomId: string;
let count = 0;

// biome-ignore lint/suspicious/noExplicitAny: answers are read by the members that a test expects
type Body = any;
const call = (who: { token: string }, method: string, path: string, body?: unknown): Promise<Answer<Body>> =>
  server.api.call<Body>(method, path, { token: who.token, ...(body === undefined ? {} : { body }) });
const send = (content: unknown, type = 'm.room.message', who = alice) =>
  call(who, 'PUT', v3`/rooms/${roomId}/send/${type}/${`t${count++}`}`, content);
const redact = (eventId: string, who = alice) =>
  call(who, 'PUT', v3`/rooms/${roomId}/redact/${eventId}/${`t${count++}`}`, {});
const newRoom = async (more = {}) =>
  (await call(alice, 'POST', v3`/createRoom`, { preset: 'public_chat', ...more })).body.room_id as string;

beforeAll(async () => {
  server = await openServer();
  [alice, bob] = (await Promise.all(['alice', 'bob'].map((name) => server.api.register(name)))) as [Person, Person];
  roomId = await newRoom();
  await call(bob, 'POST', v3`/rooms/${roomId}/join`, {});
});
afterAll(() => server.close());

/** The server still takes and gives messages. */
async function isWell(): Promise<void> {
  const { body } = await send({ msgtype: 'm.text', body: 'still here' });
  const { status } = await call(alice, 'GET', v3`/rooms/${roomId}/event/${body.event_id}`);
  expect(status).toBe(200);
  expect((await call(bob, 'GET', `${v3`/sync`}?timeout=0`)).status).toBe(200);
}

describe.each(['1', '11', '12'])('S09: redactions in version %s', (room_version) => {
  it('of themselves, of each other and in a long row end, and show each event as its own redaction left it', async () => {
    const before = roomId;
    roomId = await newRoom({ room_version });
    const said = (await send({ msgtype: 'm.text', body: 'gone' })).body.event_id as string;
    const row = [said];
    for (let index = 0; index < 60; index++) row.push((await redact(row.at(-1) ?? '')).body.event_id);
    expect((await redact(row[1] ?? '')).status).toBe(200);
    const shown = (await call(alice, 'GET', v3`/rooms/${roomId}/event/${said}`)).body;
    expect(shown.content).toEqual({});
    const page = await call(alice, 'GET', `${v3`/rooms/${roomId}/messages`}?dir=b&limit=1000`);
    expect(page.body.chunk.length).toBeGreaterThan(60);
    // A redaction of itself cannot be made: its id follows from what it says.
    const nowhere = await redact('$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA');
    expect(nowhere).toMatchObject({ status: 404, body: { errcode: 'M_NOT_FOUND' } });
    roomId = before;
  });

  it('take neither the create event nor what the room stands on, and leave members and powers in force', async () => {
    const other = await newRoom({ room_version });
    const state: Body[] = (await call(alice, 'GET', v3`/rooms/${other}/state`)).body;
    const idOf = (type: string) => state.find((event) => event.type === type)?.event_id as string;
    const take = (eventId: string, who = alice) =>
      call(who, 'PUT', v3`/rooms/${other}/redact/${eventId}/${`t${count++}`}`, {});
    expect(await take(idOf('m.room.create'))).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } });
    for (const type of ['m.room.member', 'm.room.power_levels', 'm.room.join_rules', 'm.room.history_visibility']) {
      expect((await take(idOf(type))).status).toBe(200);
    }
    await call(bob, 'POST', v3`/rooms/${other}/join`, {});
    expect((await call(bob, 'PUT', v3`/rooms/${other}/state/m.room.name/`, { name: 'taken' })).status).toBe(403);
    expect((await call(alice, 'PUT', v3`/rooms/${other}/state/m.room.name/`, { name: 'mine' })).status).toBe(200);
    expect((await take(idOf('m.room.create'), bob)).status).toBe(403);
    const create = (await call(bob, 'GET', v3`/rooms/${other}/state/m.room.create/`)).body;
    expect(create.room_version ?? '1').toBe(room_version);
  });
});

describe('S15, S16: JSON that is read in two ways', () => {
  const raw = (body: string) =>
    new Api(server.url).call<Body>('PUT', v3`/rooms/${roomId}/send/m.x/${`t${count++}`}`, {
      token: alice.token,
      body,
    });

  it.each([
    ['floats', '{"n":1.5}'],
    ['integers beyond 2^53', '{"n":9007199254740993}'],
    ['numbers that are none', '{"n":NaN}'],
    ['a lone surrogate', '{"a":"\\ud800"}'],
    ['half an object', '{"a":'],
    ['a list', '[]'],
    ['deep nesting', `{"a":${'['.repeat(5_000)}${']'.repeat(5_000)}}`],
  ])('refuses %s', async (_what, body) => {
    const answer = await raw(body);
    expect(answer.status).toBe(400);
    expect(answer.body.errcode).toMatch(/^M_(BAD_JSON|NOT_JSON)$/);
  });

  it('signs its own copy of an object that has a key twice, so that nobody can read it otherwise', async () => {
    const { body } = await raw('{"a":1,"a":2}');
    const event = await call(bob, 'GET', v3`/rooms/${roomId}/event/${body.event_id}`);
    expect(event.body.content).toEqual({ a: 2 });
  });

  it('keeps keys that name the prototype as keys', async () => {
    const { status, body } = await raw('{"__proto__":{"isAdmin":true},"constructor":{"prototype":1},"body":"x"}');
    expect(status).toBe(200);
    const answer = await fetch(server.url + v3`/rooms/${roomId}/event/${body.event_id}`, {
      headers: { authorization: `Bearer ${alice.token}` },
    });
    expect(await answer.text()).toContain('"__proto__":{"isAdmin":true}');
    expect(({} as Body).isAdmin).toBeUndefined();
    await isWell();
  });
});

describe('S17: U+0000', () => {
  it('in any place of any call is refused or given back, and nothing stops', async () => {
    const nul = 'a\0b';
    const answers = [
      await send({ msgtype: 'm.text', body: nul }),
      await send({ body: 'x', [nul]: nul }),
      await call(alice, 'PUT', v3`/rooms/${roomId}/state/m.x/${nul}`, { a: nul }),
      await call(alice, 'PUT', v3`/rooms/${roomId}/send/${nul}/t`, {}),
      await call(alice, 'PUT', v3`/profile/${alice.userId}/displayname`, { displayname: nul }),
      await call(alice, 'POST', v3`/createRoom`, { name: nul, topic: nul, room_alias_name: nul }),
      await call(alice, 'PUT', v3`/directory/room/${`#${nul}:hs1`}`, { room_id: roomId }),
      await call(alice, 'PUT', v3`/devices/${alice.session.device_id}`, { display_name: nul }),
      await call(alice, 'POST', v3`/user_directory/search`, { search_term: nul }),
      await call(alice, 'POST', v3`/publicRooms`, { filter: { generic_search_term: nul } }),
      await call(alice, 'POST', v3`/search`, { search_categories: { room_events: { search_term: nul } } }),
      await call(alice, 'POST', v3`/rooms/${roomId}/report`, { reason: nul }),
      await call(alice, 'PUT', v3`/user/${alice.userId}/account_data/${nul}`, {}),
      await call(alice, 'PUT', v3`/user/${alice.userId}/rooms/${roomId}/tags/${nul}`, {}),
      await call(alice, 'GET', `${v3`/rooms/${roomId}/messages`}?dir=b&from=%00`),
      await call(alice, 'POST', v3`/user/${alice.userId}/filter`, { room: { rooms: [nul] } }),
    ];
    for (const { status, body } of answers) {
      expect([200, 400], JSON.stringify(body)).toContain(status);
      if (status === 400) expect(body.errcode).toMatch(/^M_/);
    }
    await isWell();
  });
});

describe('S18: sizes, in bytes', () => {
  it('an event may have 65,536 bytes, a type and a key 255, however few characters that is', async () => {
    expect((await send({ body: 'x'.repeat(60_000) })).status).toBe(200);
    for (const content of [{ body: 'x'.repeat(65_600) }, { body: 'é'.repeat(33_000) }]) {
      expect(await send(content)).toMatchObject({ status: 413, body: { errcode: 'M_TOO_LARGE' } });
    }
    expect((await send({}, 'é'.repeat(127))).status).toBe(200);
    for (const [type, key] of [
      ['é'.repeat(128), ''],
      ['m.x', 'é'.repeat(128)],
    ] as const) {
      const { status, body } = await call(alice, 'PUT', v3`/rooms/${roomId}/state/${type}/${key}`, {});
      expect([400, 413]).toContain(status);
      expect(body.errcode).toMatch(/^M_(TOO_LARGE|BAD_JSON|INVALID_PARAM)$/);
    }
    await isWell();
  });
});

describe('S19: ids', () => {
  it.each([
    '!',
    '!%',
    '!_',
    "!a' or 1=1--",
    '!../../etc:hs1',
    `!${'a'.repeat(300)}:hs1`,
    '!a:hs1:',
    '!a b:hs1',
    '!é',
    '$a',
    '#a:hs1',
  ])('a room called %s is refused or unknown', async (id) => {
    for (const tail of ['state', 'messages?dir=b', 'members', 'joined_members', 'aliases', 'initialSync']) {
      const { status, body } = await call(alice, 'GET', `${v3`/rooms/${id}`}/${tail}`);
      expect([400, 403, 404], JSON.stringify(body)).toContain(status);
    }
  });

  it.each(['$', '$%', `$${'a'.repeat(300)}`, "$a'--", '$../x', '!a:hs1', '%_'])(
    'so is an event called %s',
    async (id) => {
      for (const path of [
        v3`/rooms/${roomId}/event/${id}`,
        v3`/rooms/${roomId}/context/${id}`,
        `/_matrix/client/v1${v3`/rooms/${roomId}/relations/${id}`.slice('/_matrix/client/v3'.length)}`,
      ]) {
        const { status } = await call(alice, 'GET', path);
        expect([400, 404]).toContain(status);
      }
      await isWell();
    },
  );
});

describe('S71: costly questions and forged tokens', () => {
  it('limits are capped or refused, and tokens that we never gave are refused or mean nothing', async () => {
    const room = v3`/rooms/${roomId}`;
    const asked = [
      `${room}/messages?dir=b&limit=1000000000`,
      `${room}/messages?dir=b&limit=-1`,
      `${room}/messages?dir=b&from=t99999999999999999999.1`,
      `${room}/messages?dir=f&from=v1.9007199254740991&to=t0.0`,
      `${room}/messages?dir=b&from=${encodeURIComponent("'; select pg_sleep(10)--")}`,
      `${v3`/sync`}?since=v1.-1&timeout=0`,
      `${v3`/sync`}?since=garbage&timeout=0`,
      `${v3`/publicRooms`}?since=o999999999&limit=999999999`,
      `${v3`/notifications`}?limit=999999999&from=x`,
      `/_matrix/client/v1/rooms/${encodeURIComponent(roomId)}/hierarchy?limit=999999&max_depth=999999`,
      `/_matrix/client/v1/rooms/${encodeURIComponent(roomId)}/threads?limit=999999&from=x`,
      `/_matrix/client/v1/rooms/${encodeURIComponent(roomId)}/timestamp_to_event?dir=f&ts=-9007199254740991`,
    ];
    for (const path of asked) {
      const started = performance.now();
      const { status, body } = await call(alice, 'GET', path);
      expect([200, 400, 404], `${path} ${JSON.stringify(body)}`).toContain(status);
      expect(performance.now() - started).toBeLessThan(5_000);
    }
  });

  it('patterns and filters of any size take no time', async () => {
    const evil = `${'*a'.repeat(100)}b`;
    const filter = {
      room: { timeline: { types: Array.from({ length: 500 }, () => evil), not_senders: ['x'.repeat(1_000)] } },
    };
    const made = await call(alice, 'POST', v3`/user/${alice.userId}/filter`, filter);
    expect([200, 400, 413]).toContain(made.status);
    const started = performance.now();
    await send({ body: 'a'.repeat(20_000) }, `m.${'a'.repeat(200)}`);
    const query = encodeURIComponent(JSON.stringify(filter.room.timeline));
    expect([200, 400, 413, 414, 431]).toContain(
      (await call(alice, 'GET', `${v3`/rooms/${roomId}/messages`}?dir=b&limit=100&filter=${query}`)).status,
    );
    const search = { search_categories: { room_events: { search_term: 'a '.repeat(50_000) } } };
    expect([200, 400, 413]).toContain((await call(alice, 'POST', v3`/search`, search)).status);
    expect(performance.now() - started).toBeLessThan(5_000);
    await isWell();
  });
});

describe('S74: names', () => {
  it('of people, devices and profile fields are bounded in bytes', async () => {
    const huge = 'x'.repeat(100_000);
    for (const { status, body } of [
      await call(alice, 'PUT', v3`/profile/${alice.userId}/displayname`, { displayname: huge }),
      await call(alice, 'PUT', v3`/profile/${alice.userId}/m.own`, { 'm.own': huge }),
      await call(alice, 'PUT', v3`/profile/${alice.userId}/${'k'.repeat(256)}`, { ['k'.repeat(256)]: 'x' }),
      await call(alice, 'PUT', v3`/devices/${alice.session.device_id}`, { display_name: huge }),
      await call(alice, 'PUT', v3`/rooms/${roomId}/state/m.room.name/`, { name: huge }),
    ]) {
      expect([400, 413], JSON.stringify(body).slice(0, 200)).toContain(status);
    }
    await isWell();
  });
});
