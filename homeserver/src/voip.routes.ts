// Credentials for the operator's TURN server, which shares a secret with this one (client-server API, "Voice over IP").
import { createHmac } from 'node:crypto';
import type { Clock } from '@carillon/platform/clock.ts';
import { type Handler, handle } from '@carillon/platform/http/handle.ts';
import { getTurnServer } from '@carillon/protocol/client/voip.ts';

export interface Voip {
  readonly clock: Clock;
  /** `turn:` and `turns:` URIs; none: there is no relay. */
  readonly uris: readonly string[];
  /** As the TURN server has it (`static-auth-secret`). */
  readonly secret: string;
  readonly lifetimeMs: number;
}

/** A name that says when it ends, and its HMAC as password: the TURN server checks both without asking. */
export const voipRoutes = ({ clock, uris, secret, lifetimeMs }: Voip): Handler[] => [
  handle(getTurnServer, async ({ auth }) => {
    if (uris.length === 0 || secret === '') return {};
    const username = `${Math.floor((clock.now() + lifetimeMs) / 1_000)}:${auth.userId}`;
    const password = createHmac('sha1', secret).update(username).digest('base64');
    return { username, password, uris: [...uris], ttl: Math.floor(lifetimeMs / 1_000) };
  }),
];
