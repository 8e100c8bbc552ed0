// The sections of the configuration that every process of the server reads: the same keys, the same defaults.
import { Type } from 'typebox';
import { pathOr, secret } from './config-schema.ts';

export const serverConfig = Type.Object({
  name: Type.String({
    default: 'localhost',
    description:
      "The part after the colon in this server's user ids. It can never be changed once the first account exists.",
  }),
  data_dir: pathOr({ default: './data', description: 'The folder for everything that is kept on disk.' }),
  public_url: Type.Optional(
    Type.String({
      description: 'The base URL under which clients reach this server, such as https://chat.example.org.',
    }),
  ),
});

export const outboundConfig = Type.Object({
  allow_ranges: Type.Array(Type.String(), {
    default: [],
    description: 'Private address ranges that requests going out may reach all the same, such as 10.1.0.0/16.',
  }),
});

export const databaseConfig = Type.Object({
  url: secret({
    description:
      'Postgres, as postgres://user:password@host:port/name. Without it the server runs a Postgres of its own.',
  }),
});

export const logConfig = Type.Object({
  level: Type.Union([Type.Literal('debug'), Type.Literal('info'), Type.Literal('warn'), Type.Literal('error')], {
    default: 'info',
    description: 'The least important lines that are written.',
  }),
  format: Type.Union([Type.Literal('auto'), Type.Literal('text'), Type.Literal('json')], {
    default: 'auto',
    description: 'How lines are written; auto: text on a terminal, JSON otherwise.',
  }),
});
