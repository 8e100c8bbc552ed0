// What a sync tells a device beside rooms: messages to it, its key counts, and whose devices changed.
import type { RoomId, UserId } from '@carillon/protocol/identifiers.ts';
import type { JsonObject } from '@carillon/protocol/json.ts';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { claimKeys } from '../devices/claim-keys.ts';
import { sendToDevice } from '../devices/send-to-device.ts';
import { uploadKeys } from '../devices/upload-keys.ts';
import { findDeviceListsOf } from './device-lists.ts';
import { SocketSession } from './socket-session.ts';
import { openSyncWorld, type SyncBody, type SyncWorld } from './testing/sync-world.ts';

interface DeviceBody extends SyncBody {
  readonly to_device?: { events: { content: { n: number } }[] };
  readonly device_lists?: { changed: UserId[]; left: UserId[] };
  readonly device_one_time_keys_count: JsonObject;
  readonly device_unused_fallback_key_types: string[];
}

let world: SyncWorld;
let [alice, bob, carol]: UserId[] = [];
beforeAll(async () => {
  world = await openSyncWorld();
});
afterAll(() => world.close());
beforeEach(async () => {
  [alice, bob, carol] = await world.users(3);
  for (const userId of [alice, bob, carol]) await devices().create(userId as UserId, 'PHONE', null);
});

const devices = () => world.features.accounts.devices;
const parts = () => world.features.endToEnd.parts;
const sync = (userId: UserId | undefined, since?: string, timeoutMs = 0): Promise<DeviceBody> =>
  world.sync(userId as UserId, { since, timeoutMs }) as Promise<DeviceBody>;
const lists = async (userId: UserId | undefined, since: string) => {
  const { device_lists: found, next_batch: next } = await sync(userId, since);
  return { changed: [...(found?.changed ?? [])].sort(), left: [...(found?.left ?? [])].sort(), next };
};
const together = async (...people: (UserId | undefined)[]): Promise<RoomId> => {
  const [first, ...others] = people as UserId[];
  const roomId = await world.create(first as UserId);
  for (const other of others) await world.join(roomId, other);
  return roomId;
};
const tokenOf = async (userId: UserId | undefined) => (await sync(userId)).next_batch;
const rename = (userId: UserId | undefined) => devices().rename(userId as UserId, 'PHONE', 'another name');
const send = (to: UserId | undefined, n: number) =>
  sendToDevice(parts(), {
    sender: alice as UserId,
    deviceId: 'PHONE',
    type: 'm.test',
    transactionId: `${n} ${to}`,
    messages: new Map([[to as UserId, { PHONE: { n } }]]),
  });

describe('device lists', () => {
  test('tell changed devices to those who share a room, and to oneself', async () => {
    await together(alice, bob);
    const [ofAlice, ofBob, ofCarol] = [await tokenOf(alice), await tokenOf(bob), await tokenOf(carol)];
    await rename(alice);
    expect((await lists(alice, ofAlice)).changed).toEqual([alice]);
    const told = await lists(bob, ofBob);
    expect([told.changed, told.left]).toEqual([[alice], []]);
    expect((await lists(bob, told.next)).changed).toEqual([]);
    expect((await lists(carol, ofCarol)).changed).toEqual([]);
    expect(await sync(bob)).not.toHaveProperty('device_lists');
  });

  test('wake those who wait, also where nothing of the person was in memory', async () => {
    await together(alice, bob);
    await world.restart();
    const since = await tokenOf(bob);
    const waiting = sync(bob, (await sync(bob, since)).next_batch, 20_000);
    await rename(alice);
    expect((await waiting).device_lists?.changed).toEqual([alice]);
  });

  test('tell people who are newly met, by both, and those who are met nowhere any more', async () => {
    const roomId = await world.create(alice as UserId);
    const [ofAlice, ofBob] = [await tokenOf(alice), await tokenOf(bob)];
    await world.join(roomId, bob as UserId);
    const metByAlice = await lists(alice, ofAlice);
    const metByBob = await lists(bob, ofBob);
    expect([metByAlice.changed, metByBob.changed]).toEqual([[bob], [alice]]);
    await world.leave(roomId, bob as UserId);
    const lostByAlice = await lists(alice, metByAlice.next);
    const lostByBob = await lists(bob, metByBob.next);
    expect([lostByAlice, lostByBob]).toMatchObject([
      { changed: [], left: [bob] },
      { changed: [], left: [alice] },
    ]);
    await rename(bob);
    expect((await lists(alice, lostByAlice.next)).changed).toEqual([]);
  });

  test('keep whom one meets elsewhere, and do not tell a new name in a room as a new person', async () => {
    const [first] = [await together(alice, bob), await together(alice, bob)];
    const since = await tokenOf(alice);
    await world.setState(first, bob as UserId, 'm.room.member', { membership: 'join', displayname: 'B' }, bob);
    await world.leave(first, bob as UserId);
    expect(await lists(alice, since)).toMatchObject({ changed: [], left: [] });
  });

  test('tell who left before oneself did', async () => {
    const roomId = await together(alice, bob, carol);
    const since = await tokenOf(alice);
    await world.leave(roomId, bob as UserId);
    await world.leave(roomId, alice as UserId);
    expect((await lists(alice, since)).left).toEqual([bob, carol].sort());
  });

  test('are the same, or more, for who was away for long', async () => {
    const roomId = await together(alice, bob);
    const other = await world.create(carol as UserId);
    const since = await tokenOf(alice);
    await rename(bob);
    await world.join(other, alice as UserId);
    const exact = await lists(alice, since);
    expect(exact.changed).toEqual([bob, carol].sort());
    world.forgetMemory();
    expect(await lists(alice, since)).toMatchObject({ changed: exact.changed, left: [] });
    const { position } = world.features.streamWriter;
    const asked = await findDeviceListsOf(world.features.sync, alice as UserId, { after: 1, until: position + 5 });
    expect([...asked.changed].sort()).toEqual([alice, bob, carol].sort());
    await world.leave(roomId, bob as UserId);
    await world.leave(other, alice as UserId);
    world.forgetMemory();
    expect((await lists(alice, since)).left).toEqual([bob, carol].sort());
  });
});

describe('messages to the device', () => {
  test('come once, and go when the next sync says that they came', async () => {
    const since = await tokenOf(bob);
    const waiting = sync(bob, since, 20_000);
    await send(bob, 1);
    const first = await waiting;
    expect(first.to_device?.events.map(({ content }) => content.n)).toEqual([1]);
    // The answer was lost: it is asked for again.
    expect((await sync(bob, since)).to_device).toEqual(first.to_device);
    expect(await sync(bob, first.next_batch)).not.toHaveProperty('to_device');
    await world.features.endToEnd.inbox.close();
    expect(await sync(bob, since)).not.toHaveProperty('to_device');
  });

  test('come a hundred at a time, none lost and none twice', async () => {
    const since = await tokenOf(bob);
    for (let n = 0; n < 230; n++) await send(bob, n);
    const told: number[] = [];
    const pages: number[] = [];
    for (let token = since; pages.at(-1) !== 0; ) {
      const body = await sync(bob, token);
      const page = body.to_device?.events.map(({ content }) => content.n) ?? [];
      told.push(...page);
      pages.push(page.length);
      token = body.next_batch;
    }
    expect(pages).toEqual([100, 100, 30, 0]);
    expect(told).toEqual(Array.from({ length: 230 }, (_, n) => n));
  });

  test('come over a socket the same way, and go by its acknowledgements', async () => {
    for (let n = 0; n < 230; n++) await send(bob, n);
    const told: number[] = [];
    const frames: string[] = [];
    const socket = {
      ...{ bufferedAmount: 0, isOpen: true, close: () => undefined, terminate: () => undefined },
      ...{ onMessage: () => undefined, onClose: () => undefined, pause: () => undefined, resume: () => undefined },
      send: (text: string) => {
        const { pos, data } = JSON.parse(text) as { pos: string; data: DeviceBody };
        told.push(...(data.to_device?.events.map(({ content }) => content.n) ?? []));
        frames.push(pos);
        queueMicrotask(() => session.acknowledge(pos));
      },
    };
    const identity = { userId: bob as UserId, deviceId: 'PHONE', sessionId: 's', isGuest: false, isAdmin: false };
    const caller = { ...identity, appservice: null, tokenExpiresTs: null };
    const request = { ...world.requestOf(bob as UserId), since: null };
    const session = new SocketSession({ ...world.features.sync, logger: world.logger }, socket, { caller, request });
    await expect.poll(() => told.length).toBe(230);
    await send(bob, 230);
    await expect.poll(() => told).toEqual(Array.from({ length: 231 }, (_, n) => n));
    session.close();
    expect(frames).toHaveLength(4);
    await world.features.endToEnd.inbox.close();
    expect(await sync(bob)).not.toHaveProperty('to_device');
  });

  test('survive a restart before they were acknowledged', async () => {
    const since = await tokenOf(bob);
    await send(bob, 1);
    await world.restart();
    expect((await sync(bob, since)).to_device?.events).toHaveLength(1);
  });
});

describe('key counts', () => {
  const published = (name: string) => ({ [`signed_curve25519:${name}`]: { key: 'A'.repeat(43), signatures: {} } });

  test('are in each sync, and worth an answer when they change', async () => {
    const owner = { userId: alice as UserId, deviceId: 'PHONE' };
    const first = await sync(alice);
    expect(first.device_one_time_keys_count).toEqual({ signed_curve25519: 0 });
    expect(first.device_unused_fallback_key_types).toEqual([]);
    const waiting = sync(alice, first.next_batch, 20_000);
    await uploadKeys(parts(), owner, { oneTimeKeys: published('A'), fallbackKeys: published('F') });
    const second = await waiting;
    expect(second.device_one_time_keys_count).toEqual({ signed_curve25519: 1 });
    expect(second.device_unused_fallback_key_types).toEqual(['signed_curve25519']);
    const again = sync(alice, second.next_batch, 20_000);
    await claimKeys(parts(), bob as UserId, [{ ...owner, algorithm: 'signed_curve25519' }]);
    expect((await again).device_one_time_keys_count).toEqual({ signed_curve25519: 0 });
  });
});
