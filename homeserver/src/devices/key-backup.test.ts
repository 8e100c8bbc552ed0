import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Device, type DeviceWorld, openDeviceWorld } from './testing/device-world.ts';

let world: DeviceWorld;
beforeAll(async () => {
  world = await openDeviceWorld();
});
afterAll(() => world.close());

const algorithm = 'm.megolm_backup.v1.curve25519-aes-sha2';
const [ROOM, OTHER_ROOM] = [encodeURIComponent('!room:test.example'), '!other:test.example'];
const key = (more: object = {}) => ({
  first_message_index: 5,
  forwarded_count: 1,
  is_verified: false,
  session_data: { ciphertext: 'x' },
  ...more,
});
const begin = async (device: Device, authData: object = { public_key: 'a' }): Promise<string> =>
  (await device.call('POST', 'v3/room_keys/version', { algorithm, auth_data: authData })).body.version;

describe('backup versions', () => {
  test('are made, read, changed and deleted; the newest is the one', async () => {
    const alice = await world.signUp();
    expect((await alice.call('GET', 'v3/room_keys/version')).body.errcode).toBe('M_NOT_FOUND');
    const first = await begin(alice);
    const second = await begin(alice, { public_key: 'b' });
    const newest = (await alice.call('GET', 'v3/room_keys/version')).body;
    expect(newest).toEqual({ version: second, algorithm, auth_data: { public_key: 'b' }, count: 0, etag: '0' });
    const change = (version: string, more: object = {}) =>
      alice.call('PUT', `v3/room_keys/version/${version}`, { algorithm, auth_data: { public_key: 'c' }, ...more });
    expect((await change(first, { version: first })).status).toBe(200);
    expect((await alice.call('GET', `v3/room_keys/version/${first}`)).body.auth_data).toEqual({ public_key: 'c' });
    expect((await change(first, { version: second })).body.errcode).toBe('M_INVALID_PARAM');
    expect((await change(first, { algorithm: 'other' })).body.errcode).toBe('M_INVALID_PARAM');
    expect((await change('9')).status).toBe(404);
    expect((await alice.call('DELETE', `v3/room_keys/version/${second}`)).status).toBe(200);
    expect((await alice.call('DELETE', `v3/room_keys/version/${second}`)).status).toBe(200);
    expect((await alice.call('DELETE', 'v3/room_keys/version/9')).status).toBe(404);
    expect((await alice.call('DELETE', 'v3/room_keys/version/x')).status).toBe(404);
    expect((await alice.call('GET', `v3/room_keys/version/${second}`)).status).toBe(404);
    expect((await alice.call('GET', 'v3/room_keys/version')).body.version).toBe(first);
    // A number is never used again.
    expect(Number(await begin(alice))).toBe(Number(second) + 1);
    const versions = await Promise.all([1, 2, 3].map(() => begin(alice)));
    expect(new Set(versions).size).toBe(3);
  });
});

describe('backed up keys', () => {
  test('are stored and read by session, by room and all together', async () => {
    const alice = await world.signUp();
    const version = await begin(alice);
    const at = (path: string) => `v3/room_keys/keys${path}?version=${version}`;
    const slashed = encodeURIComponent('a/b+c');
    expect((await alice.call('PUT', at(`/${ROOM}/${slashed}`), key())).body).toEqual({ count: 1, etag: '1' });
    const sessions = { s1: key(), s2: key() };
    expect((await alice.call('PUT', at(`/${OTHER_ROOM}`), { sessions })).body).toEqual({ count: 3, etag: '2' });
    const rooms = {
      '!third:test.example': { sessions: { s3: key() } },
      '!room:test.example': { sessions: { s4: key() } },
    };
    expect((await alice.call('PUT', at(''), { rooms })).body).toEqual({ count: 5, etag: '3' });
    expect((await alice.call('GET', at(`/${ROOM}/${slashed}`))).body).toEqual(key());
    expect((await alice.call('GET', at(`/${OTHER_ROOM}`))).body).toEqual({ sessions });
    expect((await alice.call('GET', at('/!none:test.example'))).body).toEqual({ sessions: {} });
    expect((await alice.call('GET', at(`/${ROOM}/none`))).status).toBe(404);
    const all = (await alice.call('GET', at(''))).body.rooms;
    expect(all).toEqual({
      '!room:test.example': { sessions: { 'a/b+c': key(), s4: key() } },
      '!other:test.example': { sessions },
      '!third:test.example': { sessions: { s3: key() } },
    });
    expect((await alice.call('DELETE', at(`/${OTHER_ROOM}/s1`))).body).toEqual({ count: 4, etag: '4' });
    expect((await alice.call('DELETE', at(`/${OTHER_ROOM}/s1`))).body).toEqual({ count: 4, etag: '4' });
    expect((await alice.call('DELETE', at(`/${ROOM}`))).body).toEqual({ count: 2, etag: '5' });
    expect((await alice.call('DELETE', at(''))).body).toEqual({ count: 0, etag: '6' });
    expect((await alice.call('GET', at(''))).body).toEqual({ rooms: {} });
    const bob = await world.signUp();
    expect((await bob.call('GET', at(''))).status).toBe(404);
  });

  test('give way to better ones only: verified, then earlier, then less forwarded', async () => {
    const alice = await world.signUp();
    const version = await begin(alice);
    const path = `v3/room_keys/keys/${ROOM}/s?version=${version}`;
    const kept = async (more: object) => {
      await alice.call('PUT', path, key(more));
      const {
        first_message_index: index,
        forwarded_count: forwards,
        is_verified: verified,
      } = (await alice.call('GET', path)).body;
      return [verified, index, forwards];
    };
    expect(await kept({})).toEqual([false, 5, 1]);
    expect(await kept({ forwarded_count: 2 })).toEqual([false, 5, 1]);
    expect(await kept({ forwarded_count: 0 })).toEqual([false, 5, 0]);
    expect(await kept({ first_message_index: 6, forwarded_count: 0 })).toEqual([false, 5, 0]);
    expect(await kept({ first_message_index: 4, forwarded_count: 9 })).toEqual([false, 4, 9]);
    expect(await kept({ is_verified: true, first_message_index: 8, forwarded_count: 9 })).toEqual([true, 8, 9]);
    expect(await kept({ first_message_index: 0, forwarded_count: 0 })).toEqual([true, 8, 9]);
    expect((await alice.call('GET', 'v3/room_keys/version')).body).toMatchObject({ count: 1, etag: '4' });
  });

  test('go into the newest version only; clients are told which that is', async () => {
    const alice = await world.signUp();
    const put = (version: string) => alice.call('PUT', `v3/room_keys/keys/${ROOM}/s?version=${version}`, key());
    expect((await put('1')).body.errcode).toBe('M_NOT_FOUND');
    const old = await begin(alice);
    expect((await put(old)).status).toBe(200);
    const newest = await begin(alice);
    const refused = await put(old);
    expect([refused.status, refused.body.errcode]).toEqual([403, 'M_WRONG_ROOM_KEYS_VERSION']);
    expect(refused.body.current_version).toBe(newest);
    expect((await alice.call('GET', `v3/room_keys/keys/${ROOM}/s?version=${old}`)).status).toBe(200);
    expect((await alice.call('GET', `v3/room_keys/keys/${ROOM}/s`)).body.errcode).toBe('M_MISSING_PARAM');
    // A device's end leaves the backup alone.
    const second = await world.logIn(alice);
    await alice.call('POST', 'v3/logout', {});
    expect((await second.call('GET', `v3/room_keys/keys/${ROOM}/s?version=${old}`)).status).toBe(200);
  });

  test.each([
    ['an index that is no number', { first_message_index: 'x' }],
    ['a negative count', { forwarded_count: -1 }],
    ['no data', { session_data: undefined }],
    ['data that are no object', { session_data: 'x' }],
    ['data that are too long', { session_data: { x: 'x'.repeat(70_000) } }],
  ])('with %s are refused', async (_, more) => {
    const alice = await world.signUp();
    const version = await begin(alice);
    const answer = await alice.call('PUT', `v3/room_keys/keys/${ROOM}/s?version=${version}`, key(more));
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.status).toBeLessThan(500);
  });
});
