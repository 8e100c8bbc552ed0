import { sql } from '@carillon/platform/database/sql.ts';
import { signJson } from '@carillon/protocol/signed-json.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type DeviceWorld, openDeviceWorld } from './testing/device-world.ts';

let world: DeviceWorld;
beforeAll(async () => {
  world = await openDeviceWorld();
});
afterAll(() => world.close());

describe('uploading keys', () => {
  test('publishes what a device says of itself, with its name, until the device goes', async () => {
    const alice = await world.signUp();
    const bob = await world.signUp();
    const keys = alice.deviceKeys({ something: 'else' });
    expect((await alice.upload({ device_keys: keys })).body).toEqual({ one_time_key_counts: { signed_curve25519: 0 } });
    await alice.call('PUT', `v3/devices/${alice.deviceId}`, { display_name: "Alice's phone" });
    const found = (await bob.query(alice.userId)).body;
    const unsigned = { device_display_name: "Alice's phone" };
    expect(found.device_keys[alice.userId]).toEqual({ [alice.deviceId]: { ...keys, unsigned } });
    await alice.call('POST', 'v3/logout', {});
    expect((await bob.query(alice.userId)).body.device_keys).toEqual({ [alice.userId]: {} });
  });

  test('tells of new keys once, and of the same again not', async () => {
    const alice = await world.signUp();
    const keys = alice.deviceKeys();
    world.changes.length = 0;
    await alice.upload({ device_keys: keys });
    await alice.upload({ device_keys: keys });
    expect(world.changes.filter(({ kind }) => kind === 'device')).toHaveLength(1);
  });

  test('takes a one-time key once, again as often as it is the same, and no other one under its id', async () => {
    const alice = await world.signUp();
    const first = alice.oneTimeKeys('AA', 'AB');
    const counts = async (body: object) =>
      (await alice.upload({ one_time_keys: { ...body } })).body.one_time_key_counts;
    expect(await counts(first)).toEqual({ signed_curve25519: 2 });
    expect(await counts(first)).toEqual({ signed_curve25519: 2 });
    const refused = await alice.upload({ one_time_keys: { ...alice.oneTimeKeys('AB', 'AC') } });
    expect([refused.status, refused.body.errcode]).toEqual([400, 'M_UNKNOWN']);
    expect(await counts({})).toEqual({ signed_curve25519: 2 });
  });

  test('other identity keys under the same name take the old one-time keys away', async () => {
    const alice = await world.signUp();
    const { key } = await world.signUp();
    await alice.upload({ device_keys: alice.deviceKeys(), one_time_keys: alice.oneTimeKeys('AA') });
    Object.assign(alice, { key: { ...key, keyId: `ed25519:${alice.deviceId}` } });
    const answer = await alice.upload({ device_keys: alice.deviceKeys() });
    expect(answer.body.one_time_key_counts).toEqual({ signed_curve25519: 0 });
  });

  test('the keys of a device that is gone are gone', async () => {
    const alice = await world.signUp();
    const second = await world.logIn(alice);
    await second.upload({
      device_keys: second.deviceKeys(),
      one_time_keys: second.oneTimeKeys('AA'),
      fallback_keys: second.oneTimeKeys('F'),
    });
    await second.call('POST', 'v3/logout', {});
    expect(await alice.claim(second)).toBeUndefined();
    const rows = await world.database.query(sql`
      select device_id from one_time_key where device_id = ${second.deviceId}
      union all select device_id from fallback_key where device_id = ${second.deviceId}`);
    expect(rows).toEqual([]);
  });
});

describe('S33: nobody publishes for another', () => {
  test.each([
    ['another user', () => ({ user_id: '@somebody:test.example' }), 'M_INVALID_PARAM'],
    ['another device', () => ({ device_id: 'OTHER' }), 'M_INVALID_PARAM'],
    ['a key of another device', () => ({ keys: { 'ed25519:OTHER': 'AAAA' } }), 'M_INVALID_PARAM'],
    ['no signing key', (id: string) => ({ keys: { [`curve25519:${id}`]: 'AAAA' } }), 'M_BAD_JSON'],
    ['a key that is no text', (id: string) => ({ keys: { [`ed25519:${id}`]: 5 } }), 'M_BAD_JSON'],
    ['algorithms that are no list', () => ({ algorithms: {} }), 'M_BAD_JSON'],
    ['too much', () => ({ more: 'x'.repeat(40_000) }), 'M_TOO_LARGE'],
  ])('%s', async (_, change, errcode) => {
    const alice = await world.signUp();
    const answer = await alice.upload({ device_keys: alice.deviceKeys(change(alice.deviceId)) });
    expect([answer.status >= 400, answer.body.errcode]).toEqual([true, errcode]);
    expect((await alice.query(alice.userId)).body.device_keys[alice.userId]).toEqual({});
  });

  test('keys that their device did not sign, or that were changed since', async () => {
    const alice = await world.signUp();
    const { signatures: _, ...unsigned } = alice.deviceKeys();
    const other = await world.signUp();
    const bySomebody = signJson(unsigned, alice.userId, { ...other.key, keyId: `ed25519:${alice.deviceId}` });
    for (const keys of [unsigned, bySomebody, { ...alice.deviceKeys(), algorithms: ['m.other'] }]) {
      const answer = await alice.upload({ device_keys: keys });
      expect(answer.status).toBe(400);
    }
  });
});

describe('S32: malformed keys block nothing', () => {
  test.each([
    ['no algorithm', { AA: 'x' }],
    ['no id', { 'signed_curve25519:': { key: 'x', signatures: {} } }],
    ['a number', { 'signed_curve25519:AA': 5 }],
    ['a list', { 'signed_curve25519:AA': [] }],
    ['text where an object belongs', { 'signed_curve25519:AA': 'x' }],
    ['no signatures', { 'signed_curve25519:AA': { key: 'x'.repeat(43) } }],
    ['no key of 32 bytes', { 'signed_curve25519:AA': { key: 'AAAA', signatures: {} } }],
    ['too long', { 'other:AA': 'x'.repeat(10_000) }],
  ])('a one-time key with %s is refused', async (_, keys) => {
    const alice = await world.signUp();
    expect((await alice.upload({ one_time_keys: keys })).status).toBeGreaterThanOrEqual(400);
    expect((await alice.upload({ fallback_keys: keys })).status).toBeGreaterThanOrEqual(400);
  });

  test('a row that cannot be read costs its own device alone', async () => {
    const alice = await world.signUp();
    const broken = await world.logIn(alice);
    for (const device of [alice, broken]) await device.upload({ device_keys: device.deviceKeys() });
    for (const json of ['{"keys":', '[]', 'null']) {
      await world.database.transaction((tx) =>
        tx.execute(sql`update device_keys set json = ${json} where device_id = ${broken.deviceId}`),
      );
      const found = (await alice.query(alice.userId)).body.device_keys[alice.userId];
      expect(Object.keys(found)).toEqual([alice.deviceId]);
    }
  });

  test('queries answer for whom they can: strangers have no devices, other servers are failures', async () => {
    const alice = await world.signUp();
    const { body } = await alice.query('@nobody:test.example', '@somebody:elsewhere.example');
    expect(body.device_keys).toEqual({ '@nobody:test.example': {} });
    expect(body.failures).toEqual({ 'elsewhere.example': {} });
    expect((await alice.query('nobody')).status).toBe(400);
    const polluting = JSON.parse('{"__proto__":{"a":{}}}');
    expect((await alice.call('POST', 'v3/keys/signatures/upload', polluting)).status).toBe(400);
  });
});

describe('claiming keys', () => {
  test('gives them in the order of uploads, then the fallback key, marked as used', async () => {
    const alice = await world.signUp();
    const bob = await world.signUp();
    await alice.upload({ one_time_keys: alice.oneTimeKeys('Z') });
    await alice.upload({ one_time_keys: alice.oneTimeKeys('A'), fallback_keys: alice.oneTimeKeys('F') });
    const unused = async () =>
      JSON.parse((await world.endToEnd.keyCounts.get(alice.userId, alice.deviceId)).fallbackText);
    expect(await unused()).toEqual(['signed_curve25519']);
    const taken = [];
    for (let count = 0; count < 4; count++) taken.push(await bob.claim(alice));
    expect(taken).toEqual(['Z', 'A', 'F', 'F'].map((id) => `signed_curve25519:${id}`));
    expect(await unused()).toEqual([]);
    await alice.upload({ fallback_keys: alice.oneTimeKeys('G') });
    expect(await unused()).toEqual(['signed_curve25519']);
    expect(await bob.claim(alice)).toBe('signed_curve25519:G');
    expect(await bob.claim(alice, 'other')).toBeUndefined();
  });

  test('gives each one-time key exactly once, also when all claim at once', async () => {
    const alice = await world.signUp();
    const people = await Promise.all(Array.from({ length: 4 }, () => world.signUp()));
    const ids = Array.from({ length: 40 }, (_, index) => `K${index}`);
    await alice.upload({ one_time_keys: alice.oneTimeKeys(...ids) });
    const claims = people.flatMap((person) => Array.from({ length: 12 }, () => person.claim(alice)));
    const taken = (await Promise.all(claims)).filter((id) => id !== undefined);
    expect(taken).toHaveLength(40);
    expect(new Set(taken).size).toBe(40);
  });

  test('an upload that is sent again does not revive what was given out meanwhile', async () => {
    const alice = await world.signUp();
    const bob = await world.signUp();
    const keys = alice.oneTimeKeys('AA', 'AB');
    await alice.upload({ one_time_keys: keys });
    const taken = await bob.claim(alice);
    const { body } = await alice.upload({ one_time_keys: keys });
    expect(body.one_time_key_counts).toEqual({ signed_curve25519: 1 });
    expect(await bob.claim(alice)).not.toBe(taken);
    expect(await bob.claim(alice)).toBeUndefined();
    const [id = ''] = Object.keys(keys);
    const again = await alice.upload({ one_time_keys: { [id]: alice.oneTimeKey() } });
    expect(again.body.one_time_key_counts).toEqual({ signed_curve25519: 1 });
  });

  test('tells the device, whose counts follow', async () => {
    const alice = await world.signUp();
    const bob = await world.signUp();
    await alice.upload({ one_time_keys: alice.oneTimeKeys('AA', 'AB') });
    const counts = async () => world.endToEnd.keyCounts.get(alice.userId, alice.deviceId);
    const before = await counts();
    expect(before.oneTimeText).toBe('{"signed_curve25519":2}');
    await bob.claim(alice);
    expect((await counts()).oneTimeText).toBe('{"signed_curve25519":1}');
    await world.streamWriter.drain();
    expect((await counts()).changedAt).toBeGreaterThan(before.changedAt);
  });

  test('S70: nobody empties a device: who takes too much gets the fallback key', async () => {
    const alice = await world.signUp();
    const ids = Array.from({ length: 50 }, (_, index) => `K${index}`);
    await alice.upload({ one_time_keys: alice.oneTimeKeys(...ids), fallback_keys: alice.oneTimeKeys('F') });
    const greedy = await world.signUp();
    const taken = [];
    for (let count = 0; count < 60; count++) taken.push(await greedy.claim(alice));
    expect(taken.filter((id) => id !== 'signed_curve25519:F')).toHaveLength(30);
    const bob = await world.signUp();
    expect(await bob.claim(alice)).not.toBe('signed_curve25519:F');
  });

  test('S70: a device has so many one-time keys and no more', async () => {
    const alice = await world.signUp();
    const batch = (name: string) =>
      alice.upload({
        one_time_keys: alice.oneTimeKeys(...Array.from({ length: 600 }, (_, index) => `${name}${index}`)),
      });
    expect((await batch('A')).status).toBe(200);
    expect((await batch('B')).body.errcode).toBe('M_TOO_LARGE');
  });
});
