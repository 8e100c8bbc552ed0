import { sql } from '@carillon/platform/database/sql.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Device, type DeviceWorld, openDeviceWorld } from './testing/device-world.ts';
import { ToDeviceInbox } from './to-device-inbox.ts';
import { ToDeviceQuota } from './to-device-quota.ts';

let world: DeviceWorld;
beforeAll(async () => {
  world = await openDeviceWorld();
});
afterAll(() => world.close());

const read = async (device: Device, { after = 0, limit = 100 } = {}, inbox = world.endToEnd.inbox) => {
  const { messages, upTo } = await inbox.read(device, { after, until: world.streamWriter.position, limit });
  return { contents: messages.map((text) => JSON.parse(text).content.n), upTo };
};

const waitingRows = async (device: Device) => {
  const rows = await world.database.query(sql`select from to_device where device_id = ${device.deviceId}`);
  return rows.length;
};

describe('messages to devices', () => {
  test('reach the named devices or all, in order, with their sender and type', async () => {
    const [alice, bob] = [await world.signUp(), await world.signUp()];
    const second = await world.logIn(bob);
    await alice.sendToDevice('1', { [bob.userId]: { [bob.deviceId]: { n: 1 }, NOBODY: { n: 0 } } });
    await alice.sendToDevice('2', { [bob.userId]: { '*': { n: 2 } }, '@nobody:test.example': { '*': {} } });
    await alice.sendToDevice('3', { [bob.userId]: { '*': { n: 3 }, [bob.deviceId]: { n: 4 } } });
    expect((await read(bob)).contents).toEqual([1, 2, 4]);
    expect((await read(second)).contents).toEqual([2, 3]);
    const { messages } = await world.endToEnd.inbox.read(bob, { after: 0, until: world.streamWriter.position });
    expect(JSON.parse(messages[0] ?? '')).toEqual({ sender: alice.userId, type: 'm.test', content: { n: 1 } });
    expect((await alice.sendToDevice('4', { 'not a user': {} })).status).toBe(400);
  });

  test('arrive once however often the request is sent, also at the same time', async () => {
    const [alice, bob] = [await world.signUp(), await world.signUp()];
    const second = await world.logIn(alice);
    const messages = { [bob.userId]: { [bob.deviceId]: { n: 1 } } };
    const answers = await Promise.all([1, 2, 3].map(() => alice.sendToDevice('same', messages)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    await alice.sendToDevice('same', messages);
    expect((await read(bob)).contents).toEqual([1]);
    // Other devices and other types have ids of their own.
    await second.sendToDevice('same', messages);
    await alice.sendToDevice('same', messages, 'm.other');
    expect((await read(bob)).contents).toEqual([1, 1, 1]);
  });

  test('wait, page by page, until they are acknowledged, and over a restart', async () => {
    const [alice, bob] = [await world.signUp(), await world.signUp()];
    for (let n = 0; n < 5; n++) await alice.sendToDevice(`${n}`, { [bob.userId]: { [bob.deviceId]: { n } } });
    const restarted = new ToDeviceInbox(world.endToEnd.parts);
    const first = await read(bob, { limit: 3 }, restarted);
    expect(first.contents).toEqual([0, 1, 2]);
    expect(first).toEqual(await read(bob, { limit: 3 }));
    const rest = await read(bob, { after: first.upTo ?? 0, limit: 3 });
    expect(rest).toEqual({ contents: [3, 4], upTo: null });
    const { inbox } = world.endToEnd;
    inbox.acknowledge(bob, first.upTo ?? 0);
    await inbox.close();
    expect(await waitingRows(bob)).toBe(2);
    inbox.acknowledge(bob, world.streamWriter.position);
    await inbox.close();
    expect(await waitingRows(bob)).toBe(0);
    expect(inbox.read(bob, { after: 0, until: world.streamWriter.position })).toEqual({ messages: [], upTo: null });
    await alice.sendToDevice('5', { [bob.userId]: { '*': { n: 5 } } });
    expect((await read(bob)).contents).toEqual([5]);
  });

  test('that come while a device is looked up are found', async () => {
    const [alice, bob] = [await world.signUp(), await world.signUp()];
    const { inbox } = world.endToEnd;
    const looking = inbox.read(bob, { after: 0, until: world.streamWriter.position });
    await alice.sendToDevice('1', { [bob.userId]: { '*': { n: 1 } } });
    await looking;
    expect((await read(bob)).contents).toEqual([1]);
  });

  test('go with their device, and their sender is told what is too long', async () => {
    const [alice, bob] = [await world.signUp(), await world.signUp()];
    await alice.sendToDevice('1', { [bob.userId]: { '*': { n: 1 } } });
    await bob.call('POST', 'v3/logout', {});
    expect(await waitingRows(bob)).toBe(0);
    const answer = await alice.sendToDevice('2', { [alice.userId]: { '*': { text: 'x'.repeat(70_000) } } });
    expect([answer.status, answer.body.errcode]).toEqual([413, 'M_TOO_LARGE']);
    expect((await read(alice)).contents).toEqual([]);
  });

  test('S70: who floods a device drops their own oldest messages, and nobody else', async () => {
    const [alice, bob, mallory] = [await world.signUp(), await world.signUp(), await world.signUp()];
    const limits = { maxPerSender: 10, maxBytesPerSender: 10_000, maxPerDevice: 15 };
    const send = (from: Device, n: number) => from.sendToDevice(`${n}`, { [bob.userId]: { '*': { n } } });
    for (let n = 0; n < 3; n++) await send(alice, n);
    for (let n = 100; n < 130; n++) await send(mallory, n);
    const quota = new ToDeviceQuota({ ...world.endToEnd.parts, limits, checkEveryMessages: 1 });
    quota.count(bob, 1);
    await quota.close();
    const kept = (await read(bob)).contents;
    expect(kept).toEqual([0, 1, 2, ...Array.from({ length: 10 }, (_, index) => 120 + index)]);
    const others = await Promise.all([1, 2].map(() => world.signUp()));
    for (const other of others) for (let n = 200; n < 205; n++) await send(other, n);
    quota.count(bob, 1);
    await quota.close();
    const fair = (await read(bob)).contents;
    expect(fair).toHaveLength(15);
    expect(fair.slice(0, 3)).toEqual([0, 1, 2]);
  });
});

describe('a dehydrated device', () => {
  const path = 'unstable/org.matrix.msc3814.v1/dehydrated_device';
  const put = (device: Device, sleeper: Device, more: object = {}) =>
    device.call('PUT', path, {
      device_id: sleeper.deviceId,
      device_data: { algorithm: 'a', data: 'encrypted' },
      initial_device_display_name: 'Dehydrated',
      device_keys: sleeper.deviceKeys({ dehydrated: true }),
      one_time_keys: sleeper.oneTimeKeys('AA'),
      fallback_keys: sleeper.oneTimeKeys('F'),
      ...more,
    });
  /** Keys for a device that nobody is logged in on. */
  const sleeperOf = (device: Device, deviceId: string): Device => {
    const sleeper = Object.assign(Object.create(Object.getPrototypeOf(device)), device) as Device;
    return Object.assign(sleeper, { deviceId, key: { ...device.key, keyId: `ed25519:${deviceId}` } });
  };

  test('collects what is sent to it until the next one takes its place', async () => {
    const [alice, bob] = [await world.signUp(), await world.signUp()];
    expect((await alice.call('GET', path)).status).toBe(404);
    const sleeper = sleeperOf(alice, 'SLEEPER');
    expect((await put(alice, sleeper)).body).toEqual({ device_id: 'SLEEPER' });
    const data = { device_id: 'SLEEPER', device_data: { algorithm: 'a', data: 'encrypted' } };
    expect((await alice.call('GET', path)).body).toEqual(data);
    const found = (await bob.query(alice.userId)).body.device_keys[alice.userId].SLEEPER;
    expect([found.dehydrated, found.unsigned.device_display_name]).toEqual([true, 'Dehydrated']);
    expect(await bob.claim(sleeper)).toBe('signed_curve25519:AA');
    for (let n = 0; n < 3; n++) await bob.sendToDevice(`${n}`, { [alice.userId]: { SLEEPER: { n } } });
    const first = (await alice.call('GET', `${path}/SLEEPER/events?limit=2`)).body;
    expect(first.events.map((event: { content: { n: number } }) => event.content.n)).toEqual([0, 1]);
    const rest = (await alice.call('GET', `${path}/SLEEPER/events?from=${first.next_batch}`)).body;
    expect([rest.events.length, rest.next_batch]).toEqual([1, undefined]);
    const posted = (await alice.call('POST', `${path}/SLEEPER/events`, {})).body;
    expect(posted.events).toHaveLength(3);
    const end = (await alice.call('POST', `${path}/SLEEPER/events`, { next_batch: posted.next_batch })).body;
    expect([end.events, typeof end.next_batch]).toEqual([[], 'string']);
    expect((await alice.call('GET', `${path}/OTHER/events`)).status).toBe(403);
    await put(alice, sleeperOf(alice, 'NEXT'));
    const devices = (await alice.call('GET', 'v3/devices')).body.devices;
    expect(devices.map((device: { device_id: string }) => device.device_id).sort()).toEqual(
      [alice.deviceId, 'NEXT'].sort(),
    );
    expect((await alice.call('DELETE', path)).body).toEqual({ device_id: 'NEXT' });
    expect((await alice.call('GET', path)).status).toBe(404);
  });

  test("takes no device's place, and no keys that are not its own", async () => {
    const alice = await world.signUp();
    expect((await put(alice, alice)).body.errcode).toBe('M_FORBIDDEN');
    const wrong = await put(alice, sleeperOf(alice, 'SLEEPER'), { device_id: 'OTHER' });
    expect(wrong.body.errcode).toBe('M_INVALID_PARAM');
    expect((await alice.call('GET', 'v3/devices')).body.devices).toHaveLength(1);
  });
});
