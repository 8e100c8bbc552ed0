// Two Carillons share rooms: made, invited into, joined, talked in, left, and caught up with after a kill -9.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Person, v3 } from '../support/api-client.ts';
import type { ClientEvent, SyncBody } from '../support/sync-body.ts';
import { type Side, startSide } from './two-servers.ts';

let here: Side;
let there: Side;
let anna: Person;
let ben: Person;

const ARRIVAL = { timeout: 20_000, interval: 100 };

beforeAll(async () => {
  [here, there] = await Promise.all([startSide(), startSide()]);
  anna = await here.server.api.register('anna');
  ben = await there.server.api.register('ben');
});
afterAll(async () => {
  await Promise.all([here?.server.remove(), there?.server.remove()]);
});

/** Everything that this person may page back to, newest first. */
async function history(person: Person, roomId: string): Promise<ClientEvent[]> {
  const events: ClientEvent[] = [];
  for (let from: string | undefined; ; ) {
    const query = { dir: 'b', limit: 100, ...(from !== undefined && { from }) };
    const path = v3`/rooms/${roomId}/messages`;
    const page = await person.ok<{ chunk: ClientEvent[]; end?: string }>('GET', path, undefined, { query });
    events.push(...page.chunk);
    if (page.end === undefined) return events;
    from = page.end;
  }
}

const texts = (events: readonly ClientEvent[]) =>
  events.filter((event) => event.type === 'm.room.message').map((event) => event.content['body']);

async function state(person: Person, roomId: string): Promise<string[]> {
  const events = await person.ok<ClientEvent[]>('GET', v3`/rooms/${roomId}/state`);
  return events.map((event) => `${event.type} ${event.state_key} ${event.event_id}`).sort();
}

async function sharedRoom(options: Record<string, string> = {}): Promise<string> {
  const roomId = await anna.createRoom({ preset: 'public_chat', ...options });
  await ben.ok('POST', v3`/join/${roomId}`, {}, { query: { via: here.name } });
  return roomId;
}

const seenBy = (person: Person, roomId: string) => async () => texts(await history(person, roomId));

describe.each(['1', '6', '10', '11', '12'])('a room of version %s', (version) => {
  it('is joined by another server, talked in both ways and paged back across the join', async () => {
    const roomId = await anna.createRoom({ preset: 'public_chat', room_version: version });
    await anna.send(roomId, 'before ben');
    await ben.ok('POST', v3`/join/${roomId}`, {}, { query: { via: here.name } });
    await anna.send(roomId, 'from anna');
    await expect.poll(seenBy(ben, roomId), ARRIVAL).toContain('from anna');
    await ben.send(roomId, 'from ben');
    await expect.poll(seenBy(anna, roomId), ARRIVAL).toContain('from ben');
    const ours = (await history(anna, roomId)).map((event) => event.event_id);
    const theirs = (await history(ben, roomId)).map((event) => event.event_id);
    expect(theirs).toEqual(ours);
    expect(await state(ben, roomId)).toEqual(await state(anna, roomId));
  });
});

describe('people of two servers', () => {
  it('are invited with what the room shows, join, and are kicked and banned', async () => {
    const roomId = await anna.createRoom({ preset: 'private_chat', name: 'a secret', invite: [ben.userId] });
    const invited = async () => (await ben.sync()).rooms?.invite?.[roomId]?.invite_state.events.map(({ type }) => type);
    await expect.poll(invited, ARRIVAL).toContain('m.room.name');
    await ben.join(roomId);
    await ben.send(roomId, 'thank you');
    await expect.poll(seenBy(anna, roomId), ARRIVAL).toContain('thank you');
    await anna.act(roomId, 'kick', { user_id: ben.userId });
    const joined = async () => (await ben.ok<{ joined_rooms: string[] }>('GET', v3`/joined_rooms`)).joined_rooms;
    await expect.poll(joined, ARRIVAL).not.toContain(roomId);
    await anna.act(roomId, 'ban', { user_id: ben.userId });
    expect((await ben.call('POST', v3`/join/${roomId}`, { query: { via: here.name }, body: {} })).status).toBe(403);
  });

  it('reject invites and leave, and the others see it', async () => {
    const rejected = await anna.createRoom({ preset: 'private_chat', invite: [ben.userId] });
    await ben.act(rejected, 'leave');
    const left = await sharedRoom();
    await ben.act(left, 'leave');
    for (const roomId of [rejected, left]) {
      const membership = async () => {
        const path = v3`/rooms/${roomId}/state/m.room.member/${ben.userId}`;
        return (await anna.ok<{ membership: string }>('GET', path)).membership;
      };
      await expect.poll(membership, ARRIVAL).toBe('leave');
    }
  });

  it('join by an alias, and see redactions, typing and receipts', async () => {
    const roomId = await anna.createRoom({ preset: 'public_chat', room_alias_name: 'meeting' });
    await ben.ok('POST', v3`/join/${`#meeting:${here.name}`}`, {});
    const eventId = await anna.send(roomId, 'a slip');
    await expect.poll(seenBy(ben, roomId), ARRIVAL).toContain('a slip');
    await ben.ok('PUT', v3`/rooms/${roomId}/typing/${ben.userId}`, { typing: true, timeout: 20_000 });
    await ben.ok('POST', v3`/rooms/${roomId}/receipt/m.read/${eventId}`, {});
    const ephemeral = async () => JSON.stringify((await roomOf(await anna.sync(), roomId))?.ephemeral.events);
    await expect.poll(ephemeral, ARRIVAL).toContain(`"user_ids":["${ben.userId}"]`);
    await expect.poll(ephemeral, ARRIVAL).toContain(eventId);
    await anna.redact(roomId, eventId);
    await expect.poll(seenBy(ben, roomId), ARRIVAL).not.toContain('a slip');
  });
});

const roomOf = async (body: SyncBody, roomId: string) => body.rooms?.join?.[roomId];

describe('a server that is killed', () => {
  it('catches up with what was said meanwhile, and sends what it had not sent, once', {
    timeout: 120_000,
  }, async () => {
    const roomId = await sharedRoom();
    await there.server.kill('parent');
    const said: string[] = [];
    for (let index = 0; index < 120; index++) {
      said.push(`while away ${index}`);
      await anna.send(roomId, said.at(-1) ?? '');
    }
    there.server.startAgain();
    await there.server.isReady();
    await ben.send(roomId, 'back');
    await expect.poll(async () => texts(await history(ben, roomId)).length, { ...ARRIVAL, timeout: 60_000 }).toBe(121);
    const found = texts(await history(ben, roomId)).filter((text) => text !== 'back');
    expect(found.reverse()).toEqual(said);
    await expect.poll(seenBy(anna, roomId), { ...ARRIVAL, timeout: 60_000 }).toContain('back');
    // What was acknowledged here and not yet sent goes out after the restart.
    await ben.send(roomId, 'last words');
    await there.server.kill('parent');
    there.server.startAgain();
    await there.server.isReady();
    await expect.poll(seenBy(anna, roomId), { ...ARRIVAL, timeout: 60_000 }).toContain('last words');
    const all = texts(await history(anna, roomId));
    expect(new Set(all).size).toBe(all.length);
    expect(await state(ben, roomId)).toEqual(await state(anna, roomId));
  });
});
