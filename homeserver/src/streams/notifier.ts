// What changed, told after the commit: the one way by which a feature hears of another to its left.
import type { RoomId, UserId } from '@carillon/protocol/identifiers.ts';

/** A durable change, or a volatile one (typing, presence), as the sync engine has to know it. */
export type Change =
  | { readonly kind: 'room'; readonly position: number; readonly roomId: RoomId }
  | {
      readonly kind: 'membership';
      readonly position: number;
      readonly roomId: RoomId;
      readonly userId: UserId;
      readonly membership: string;
      /** The membership before; null for none. */
      readonly previous: string | null;
    }
  | { readonly kind: 'forgotten'; readonly roomId: RoomId; readonly userId: UserId }
  | {
      readonly kind: 'receipt';
      readonly position: number;
      readonly roomId: RoomId;
      readonly userId: UserId;
      readonly isPrivate: boolean;
    }
  | {
      readonly kind: 'accountData';
      readonly position: number;
      readonly userId: UserId;
      readonly roomId: RoomId | null;
      readonly type: string;
    }
  | { readonly kind: 'profile'; readonly position: number; readonly userId: UserId; readonly key: string }
  | { readonly kind: 'device'; readonly position: number; readonly userId: UserId; readonly deviceId: string }
  | { readonly kind: 'deviceInbox'; readonly position: number; readonly userId: UserId; readonly deviceId: string }
  | {
      /** The user signed another's master key, which only they may see. */
      readonly kind: 'userSignature';
      readonly position: number;
      readonly userId: UserId;
      readonly targetUserId: UserId;
    }
  | { readonly kind: 'typing'; readonly roomId: RoomId }
  | { readonly kind: 'presence'; readonly userId: UserId }
  | {
      readonly kind: 'logout';
      readonly userId: UserId;
      readonly deviceId: string | null;
      readonly sessionId: string;
      readonly softLogout: boolean;
    };

export type ChangeKind = Change['kind'];
export type ChangeOf<Kind extends ChangeKind> = Extract<Change, { kind: Kind }>;

export class Notifier {
  readonly #listeners = new Map<ChangeKind, ((change: Change) => void)[]>();

  /** Listeners run synchronously, in the order of subscribing; they must not throw and must return quickly. */
  on<Kind extends ChangeKind>(kind: Kind, listener: (change: ChangeOf<Kind>) => void): void {
    const listeners = this.#listeners.get(kind) ?? [];
    listeners.push(listener as (change: Change) => void);
    this.#listeners.set(kind, listeners);
  }

  /** Only after the commit that made the change true. */
  emit(change: Change): void {
    for (const listener of this.#listeners.get(change.kind) ?? []) listener(change);
  }
}
