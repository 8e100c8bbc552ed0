// What the tests of encryption ask of a client, whichever Olm it is made with.
import type { JsonObject } from '@carillon/protocol/json.ts';
import { type Answer, Api, type Session } from '../support/api-client.ts';
import type { ClientEvent, SyncBody } from '../support/sync-body.ts';

export interface Read {
  readonly sender: string;
  /** The text; null where it cannot be decrypted. */
  readonly text: string | null;
  readonly sessionId: string;
  readonly event: ClientEvent;
}

export interface EncryptedPerson {
  readonly userId: string;
  readonly deviceId: string;
  /** Uploads device keys, one-time keys and a fallback key. */
  publish(): Promise<void>;
  /** Takes in all that is new. */
  sync(): Promise<void>;
  /** Shares the room key with whoever is in the room and sends the text. */
  send(roomId: string, text: string): Promise<void>;
  /** All encrypted messages of the room's timeline so far, in order. */
  read(roomId: string): Promise<Read[]>;
  /** Tries an event that came from elsewhere; the text, or null. */
  tryDecrypt(roomId: string, event: ClientEvent): Promise<string | null>;
  /** Restores the room keys of the newest backup; how many. */
  restoreBackup(decryptionKey: string): Promise<number>;
  /** Everything private that this client has: none of it may be found on the server. */
  secrets(): Promise<string[]>;
  close(): Promise<void>;
}

export interface E2eeSyncBody extends SyncBody {
  readonly to_device?: { readonly events: ClientEvent[] };
  readonly device_lists?: { readonly changed?: string[]; readonly left?: string[] };
  readonly device_one_time_keys_count: Record<string, number>;
  readonly device_unused_fallback_key_types: string[];
}

/** A session's calls; an answer other than 200 throws. */
export class SignedInApi {
  readonly session: Session;
  readonly #api: Api;

  constructor(url: string, session: Session) {
    this.#api = new Api(url);
    this.session = session;
  }

  async call<Body = JsonObject>(method: string, path: string, body?: unknown): Promise<Body> {
    const target = path.startsWith('/') ? path : `/_matrix/client/v3/${path}`;
    const answer: Answer<Body> = await this.#api.call<Body>(method, target, {
      token: this.session.access_token,
      ...(body !== undefined && { body }),
    });
    if (answer.status !== 200) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  async joinedMembers(roomId: string): Promise<string[]> {
    const path = `rooms/${encodeURIComponent(roomId)}/joined_members`;
    return Object.keys((await this.call<{ joined: JsonObject }>('GET', path)).joined);
  }
}

export const roomPath = (roomId: string, rest: string): string => `rooms/${encodeURIComponent(roomId)}/${rest}`;
