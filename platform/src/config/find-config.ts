// Where the configuration comes from on this machine: the command line, the environment, the files beside the data.
import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { ConfigError, type ConfigSources } from '../config.ts';

const FILE_NAME = 'carillon.yaml';

export interface ConfigPlace {
  /** The arguments after the program's name; only `--config FILE` is looked at. */
  readonly argv: readonly string[];
  /** Default: the process's. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** The program's folder: holds the file and the data where nothing else is said. */
  readonly home: string;
}

/**
 * The file is `--config`, else `CARILLON_CONFIG`, else `carillon.yaml` beside the data folder that the environment
 * names, else the one in `home`; the last two need not exist. Throws ConfigError for one that cannot be read.
 */
export function findConfig({ argv, environment = process.env, home }: ConfigPlace): ConfigSources {
  // npm changes the working folder; INIT_CWD is where its user stood.
  const folder = environment['INIT_CWD'] || process.cwd();
  const named = argument(argv, '--config') ?? (environment['CARILLON_CONFIG'] || undefined);
  const path = named === undefined ? defaultFile(environment, folder, home) : resolve(folder, named);
  const readFile = (file: string) => readFileSync(file, 'utf8');
  return { file: path === undefined ? null : readConfigText(path), environment, folder, home, readFile };
}

function argument(argv: readonly string[], name: string): string | undefined {
  const joined = argv.find((part) => part.startsWith(`${name}=`))?.slice(name.length + 1);
  const index = argv.indexOf(name);
  const value = joined ?? (index < 0 ? undefined : (argv[index + 1] ?? ''));
  if (value === '') throw new ConfigError([{ key: '', message: `${name} needs a file`, where: 'command line' }]);
  return value;
}

function defaultFile(
  environment: Readonly<Record<string, string | undefined>>,
  folder: string,
  home: string,
): string | undefined {
  const dataFolder = environment['CARILLON_SERVER__DATA_DIR'];
  const besideData = dataFolder ? [join(dirname(resolve(folder, dataFolder)), FILE_NAME)] : [];
  return [...besideData, join(home, FILE_NAME)].find((path) => existsSync(path));
}

function readConfigText(path: string): ConfigSources['file'] {
  try {
    return { name: basename(path), path, text: readFileSync(path, 'utf8') };
  } catch (error) {
    const code = (error as { code?: string }).code ?? 'unknown';
    throw new ConfigError([{ key: '', message: `cannot be read (${code})`, where: path }]);
  }
}
