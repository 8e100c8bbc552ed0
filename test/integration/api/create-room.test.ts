// createRoom in full (client-server API, "Creation"): presets, versions, overrides, invites, aliases.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Person, v3 } from '../support/api-client.ts';
import { type OpenServer, openServer } from '../support/open-server.ts';
import type { ClientEvent } from '../support/sync-body.ts';

let server: OpenServer;
let anna: Person;
let ben: Person;

beforeAll(async () => {
  server = await openServer();
  [anna, ben] = [await server.api.register('anna'), await server.api.register('ben')];
});
afterAll(() => server.close());

async function stateOf(roomId: string): Promise<Map<string, ClientEvent>> {
  const events = await anna.ok<ClientEvent[]>('GET', v3`/rooms/${roomId}/state`);
  return new Map(events.map((event) => [`${event.type}|${event.state_key}`, event]));
}

describe.each([
  ['private_chat', 'invite', 'shared', 'can_join', 0],
  ['trusted_private_chat', 'invite', 'shared', 'can_join', 100],
  ['public_chat', 'public', 'shared', 'forbidden', 0],
] as const)('the preset %s', (preset, joinRule, visibility, guests, power) => {
  it('sets rules and power', async () => {
    const roomId = await anna.createRoom({ preset, invite: [ben.userId], room_version: '11' });
    const state = await stateOf(roomId);
    expect(state.get('m.room.join_rules|')?.content).toEqual({ join_rule: joinRule });
    expect(state.get('m.room.history_visibility|')?.content).toEqual({ history_visibility: visibility });
    expect(state.get('m.room.guest_access|')?.content['guest_access'] ?? 'forbidden').toBe(guests);
    const users = state.get('m.room.power_levels|')?.content['users'];
    expect(users).toEqual({ [anna.userId]: 100, ...(power > 0 && { [ben.userId]: power }) });
  });
});

describe.each(Array.from({ length: 12 }, (_, index) => String(index + 1)))('version %s', (version) => {
  it('can be lived in', async () => {
    const roomId = await anna.createRoom({ room_version: version, preset: 'public_chat', name: `Version ${version}` });
    expect(roomId).toMatch(version === '12' ? /^![\w-]{43}$/ : /^![^:]+:hs1$/);
    await ben.join(roomId);
    const eventId = await ben.send(roomId, 'hello');
    await anna.redact(roomId, eventId);
    await anna.putState(roomId, 'm.room.topic', { topic: 'Old and new' });
    await anna.act(roomId, 'kick', { user_id: ben.userId });
    expect(await ben.refused('PUT', v3`/rooms/${roomId}/send/m.room.message/x`, { body: 'x' })).toBe('403 M_FORBIDDEN');
    const state = await stateOf(roomId);
    expect(state.get('m.room.create|')?.content['room_version']).toBe(version);
    expect(state.get('m.room.create|')?.content['creator']).toBe(Number(version) < 11 ? anna.userId : undefined);
    const event = await anna.ok<ClientEvent>('GET', v3`/rooms/${roomId}/event/${eventId}`);
    expect(event.content).toEqual({});
    expect(event.unsigned?.['redacted_because']).toMatchObject({ type: 'm.room.redaction', sender: anna.userId });
  });
});

it('takes everything that can be said', async () => {
  const roomId = await anna.createRoom({
    name: 'Name',
    topic: 'Topic',
    preset: 'public_chat',
    visibility: 'public',
    room_alias_name: 'everything',
    invite: [ben.userId],
    creation_content: { 'm.federate': false, type: 'm.space' },
    initial_state: [
      { type: 'm.room.history_visibility', state_key: '', content: { history_visibility: 'world_readable' } },
      { type: 'org.example.own', content: { a: 1 } },
    ],
    power_level_content_override: { events: { 'm.room.topic': 0 }, users_default: 5 },
  });
  const state = await stateOf(roomId);
  expect(state.get('m.room.name|')?.content).toEqual({ name: 'Name' });
  expect(state.get('m.room.topic|')?.content).toMatchObject({ topic: 'Topic' });
  expect(state.get('m.room.canonical_alias|')?.content).toMatchObject({ alias: '#everything:hs1' });
  expect(state.get('m.room.create|')?.content).toMatchObject({
    'm.federate': false,
    type: 'm.space',
    room_version: '12',
  });
  expect(state.get('m.room.history_visibility|')?.content).toEqual({ history_visibility: 'world_readable' });
  expect(state.get('org.example.own|')?.content).toEqual({ a: 1 });
  expect(state.get('m.room.power_levels|')?.content).toMatchObject({ users_default: 5, events: { 'm.room.topic': 0 } });
  expect(state.get(`m.room.member|${ben.userId}`)?.content['membership']).toBe('invite');
  expect(await server.api.call('GET', v3`/directory/room/${'#everything:hs1'}`)).toMatchObject({
    body: { room_id: roomId, servers: ['hs1'] },
  });
});

it('makes several creators in version 12', async () => {
  const roomId = await anna.createRoom({
    room_version: '12',
    creation_content: { additional_creators: [ben.userId] },
    invite: [ben.userId],
  });
  await ben.join(roomId);
  await ben.putState(roomId, 'm.room.name', { name: 'Ours' });
  const state = await stateOf(roomId);
  expect(state.get('m.room.create|')?.content['additional_creators']).toEqual([ben.userId]);
  expect(state.get('m.room.power_levels|')?.content['users'] ?? {}).not.toHaveProperty([ben.userId]);
});

it.each([
  ['an unknown version', { room_version: '99' }, '400 M_UNSUPPORTED_ROOM_VERSION'],
  ['a taken alias', { room_alias_name: 'everything' }, '400 M_ROOM_IN_USE'],
  ['an invitee that is none', { invite: ['ben'] }, '400 M_INVALID_PARAM'],
  ['an unknown preset', { preset: 'secret_chat' }, '400 M_BAD_JSON'],
  ['a state event without a type', { initial_state: [{ content: {} }] }, '400 M_MISSING_PARAM'],
  ['an unknown local invitee', { invite: ['@nobody:hs1'] }, '404 M_NOT_FOUND'],
  ['creators that are none', { creation_content: { additional_creators: ['nobody'] } }, '400 M_INVALID_ROOM_STATE'],
])('refuses %s', async (_, body, refusal) => {
  expect(await anna.refused('POST', v3`/createRoom`, body)).toBe(refusal);
});
