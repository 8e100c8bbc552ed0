import { joinRoomById, leaveRoom } from '@carillon/protocol/client/room-membership.ts';
import { getRoomEvents, getRoomInitialSync } from '@carillon/protocol/client/room-preview.ts';
import type { RoomId, UserId } from '@carillon/protocol/identifiers.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { previewRoutes } from './preview.routes.ts';
import { ALICE, type Answer, BOB, openWorld, type World } from './testing/room-world.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

/** A call that the client may leave. */
function watch(user: UserId, roomId: RoomId, query: { from?: string; timeout?: number }) {
  const leaving = new AbortController();
  const handler = routes().find((route) => route.endpoint === getRoomEvents);
  const auth = { userId: user, deviceId: 'D' };
  const request = { signal: leaving.signal };
  const answer = handler?.run({
    path: {},
    query: { room_id: roomId, ...query },
    body: undefined,
    auth,
    request,
  } as never);
  const json = Promise.resolve(answer).then((found) => JSON.parse((found as { text: string }).text) as Answer);
  return { json, leave: () => leaving.abort() };
}

let made: ReturnType<typeof previewRoutes> | undefined;
function routes() {
  made ??= previewRoutes(world.rooms);
  return made;
}

const open = () =>
  world.create(ALICE, {
    preset: 'public_chat',
    initial_state: [{ type: 'm.room.history_visibility', content: { history_visibility: 'world_readable' } }],
  });

describe('looking into a room', () => {
  it('shows who is outside what it is, then what comes, one by one, and waits for it', async () => {
    const roomId = await open();
    await world.say(ALICE, roomId, 'before');
    const now = await world.call(BOB, getRoomInitialSync, { path: { roomId } });
    expect(now.messages.chunk.at(-1).content.body).toBe('before');
    expect(now.state.length).toBeGreaterThan(4);
    expect(now.membership).toBeUndefined();
    const waiting = watch(BOB, roomId, { from: now.messages.end, timeout: 60_000 });
    await new Promise((resolve) => setTimeout(resolve, 20));
    const said = await world.say(ALICE, roomId, 'news');
    const first = await waiting.json;
    expect(first.chunk.map((event: Answer) => event.event_id)).toEqual([said]);
    const nothing = watch(BOB, roomId, { from: first.end, timeout: 1_000 });
    await new Promise((resolve) => setTimeout(resolve, 20));
    await world.rooms.clock.advance(1_001);
    expect((await nothing.json).chunk).toEqual([]);
    for (let index = 0; index < 150; index++) await world.say(ALICE, roomId, `${index}`);
    const page = await watch(BOB, roomId, { from: first.end }).json;
    const rest = await watch(BOB, roomId, { from: page.end }).json;
    expect([...page.chunk, ...rest.chunk].map((event: Answer) => event.content.body)).toEqual(
      Array.from({ length: 150 }, (_, index) => `${index}`),
    );
  });

  it('ends with the room being open, also for those who wait', async () => {
    const roomId = await open();
    const now = await world.call(BOB, getRoomInitialSync, { path: { roomId } });
    const waiting = watch(BOB, roomId, { from: now.messages.end, timeout: 60_000 });
    const refusal = world.refusal(waiting.json);
    await new Promise((resolve) => setTimeout(resolve, 20));
    await world.setState(ALICE, roomId, {
      type: 'm.room.history_visibility',
      content: { history_visibility: 'joined' },
    });
    expect(await refusal).toBe('403 M_FORBIDDEN');
    expect(await world.refusal(watch(BOB, roomId, { from: 'x' }).json)).toMatch(/^40[03] /);
  });

  it('is left by a client that goes away, and open to members', async () => {
    const roomId = await world.create(ALICE, { preset: 'public_chat' });
    await world.call(BOB, joinRoomById, { path: { roomId } });
    const now = await world.call(BOB, getRoomInitialSync, { path: { roomId } });
    expect(now.membership).toBe('join');
    const waiting = watch(BOB, roomId, { from: now.messages.end, timeout: 60_000 });
    await new Promise((resolve) => setTimeout(resolve, 20));
    waiting.leave();
    expect((await waiting.json).chunk).toEqual([]);
    await world.call(BOB, leaveRoom, { path: { roomId } });
    expect((await world.call(BOB, getRoomInitialSync, { path: { roomId } })).membership).toBe('leave');
  });
});
