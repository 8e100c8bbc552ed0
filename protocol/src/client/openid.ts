// Tokens by which third parties learn who somebody is (client-server API, module "OpenID").
import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { AnyObject } from './json-object.ts';

export const requestOpenIdToken = endpoint({
  method: 'POST',
  path: '/_matrix/client/v3/user/{userId}/openid/request_token',
  aliases: ['/_matrix/client/r0/user/{userId}/openid/request_token'],
  auth: 'accessToken',
  body: Type.Optional(AnyObject),
  response: Type.Object({
    access_token: Type.String(),
    token_type: Type.Literal('Bearer'),
    matrix_server_name: Type.String(),
    expires_in: Type.Integer(),
  }),
  rateLimit: 'openid',
});
