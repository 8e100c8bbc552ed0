// What people hide about themselves: kept in their account data under io.carillon.privacy, read here for presence and
// delivered receipts.

import { LruMap } from '@carillon/platform/lru-map.ts';
import type { UserId } from '@carillon/protocol/identifiers.ts';
import type { JsonObject } from '@carillon/protocol/json.ts';
import type { Notifier } from '../streams/notifier.ts';

/** Global account data: `{"hide_presence": true, "hide_receipts": true}`, both optional. */
export const PRIVACY_TYPE = 'io.carillon.privacy';
const MAX_REMEMBERED_USERS = 100_000;

export interface Hidden {
  readonly presence: boolean;
  readonly receipts: boolean;
}

export interface PrivacyDependencies {
  readonly notifier: Notifier;
  /** The content of a piece of global account data, or null. */
  readonly findAccountData: (userId: UserId, type: string) => Promise<JsonObject | null>;
}

export class Privacy {
  readonly #find: PrivacyDependencies['findAccountData'];
  readonly #known = new LruMap<UserId, Promise<Hidden>>({ max: MAX_REMEMBERED_USERS });
  readonly #listeners: ((userId: UserId) => void)[] = [];

  constructor({ notifier, findAccountData }: PrivacyDependencies) {
    this.#find = findAccountData;
    notifier.on('accountData', ({ userId, roomId, type }) => {
      if (roomId !== null || type !== PRIVACY_TYPE) return;
      this.#known.delete(userId);
      for (const listener of this.#listeners) listener(userId);
    });
  }

  /** Called when someone has changed what he hides. Must not throw. */
  onChange(listener: (userId: UserId) => void): void {
    this.#listeners.push(listener);
  }

  /** What the user hides; nothing by default. */
  load(userId: UserId): Promise<Hidden> {
    let hidden = this.#known.get(userId);
    if (hidden === undefined) {
      hidden = this.#read(userId);
      this.#known.set(userId, hidden);
      hidden.catch(() => this.#known.delete(userId));
    }
    return hidden;
  }

  async #read(userId: UserId): Promise<Hidden> {
    const content = await this.#find(userId, PRIVACY_TYPE);
    return { presence: content?.['hide_presence'] === true, receipts: content?.['hide_receipts'] === true };
  }
}
