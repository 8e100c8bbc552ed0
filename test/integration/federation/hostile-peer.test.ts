// What a lying server may try (threats S01 to S04, S06, S31, S34): nothing of it is shown, stored as true, or signed by us.
import { signingKeyFromSeed } from '@carillon/platform/ed25519.ts';
import { EncodedJson, type Handler, handle } from '@carillon/platform/http/handle.ts';
import { systemRandom } from '@carillon/platform/random.ts';
import * as contracts from '@carillon/protocol/federation/membership.ts';
import type { EventId, RoomId, ServerName, UserId } from '@carillon/protocol/identifiers.ts';
import type { JsonObject } from '@carillon/protocol/json.ts';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Person, v3 } from '../support/api-client.ts';
import type { ClientEvent } from '../support/sync-body.ts';
import { HostilePeer, type Speaker } from './hostile-peer.ts';
import { type Side, startSide } from './two-servers.ts';

let side: Side;
let anna: Person;
let peer: HostilePeer;
let roomId: RoomId;
let speaker: Speaker;
let count = 0;

/** What the peer was sent by send_join. */
const received: JsonObject[] = [];
let lie: JsonObject = {};

const lying: Handler[] = [
  handle(contracts.makeJoin, async () => ({ room_version: '11', event: lie })),
  handle(contracts.sendJoin, async ({ body }) => {
    received.push(body as JsonObject);
    return new EncodedJson('{"state":[],"auth_chain":[]}');
  }),
];

beforeAll(async () => {
  side = await startSide();
  anna = await side.server.api.register('anna');
  peer = await HostilePeer.open(side.name, lying);
});
afterAll(async () => {
  await peer?.close();
  await side?.server.remove();
});
beforeEach(async () => {
  roomId = (await anna.createRoom({ preset: 'public_chat', room_version: '11' })) as RoomId;
  speaker = await peer.join(roomId);
});

const push = (...pdus: JsonObject[]) => peer.push(`t${count++}`, { pdus });

async function texts(): Promise<unknown[]> {
  const query = { dir: 'b', limit: 50 };
  const path = v3`/rooms/${roomId}/messages`;
  const { chunk } = await anna.ok<{ chunk: ClientEvent[] }>('GET', path, undefined, { query });
  return chunk.filter((event) => event.type === 'm.room.message').map((event) => event.content['body']);
}

const otherKey = signingKeyFromSeed(systemRandom.bytes(32), 'ed25519:evil');
const withoutSignatures = (json: JsonObject): JsonObject => ({ ...json, signatures: {} });

describe('S01: events that are not signed by their senders', () => {
  it('an honest one is shown, so that the others are refused for what they are', async () => {
    await push(speaker.message('honest').json);
    expect(await texts()).toEqual(['honest']);
  });

  it.each([
    ['no signature', () => withoutSignatures(speaker.message('unsigned').json)],
    ['a key that is not the server’s', () => speaker.message('wrong key', { key: otherKey }).json],
    ['another server’s signature', () => speaker.message('elsewhere', { server: 'other.example' as ServerName }).json],
    ['a changed sender', () => ({ ...speaker.message('as anna').json, sender: anna.userId })],
    ['a changed depth', () => ({ ...speaker.message('deeper').json, depth: 77 })],
  ])('by a transaction: %s', async (_, make) => {
    await push(make());
    expect(await texts()).toEqual([]);
  });

  it('changed content is taken without the content', async () => {
    const { json } = speaker.message('signed');
    await push({ ...json, content: { msgtype: 'm.text', body: 'not signed' } });
    expect(await texts()).toEqual([undefined]);
  });

  it.each(['send_join', 'send_leave', 'send_knock'])('by %s', async (endpoint) => {
    const membership = endpoint.slice('send_'.length);
    const template = await peer.template(roomId);
    const saying = { type: 'm.room.member', stateKey: peer.user, content: { membership }, roomId, template };
    for (const made of [peer.event({ ...saying, key: otherKey }), unsigned(peer.event(saying))]) {
      const version = endpoint === 'send_knock' ? 'v1' : 'v2';
      const path = `/_matrix/federation/${version}/${endpoint}/${encodeURIComponent(roomId)}/${made.eventId}`;
      expect(await peer.ask('PUT', path, made.json)).toBe(403);
    }
  });
});

const unsigned = ({ eventId, json }: { eventId: EventId; json: JsonObject }) => ({
  eventId,
  json: withoutSignatures(json),
});

describe('S02, S03: memberships of others, and of other rooms', () => {
  const join = (more: { sender?: UserId; stateKey?: string; template: JsonObject }) => ({
    ...{ type: 'm.room.member', stateKey: peer.user, content: { membership: 'join' }, roomId },
    ...more,
  });

  it('S02: a join of another server’s user is refused', async () => {
    const template = await peer.template(roomId);
    const sender = '@x:other.example' as UserId;
    expect(await peer.sendJoin(roomId, peer.event(join({ sender, stateKey: sender, template })))).toBe(403);
  });

  it('S02: an invite of a user of ours by a user who is not the origin’s is not signed', async () => {
    const saying = { type: 'm.room.member', stateKey: anna.userId, content: { membership: 'invite' }, roomId };
    const made = peer.event({ ...saying, sender: '@x:other.example' as UserId, template: speaker.next });
    const path = `/_matrix/federation/v2/invite/${encodeURIComponent(roomId)}/${made.eventId}`;
    expect(await peer.ask('PUT', path, { event: made.json, room_version: '11', invite_room_state: [] })).toBe(403);
  });

  it('S03: another room, another id and another membership than the path says are refused', async () => {
    const other = await anna.createRoom({ preset: 'public_chat', room_version: '11' });
    const template = await peer.template(roomId);
    const made = peer.event(join({ template }));
    expect(await peer.sendJoin(other, made)).toBe(400);
    expect(await peer.sendJoin(roomId, { ...made, eventId: '$another' })).toBe(400);
    const leave = peer.event({ ...join({ template }), content: { membership: 'leave' } });
    expect(await peer.sendJoin(roomId, leave)).toBe(400);
  });
});

const PREV = `$${'p'.repeat(43)}`;
const AUTH = `$${'a'.repeat(43)}`;

describe('S04: templates that are not what was asked for', () => {
  it('we sign our own join, of whitelisted fields alone', async () => {
    lie = {
      ...{
        type: 'm.room.power_levels',
        state_key: '',
        sender: '@victim:other.example',
        room_id: '!other:other.example',
      },
      content: { membership: 'ban', users: { [peer.user]: 100 }, third_party_invite: {} },
      ...{ depth: 7, prev_events: [PREV], auth_events: [AUTH], redacts: PREV, extra: 1, origin_server_ts: 1 },
    };
    const wanted = `!elsewhere:${peer.name}`;
    await anna.call('POST', v3`/join/${wanted}`, { body: {}, query: { via: peer.name } });
    const [sent] = received;
    expect(sent).toMatchObject({
      ...{ type: 'm.room.member', state_key: anna.userId, sender: anna.userId, room_id: wanted, depth: 7 },
      ...{ prev_events: [PREV], auth_events: [AUTH] },
    });
    expect(Object.keys(sent ?? {}).sort()).toEqual(
      ['auth_events', 'content', 'depth', 'hashes', 'origin_server_ts', 'prev_events', 'room_id', 'sender'].concat([
        'signatures',
        'state_key',
        'type',
      ]),
    );
    expect(sent?.['content']).toEqual({ membership: 'join' });
  });

  it('a depth that would end the room is refused', async () => {
    received.length = 0;
    lie = { depth: Number.MAX_SAFE_INTEGER, prev_events: [PREV], auth_events: [AUTH] };
    const answer = await anna.call('POST', v3`/join/${`!deep:${peer.name}`}`, { body: {}, query: { via: peer.name } });
    expect([answer.status, received]).toEqual([502, []]);
  });
});

it('S06: auth events of another room are no authority', async () => {
  const other = (await anna.createRoom({ preset: 'public_chat', room_version: '11' })) as RoomId;
  const elsewhere = await peer.join(other);
  const authEvents = elsewhere.next['auth_events'] as EventId[];
  await push(speaker.message('by another room', { authEvents }).json);
  expect(await texts()).toEqual([]);
});

describe('S31: EDUs about users of others', () => {
  it('are dropped, for each type', async () => {
    const eventId = await anna.send(roomId, 'something to read');
    const typing = (userId: string) => ({
      edu_type: 'm.typing',
      content: { room_id: roomId, user_id: userId, typing: true },
    });
    const receipt = (userId: string) => ({
      edu_type: 'm.receipt',
      content: { [roomId]: { 'm.read': { [userId]: { event_ids: [eventId], data: { ts: 1 } } } } },
    });
    const ephemeral = async () => (await anna.sync()).rooms?.join?.[roomId]?.ephemeral.events ?? [];
    await peer.push(`t${count++}`, { edus: [typing(anna.userId), receipt(anna.userId), typing('@x:other.example')] });
    expect(await ephemeral()).toEqual([]);
    await peer.push(`t${count++}`, { edus: [typing(peer.user), receipt(peer.user)] });
    expect(JSON.stringify(await ephemeral())).toContain(peer.user);
  });
});

describe('S34: transactions', () => {
  it('that come again under the same id are answered as before and change nothing', async () => {
    const first = speaker.message('first');
    const txnId = `again${count++}`;
    const answer = await peer.push(txnId, { pdus: [first.json] });
    expect(answer).toEqual({ pdus: { [first.eventId]: {} } });
    expect(await peer.push(txnId, { pdus: [speaker.message('second').json] })).toEqual(answer);
    expect(await texts()).toEqual(['first']);
  });

  it('of more than 50 PDUs or 100 EDUs are refused', async () => {
    const { json } = speaker.message('one of many');
    expect(await peer.push(`t${count++}`, { pdus: Array.from({ length: 51 }, () => json) })).toBe(400);
    const edu = { edu_type: 'm.unknown', content: {} };
    expect(await peer.push(`t${count++}`, { edus: Array.from({ length: 101 }, () => edu) })).toBe(400);
    expect(await texts()).toEqual([]);
  });
});

describe('S25, S35: servers that are not in the room, or banned from it', () => {
  const reads = (id: string, eventId: string) => [
    `state/${encodeURIComponent(id)}?event_id=${eventId}`,
    `state_ids/${encodeURIComponent(id)}?event_id=${eventId}`,
    `event_auth/${encodeURIComponent(id)}/${eventId}`,
    `backfill/${encodeURIComponent(id)}?v=${eventId}&limit=10`,
  ];

  it('S25: read nothing of rooms that they are not in', async () => {
    const other = await anna.createRoom({ preset: 'public_chat', room_version: '11' });
    const eventId = await anna.send(other, 'not for you');
    for (const uri of reads(other, eventId)) expect(await peer.ask('GET', `/_matrix/federation/v1/${uri}`)).toBe(403);
    expect(await peer.ask('GET', `/_matrix/federation/v1/event/${eventId}`)).toBe(404);
    const path = `/_matrix/federation/v1/get_missing_events/${encodeURIComponent(other)}`;
    const question = { earliest_events: [], latest_events: [eventId], limit: 10 };
    expect(await peer.ask('POST', path, question)).toBe(403);
  });

  it('S35: neither speak nor read after the ACL', async () => {
    const eventId = await anna.send(roomId, 'before the ACL');
    for (const uri of reads(roomId, eventId)) {
      expect(await peer.ask('GET', `/_matrix/federation/v1/${uri}`)).toBeTypeOf('object');
    }
    await anna.putState(roomId, 'm.room.server_acl', { allow: ['other.example'] });
    await push(speaker.message('after the ACL').json);
    await peer.push(`t${count++}`, {
      edus: [{ edu_type: 'm.typing', content: { room_id: roomId, user_id: peer.user, typing: true } }],
    });
    expect(await texts()).toEqual(['before the ACL']);
    expect((await anna.sync()).rooms?.join?.[roomId]?.ephemeral.events).toEqual([]);
    for (const uri of reads(roomId, eventId)) expect(await peer.ask('GET', `/_matrix/federation/v1/${uri}`)).toBe(403);
    const template = `/_matrix/federation/v1/make_join/${encodeURIComponent(roomId)}/${encodeURIComponent(peer.user)}`;
    expect(await peer.ask('GET', `${template}?ver=11`)).toBe(403);
  });
});

describe('S21: somebody who was banned', () => {
  it('and speaks after what came before the ban is not shown', async () => {
    await anna.act(roomId, 'ban', { user_id: peer.user });
    await push(speaker.message('from before the ban').json);
    expect(await texts()).toEqual([]);
    await anna.send(roomId, 'quiet here');
    expect(await texts()).toEqual(['quiet here']);
  });
});

describe('S07: a rejected event', () => {
  it('stays out of the state, also when another follows it', async () => {
    const name = { type: 'm.room.name', stateKey: '', content: { name: 'taken over' } };
    const bad = speaker.message('', name);
    await push(bad.json);
    const after = { ...speaker.next, depth: 9, prev_events: [bad.eventId] };
    await push(speaker.message('after it', { template: after }).json);
    const state = await anna.ok<ClientEvent[]>('GET', v3`/rooms/${roomId}/state`);
    expect(state.filter((event) => event.type === 'm.room.name')).toEqual([]);
    expect(await texts()).toEqual(['after it']);
  });
});
