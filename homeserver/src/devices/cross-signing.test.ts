import type { JsonObject } from '@carillon/protocol/json.ts';
import { signJson } from '@carillon/protocol/signed-json.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { crossSigningKey, type Device, type DeviceWorld, openDeviceWorld } from './testing/device-world.ts';

let world: DeviceWorld;
beforeAll(async () => {
  world = await openDeviceWorld();
});
afterAll(() => world.close());

const identityOf = ({ userId }: Device) => {
  const master = crossSigningKey('master', userId);
  const signed = (usage: string) => crossSigningKey(usage, userId, master as never);
  return { master, selfSigning: signed('self_signing'), userSigning: signed('user_signing') };
};

const bodyOf = ({ master, selfSigning, userSigning }: ReturnType<typeof identityOf>) => ({
  master_key: master.object,
  self_signing_key: selfSigning.object,
  user_signing_key: userSigning.object,
});

const publish = (device: Device, body: JsonObject) => device.call('POST', 'v3/keys/device_signing/upload', body);
const sign = async (device: Device, objects: Record<string, JsonObject>) =>
  (await device.call('POST', 'v3/keys/signatures/upload', objects)).body.failures;

describe('cross-signing keys', () => {
  test('the first set is free and seen by all, the user-signing key by its owner alone', async () => {
    const [alice, bob] = [await world.signUp(), await world.signUp()];
    const body = bodyOf(identityOf(alice));
    expect((await publish(alice, body)).status).toBe(200);
    const own = (await alice.query(alice.userId)).body;
    expect(own.user_signing_keys).toEqual({ [alice.userId]: body.user_signing_key });
    const seen = (await bob.query(alice.userId)).body;
    expect(seen.master_keys).toEqual({ [alice.userId]: body.master_key });
    expect(seen.self_signing_keys).toEqual({ [alice.userId]: body.self_signing_key });
    expect(seen.user_signing_keys).toEqual({});
  });

  test('S33: the same set again is free, another one takes the password', async () => {
    const alice = await world.signUp();
    const body = bodyOf(identityOf(alice));
    await publish(alice, body);
    expect((await publish(alice, body)).status).toBe(200);
    const other = bodyOf(identityOf(alice));
    const asked = await publish(alice, other);
    expect([asked.status, asked.body.flows]).toEqual([401, [{ stages: ['m.login.password'] }]]);
    expect((await alice.query(alice.userId)).body.master_keys[alice.userId]).toEqual(body.master_key);
    const user = alice.userId;
    const password = user.slice(1, user.indexOf(':'));
    const identifier = { type: 'm.id.user', user };
    const auth = { type: 'm.login.password', session: asked.body.session, identifier, password };
    // The session is good for the keys that it was begun with.
    expect((await publish(alice, { ...bodyOf(identityOf(alice)), auth })).status).toBe(401);
    expect((await publish(alice, { ...other, auth })).status).toBe(200);
    expect((await alice.query(alice.userId)).body.master_keys[alice.userId]).toEqual(other.master_key);
  });

  test('S33: only one of two first sets wins', async () => {
    const alice = await world.signUp();
    const answers = await Promise.all([1, 2].map(() => publish(alice, bodyOf(identityOf(alice)))));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 401]);
  });

  test("S33: another's, unsigned or misnamed keys are refused", async () => {
    const [alice, bob] = [await world.signUp(), await world.signUp()];
    const [own, others] = [identityOf(alice), identityOf(bob)];
    const refusals: [JsonObject, string][] = [
      [bodyOf(others), 'M_INVALID_PARAM'],
      [{ master_key: own.selfSigning.object }, 'M_INVALID_PARAM'],
      [{ self_signing_key: own.selfSigning.object }, 'M_MISSING_PARAM'],
      [{}, 'M_MISSING_PARAM'],
      [{ ...bodyOf(own), self_signing_key: identityOf(alice).selfSigning.object }, 'M_INVALID_SIGNATURE'],
      [{ master_key: { ...own.master.object, keys: { 'ed25519:a': 'a', 'ed25519:b': 'b' } } }, 'M_INVALID_PARAM'],
      [{ master_key: { ...own.master.object, keys: { 'ed25519:a': 'b' } } }, 'M_INVALID_PARAM'],
      [{ master_key: { ...own.master.object, signatures: [] } }, 'M_BAD_JSON'],
    ];
    for (const [body, errcode] of refusals) expect((await publish(alice, body)).body.errcode).toBe(errcode);
    expect((await alice.query(alice.userId)).body.master_keys).toEqual({});
  });

  test('S33: a key may not have the name of a device, nor a device that of a key', async () => {
    const alice = await world.signUp();
    const identity = identityOf(alice);
    await world.accounts.devices.create(alice.userId, identity.selfSigning.name, null);
    expect((await publish(alice, bodyOf(identity))).body.errcode).toBe('M_FORBIDDEN');
  });

  test('are gone with the account', async () => {
    const [alice, bob] = [await world.signUp(), await world.signUp()];
    await publish(alice, bodyOf(identityOf(alice)));
    await world.accounts.deactivate(alice.userId, false);
    await expect.poll(async () => (await bob.query(alice.userId)).body.master_keys).toEqual({});
  });
});

describe('signatures', () => {
  const begin = async () => {
    const alice = await world.signUp();
    const identity = identityOf(alice);
    const deviceKeys = alice.deviceKeys();
    await alice.upload({ device_keys: deviceKeys });
    await publish(alice, bodyOf(identity));
    return { alice, identity, deviceKeys };
  };

  test("of one's device and of one's master key are seen by all", async () => {
    const { alice, identity, deviceKeys } = await begin();
    const bob = await world.signUp();
    const device = signJson(deviceKeys, alice.userId, identity.selfSigning);
    const master = signJson(identity.master.object, alice.userId, alice.key);
    const objects = { [alice.deviceId]: device, [identity.master.name]: master };
    expect(await sign(alice, { [alice.userId]: objects })).toEqual({});
    const seen = (await bob.query(alice.userId)).body;
    expect(seen.device_keys[alice.userId][alice.deviceId]).toEqual({ ...device, unsigned: {} });
    expect(seen.master_keys[alice.userId]).toEqual(master);
    // The device says the same of itself again: what was signed stays.
    await alice.upload({ device_keys: deviceKeys });
    expect((await bob.query(alice.userId)).body.device_keys).toEqual(seen.device_keys);
    const second = await world.logIn(alice);
    await second.upload({ device_keys: second.deviceKeys() });
    const both = signJson(master, alice.userId, second.key);
    expect(await sign(second, { [alice.userId]: { [identity.master.name]: both } })).toEqual({});
    expect((await bob.query(alice.userId)).body.master_keys[alice.userId]).toEqual(both);
  });

  test("of another's master key are seen by who made them, and tell their devices", async () => {
    const { alice, identity } = await begin();
    const other = await begin();
    const signed = signJson(other.identity.master.object, alice.userId, identity.userSigning);
    world.changes.length = 0;
    expect(await sign(alice, { [other.alice.userId]: { [other.identity.master.name]: signed } })).toEqual({});
    expect((await alice.query(other.alice.userId)).body.master_keys[other.alice.userId]).toEqual(signed);
    const unseen = other.identity.master.object;
    expect((await other.alice.query(other.alice.userId)).body.master_keys[other.alice.userId]).toEqual(unseen);
    const told = { kind: 'userSignature', userId: alice.userId, targetUserId: other.alice.userId };
    expect(world.changes).toMatchObject([told]);
  });

  test('that are wrong fail one by one, and the others are kept', async () => {
    const { alice, identity, deviceKeys } = await begin();
    const { alice: bob, identity: bobs } = await begin();
    const { selfSigning, userSigning, master } = identity;
    const right = signJson(deviceKeys, alice.userId, selfSigning);
    const failures = await sign(alice, {
      [alice.userId]: {
        [alice.deviceId]: right,
        UNKNOWN: signJson({ ...deviceKeys, device_id: 'UNKNOWN' }, alice.userId, selfSigning),
        [master.name]: signJson(master.object, alice.userId, { ...bob.key, keyId: `ed25519:${alice.deviceId}` }),
      },
      [bob.userId]: {
        [bobs.master.name]: signJson(bobs.master.object, alice.userId, selfSigning),
        [bobs.selfSigning.name]: signJson(bobs.selfSigning.object, alice.userId, userSigning),
      },
    });
    const codes = (userId: string) =>
      Object.fromEntries(
        Object.entries(failures[userId]).map(([key, failure]) => [key, (failure as JsonObject)['errcode']]),
      );
    expect(codes(alice.userId)).toEqual({ UNKNOWN: 'M_NOT_FOUND', [master.name]: 'M_INVALID_SIGNATURE' });
    expect(codes(bob.userId)).toEqual({
      [bobs.master.name]: 'M_INVALID_SIGNATURE',
      [bobs.selfSigning.name]: 'M_NOT_FOUND',
    });
    const kept = (await bob.query(alice.userId)).body.device_keys[alice.userId][alice.deviceId];
    expect(kept.signatures).toEqual(right['signatures']);
    const changed = signJson({ ...deviceKeys, algorithms: [] }, alice.userId, selfSigning);
    const refused = await sign(alice, { [alice.userId]: { [alice.deviceId]: changed } });
    expect(refused[alice.userId][alice.deviceId].errcode).toBe('M_INVALID_PARAM');
  });
});
