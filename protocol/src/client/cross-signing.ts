// Cross-signing keys and signatures (client-server API, module "End-to-End Encryption", "Cross-signing").
import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { AnyObject } from './json-object.ts';
import { AuthData } from './user-interactive.ts';

export const MAX_SIGNATURES_UPLOAD_BYTES = 1_048_576;

export const uploadCrossSigningKeys = endpoint({
  method: 'POST',
  path: '/_matrix/client/v3/keys/device_signing/upload',
  aliases: ['/_matrix/client/r0/keys/device_signing/upload', '/_matrix/client/unstable/keys/device_signing/upload'],
  auth: 'accessToken',
  body: Type.Object({
    master_key: Type.Optional(AnyObject),
    self_signing_key: Type.Optional(AnyObject),
    user_signing_key: Type.Optional(AnyObject),
    auth: Type.Optional(AuthData),
  }),
  response: Type.Object({}),
});

export const uploadSignatures = endpoint({
  method: 'POST',
  path: '/_matrix/client/v3/keys/signatures/upload',
  aliases: ['/_matrix/client/r0/keys/signatures/upload', '/_matrix/client/unstable/keys/signatures/upload'],
  auth: 'accessToken',
  body: Type.Record(Type.String(), Type.Record(Type.String(), AnyObject)),
  response: Type.Object({
    failures: Type.Record(
      Type.String(),
      Type.Record(Type.String(), Type.Object({ errcode: Type.String(), error: Type.String() })),
    ),
  }),
  maxBodyBytes: MAX_SIGNATURES_UPLOAD_BYTES,
});
