// What the media repository may ask, by a key that both have.
import { createHash, timingSafeEqual } from 'node:crypto';
import { type Handler, handle } from '@carillon/platform/http/handle.ts';
import { KEY_HEADER, whoAmIInternal } from '@carillon/protocol/internal/media.ts';
import { unrecognized } from '@carillon/protocol/matrix-error.ts';
import type { Accounts } from './accounts/accounts.ts';

export interface InternalAccess {
  readonly accounts: Pick<Accounts, 'authenticate'>;
  /** The key; whoever has another one is told that there is nothing. */
  readonly key: string;
}

export function internalRoutes({ accounts, key }: InternalAccess): Handler[] {
  const expected = digest(key);
  return [
    handle(whoAmIInternal, async ({ body, request }) => {
      if (!timingSafeEqual(digest(String(request.headers[KEY_HEADER] ?? '')), expected)) throw unrecognized();
      const caller = await accounts.authenticate({
        token: body.token,
        userId: body.user_id,
        deviceId: body.device_id,
        address: body.address,
        userAgent: body.user_agent,
      });
      return {
        user_id: caller.userId,
        device_id: caller.deviceId,
        session_id: caller.sessionId,
        is_guest: caller.isGuest,
        is_admin: caller.isAdmin,
        appservice:
          caller.appservice === null ? null : { id: caller.appservice.id, rate_limited: caller.appservice.rateLimited },
      };
    }),
  ];
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
