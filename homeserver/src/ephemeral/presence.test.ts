import { afterAll, beforeAll, expect, it } from 'vitest';
import { ephemeralRoutes } from './ephemeral.ts';
import { type ChatWorld, openChatWorld, serve, user } from './testing/chat-world.ts';

let world: ChatWorld;
let api: Awaited<ReturnType<typeof serve>>;
beforeAll(async () => {
  world = await openChatWorld();
  api = await serve(ephemeralRoutes(world.dependencies, world.ephemeral));
});
afterAll(async () => {
  await api.close();
  await world.close();
});

const status = (reader: ReturnType<typeof user>, of: ReturnType<typeof user>) =>
  api.call(reader, 'GET', `/presence/${encodeURIComponent(of)}/status`);

it('follows syncs: online, idle after five minutes, offline half a minute after the last', async () => {
  const { clock, ephemeral } = world;
  const { presence } = ephemeral;
  const dora = user('dora');
  const end = presence.syncing(dora, 'PHONE', 'online');
  await presence.load(dora);
  expect(presence.peek(dora)).toEqual({ presence: 'online', currently_active: true, last_active_ago: 0 });
  await clock.advance(61_000);
  expect(presence.peek(dora)).toMatchObject({ presence: 'online', currently_active: false });
  await clock.advance(240_000);
  expect(presence.peek(dora)).toMatchObject({ presence: 'unavailable', last_active_ago: 301_000 });
  presence.active(dora);
  expect(presence.peek(dora)).toMatchObject({ presence: 'online', last_active_ago: 0 });
  end();
  await clock.advance(36_000);
  expect(presence.peek(dora)?.presence).toBe('offline');
});

it('shows the most present of several devices, and tells only of changes', async () => {
  const { presence, volatilePosition } = world.ephemeral;
  const emil = user('emil');
  const phone = presence.syncing(emil, 'PHONE', 'unavailable');
  await presence.load(emil);
  expect(presence.peek(emil)?.presence).toBe('unavailable');
  const before = volatilePosition.current;
  const desktop = presence.syncing(emil, 'DESKTOP', 'online');
  expect(presence.peek(emil)?.presence).toBe('online');
  expect(presence.changedSince(before, (userId) => userId === emil)).toEqual([emil]);
  const after = volatilePosition.current;
  for (let count = 0; count < 100; count++) presence.heartbeat(emil, 'PHONE', 'unavailable');
  expect(volatilePosition.current).toBe(after);
  expect(JSON.parse(presence.eventOf(emil))).toMatchObject({ type: 'm.presence', sender: emil });
  phone();
  desktop();
});

it('is set by its owner, seen by those who share a room, and hidden on wish', async () => {
  const [fritz, gerda, hugo] = [user('fritz'), user('gerda'), user('hugo')];
  await world.makeRoom(fritz, gerda);
  const path = `/presence/${encodeURIComponent(fritz)}/status`;
  expect((await api.call(gerda, 'PUT', path, { presence: 'online' })).status).toBe(403);
  expect((await api.call(fritz, 'PUT', path, { presence: 'nowhere' })).status).toBe(400);
  expect((await api.call(fritz, 'PUT', path, { presence: 'online', status_msg: 'here' })).status).toBe(200);
  expect((await status(gerda, fritz)).body).toMatchObject({ presence: 'online', status_msg: 'here' });
  expect((await status(hugo, fritz)).status).toBe(403);
  world.accountData.set(`${fritz} io.carillon.privacy`, { hide_presence: true });
  world.notifier.emit({ kind: 'accountData', position: 1, userId: fritz, roomId: null, type: 'io.carillon.privacy' });
  await expect.poll(async () => (await status(gerda, fritz)).body).toEqual({ presence: 'offline' });
});

it('remembers when someone was last about', async () => {
  const ida = user('ida');
  world.ephemeral.presence.active(ida);
  await world.ephemeral.presence.load(ida);
  await world.clock.advance(60_000);
  await expect
    .poll(() => world.database.query({ text: 'select * from last_active where user_id = $1', values: [ida] }))
    .toHaveLength(1);
});
