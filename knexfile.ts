// For knex's command line, such as `npx knex --env homeserver migrate:status`; the server runs its migrations itself at start.
import { join } from 'node:path';
import { knexConfiguration } from '@carillon/platform/database/knex-configuration.ts';

const migrations = (name: string) => join(import.meta.dirname, name, 'migrations');

export default knexConfiguration({
  homeserver: migrations('homeserver'),
  federation: migrations('federation'),
  'media-repo': migrations('media-repo'),
});
