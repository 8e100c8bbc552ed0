// Application services: acting for the users of their namespaces, with their own time (application service API).
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Person, v3 } from '../support/api-client.ts';
import { type OpenServer, openServer } from '../support/open-server.ts';
import type { ClientEvent } from '../support/sync-body.ts';

const TOKEN = 'as-token-of-the-bridge';
const REGISTRATION = `
id: bridge
url: null
as_token: ${TOKEN}
hs_token: hs-token-of-the-bridge
sender_localpart: bridgebot
namespaces:
  users: [{ exclusive: true, regex: '@bridged_.*:hs1' }]
  aliases: [{ exclusive: true, regex: '#bridged_.*:hs1' }]
  rooms: []
`;
const LONG_AGO = 1_000_000_000_000;

let folder: string;
let server: OpenServer;
let anna: Person;
let roomId: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'carillon-appservices-'));
  writeFileSync(join(folder, 'bridge.yaml'), REGISTRATION);
  server = await openServer({ environment: { CARILLON_APPSERVICES__DIR: folder } });
  anna = await server.api.register('anna');
  roomId = await anna.createRoom({ preset: 'public_chat' });
});
afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

const bridge = (method: string, target: string, userId?: string, body?: unknown, query = {}) =>
  server.api.call(method, target, { token: TOKEN, body, query: { user_id: userId, ...query } });

it('is its own user without saying whom it acts for', async () => {
  expect(await bridge('GET', v3`/account/whoami`)).toMatchObject({ body: { user_id: '@bridgebot:hs1' } });
});

it('makes users in its namespaces, and acts for them alone', async () => {
  const body = { type: 'm.login.application_service', username: 'bridged_one', inhibit_login: true };
  expect(await bridge('POST', v3`/register`, undefined, body)).toMatchObject({ body: { user_id: '@bridged_one:hs1' } });
  expect(await bridge('GET', v3`/account/whoami`, '@bridged_one:hs1')).toMatchObject({
    body: { user_id: '@bridged_one:hs1' },
  });
  expect(await bridge('GET', v3`/account/whoami`, anna.userId)).toMatchObject({ status: 403 });
  expect(await bridge('POST', v3`/register`, undefined, { ...body, username: 'outside' })).toMatchObject({
    body: { errcode: 'M_EXCLUSIVE' },
  });
});

it('keeps its namespaces to itself', async () => {
  const body = { username: 'bridged_two', password: 'x'.repeat(12), auth: { type: 'm.login.dummy' } };
  expect(await server.api.call('POST', v3`/register`, { body })).toMatchObject({ body: { errcode: 'M_EXCLUSIVE' } });
  const alias = v3`/directory/room/${'#bridged_room:hs1'}`;
  expect(await anna.refused('PUT', alias, { room_id: roomId })).toBe('400 M_EXCLUSIVE');
  expect(await anna.refused('POST', v3`/createRoom`, { room_alias_name: 'bridged_new' })).toBe('400 M_EXCLUSIVE');
  await bridge('POST', v3`/join/${roomId}`, undefined, {});
  expect((await bridge('PUT', alias, undefined, { room_id: roomId })).status).toBe(200);
});

it('sends with its own time, which nobody else may', async () => {
  await bridge('POST', v3`/join/${roomId}`, '@bridged_one:hs1', {});
  const target = v3`/rooms/${roomId}/send/m.room.message/old`;
  const content = { msgtype: 'm.text', body: 'from long ago' };
  const sent = await bridge('PUT', target, '@bridged_one:hs1', content, { ts: LONG_AGO });
  const eventId = String(sent.body['event_id']);
  const event = await anna.ok<ClientEvent>('GET', v3`/rooms/${roomId}/event/${eventId}`);
  expect(event).toMatchObject({ sender: '@bridged_one:hs1', origin_server_ts: LONG_AGO });
  const own = await anna.ok<{ event_id: string }>('PUT', v3`/rooms/${roomId}/send/m.room.message/own`, content, {
    query: { ts: LONG_AGO },
  });
  const later = await anna.ok<ClientEvent>('GET', v3`/rooms/${roomId}/event/${own.event_id}`);
  expect(later.origin_server_ts).toBeGreaterThan(LONG_AGO);
});

it('has a transaction id for each of its users', async () => {
  const body = { type: 'm.login.application_service', username: 'bridged_three', inhibit_login: true };
  await bridge('POST', v3`/register`, undefined, body);
  const ids = new Set<unknown>();
  for (const userId of ['@bridged_one:hs1', '@bridged_three:hs1', '@bridged_three:hs1']) {
    await bridge('POST', v3`/join/${roomId}`, userId, {});
    const target = v3`/rooms/${roomId}/send/m.room.message/shared`;
    ids.add((await bridge('PUT', target, userId, { msgtype: 'm.text', body: 'x' })).body['event_id']);
  }
  expect(ids.size).toBe(2);
});

it('may log in as its users', async () => {
  const body = { type: 'm.login.application_service', identifier: { type: 'm.id.user', user: 'bridged_one' } };
  const answer = await server.api.call('POST', v3`/login`, { token: TOKEN, body });
  expect(answer).toMatchObject({ status: 200, body: { user_id: '@bridged_one:hs1' } });
  const other = { ...body, identifier: { type: 'm.id.user', user: 'anna' } };
  expect(await server.api.call('POST', v3`/login`, { token: TOKEN, body: other })).toMatchObject({ status: 403 });
});
