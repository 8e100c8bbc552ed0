// Account data, tags and filters (client-server API, modules "Client Config", "Room Tagging", "Filtering").
import type { RoomId, UserId } from '@carillon/protocol/identifiers.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AccountServer, type Person, signUp, startAccountServer } from './testing/account-server.ts';

const V3 = '/_matrix/client/v3';
const ROOM = '!room:test.example' as RoomId;
let server: AccountServer;
let alice: Person;
let aliceId: UserId;

beforeAll(async () => {
  server = await startAccountServer();
  alice = await signUp(server, 'alice');
  aliceId = alice.userId as UserId;
});
afterAll(() => server.stop());

const call = (method: string, path: string, body?: unknown) =>
  server.call(method, `${V3}/user/${aliceId}${path}`, { token: alice.token, ...(body === undefined ? {} : { body }) });
const listSince = (since: number, upTo = server.streamWriter.position) =>
  server.accounts.accountData.listSince(aliceId, { since, upTo });

describe('account data', () => {
  it('are kept for the account and for a room, apart', async () => {
    expect((await call('PUT', '/account_data/m.direct', { '@b:x': [ROOM] })).status).toBe(200);
    expect((await call('PUT', `/rooms/${ROOM}/account_data/m.direct`, { room: true })).status).toBe(200);
    expect((await call('GET', '/account_data/m.direct')).body).toEqual({ '@b:x': [ROOM] });
    expect((await call('GET', `/rooms/${ROOM}/account_data/m.direct`)).body).toEqual({ room: true });
    expect(await call('GET', '/account_data/absent')).toMatchObject({ status: 404, body: { errcode: 'M_NOT_FOUND' } });
    await server.restart();
    expect((await call('GET', '/account_data/m.direct')).body).toEqual({ '@b:x': [ROOM] });
  });

  it('are listed by position, each once with its newest content', async () => {
    const before = server.streamWriter.position;
    await call('PUT', '/account_data/one', { n: 1 });
    await call('PUT', '/account_data/two', { n: 1 });
    await call('PUT', '/account_data/one', { n: 2 });
    const changed = await listSince(before);
    expect(changed.map(({ type, content }) => [type, content])).toEqual([
      ['two', '{"n":1}'],
      ['one', '{"n":2}'],
    ]);
    expect(await listSince(server.streamWriter.position)).toEqual([]);
    const firstOnly = await listSince(before, changed[0]?.position);
    expect(firstOnly.map(({ type }) => type)).toEqual(['two']);
    await server.restart();
    expect((await listSince(before)).map(({ type }) => type)).toEqual(['two', 'one']);
  });

  it('a deleted entry is gone for new readers and told to old ones', async () => {
    await call('PUT', '/account_data/gone', { n: 1 });
    const before = server.streamWriter.position;
    const path = `/_matrix/client/unstable/org.matrix.msc3391/user/${aliceId}/account_data/gone`;
    expect((await server.call('DELETE', path, { token: alice.token })).status).toBe(200);
    expect((await call('GET', '/account_data/gone')).status).toBe(404);
    expect(await listSince(before)).toMatchObject([{ type: 'gone', content: '{}', deleted: true }]);
    expect((await listSince(0)).map(({ type }) => type)).not.toContain('gone');
  });

  it('a reader that loads while a write is under way misses nothing', async () => {
    for (let round = 0; round < 5; round++) {
      await server.restart();
      const since = server.streamWriter.position;
      const [, reader] = await Promise.all([
        call('PUT', '/account_data/raced', { round }),
        listSince(0).then(() => listSince(0)),
      ]);
      expect(reader.length).toBeGreaterThan(0);
      expect(await listSince(since)).toMatchObject([{ type: 'raced', content: `{"round":${round}}` }]);
    }
  });

  it('other features add entries to their own writes', async () => {
    const { accountData } = server.accounts;
    const change = { userId: aliceId, roomId: ROOM, type: 'm.fully_read', content: { event_id: '$x' } };
    await listSince(0);
    const position = await server.streamWriter.write({
      lane: ROOM,
      positions: 1,
      rows: (collector, first) => accountData.addTo(collector, change, first),
      committed: (first) => accountData.applied(change, first),
    });
    expect(await listSince(position - 1)).toMatchObject([{ type: 'm.fully_read', roomId: ROOM, position }]);
    expect((await call('GET', `/rooms/${ROOM}/account_data/m.fully_read`)).body).toEqual({ event_id: '$x' });
  });

  it.each(['m.fully_read', 'm.push_rules'])('refuse %s, which the server alone writes', async (type) => {
    for (const path of [`/account_data/${type}`, `/rooms/${ROOM}/account_data/${type}`]) {
      expect(await call('PUT', path, {})).toMatchObject({ status: 405, body: { errcode: 'M_BAD_JSON' } });
    }
  });

  it('refuse other people, bad rooms, bodies that are no objects, and what is too large', async () => {
    const other = await server.call('GET', `${V3}/user/@eve:test.example/account_data/x`, { token: alice.token });
    expect(other).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } });
    expect(await call('PUT', '/rooms/nonsense/account_data/x', {})).toMatchObject({
      status: 400,
      body: { errcode: 'M_INVALID_PARAM' },
    });
    expect(await call('PUT', '/account_data/x', [1])).toMatchObject({ status: 400, body: { errcode: 'M_BAD_JSON' } });
    expect((await call('PUT', '/account_data/x', { big: 'x'.repeat(1_048_576) })).status).toBe(413);
    expect((await call('PUT', `/account_data/${'t'.repeat(256)}`, {})).status).toBe(400);
    expect((await call('PUT', '/account_data/a%00b', {})).status).toBe(400);
    expect((await call('PUT', '/account_data/__proto__', { ok: true })).status).toBe(200);
    expect((await call('GET', '/account_data/__proto__')).body).toEqual({ ok: true });
  });
});

describe('tags', () => {
  const tag = (name: string) => `/rooms/${ROOM}/tags/${encodeURIComponent(name)}`;

  it('are put, listed and taken off, and travel as m.tag', async () => {
    expect((await call('GET', `/rooms/${ROOM}/tags`)).body).toEqual({ tags: {} });
    await Promise.all([
      call('PUT', tag('m.favourite'), { order: 0.25 }),
      call('PUT', tag('u.Work'), { extra: 'kept' }),
    ]);
    const tags = { 'm.favourite': { order: 0.25 }, 'u.Work': { extra: 'kept' } };
    expect((await call('GET', `/rooms/${ROOM}/tags`)).body).toEqual({ tags });
    expect((await call('GET', `/rooms/${ROOM}/account_data/m.tag`)).body).toEqual({ tags });
    await call('DELETE', tag('m.favourite'));
    expect((await call('DELETE', tag('never there'))).status).toBe(200);
    expect((await call('GET', `/rooms/${ROOM}/tags`)).body).toEqual({ tags: { 'u.Work': { extra: 'kept' } } });
  });

  it.each([
    ['order beyond 1', 'a', { order: 2 }, 400],
    ['order of another type', 'a', { order: '0.5' }, 400],
    ['256 bytes', 'ü'.repeat(128), {}, 400],
    ['255 bytes', `${'ü'.repeat(127)}x`, {}, 200],
  ])('with %s', async (_, name, body, status) => {
    expect((await call('PUT', tag(name), body)).status).toBe(status);
  });
});

describe('filters', () => {
  it('are given back as stored; the same filter has the same id', async () => {
    const filter = {
      room: { timeline: { limit: 5, types: ['m.*'], 'org.example.x': 1 }, rooms: [ROOM] },
      event_fields: ['content.body'],
    };
    const { body } = await call('POST', '/filter', filter);
    const again = await call('POST', '/filter', filter);
    expect(again.body['filter_id']).toBe(body['filter_id']);
    expect(String(body['filter_id'])).not.toMatch(/^\{/);
    expect((await call('GET', `/filter/${body['filter_id']}`)).body).toEqual(filter);
    const parallel = await Promise.all([1, 2, 3].map((limit) => call('POST', '/filter', { presence: { limit } })));
    expect(new Set(parallel.map((reply) => reply.body['filter_id'])).size).toBe(3);
    await server.restart();
    expect((await call('GET', `/filter/${body['filter_id']}`)).body).toEqual(filter);
    for (const id of ['99', 'x', '-1', '99999999999']) expect((await call('GET', `/filter/${id}`)).status).toBe(404);
  });

  it.each([
    { room: [] },
    { room: { timeline: { limit: '5' } } },
    { room: { rooms: ['nonsense'] } },
    { presence: { senders: ['nonsense'] } },
    { event_format: 'xml' },
    { event_fields: 'content' },
    { room: { state: { types: Array(1_001).fill('x') } } },
  ])('S71: are refused where the types are wrong: %.60j', async (filter) => {
    expect((await call('POST', '/filter', filter)).status).toBe(400);
  });
});
