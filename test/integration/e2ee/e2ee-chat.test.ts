// Four people, two implementations of Olm and Megolm, one server: everything is read by whom it is for, in every
// direction, and by nobody else, the server least of all.
import { randomUUID } from 'node:crypto';
import { openDatabase } from '@carillon/platform/database/postgres-database.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Person, passwordOf } from '../support/api-client.ts';
import { type OpenServer, openServer } from '../support/open-server.ts';
import type { EncryptedPerson } from './encrypted-person.ts';
import { OlmProcess } from './olm-process.ts';
import { WasmPerson } from './wasm-person.ts';

const ENCRYPTION = { type: 'm.room.encryption', state_key: '', content: { algorithm: 'm.megolm.v1.aes-sha2' } };

let server: OpenServer;
/** Everything that was said, and everyone who has secrets. */
const said: string[] = [];
const everyone: EncryptedPerson[] = [];

/** Logs in by name; each person has one account. */
const logIn = (name: string): Promise<Person> => server.api.login(name);
const withOlm = async (person: Person): Promise<OlmProcess> => begin(new OlmProcess(server.url, person.session));
const withWasm = async (person: Person): Promise<WasmPerson> =>
  begin(await WasmPerson.open(server.url, person.session));

async function begin<P extends EncryptedPerson>(person: P): Promise<P> {
  everyone.push(person);
  await person.publish();
  await person.sync();
  return person;
}

/** A text that stands nowhere else. */
const say = async (person: EncryptedPerson, roomId: string): Promise<string> => {
  const text = `secret ${randomUUID()}`;
  said.push(text);
  await person.send(roomId, text);
  return text;
};

const textsOf = async (person: EncryptedPerson, roomId: string) => {
  await person.sync();
  return (await person.read(roomId)).map(({ text }) => text);
};

/** The session of the newest message that this person sent, as a reader sees it. */
const newestSession = async (reader: EncryptedPerson, roomId: string, sender: EncryptedPerson) => {
  await reader.sync();
  const own = (await reader.read(roomId)).filter((read) => read.sender === sender.userId);
  const newest = own.at(-1);
  if (newest === undefined) throw new Error(`${sender.userId} has said nothing yet`);
  return newest;
};

async function makeRoom(creator: Person, ...others: Person[]): Promise<string> {
  const roomId = await creator.createRoom({ preset: 'public_chat', initial_state: [ENCRYPTION] });
  for (const other of others) await other.join(roomId);
  return roomId;
}

beforeAll(async () => {
  server = await openServer();
});

afterAll(async () => {
  for (const person of everyone) await person.close();
  await server.close();
});

describe('two people with libolm and two with vodozemac', () => {
  const accounts: Person[] = [];
  let people: EncryptedPerson[] = [];
  let roomId = '';

  beforeAll(async () => {
    for (const name of ['olivia', 'oscar', 'wanda', 'walter']) accounts.push(await server.api.register(name));
    const [olivia, oscar, wanda, walter] = accounts as [Person, Person, Person, Person];
    people = [await withOlm(olivia), await withOlm(oscar), await withWasm(wanda), await withWasm(walter)];
    roomId = await makeRoom(olivia, oscar, wanda, walter);
  });

  it('read each other in every direction', async () => {
    const spoken: string[] = [];
    for (const round of [1, 2]) {
      for (const person of people) spoken.push(await say(person, roomId));
      for (const person of people) expect(await textsOf(person, roomId), `round ${round}`).toEqual(spoken);
    }
  });

  it('and a device that was away catches up with many sessions at once', async () => {
    const [olivia, oscar, wanda, walter] = people as [
      EncryptedPerson,
      EncryptedPerson,
      EncryptedPerson,
      EncryptedPerson,
    ];
    const rooms = await Promise.all(
      Array.from({ length: 8 }, () => makeRoom(...(accounts as [Person, Person, Person]))),
    );
    const spoken = new Map<string, string[]>();
    for (const room of rooms) {
      const texts: string[] = [];
      for (const person of [olivia, wanda]) texts.push(await say(person, room));
      spoken.set(room, texts);
    }
    for (const room of rooms) {
      expect(await textsOf(oscar, room)).toEqual(spoken.get(room));
      expect(await textsOf(walter, room)).toEqual(spoken.get(room));
    }
  });

  it('more people begin sessions with a device that is away than it has one-time keys', async () => {
    const [, oscar] = people as [EncryptedPerson, EncryptedPerson];
    const crowd = await Promise.all(Array.from({ length: 12 }, (_, index) => server.api.register(`crowd${index}`)));
    const [first, ...others] = crowd as [Person, ...Person[]];
    const room = await makeRoom(first, ...others, accounts[1] as Person);
    const texts: string[] = [];
    for (const account of crowd) texts.push(await say(await withWasm(account), room));
    expect(await textsOf(oscar, room)).toEqual(texts);
  });

  it('change the room key when somebody leaves, who can read nothing from then on', async () => {
    const [olivia, oscar, wanda, walter] = people as [
      EncryptedPerson,
      EncryptedPerson,
      EncryptedPerson,
      EncryptedPerson,
    ];
    const [, oscarsAccount, wandasAccount] = accounts as [Person, Person, Person];
    for (const [gone, account] of [
      [oscar, oscarsAccount],
      [wanda, wandasAccount],
    ] as const) {
      const stays = [olivia, walter];
      const before = await Promise.all(stays.map((person) => newestSession(olivia, roomId, person)));
      await gone.sync();
      for (const { event } of before) expect(await gone.tryDecrypt(roomId, event)).not.toBeNull();
      await account.act(roomId, 'leave');
      for (const person of stays) await person.sync();
      for (const [index, person] of stays.entries()) {
        const text = await say(person, roomId);
        const after = await newestSession(olivia, roomId, person);
        expect(after.text).toBe(text);
        expect(after.sessionId).not.toBe(before[index]?.sessionId);
        await gone.sync();
        expect(await gone.tryDecrypt(roomId, after.event)).toBeNull();
      }
    }
  });

  it('a new device is given the keys of what is said from then on', async () => {
    const [olivia, , , walter] = people as [EncryptedPerson, EncryptedPerson, EncryptedPerson, EncryptedPerson];
    const tablet = await withOlm(await logIn('walter'));
    // Who uses a cached list of devices hears of the new one by sync.
    await walter.sync();
    const [fromOlivia, fromWalter] = [await say(olivia, roomId), await say(walter, roomId)];
    expect((await textsOf(tablet, roomId)).slice(-2)).toEqual([fromOlivia, fromWalter]);
  });
});

describe('what outlives a device', () => {
  it('cross-signing: devices are signed, people verified, and only who verified knows', async () => {
    const accounts = [await server.api.register('vera'), await server.api.register('victor')] as const;
    const [vera, victor] = [await withWasm(accounts[0]), await withWasm(accounts[1])];
    for (const person of [vera, victor]) await person.bootstrapCrossSigning();
    const roomId = await makeRoom(...accounts);
    await say(vera, roomId);
    await say(victor, roomId);
    for (const person of [vera, victor]) await person.sync();
    expect(await vera.isCrossSigned(victor.userId, victor.deviceId)).toBe(true);
    expect(await vera.isVerified(victor.userId)).toBe(false);
    await vera.verify(victor.userId);
    await vera.sync();
    expect(await vera.isVerified(victor.userId)).toBe(true);
    const seen = await accounts[1].ok<{ master_keys: Record<string, { signatures?: Record<string, object> }> }>(
      'POST',
      '/_matrix/client/v3/keys/query',
      { device_keys: { [victor.userId]: [] } },
    );
    expect(Object.keys(seen.master_keys[victor.userId]?.signatures ?? {})).toEqual([victor.userId]);
  });

  it('a backup made with one implementation is restored on new devices with both', async () => {
    const accounts = [await server.api.register('bella'), await server.api.register('boris')] as const;
    const [bella, boris] = [await withWasm(accounts[0]), await withOlm(accounts[1])];
    const roomId = await makeRoom(...accounts);
    const spoken = [await say(boris, roomId), await say(bella, roomId)];
    expect(await textsOf(bella, roomId)).toEqual(spoken);
    const key = await bella.backUp();
    await accounts[0].ok('POST', '/_matrix/client/v3/logout', {});
    for (const open of [withWasm, withOlm]) {
      const fresh = await open(await logIn('bella'));
      expect(await textsOf(fresh, roomId)).toEqual([null, null]);
      expect(await fresh.restoreBackup(key)).toBe(2);
      expect(await textsOf(fresh, roomId)).toEqual(spoken);
    }
  });

  it('a dehydrated device collects what is said while its owner is logged in nowhere', async () => {
    const accounts = [await server.api.register('dora'), await server.api.register('david')] as const;
    const [dora, david] = [await withWasm(accounts[0]), await withOlm(accounts[1])];
    const roomId = await makeRoom(...accounts);
    await dora.bootstrapCrossSigning();
    const key = await dora.dehydrate();
    await accounts[0].ok('POST', '/_matrix/client/v3/logout', {});
    const text = await say(david, roomId);
    const fresh = await withWasm(await logIn('dora'));
    expect(await textsOf(fresh, roomId)).toEqual([null]);
    expect(await fresh.rehydrate(key)).toBe(1);
    expect(await textsOf(fresh, roomId)).toEqual([text]);
  });
});

describe('the server', () => {
  it('has no word of it and no private key, in its database or its logs', async () => {
    const secrets = new Set(said);
    for (const person of everyone) for (const secret of await person.secrets()) secrets.add(secret);
    const passwords = ['olivia', 'bella', 'dora'].map(passwordOf);
    for (const password of passwords) secrets.add(password);
    const stored = await dumpDatabase();
    // The dump is worth something: it has what the server may know.
    expect(stored).toContain('m.room.encrypted');
    expect(stored).toContain('@olivia:hs1');
    expect(stored).toContain('m.megolm_backup.v1.curve25519-aes-sha2');
    const logs = JSON.stringify(server.logger.records);
    expect(secrets.size).toBeGreaterThan(100);
    for (const secret of secrets) {
      for (const form of formsOf(secret)) {
        expect(stored.includes(form), `${form} in the database`).toBe(false);
        expect(logs.includes(form), `${form} in the logs`).toBe(false);
      }
    }
  });

  /** Every row of every table as text, and what is bytes in there once more as text. */
  async function dumpDatabase(): Promise<string> {
    const database = await openDatabase({ connection: server.connection });
    try {
      const tables = await database.query<{ name: string }>({
        text: `select table_name as name from information_schema.tables where table_schema = 'public'`,
        values: [],
      });
      const parts: string[] = [];
      for (const { name } of tables) {
        const rows = await database.query<{ row: string }>({
          text: `select t::text as row from "${name}" as t`,
          values: [],
        });
        for (const { row } of rows) {
          parts.push(row.replaceAll('""', '"').replaceAll('\\\\', '\\'));
          for (const [, hex = ''] of row.matchAll(/\\x([0-9a-f]{2,})/g))
            parts.push(Buffer.from(hex, 'hex').toString('utf8'));
        }
      }
      return parts.join('\n');
    } finally {
      await database.close();
    }
  }

  /** A secret as it may stand somewhere: as it is, in JSON, as hexadecimal of its bytes or of its text. */
  function formsOf(secret: string): string[] {
    const isBase64 = /^[A-Za-z0-9+/]{40,}={0,2}$/.test(secret);
    const unpadded = secret.replace(/=+$/, '');
    const urlSafe = unpadded.replaceAll('+', '-').replaceAll('/', '_');
    const bytes = isBase64 ? [Buffer.from(secret, 'base64').toString('hex'), urlSafe, unpadded] : [];
    return [secret, Buffer.from(secret).toString('hex'), ...bytes];
  }
});
