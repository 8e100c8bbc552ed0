// What the command line asks of a running server; the secret is a file in the server's data folder.
import { Type } from 'typebox';
import { endpoint } from './endpoint.ts';

/** Makes an account. */
export const operatorAddUser = endpoint({
  method: 'POST',
  path: '/_carillon/v1/operator/users',
  auth: 'none',
  body: Type.Object({
    secret: Type.String(),
    username: Type.String(),
    password: Type.String(),
    admin: Type.Optional(Type.Boolean()),
  }),
  response: Type.Object({ user_id: Type.String() }),
  rateLimit: 'register',
});
