// Finding people (client-server API, "User directory").
import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';

export const searchUsers = endpoint({
  method: 'POST',
  path: '/_matrix/client/v3/user_directory/search',
  aliases: ['/_matrix/client/r0/user_directory/search'],
  auth: 'accessToken',
  body: Type.Object({ search_term: Type.String(), limit: Type.Optional(Type.Integer({ minimum: 0 })) }),
  response: Type.Object({
    results: Type.Array(
      Type.Object({
        user_id: Type.String(),
        display_name: Type.Optional(Type.String()),
        avatar_url: Type.Optional(Type.String()),
      }),
    ),
    limited: Type.Boolean(),
  }),
  rateLimit: 'search',
});
