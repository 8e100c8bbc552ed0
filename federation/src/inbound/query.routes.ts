// What other servers may ask without sharing a room: version, profiles, aliases, OpenID.
import { type Handler, handle } from '@carillon/platform/http/handle.ts';
import * as contracts from '@carillon/protocol/federation/query.ts';
import { isRoomAlias, isUserId, type ServerName, serverOf } from '@carillon/protocol/identifiers.ts';
import type { JsonObject } from '@carillon/protocol/json.ts';
import { invalidParam, notFound, unknownToken } from '@carillon/protocol/matrix-error.ts';
import type { QueryPort } from '../ports.ts';

export interface QueryRouteDependencies {
  readonly serverName: ServerName;
  readonly port: QueryPort;
  readonly software: { readonly name: string; readonly version: string };
}

export const queryRoutes = ({ serverName, port, software }: QueryRouteDependencies): Handler[] => [
  handle(contracts.getVersion, async () => ({ server: software })),
  handle(contracts.queryProfile, async ({ query }) => {
    const { user_id: userId, field } = query;
    if (!isUserId(userId) || serverOf(userId) !== serverName) throw invalidParam('user_id is no user of this server');
    const profile = await port.findProfile(userId);
    if (profile === null) throw notFound('There is no such user');
    if (field === undefined) return { ...profile };
    if (!Object.hasOwn(profile, field)) throw notFound('The profile has no such field');
    const only: JsonObject = {};
    Object.defineProperty(only, field, { value: profile[field], enumerable: true });
    return only;
  }),
  handle(contracts.queryDirectory, async ({ query }) => {
    const alias = query.room_alias;
    if (!isRoomAlias(alias) || serverOf(alias) !== serverName) throw invalidParam('room_alias is none of this server');
    const found = await port.findAlias(alias);
    if (found === null) throw notFound('There is no such alias');
    return { room_id: found.roomId, servers: [...found.servers] };
  }),
  handle(contracts.getOpenIdUser, async ({ query }) => {
    const userId = await port.findOpenIdUser(query.access_token);
    if (userId === null) throw unknownToken();
    return { sub: userId };
  }),
];
