// What knex's command line needs: a configuration a package, on the database that CARILLON_DATABASE__URL names.
import type { Knex } from 'knex';
import { migratorSettings } from './migrate.ts';

/** For `knex --env <package>`: the packages' names by their migrations' folders. */
export function knexConfiguration(directories: Readonly<Record<string, string>>): Record<string, Knex.Config> {
  const connection = process.env['CARILLON_DATABASE__URL'] ?? '';
  return Object.fromEntries(
    Object.entries(directories).map(([name, directory]) => [
      name,
      { client: 'pg', connection, migrations: migratorSettings(directory) },
    ]),
  );
}
